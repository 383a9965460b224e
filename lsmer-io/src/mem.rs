//! A file system in memory that knows what a crash would leave of it.
//!
//! Names stand for files, as in POSIX: a file lives on without a name while it is open, may have
//! several names, and may be renamed while it is open. For each file and each folder it keeps what
//! is durable and what was done since; see [`Crash`].
//!
//! - What a file contains becomes durable by `sync`, its name by `sync_dir` of the folder, and the
//!   folder itself by `sync_dir` of its parent: a synced file without a durable name is lost.
//! - A rename in one folder is one operation. Between two folders it has two halves, each of which
//!   becomes durable with its own folder.
//! - A file of class `Ring` behaves as if it was mapped, while [`caps`](Vfs::caps) says
//!   `fast_ring`: its length is set once, and writes beyond are refused.
//! - `/x`, `x` and `./x` are the same path. `/` is there from the start.

mod content;
mod crash;
mod fault;
mod file;
mod inspect;
mod node;
mod state;

use std::{fmt, io, path::Path, sync::Arc};

use lsmer_core::{Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, Vfs, VfsFile};
use lsmer_sync::{Mutex, MutexGuard};

pub use self::{crash::Crash, fault::Op};
use self::{
    file::MemFile,
    node::{File, FileOp, Folder, Node},
    state::State,
};

/// What is called around syncs; see [`MemVfs::on_sync`].
pub type SyncHook = Arc<dyn Fn(&MemVfs) + Send + Sync>;

/// A file system in memory. A clone is the same file system; for a copy see
/// [`crash_clone`](Self::crash_clone).
#[derive(Clone)]
pub struct MemVfs {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    on_sync: Mutex<Option<SyncHook>>,
}

/// A held lock.
#[derive(Debug)]
struct Guard {
    vfs: MemVfs,
    file: Arc<File>,
}

impl MemVfs {
    /// Makes an empty file system.
    ///
    /// It remembers all that was not synced, which for a crash ring is everything ever written;
    /// for long runs see [`without_crashes`](Self::without_crashes).
    pub fn new() -> Self {
        Self::from_state(State::new())
    }

    /// Makes an empty file system in which everything is durable at once: nothing is ever
    /// pending, and memory does not grow with what was written.
    pub fn without_crashes() -> Self {
        Self::from_state(State { crashes: false, ..State::new() })
    }

    fn from_state(state: State) -> Self {
        let shared = Shared { state: Mutex::new(state), on_sync: Mutex::new(None) };
        Self { shared: Arc::new(shared) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock()
    }

    /// Does a sync, and calls the callback before it and, if it worked, after it.
    fn sync_point(&self, sync: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let hook = self.shared.on_sync.lock().clone();
        if let Some(hook) = &hook {
            hook(self);
        }
        let mut state = self.state();
        state.sync_points += 1;
        sync(&mut state)?;
        drop(state);
        if let Some(hook) = &hook {
            hook(self);
        }
        Ok(())
    }
}

impl Default for MemVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemVfs")
    }
}

impl Vfs for MemVfs {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let mut state = self.state();
        state.begin(Op::Open, Some(how.class))?;
        let changes = how.create_new || how.truncate;
        if how.direct || !(how.read || how.write) || changes && !how.write {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (folder, name) = state.place(path)?;
        let file = match folder.get(name) {
            Some(_) if how.create_new => return Err(io::ErrorKind::AlreadyExists.into()),
            Some(node) => node.file()?,
            None if how.create_new => state.create(&folder, name, how.class),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        file.state.lock().class = how.class;
        if how.truncate && !file.state.lock().now.is_empty() {
            state.change(&file, FileOp::SetLen(0), 0)?;
        }
        let fast_ring = state.fast_ring;
        drop(state);
        Ok(Arc::new(MemFile::new(self.clone(), file, how, fast_ring)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(from);
        state.begin(Op::Rename, node.as_ref().ok().and_then(Node::class))?;
        let (from_folder, from_name) = state.place(from)?;
        let (to_folder, to_name) = state.place(to)?;
        let node = node?;
        match (&node, to_folder.get(to_name)) {
            (_, Some(old)) if old.id() == node.id() => return Ok(()),
            (Node::Folder(_), _) if state::is_below(to, from)? => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            (_, Some(_)) if state::is_below(from, to)? => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            (Node::File(_), Some(Node::Folder(_))) => {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            (Node::Folder(_), Some(Node::File(_))) => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            (Node::Folder(_), Some(Node::Folder(old))) if !old.state.lock().now.is_empty() => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            _ => {}
        }
        let seq = state.seq();
        from_folder.apply(seq, from_name, None);
        to_folder.apply(seq, to_name, Some(node));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path);
        state.begin(Op::Remove, node.as_ref().ok().and_then(Node::class))?;
        node?.file()?;
        let (folder, name) = state.place(path)?;
        folder.apply(state.seq(), name, None);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(from);
        state.begin(Op::Rename, node.as_ref().ok().and_then(Node::class))?;
        let node = node?;
        let (folder, name) = state.place(to)?;
        if folder.get(name).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if let Node::Folder(_) = node {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        folder.apply(state.seq(), name, Some(node));
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin(Op::Open, None)?;
        if state.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (parent, name) = state.place(path)?;
        let folder = Folder::new(state.id());
        parent.apply(state.seq(), name, Some(Node::Folder(folder)));
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut state = self.state();
        state.begin(Op::Read, None)?;
        let folder = state.find(path)?.folder()?;
        Ok(state::entries(&folder))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.sync_point(|state| {
            state.begin(Op::SyncDir, None)?;
            state.find(path)?.folder()?.sync();
            Ok(())
        })
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.state();
        state.begin(Op::Open, Some(FileClass::Lock))?;
        let (folder, name) = state.place(path)?;
        let file = match (folder.get(name), mode) {
            (Some(node), _) => node.file()?,
            (None, LockMode::Exclusive) => state.create(&folder, name, FileClass::Lock),
            (None, LockMode::Shared) => return Err(io::ErrorKind::NotFound.into()),
        };
        state.lock(file.id, mode)?;
        Ok(Box::new(Guard { vfs: self.clone(), file }))
    }

    fn caps(&self, _dir: &Path) -> Caps {
        Caps { fast_ring: self.state().fast_ring, direct_align: None }
    }
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.vfs.state().unlock(self.file.id);
    }
}
