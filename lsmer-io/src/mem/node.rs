//! Files and folders: what they are now, what of it is durable, and what came in between.
//!
//! - **N1** What is now = what is durable + the pending operations in order.
//! - **N2** A pending operation has a number, which it shares with nothing but the other half of
//!   the same rename; numbers grow over all files and folders.
//!
//! - **N3** While nothing is pending in a file, what it is now is durable, and is not kept twice.
//!
//! The locks in here are taken only while the one lock of the file system is held, so that they
//! are never waited for; they stand for a cell.

use std::{collections::BTreeMap, io, sync::Arc};

use lsmer_core::FileClass;
use lsmer_sync::Mutex;

use super::content::Content;

/// A change with its number.
#[derive(Clone, Debug)]
pub(super) struct Pending<T> {
    pub(super) seq: u64,
    pub(super) op: T,
}

/// A file, whatever its names are.
#[derive(Debug)]
pub(super) struct File {
    pub(super) id: u64,
    pub(super) state: Mutex<FileState>,
}

#[derive(Clone, Debug)]
pub(super) struct FileState {
    /// What the file was last opened as.
    pub(super) class: FileClass,
    pub(super) now: Content,
    /// Empty while nothing is pending.
    pub(super) durable: Content,
    pub(super) pending: Vec<Pending<FileOp>>,
}

/// A change of a file.
#[derive(Clone, Debug)]
pub(super) enum FileOp {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
}

/// A folder.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) id: u64,
    pub(super) state: Mutex<FolderState>,
}

pub(super) type Names = BTreeMap<String, Node>;

#[derive(Debug, Default)]
pub(super) struct FolderState {
    pub(super) now: Names,
    pub(super) durable: Names,
    pub(super) pending: Vec<Pending<NameOp>>,
}

/// A change of one name: to what it stands for, or to nothing.
#[derive(Clone, Debug)]
pub(super) struct NameOp {
    pub(super) name: String,
    pub(super) node: Option<Node>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Arc<File>),
    Folder(Arc<Folder>),
}

impl FileOp {
    pub(super) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(bytes, *offset),
            Self::SetLen(bytes) => content.set_len(*bytes),
        }
    }
}

impl NameOp {
    pub(super) fn apply(&self, names: &mut Names) {
        match &self.node {
            Some(node) => names.insert(self.name.clone(), node.clone()),
            None => names.remove(&self.name),
        };
    }
}

impl File {
    pub(super) fn new(id: u64, class: FileClass) -> Arc<Self> {
        let (now, durable) = (Content::default(), Content::default());
        let state = FileState { class, now, durable, pending: Vec::new() };
        Arc::new(Self { id, state: Mutex::new(state) })
    }

    /// Changes the file; the change is durable at once when it has no number.
    pub(super) fn apply(&self, seq: Option<u64>, op: FileOp) {
        let state = &mut *self.state.lock();
        if seq.is_some() && state.pending.is_empty() {
            state.durable = state.now.clone();
        }
        op.apply(&mut state.now);
        if let Some(seq) = seq {
            state.pending.push(Pending { seq, op });
        }
    }

    /// Makes the file durable as it is.
    pub(super) fn sync(&self) {
        let state = &mut *self.state.lock();
        state.durable = Content::default();
        state.pending.clear();
    }
}

impl Folder {
    pub(super) fn new(id: u64) -> Arc<Self> {
        Arc::new(Self { id, state: Mutex::default() })
    }

    /// Returns what a name stands for.
    pub(super) fn get(&self, name: &str) -> Option<Node> {
        self.state.lock().now.get(name).cloned()
    }

    /// Changes what a name stands for; that is durable at once when it has no number.
    pub(super) fn apply(&self, seq: Option<u64>, name: &str, node: Option<Node>) {
        let op = NameOp { name: name.to_owned(), node };
        let state = &mut *self.state.lock();
        op.apply(&mut state.now);
        match seq {
            Some(seq) => state.pending.push(Pending { seq, op }),
            None => op.apply(&mut state.durable),
        }
    }

    /// Makes the names durable as they are.
    pub(super) fn sync(&self) {
        let state = &mut *self.state.lock();
        state.durable = state.now.clone();
        state.pending.clear();
    }
}

impl Node {
    /// Returns the file.
    ///
    /// # Errors
    ///
    /// `IsADirectory` for a folder.
    pub(super) fn file(self) -> io::Result<Arc<File>> {
        match self {
            Self::File(file) => Ok(file),
            Self::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Returns the folder.
    ///
    /// # Errors
    ///
    /// `NotADirectory` for a file.
    pub(super) fn folder(self) -> io::Result<Arc<Folder>> {
        match self {
            Self::Folder(folder) => Ok(folder),
            Self::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn id(&self) -> u64 {
        match self {
            Self::File(file) => file.id,
            Self::Folder(folder) => folder.id,
        }
    }

    /// Returns what the file was last opened as.
    pub(super) fn class(&self) -> Option<FileClass> {
        match self {
            Self::File(file) => Some(file.state.lock().class),
            Self::Folder(_) => None,
        }
    }
}
