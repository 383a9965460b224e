//! Everything behind the one lock of a file system in memory.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path},
    sync::Arc,
};

use lsmer_core::{DirEntry, FileClass, LockMode};

use super::{
    content::{self, Content},
    fault::{Faults, Op},
    node::{File, FileOp, Folder, Node},
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) root: Arc<Folder>,
    pub(super) next_id: u64,
    /// Number of the newest change.
    pub(super) last_seq: u64,
    /// By file id.
    pub(super) locks: BTreeMap<u64, Held>,
    pub(super) faults: Faults,
    pub(super) disk_limit: Option<u64>,
    pub(super) ops: u64,
    pub(super) sync_points: u64,
    pub(super) fast_ring: bool,
    /// Whether changes wait for a sync to become durable.
    pub(super) crashes: bool,
}

/// Who holds a lock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    Exclusive,
    /// How many.
    Shared(usize),
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            root: Folder::new(0),
            next_id: 1,
            last_seq: 0,
            locks: BTreeMap::new(),
            faults: Faults::default(),
            disk_limit: None,
            ops: 0,
            sync_points: 0,
            fast_ring: true,
            crashes: true,
        }
    }

    /// Counts an operation, and fails it if a test wants that.
    pub(super) fn begin(&mut self, op: Op, class: Option<FileClass>) -> io::Result<()> {
        self.ops += 1;
        self.faults.check(op, class)
    }

    /// Returns the number of the next change; `None` if it is durable at once.
    pub(super) fn seq(&mut self) -> Option<u64> {
        if !self.crashes {
            return None;
        }
        self.last_seq += 1;
        Some(self.last_seq)
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Finds what a path stands for.
    pub(super) fn find(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Folder(Arc::clone(&self.root));
        for name in names(path)? {
            node = node.folder()?.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    /// Finds the folder of a path, which must exist, and returns the last name.
    pub(super) fn place<'a>(&self, path: &'a Path) -> io::Result<(Arc<Folder>, &'a str)> {
        let mut names = names(path)?;
        let name = names.pop().ok_or(io::ErrorKind::IsADirectory)?;
        let mut node = Node::Folder(Arc::clone(&self.root));
        for name in names {
            node = node.folder()?.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok((node.folder()?, name))
    }

    /// Makes an empty file.
    pub(super) fn create(&mut self, folder: &Folder, name: &str, class: FileClass) -> Arc<File> {
        let file = File::new(self.id(), class);
        folder.apply(self.seq(), name, Some(Node::File(Arc::clone(&file))));
        file
    }

    /// Changes a file that may grow to `end` bytes.
    ///
    /// # Errors
    ///
    /// `StorageFull` if the disk has no room for that, `FileTooLarge` if no file can be so long;
    /// nothing is changed then.
    pub(super) fn change(&mut self, file: &File, op: FileOp, end: u64) -> io::Result<()> {
        content::check(0, end)?;
        let len = file.state.lock().now.len();
        if let Some(limit) = self.disk_limit
            && end > len
            && self.used() + (end - len) > limit
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.apply(self.seq(), op);
        Ok(())
    }

    /// Takes a lock.
    pub(super) fn lock(&mut self, id: u64, mode: LockMode) -> io::Result<()> {
        let held = match (self.locks.get(&id), mode) {
            (None, LockMode::Exclusive) => Held::Exclusive,
            (None, LockMode::Shared) => Held::Shared(1),
            (Some(Held::Shared(count)), LockMode::Shared) => Held::Shared(count + 1),
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        };
        self.locks.insert(id, held);
        Ok(())
    }

    /// Lets go of a lock.
    pub(super) fn unlock(&mut self, id: u64) {
        match self.locks.get_mut(&id) {
            Some(Held::Shared(count)) if *count > 1 => *count -= 1,
            _ => {
                self.locks.remove(&id);
            }
        }
    }

    /// Calls `visit` for each name in a folder and below, sorted, with its path from `/`.
    pub(super) fn walk(folder: &Folder, path: &Path, visit: &mut impl FnMut(&Path, &File)) {
        let names = folder.state.lock().now.clone();
        for (name, node) in names {
            let path = path.join(name);
            match node {
                Node::File(file) => visit(&path, &file),
                Node::Folder(folder) => Self::walk(&folder, &path, visit),
            }
        }
    }

    /// Returns how many bytes the files with a name have.
    fn used(&self) -> u64 {
        let mut sizes = BTreeMap::new();
        Self::walk(&self.root, Path::new("/"), &mut |_, file| {
            sizes.insert(file.id, file.state.lock().now.len());
        });
        sizes.values().sum()
    }
}

/// Lists a folder.
pub(super) fn entries(folder: &Folder) -> Vec<DirEntry> {
    let state = folder.state.lock();
    let entry = |(name, node): (&String, &Node)| match node {
        Node::File(file) => {
            DirEntry { name: name.clone(), is_dir: false, bytes: file.state.lock().now.len() }
        }
        Node::Folder(_) => DirEntry { name: name.clone(), is_dir: true, bytes: 0 },
    };
    state.now.iter().map(entry).collect()
}

/// Returns whether `path` names something in `folder` or below.
pub(super) fn is_below(path: &Path, folder: &Path) -> io::Result<bool> {
    let (path, folder) = (names(path)?, names(folder)?);
    Ok(path.len() > folder.len() && path.starts_with(&folder))
}

/// Splits a path; `/x`, `x` and `./x` are the same.
fn names(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                names.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?);
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
    }
    Ok(names)
}

/// Returns all bytes of a file.
pub(super) fn bytes(content: &Content) -> Vec<u8> {
    let mut buf = vec![0; usize::try_from(content.len()).expect("64-bit only")];
    content.read(&mut buf, 0);
    buf
}
