//! What a crash leaves on the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    MemVfs,
    content::Content,
    node::{File, FileOp, FileState, Folder, FolderState, Node, Pending},
    state::State,
};

/// Sectors are written whole or not at all; in bytes.
const SECTOR: u64 = 512;

/// A kind of crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies: everything written is there.
    Kill,
    /// The power fails, and nothing is there but what was synced.
    Min,
    /// The power fails, and what was synced is there with the first so many pending operations,
    /// in the order in which they were made, over all files and folders.
    Prefix(u64),
    /// Like [`Prefix`](Self::Prefix), and the last of these operations, if it is a write, is cut
    /// in its middle, between two sectors of 512 bytes; it is left out if it lies in one sector.
    Torn(u64),
}

/// How far the pending operations got.
struct Cut {
    /// Number of the last operation that is there.
    upto: u64,
    /// Whether that one is torn.
    torn: bool,
    files: BTreeMap<u64, Arc<File>>,
}

impl MemVfs {
    /// Returns the disk as a crash at this moment leaves it, in a file system of its own: nothing
    /// is pending there, nothing locked, and it has no faults, limit or callback.
    ///
    /// Costs a reference count per file, and the replay of what is pending for `Prefix` and
    /// `Torn`.
    #[must_use]
    pub fn crash_clone(&self, how: Crash) -> Self {
        let state = self.state();
        let upto = match how {
            Crash::Kill => u64::MAX,
            Crash::Min => 0,
            Crash::Prefix(count) | Crash::Torn(count) => state.number(count),
        };
        let torn = matches!(how, Crash::Torn(count) if count > 0 && upto != u64::MAX);
        let mut cut = Cut { upto, torn, files: BTreeMap::new() };
        let root = cut.folder(&state.root);
        Self::from_state(State {
            root,
            next_id: state.next_id,
            fast_ring: state.fast_ring,
            crashes: state.crashes,
            ..State::new()
        })
    }

    /// Returns how many operations are pending: made, and not made durable since. A rename is
    /// one. Changes of a file that nothing on the disk names, now or before, do not count.
    pub fn pending(&self) -> u64 {
        self.state().pending().len() as u64
    }
}

impl State {
    /// Returns the number of the last of the first `count` pending operations.
    fn number(&self, count: u64) -> u64 {
        let Some(before) = count.checked_sub(1) else { return 0 };
        let before = usize::try_from(before).expect("64-bit only");
        self.pending().into_iter().nth(before).unwrap_or(u64::MAX)
    }

    fn pending(&self) -> BTreeSet<u64> {
        let (mut seqs, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut todo = vec![Node::Folder(Arc::clone(&self.root))];
        while let Some(node) = todo.pop() {
            if !seen.insert(node.id()) {
                continue;
            }
            match node {
                Node::File(file) => seqs.extend(file.state.lock().pending.iter().map(|op| op.seq)),
                Node::Folder(folder) => {
                    let state = folder.state.lock();
                    seqs.extend(state.pending.iter().map(|op| op.seq));
                    todo.extend(state.pending.iter().filter_map(|op| op.op.node.clone()));
                    todo.extend(state.now.values().chain(state.durable.values()).cloned());
                }
            }
        }
        seqs
    }
}

impl Cut {
    fn folder(&mut self, folder: &Folder) -> Arc<Folder> {
        let state = folder.state.lock();
        let mut names = state.durable.clone();
        for Pending { op, .. } in state.pending.iter().take_while(|op| op.seq <= self.upto) {
            op.apply(&mut names);
        }
        drop(state);
        for node in names.values_mut() {
            *node = match node {
                Node::File(file) => Node::File(self.file(file)),
                Node::Folder(folder) => Node::Folder(self.folder(folder)),
            };
        }
        let copy = Folder::new(folder.id);
        *copy.state.lock() =
            FolderState { now: names.clone(), durable: names, pending: Vec::new() };
        copy
    }

    fn file(&mut self, file: &File) -> Arc<File> {
        if let Some(copy) = self.files.get(&file.id) {
            return Arc::clone(copy); // another name of it
        }
        let state = file.state.lock();
        let content = self.content(&state);
        let copy = File::new(file.id, state.class);
        copy.restore(content);
        self.files.insert(file.id, Arc::clone(&copy));
        copy
    }

    fn content(&self, state: &FileState) -> Content {
        let count = state.pending.partition_point(|op| op.seq <= self.upto);
        let kept = &state.pending[..count];
        let torn = kept.last().is_some_and(|op| self.torn && op.seq == self.upto);
        if count == state.pending.len() && !torn {
            return state.now.clone();
        }
        let mut content = state.durable.clone();
        let (whole, last) = kept.split_at(count - usize::from(torn));
        for Pending { op, .. } in whole {
            op.apply(&mut content);
        }
        for Pending { op, .. } in last {
            tear(op, &mut content);
        }
        content
    }
}

impl File {
    fn restore(&self, content: Content) {
        self.state.lock().now = content;
    }
}

/// Applies the first half of a write, up to a sector's end.
fn tear(op: &FileOp, content: &mut Content) {
    let FileOp::Write { offset, bytes } = op else { return op.apply(content) };
    let end = offset + bytes.len() as u64;
    let middle = offset + bytes.len() as u64 / 2;
    let below = middle / SECTOR * SECTOR;
    let cut = if below > *offset { below } else { below + SECTOR };
    if cut < end {
        let kept = usize::try_from(cut - offset).expect("64-bit only");
        content.write(&bytes[..kept], *offset);
    }
}
