//! A file system in memory that records what happens to it, and from the record makes every disk
//! that a crash could have left.
//!
//! Names stand for numbered files, as in POSIX: a file lives on without a name while it is open,
//! and may have several names. One lock guards everything, so a sync covers exactly the events
//! before its own.
//!
//! ```
//! use lsmer_testkit::{Budget, Crash, SimVfs};
//! # use lsmer_core::{FileClass, Vfs};
//!
//! let sim = SimVfs::new();
//! sim.record();
//! let files: &dyn Vfs = &sim;
//! files.install("/".as_ref(), "CURRENT", FileClass::Current, b"1").unwrap();
//! let recording = sim.recording();
//! let mut cursor = recording.cursor();
//! cursor.advance_to(recording.events().len());
//! for crash in cursor.states(&Budget::SMALL, 1) {
//!     let disk: SimVfs = cursor.materialise(&crash).vfs(); // a file system of its own
//!     # let disk: &dyn Vfs = &disk;
//!     let current = disk.read_file("/CURRENT".as_ref(), FileClass::Current, 1).unwrap();
//!     assert_eq!(current, b"1");
//! }
//! ```
//!
//! # What a power loss may do here
//!
//! Anything that the obligations of [`Vfs`] do not forbid: of what was not synced, any subset is
//! there. A write is cut at pages of 4096 bytes, and its first and last page once more at a
//! sector of 512; the length may be there without the bytes, which are then zeros, garbage or
//! bytes of a file that was removed; the two halves of a rename are independent. A write never
//! changes bytes outside of its range, and a byte is written or not.

mod blame;
mod content;
mod crash;
mod cursor;
mod disk;
mod file;
mod log;
mod outcome;
mod part;
mod profile;
mod resume;
mod states;

use std::{collections::BTreeMap, fmt, io, panic::Location, path::Path, sync::Arc};

use lsmer_core::{Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, Vfs, VfsFile};
use lsmer_sync::{Mutex, MutexGuard};

pub(crate) use self::crash::{Ranges, ranges};
use self::{
    content::Content,
    disk::{Disk, Ino, Node},
    file::SimFile,
    log::Change,
};
pub use self::{
    crash::{Crash, CrashState, Filler, Flight, ParseCrashError, PowerLoss},
    cursor::Cursor,
    log::{Event, EventKind, FailedSync, Recording},
    outcome::Outcome,
    profile::Profile,
    states::Budget,
};

const EIO: i32 = 5;

/// A file system in memory that records. A clone is the same file system.
#[derive(Clone)]
pub struct SimVfs {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Disk,
    next: Ino,
    recording: Option<Recording>,
    /// How often each file is locked; `usize::MAX` for alone.
    locks: BTreeMap<Ino, usize>,
    fast_ring: bool,
    /// What counts as durable from the start.
    start: Disk,
    /// What files held when they were synced last.
    synced: BTreeMap<Ino, Content>,
    /// How the next sync is to fail.
    failing: Option<FailedSync>,
}

#[derive(Debug)]
struct Guard {
    vfs: SimVfs,
    file: Ino,
}

impl SimVfs {
    /// Makes an empty file system, which does not record yet.
    pub fn new() -> Self {
        Self::of(Disk::new())
    }

