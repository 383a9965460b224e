//! Whether what a real crash left is something that a crash here may leave.
//!
//! Crashes have too many outcomes to list, so each name and each file of the outcome is explained
//! alone: by what is durable and by what is pending. From the last change to the first, one is
//! taken to be there if all of its bytes that nothing later explains are as it wrote them; that
//! never hinders an earlier one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use lsmer_core::{FileClass, Vfs};

use super::{
    content::index,
    cursor::Cursor,
    disk::{Ino, Node, ROOT},
    log::Change,
    part::{Part, What},
    profile::Profile,
};

/// Longest file of an outcome, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// What a disk held: `None` for a folder, else the bytes of a file. Paths are below `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// All names.
    pub names: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Outcome {
    /// Reads all that there is below a folder. Blocks on I/O.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn read(vfs: &dyn Vfs, folder: &Path) -> io::Result<Self> {
        let mut names = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            for entry in vfs.read_dir(&folder.join(&below))? {
                let name = below.join(&entry.name);
                let path = folder.join(&name);
                if entry.is_dir {
                    folders.push(name.clone());
                    names.insert(name, None);
                } else {
                    let bytes = vfs.read_file(&path, FileClass::Tmp, MOST_BYTES)?;
                    names.insert(name, Some(bytes));
                }
            }
        }
        Ok(Self { names })
    }
}

impl Cursor<'_> {
    /// Returns whether a power loss at this point may leave this, on a file system of a profile.
    ///
    /// # Errors
    ///
    /// Says which name, or which bytes of which file, nothing explains.
    pub fn allows(&self, profile: Profile, outcome: &Outcome) -> Result<(), String> {
        let (names, last) = match profile {
            Profile::Weak => (0, self.at()),
            // Names last in their order, and all of them before a sync of a folder.
            Profile::Ext4Ordered => (self.last_name_sync(), self.at()),
        };
        let mut why = String::new();
        let ends = if profile == Profile::Weak { vec![last] } else { (names..=last).collect() };
        for end in ends {
            match (Explained { cursor: self, profile, end }).folder(ROOT, Path::new(""), outcome) {
                Ok(()) => return Ok(()),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn last_name_sync(&self) -> usize {
        let events = &self.recording.events[..self.at()];
        let synced = |change: &Change| matches!(change, Change::SyncDir { .. });
        events.iter().rposition(|event| synced(&event.change)).map_or(0, |at| at + 1)
    }
}

/// One way to explain an outcome: names changed up to `end` are there, or all may be.
struct Explained<'a> {
    cursor: &'a Cursor<'a>,
    profile: Profile,
    end: usize,
}

impl Explained<'_> {
    fn parts(&self, node: Ino) -> impl DoubleEndedIterator<Item = &Part> {
        let all: Vec<&Part> = self.cursor.parts().map(|(part, _)| part).collect();
        all.into_iter().filter(move |part| part.node == node)
    }

    fn folder(&self, folder: Ino, path: &Path, outcome: &Outcome) -> Result<(), String> {
        let mut possible = self.possible_names(folder);
        for (below, found) in &outcome.names {
            if below.parent() != Some(path) {
                continue;
            }
            let name = below.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let nodes = possible.remove(name).unwrap_or_default();
            let mut why = format!("nobody gave the name {}", below.display());
            let explained = nodes.iter().flatten().any(|node| {
                let explained = match found {
                    None => self.folder(*node, below, outcome),
                    Some(bytes) => self.file(*node, bytes),
                };
                explained.map_err(|error| why = format!("{}: {error}", below.display())).is_ok()
            });
            if !explained {
                return Err(why);
            }
        }
        let missing = possible.iter().find(|(_, nodes)| !nodes.contains(&None));
        missing.map_or(Ok(()), |(name, _)| {
            Err(format!("the name {} was durable", path.join(name).display()))
        })
    }

    /// Returns for each name what it may stand for; `None` is nothing.
    fn possible_names(&self, folder: Ino) -> BTreeMap<String, BTreeSet<Option<Ino>>> {
        let mut possible = BTreeMap::<String, BTreeSet<Option<Ino>>>::new();
        if let Some(Node::Folder(names)) = self.cursor.durable.nodes.get(&folder) {
            for (name, node) in &**names {
                possible.insert(name.to_string(), BTreeSet::from([Some(*node)]));
            }
        }
        for part in self.parts(folder) {
            let (name, now) = match &part.what {
                What::Link(name, node) => (name, Some(*node)),
                What::Unlink(name) => (name, None),
                _ => continue,
            };
            let nodes = possible.entry(name.to_string()).or_insert_with(|| BTreeSet::from([None]));
            if self.profile != Profile::Weak && part.event < self.end {
                nodes.clear();
            }
            if self.profile == Profile::Weak || part.event < self.end {
                nodes.insert(now);
            }
        }
        possible
    }

    fn file(&self, file: Ino, found: &[u8]) -> Result<(), String> {
        let Ok(durable) = self.cursor.durable.file(file) else {
            return Err("it is no file".to_owned());
        };
        let end = found.len() as u64;
        let mut lengths = BTreeSet::from([durable.len()]);
        let mut open = Open { found, ranges: Vec::from([Range { start: 0, end }]) };
        let (mut owed, last) = (Vec::new(), self.last_length());
        for part in self.parts(file).collect::<Vec<_>>().into_iter().rev() {
            match &part.what {
                What::Data(range) if range.end <= end => {
                    // Bytes bring the length that they need.
                    lengths.insert(range.end);
                    open.explain(self.bytes(part), range);
                }
                What::Grow(range) if part.event <= last => {
                    lengths.insert(range.end);
                    owed.push(range.clone());
                }
                What::SetLen(len) if part.event < last => {
                    lengths.insert(*len);
                    open.explain_zeros(*len..end);
                }
                _ => {}
            }
        }
        if !lengths.contains(&end) {
            return Err(format!("it has {end} bytes, and may have {lengths:?}"));
        }
        // A length without its bytes: anything may be there, but not on a careful file system.
        for range in owed.iter().filter(|_| self.profile == Profile::Weak) {
            open.give(range);
        }
        // All that is left was there before; beyond the old end are zeros.
        let mut before = vec![0; found.len()];
        durable.read(&mut before, 0);
        open.compare(&before);
        open.finish()
    }

    /// Returns the first event that changes names and is not there: no length behind it is, either,
    /// where they last in order.
    fn last_length(&self) -> usize {
        let events = &self.cursor.recording.events[..self.cursor.at()];
        let ordered = |change: &Change| {
            matches!(
                change,
                Change::Link { .. }
                    | Change::Unlink { .. }
                    | Change::Rename { .. }
                    | Change::SetLen { .. }
            )
        };
        let first = events.iter().skip(self.end).position(|event| ordered(&event.change));
        first.map_or(usize::MAX, |at| self.end + at)
    }

    /// Returns the bytes that a part has written.
    fn bytes(&self, part: &Part) -> &[u8] {
        let (What::Data(range), Change::Write { offset, bytes, .. }) =
            (&part.what, &self.cursor.recording.events[part.event].change)
        else {
            return &[];
        };
        &bytes[index(range.start - offset)..index(range.end - offset)]
    }
}

