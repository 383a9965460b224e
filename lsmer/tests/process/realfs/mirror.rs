//! A file system that does everything twice: on a real disk, whose power is cut before a chosen
//! event, and on the simulated one, which records it.

use std::{
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use lsmer::parts::{
    core::{
        Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs,
        VfsFile,
    },
    io::{SeededRng, StdVfs},
};
use lsmer_testkit::{Recording, SimVfs};

use super::{
    below,
    shutdown::{Flush, shutdown},
};

/// Once in so many events the kernel writes a file back that nobody asked for.
const WRITEBACK_EVERY: usize = 25;

/// The two file systems. A clone is the same pair.
#[derive(Clone, Debug)]
pub(super) struct Mirror(Arc<Pair>);

#[derive(Debug)]
struct Pair {
    sim: SimVfs,
    mounted: PathBuf,
    /// What is to be done to the disk; `None` once its power is cut.
    cut: Mutex<Option<Cut>>,
}

/// When and how to cut the power.
#[derive(Debug)]
pub(super) struct Cut {
    /// Before the event of this number.
    pub(super) at: usize,
    pub(super) flush: Flush,
    pub(super) rng: SeededRng,
}

#[derive(Debug)]
struct MirroredFile {
    pair: Arc<Pair>,
    real: Arc<dyn VfsFile>,
    sim: Arc<dyn VfsFile>,
}

#[derive(Debug)]
struct Guard {
    _real: Box<dyn LockGuard>,
    _sim: Box<dyn LockGuard>,
}

impl Mirror {
    /// Starts to record; the disk that is mounted there is empty.
    pub(super) fn new(mounted: &Path, cut: Cut) -> Self {
        let sim = SimVfs::new();
        sim.record();
        let (mounted, cut) = (mounted.to_owned(), Mutex::new(Some(cut)));
        Self(Arc::new(Pair { sim, mounted, cut }))
    }

    /// Cuts the power, if that was not done, and returns what happened.
    pub(super) fn finish(&self) -> Recording {
        if let Some(cut) = self.0.cut.lock().unwrap().take() {
            shutdown(&self.0.mounted, cut.flush).unwrap();
        }
        self.0.sim.recording()
    }
}

impl Pair {
    fn real(&self, path: &Path) -> PathBuf {
        self.mounted.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Does the same to both, which agree unless the power is cut.
    fn both<T, U>(
        &self,
        real: impl FnOnce() -> io::Result<T>,
        sim: impl FnOnce(&T) -> io::Result<U>,
    ) -> io::Result<(T, U)> {
        self.before();
        let real = real()?;
        let sim = sim(&real).expect("the simulated file system can do what the real one did");
        Ok((real, sim))
    }

    /// Lets the kernel do what it may do before the next event, and cuts the power.
    fn before(&self) {
        let mut next = self.cut.lock().unwrap();
        let Some(cut) = &*next else { return };
        if below(&cut.rng, WRITEBACK_EVERY) == 0 {
            write_back(&self.mounted.join("db"), &cut.rng);
        }
        if self.sim.recorded() >= cut.at {
            shutdown(&self.mounted, cut.flush).unwrap();
            *next = None;
        }
    }
}

/// Syncs some file of a folder, as the kernel may do at any time.
pub(super) fn write_back(folder: &Path, rng: &SeededRng) {
    let Ok(entries) = StdVfs.read_dir(folder) else { return };
    let Some(entry) = entries.get(below(rng, entries.len())) else { return };
    // It may be gone meanwhile.
    if let Ok(file) = StdVfs.open(&folder.join(&entry.name), OpenOptions::read(FileClass::Tmp)) {
        file.sync(SyncKind::All).ok();
    }
}

impl Vfs for Mirror {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let pair = Arc::clone(&self.0);
        let open = || StdVfs.open(&pair.real(path), how);
        let (real, sim) = if how.create_new || how.truncate {
            pair.both(open, |_| pair.sim.open(path, how))?
        } else {
            (open()?, pair.sim.open(path, how)?)
        };
        Ok(Arc::new(MirroredFile { pair, real, sim }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let pair = &self.0;
        let real = || StdVfs.rename(&pair.real(from), &pair.real(to));
        pair.both(real, |()| pair.sim.rename(from, to)).map(drop)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let pair = &self.0;
        let real = || StdVfs.remove_file(&pair.real(path));
        pair.both(real, |()| pair.sim.remove_file(path)).map(drop)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let pair = &self.0;
        let real = || StdVfs.hard_link(&pair.real(from), &pair.real(to));
        pair.both(real, |()| pair.sim.hard_link(from, to)).map(drop)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let pair = &self.0;
        let real = || StdVfs.create_dir(&pair.real(path));
        pair.both(real, |()| pair.sim.create_dir(path)).map(drop)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        StdVfs.read_dir(&self.0.real(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let pair = &self.0;
        let real = || StdVfs.sync_dir(&pair.real(path));
        pair.both(real, |()| pair.sim.sync_dir(path)).map(drop)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let pair = &self.0;
        let real = || StdVfs.lock(&pair.real(path), mode);
        let (real, sim) = pair.both(real, |_| pair.sim.lock(path, mode))?;
        Ok(Box::new(Guard { _real: real, _sim: sim }))
    }

    fn caps(&self, _dir: &Path) -> Caps {
        // A mapped ring is written without a call, so it could not be mirrored.
        Caps::default()
    }
}

impl LockGuard for Guard {}

impl VfsFile for MirroredFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.real.read_at(buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.real.read_batch(reads)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let bytes = bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<u8>>();
        let sim = |count: &usize| self.sim.write_all_at(&bytes[..*count], offset);
        Ok(self.pair.both(|| self.real.write_at(bufs, offset), sim)?.0)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.pair.both(|| self.real.sync(kind), |()| self.sim.sync(kind)).map(drop)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let sim = |(): &()| self.sim.allocate(offset, bytes);
        self.pair.both(|| self.real.allocate(offset, bytes), sim).map(drop)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.pair.both(|| self.real.set_len(bytes), |()| self.sim.set_len(bytes)).map(drop)
    }

    fn len(&self) -> io::Result<u64> {
        self.real.len()
    }
}
