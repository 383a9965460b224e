//! Walks through a recording and knows at each point what is durable and what is pending.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use lsmer_core::FileClass;

use crate::seed::Seeded;

use super::{
    content::{Content, PAGE, index},
    crash::{Crash, CrashState, Filler, Flight, PowerLoss},
    disk::{Disk, Ino, Node},
    log::{Change, Event, Recording},
    part::{Fate, Part, SECTOR, What, cut, tear},
};

/// Number of the latest parts of a file that are lost or kept one by one; earlier ones go
/// together if they are in the same page. A crash ring, which nobody syncs, has very many.
const RECENT: usize = 16;

/// A point in a recording, from which disks after a crash are made.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    pub(super) recording: &'a Recording,
    at: usize,
    /// The disk if nothing was lost.
    now: Disk,
    /// The disk if everything was lost that may be.
    pub(super) durable: Disk,
    pending: Vec<Part>,
    /// The atom of each pending part; `None` if nothing can lead to the file.
    atoms: Vec<Option<usize>>,
    atom_count: usize,
    classes: BTreeMap<Ino, FileClass>,
    removed: Vec<(Option<FileClass>, Content)>,
}

impl Recording {
    /// Returns a cursor before the first event.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor {
            recording: self,
            at: 0,
            now: self.start.clone(),
            durable: self.start.clone(),
            pending: Vec::new(),
            atoms: Vec::new(),
            atom_count: 0,
            classes: BTreeMap::new(),
            removed: Vec::new(),
        }
    }
}