/// The bytes of a file that nothing explains yet.
struct Open<'a> {
    found: &'a [u8],
    ranges: Vec<Range<u64>>,
}

impl Open<'_> {
    /// Takes a range out, if all of it that is open is as in `bytes`, which begin at its start.
    fn explain(&mut self, bytes: &[u8], range: &Range<u64>) {
        let agrees = self.inside(range).all(|part| {
            let from = index(part.start - range.start);
            bytes[from..from + index(part.end - part.start)]
                == self.found[index(part.start)..index(part.end)]
        });
        if agrees {
            self.give(range);
        }
    }

    fn explain_zeros(&mut self, range: Range<u64>) {
        let zeros = vec![0; index(range.end.saturating_sub(range.start))];
        self.explain(&zeros, &range);
    }

    /// Takes out the bytes that are as in `before`, which begin where the file does.
    fn compare(&mut self, before: &[u8]) {
        let differ = |open: &Range<u64>| {
            let first = open.clone().find(|at| before[index(*at)] != self.found[index(*at)])?;
            Some(first..open.end)
        };
        self.ranges = self.ranges.iter().filter_map(differ).collect();
    }

    fn inside<'a>(&'a self, range: &'a Range<u64>) -> impl Iterator<Item = Range<u64>> + 'a {
        let cut = |open: &Range<u64>| open.start.max(range.start)..open.end.min(range.end);
        self.ranges.iter().map(cut).filter(|part| part.start < part.end)
    }

    /// Takes a range out.
    fn give(&mut self, range: &Range<u64>) {
        let cut = |open: &Range<u64>| {
            [open.start..open.end.min(range.start), open.start.max(range.end)..open.end]
        };
        let left = self.ranges.iter().flat_map(cut).filter(|part| part.start < part.end);
        self.ranges = left.collect();
    }

    fn finish(&self) -> Result<(), String> {
        let Some(first) = self.ranges.first() else { return Ok(()) };
        let shown = &self.found[index(first.start)..index(first.end.min(first.start + 32))];
        Err(format!("nobody wrote bytes {first:?}: {}", shown.escape_ascii()))
    }
}