    fn of(now: Disk) -> Self {
        let next = now.nodes.last_key_value().map_or(1, |(ino, _)| ino + 1);
        let state = State {
            start: now.clone(),
            now,
            next,
            recording: None,
            locks: BTreeMap::new(),
            fast_ring: true,
            synced: BTreeMap::new(),
            failing: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Sets what [`caps`](Vfs::caps) says of crash rings; `true` at first.
    #[must_use]
    pub fn with_fast_ring(self, fast_ring: bool) -> Self {
        self.state().fast_ring = fast_ring;
        self
    }

    /// Starts a recording: all that is here now counts as durable.
    pub fn record(&self) {
        let mut state = self.state();
        let start = state.now.clone();
        state.start = start.clone();
        state.synced.clear();
        state.recording = Some(Recording { start, events: Vec::new() });
    }

    /// Makes the next sync, of a file or a folder, fail with EIO and leave things so.
    pub fn fail_next_sync(&self, left: FailedSync) {
        self.state().failing = Some(left);
    }

    /// Returns how many events were recorded so far; 0 if it does not record.
    pub fn recorded(&self) -> usize {
        self.state().recording.as_ref().map_or(0, |recording| recording.events.len())
    }

    /// Ends the recording and returns it.
    ///
    /// # Panics
    ///
    /// If none was started.
    pub fn recording(&self) -> Recording {
        self.state().recording.take().expect("`record` was called")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Default for SimVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimVfs").finish_non_exhaustive()
    }
}

impl State {
    fn change(
        &mut self,
        change: Change,
        class: Option<FileClass>,
        site: &'static Location<'static>,
    ) {
        self.now.apply(&change);
        if let Some(recording) = &mut self.recording {
            recording.events.push(Event { change, class, site });
        }
    }

    /// Carries a sync out, or fails it as was asked for.
    fn sync(
        &mut self,
        sync: Change,
        class: Option<FileClass>,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let failing = self.failing.take();
        let left = match (failing, &sync) {
            (Some(FailedSync::Reverted), Change::Sync { file }) => {
                let file = *file;
                let start = || self.start.file(file).ok().cloned();
                let content = self.synced.get(&file).cloned().or_else(start).unwrap_or_default();
                Some(Change::Revert { file, content })
            }
            (Some(FailedSync::MarkedClean), Change::Sync { file }) => {
                Some(Change::MarkClean { file: *file })
            }
            // A second success is the truth: nothing was changed.
            (Some(left), _) if left != FailedSync::ActuallyDurable => None,
            _ => {
                if let Change::Sync { file } = sync {
                    self.synced.insert(file, self.now.file(file)?.clone());
                }
                Some(sync)
            }
        };
        if let Some(change) = left {
            self.change(change, class, site);
        }
        failing.map_or(Ok(()), |_| Err(io::Error::from_raw_os_error(EIO)))
    }

    fn create(
        &mut self,
        path: &Path,
        class: Option<FileClass>,
        site: &'static Location<'static>,
    ) -> io::Result<Ino> {
        let (dir, name) = self.now.place(path)?;
        if self.now.names(dir)?.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = self.next;
        self.next += 1;
        let link = Change::Link { dir, name: name.into(), node, is_dir: class.is_none() };
        self.change(link, class, site);
        Ok(node)
    }
}

impl Vfs for SimVfs {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let mut state = self.state();
        let changes = how.create_new || how.truncate;
        if how.direct || !(how.read || how.write) || changes && !how.write {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = if how.create_new {
            state.create(path, Some(how.class), Location::caller())?
        } else {
            state.now.find(path)?
        };
        if how.truncate && !state.now.file(file)?.is_empty() {
            let cut = Change::SetLen { file, len: 0 };
            state.change(cut, Some(how.class), Location::caller());
        }
        state.now.file(file)?;
        Ok(Arc::new(SimFile { vfs: self.clone(), file, how }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.now.find(from)?;
        let (from_dir, from_name) = state.now.place(from)?;
        let (to_dir, to_name) = state.now.place(to)?;
        match state.now.names(to_dir)?.get(to_name) {
            Some(old) if *old == node => return Ok(()), // POSIX: two names of one file both stay
            Some(old) if state.now.names(*old).is_ok() || state.now.names(node).is_ok() => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            _ => {}
        }
        let (from, to) = ((from_dir, from_name.into()), (to_dir, to_name.into()));
        state.change(Change::Rename { from, to, node }, None, Location::caller());
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.now.find(path)?;
        state.now.file(node)?;
        let (dir, name) = state.now.place(path)?;
        state.change(Change::Unlink { dir, name: name.into(), node }, None, Location::caller());
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.now.find(from)?;
        state.now.file(node)?;
        let (dir, name) = state.now.place(to)?;
        if state.now.names(dir)?.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let link = Change::Link { dir, name: name.into(), node, is_dir: false };
        state.change(link, None, Location::caller());
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.state().create(path, None, Location::caller()).map(drop)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let state = self.state();
        let names = state.now.names(state.now.find(path)?)?;
        let entry = |(name, node): (&Arc<str>, &Ino)| match state.now.nodes.get(node) {
            Some(Node::File(content)) => {
                DirEntry { name: name.to_string(), is_dir: false, bytes: content.len() }
            }
            _ => DirEntry { name: name.to_string(), is_dir: true, bytes: 0 },
        };
        Ok(names.iter().map(entry).collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let dir = state.now.find(path).and_then(|dir| state.now.names(dir).map(|_| dir));
        if dir.is_err() {
            state.failing = None; // this one has failed
        }
        let dir = dir?;
        state.sync(Change::SyncDir { dir }, None, Location::caller())
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.state();
        let file = match (state.now.find(path), mode) {
            (Err(error), LockMode::Exclusive) if error.kind() == io::ErrorKind::NotFound => {
                state.create(path, Some(FileClass::Lock), Location::caller())?
            }
            (found, _) => found?,
        };
        let held = state.locks.entry(file).or_default();
        *held = match (mode, *held) {
            (LockMode::Exclusive, 0) => usize::MAX,
            (LockMode::Shared, count) if count != usize::MAX => count + 1,
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        };
        drop(state);
        Ok(Box::new(Guard { vfs: self.clone(), file }))
    }

    fn caps(&self, _dir: &Path) -> Caps {
        Caps { fast_ring: self.state().fast_ring, direct_align: None }
    }
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.vfs.state();
        if let Some(held) = state.locks.get_mut(&self.file) {
            *held = if *held == usize::MAX { 0 } else { held.saturating_sub(1) };
        }
    }
}