impl Cursor<'_> {
    /// Returns how many events are complete here.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Returns the event that is in flight when there is a crash here.
    pub fn next_event(&self) -> Option<&Event> {
        self.recording.events.get(self.at)
    }

    /// Returns into how many atoms the pending changes fall. They are numbered in the order of
    /// the log.
    pub fn atom_count(&self) -> usize {
        self.atom_count
    }

    /// Goes on until so many events are complete; does not go back.
    pub fn advance_to(&mut self, point: usize) {
        for at in self.at..point.min(self.recording.events.len()) {
            self.take(at);
            self.at = at + 1;
        }
        self.number();
    }

    /// Makes the disk that a crash here leaves. Atoms that do not exist are no error.
    pub fn materialise(&self, crash: &Crash) -> CrashState {
        let mut disk = match &crash.power {
            None => self.now.clone(),
            Some(loss) => self.survivors(loss),
        };
        if let Some(Event { change: Change::Write { file, offset, bytes }, .. }) = self.next_event()
        {
            for Range { start, end } in self.flight_ranges(&crash.flight) {
                let bytes = &bytes[index(start - offset)..index(end - offset)];
                disk.file_mut(*file).write(bytes, start);
            }
        }
        let hash = disk.prune();
        CrashState { disk, hash }
    }

    /// Returns which bytes of the file there are of a write in flight.
    pub(super) fn flight_ranges(&self, flight: &Flight) -> Vec<Range<u64>> {
        let Some(Event { change: Change::Write { offset, bytes, .. }, .. }) = self.next_event()
        else {
            return Vec::new();
        };
        let end = offset + bytes.len() as u64;
        match flight {
            Flight::Nothing => Vec::new(),
            Flight::Bytes(count) => {
                std::iter::once(*offset..end.min(offset.saturating_add(*count))).collect()
            }
            Flight::Pieces(seed) => pieces(*offset..end, *seed),
            Flight::Sectors(sectors) => {
                let all: Vec<_> = cut(*offset..end, SECTOR).collect();
                sectors.iter().filter_map(|sector| all.get(*sector).cloned()).collect()
            }
        }
    }

    /// Returns a file or folder as far as it is durable.
    pub(super) fn durable_node(&self, node: Ino) -> Option<&Node> {
        self.durable.nodes.get(&node)
    }

    /// Says which changes a crash here takes back, and who made them.
    pub fn explain(&self, crash: &Crash) -> Vec<String> {
        let mut all = Vec::new();
        let lost = crash.power.as_ref().map_or(&[][..], |power| &power.lost[..]);
        for (part, atom) in self.pending.iter().zip(&self.atoms) {
            let Some(atom) = atom.filter(|atom| lost.binary_search(atom).is_ok()) else { continue };
            let event = &self.recording.events[part.event];
            all.push(format!(
                "lost atom {atom}: {:?} of {event} (event {})",
                part.what, part.event
            ));
        }
        match (self.next_event(), &crash.flight) {
            (_, Flight::Nothing) | (None, _) => {}
            (Some(event), flight) => all.push(format!("in flight: {flight:?} of {event}")),
        }
        all
    }

    /// Returns the event that an atom is of.
    pub(super) fn event_of(&self, atom: usize) -> Option<usize> {
        let at = self.atoms.iter().position(|of| *of == Some(atom))?;
        Some(self.pending[at].event)
    }

    /// Returns the pending parts with their atoms.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&Part, Option<usize>)> {
        self.pending.iter().zip(self.atoms.iter().copied())
    }

    /// Gives back lost atoms as long as `fails` stays true, and returns a crash with as few as
    /// that finds, usually one or two. Calls `fails` about once for each lost atom.
    pub fn shrink(&self, crash: &Crash, mut fails: impl FnMut(&Crash) -> bool) -> Crash {
        let mut best = crash.clone();
        let whole = Crash { flight: Flight::Nothing, ..best.clone() };
        if whole != best && fails(&whole) {
            best = whole;
        }
        let mut size = best.power.as_ref().map_or(0, |power| power.lost.len().div_ceil(2));
        while size > 0 {
            let mut from = 0;
            while let Some(power) = best.power.as_ref().filter(|power| from < power.lost.len()) {
                let mut lost = power.lost.clone();
                lost.drain(from..lost.len().min(from + size));
                let power = Some(PowerLoss { lost, filler: power.filler });
                let fewer = Crash { power, flight: best.flight.clone() };
                if fails(&fewer) {
                    best = fewer;
                } else {
                    from += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        best
    }

    /// Returns how many sectors the write in flight touches, and how many bytes it has.
    pub(super) fn flight(&self) -> Option<(usize, u64)> {
        match &self.next_event()?.change {
            Change::Write { offset, bytes, .. } => {
                let end = offset + bytes.len() as u64;
                Some((cut(*offset..end, SECTOR).count(), bytes.len() as u64))
            }
            _ => None,
        }
    }

    /// Returns for each atom a number that stands for its kind: data, names, lengths, by class.
    pub(super) fn atom_kinds(&self) -> Vec<usize> {
        let mut kinds = vec![0; self.atom_count];
        for (part, atom) in self.pending.iter().zip(&self.atoms) {
            let kind = match part.what {
                What::Link(..) | What::Unlink(..) => 0,
                What::Grow(..) | What::SetLen(..) => 1,
                What::Data(..) => 2 + self.classes.get(&part.node).map_or(0, |c| *c as usize),
            };
            if let Some(atom) = atom {
                kinds[*atom] = kind;
            }
        }
        kinds
    }

    fn take(&mut self, at: usize) {
        let Event { change, class, .. } = &self.recording.events[at];
        let mut push = |node: Ino, what: What| {
            self.pending.push(Part { event: at, node, what, fate: Fate::Open });
        };
        match change {
            Change::Write { file, offset, bytes } => {
                let (len, end) = (self.now.file_mut(*file).len(), offset + bytes.len() as u64);
                if end > len {
                    push(*file, What::Grow(len.max(*offset)..end));
                }
                for range in tear(*offset..end) {
                    push(*file, What::Data(range));
                }
            }
            Change::SetLen { file, len } => push(*file, What::SetLen(*len)),
            Change::Link { dir, name, node, is_dir } => {
                self.durable.introduce(*node, *is_dir);
                self.classes.extend(class.map(|class| (*node, class)));
                push(*dir, What::Link(Arc::clone(name), *node));
            }
            Change::Unlink { dir, name, node } => {
                push(*dir, What::Unlink(Arc::clone(name)));
                self.remove(*node);
            }
            Change::Rename { from, to, node } => {
                push(to.0, What::Link(Arc::clone(&to.1), *node));
                push(from.0, What::Unlink(Arc::clone(&from.1)));
                let replaced = self.now.names_mut(to.0).get(&to.1).copied();
                if let Some(replaced) = replaced {
                    self.remove(replaced);
                }
            }
            Change::Sync { file: node } | Change::SyncDir { dir: node } => self.sync(*node),
            Change::MarkClean { file } => {
                let open = |part: &&mut Part| part.node == *file && part.fate == Fate::Open;
                self.pending.iter_mut().filter(open).for_each(|part| part.fate = Fate::Doomed);
            }
            Change::Revert { file, content } => {
                self.durable.nodes.insert(*file, Node::File(content.clone()));
                self.pending.retain(|part| part.node != *file);
            }
        }
        self.now.apply(change);
    }

    /// Makes all of a node durable, but for what a failed sync has doomed.
    fn sync(&mut self, node: Ino) {
        if self.pending.iter().any(|part| part.node == node && part.fate == Fate::Doomed) {
            let open = |part: &&mut Part| part.node == node && part.fate == Fate::Open;
            return self.pending.iter_mut().filter(open).for_each(|part| part.fate = Fate::Sure);
        }
        if let Some(now) = self.now.nodes.get(&node) {
            self.durable.nodes.insert(node, now.clone());
        }
        self.pending.retain(|part| part.node != node);
    }

    /// Remembers the bytes of a file, for its blocks may be used again.
    fn remove(&mut self, file: Ino) {
        let Ok(content) = self.now.file(file) else { return };
        if !content.is_empty() {
            let class = self.classes.get(&file).copied();
            self.removed.retain(|(old, _)| *old != class);
            self.removed.push((class, content.clone()));
        }
    }

    /// Numbers the atoms.
    fn number(&mut self) {
        let mut named = BTreeSet::new();
        for node in self.durable.nodes.values() {
            if let Node::Folder(names) = node {
                named.extend(names.values().copied());
            }
        }
        let mut parts = BTreeMap::<Ino, usize>::new();
        for part in &self.pending {
            match &part.what {
                What::Link(_, node) => drop(named.insert(*node)),
                What::Unlink(_) => {}
                _ => *parts.entry(part.node).or_default() += 1,
            }
        }
        let mut old = BTreeMap::new();
        self.atoms.clear();
        self.atom_count = 0;
        for part in &self.pending {
            let page = match &part.what {
                What::Link(..) | What::Unlink(..) | What::SetLen(_) => None,
                What::Data(range) => Some(range.start / PAGE),
                What::Grow(_) => Some(u64::MAX),
            };
            let is_name = matches!(part.what, What::Link(..) | What::Unlink(..));
            let left = parts.entry(part.node).or_default();
            if !is_name {
                *left -= 1;
            }
            let mut atom = self.atom_count;
            if part.fate == Fate::Sure || !is_name && !named.contains(&part.node) {
                self.atoms.push(None);
                continue;
            }
            if let Some(page) = page.filter(|_| *left >= RECENT) {
                atom = *old.entry((part.node, page)).or_insert(atom);
            }
            self.atom_count = self.atom_count.max(atom + 1);
            self.atoms.push(Some(atom));
        }
    }

    fn survivors(&self, loss: &PowerLoss) -> Disk {
        let mut disk = self.durable.clone();
        let mut owed = BTreeMap::<Ino, Vec<Range<u64>>>::new();
        for (part, atom) in self.pending.iter().zip(&self.atoms) {
            if let What::Grow(range) = &part.what {
                owed.entry(part.node).or_default().push(range.clone());
            }
            let kept = match (part.fate, atom) {
                (Fate::Sure, _) => true,
                (_, Some(atom)) => loss.lost.binary_search(atom).is_err(),
                (_, None) => false,
            };
            if !kept {
                continue;
            }
            match &part.what {
                What::Grow(Range { end, .. }) | What::Data(Range { end, .. }) => {
                    let file = disk.file_mut(part.node);
                    let len = file.len();
                    if *end > len {
                        file.set_len(*end);
                        let owed = owed.get(&part.node).map_or(&[][..], |owed| &owed[..]);
                        self.fill(file, part.node, (len..*end, owed), loss.filler);
                    }
                    let change = &self.recording.events[part.event].change;
                    if let (What::Data(range), Change::Write { offset, bytes, .. }) =
                        (&part.what, change)
                    {
                        let bytes = &bytes[index(range.start - offset)..index(range.end - offset)];
                        file.write(bytes, range.start);
                    }
                }
                What::SetLen(len) => disk.file_mut(part.node).set_len(*len),
                What::Link(name, node) => {
                    disk.names_mut(part.node).insert(Arc::clone(name), *node);
                }
                What::Unlink(name) => drop(disk.names_mut(part.node).remove(name)),
            }
        }
        disk
    }

    /// Fills what a file gained, as far as writes were to fill it.
    fn fill(
        &self,
        file: &mut Content,
        node: Ino,
        (gained, owed): (Range<u64>, &[Range<u64>]),
        filler: Filler,
    ) {
        let class = self.classes.get(&node).copied();
        let same = self.removed.iter().rfind(|(removed, _)| *removed == class);
        let stale = same.or(self.removed.last()).filter(|_| filler == Filler::Stale);
        for owed in owed.iter().filter(|_| filler != Filler::Zeros) {
            let (start, end) = (owed.start.max(gained.start), owed.end.min(gained.end));
            let mut bytes = vec![0xa5; index(end.saturating_sub(start))];
            if let Some((_, stale)) = stale {
                stale.read(&mut bytes, start);
            }
            file.write(&bytes, start);
        }
    }
}

/// Returns about half of a range, in runs of at most 16 bytes.
fn pieces(range: Range<u64>, seed: u64) -> Vec<Range<u64>> {
    let mut dice = Seeded::of(seed);
    let (mut all, mut at) = (Vec::new(), range.start);
    while at < range.end {
        let next = range.end.min(at + 1 + dice.next() % 16);
        if dice.below(2) == 0 {
            all.push(at..next);
        }
        at = next;
    }
    all
}
