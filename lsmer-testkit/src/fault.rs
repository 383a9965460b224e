//! A file system that fails as planned: every way in which calls are known to go wrong, at any
//! call, of any kind, from any place in the code.
//!
//! ```
//! use lsmer_core::{FileClass, OpenOptions, Vfs};
//! use lsmer_testkit::{SimVfs, fault::{Effect, Errno, FaultVfs, Op, Rule, When}};
//!
//! let vfs = FaultVfs::on(SimVfs::new());
//! let full = Rule::new(Effect::Error(Errno::ENOSPC)).on(Op::Write).when(When::From(1));
//! vfs.begin(full);
//! let file = vfs.open("/a".as_ref(), OpenOptions::create(FileClass::Wal)).unwrap();
//! file.write_all_at(b"one", 0).unwrap();
//! let error = file.write_all_at(b"two", 3).unwrap_err();
//! assert_eq!(error.raw_os_error(), Some(28));
//! assert_eq!(vfs.fired()[0].call.op, Op::Write); // and `site` says where in this file
//! vfs.begin(Vec::new()); // it works again
//! file.write_all_at(b"two", 3).unwrap();
//! ```
//!
//! It wraps any [`Vfs`]. What a sync that failed leaves behind is known of a [`SimVfs`] only:
//! [`FaultVfs::on`].

mod call;
mod clock;
mod damage;
mod effect;
mod file;
mod plan;
mod space;
mod world;

use std::{io, panic::Location, path::Path, sync::Arc};

use lsmer_core::{Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, Vfs, VfsFile};
use lsmer_sync::{Mutex, MutexGuard};

pub use self::{
    call::{Call, Op},
    clock::{JumpClock, Jumped},
    damage::Damage,
    effect::{Effect, Errno},
    plan::{FaultPlan, ParsePlanError, Rule, When},
    world::Fired,
};
use self::{file::FaultFile, world::World};
use crate::{FailedSync, SimVfs};

/// A file system whose calls go wrong as planned, and are written down. A clone is the same one.
#[derive(Clone, Debug)]
pub struct FaultVfs {
    inner: Arc<dyn Vfs>,
    /// The same, if it knows what a failed sync leaves.
    sim: Option<SimVfs>,
    world: Arc<Mutex<World>>,
    /// Held while the next sync of `sim` is this one.
    syncing: Arc<Mutex<()>>,
}

impl FaultVfs {
    /// Wraps any file system; syncs that fail leave everything dirty.
    pub fn new(inner: Arc<dyn Vfs>) -> Self {
        Self { inner, sim: None, world: Arc::default(), syncing: Arc::default() }
    }

    /// Wraps a simulated file system, which knows every [`FailedSync`].
    pub fn on(sim: SimVfs) -> Self {
        Self { sim: Some(sim.clone()), ..Self::new(Arc::new(sim)) }
    }

    /// Follows a plan from here on, and counts calls from 0.
    pub fn begin(&self, plan: impl Into<FaultPlan>) {
        self.world().begin(plan.into());
    }

    /// Leaves so many bytes free: growing files take them, removed ones give theirs back. Without
    /// any, `write`, `allocate`, `set_len` and what makes a name fail with ENOSPC. `None`: there
    /// is room for everything.
    pub fn limit_bytes(&self, free: Option<u64>) {
        self.world().space.limit(free);
    }

    /// Makes the call after so many panic: somebody tries again for ever. `None`: any number.
    pub fn limit_calls(&self, most: Option<usize>) {
        self.world().limit_calls(most);
    }

    /// Returns the calls since the plan began.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls().to_vec()
    }

    /// Returns which of them went wrong.
    pub fn fired(&self) -> Vec<Fired> {
        self.world().fired().to_vec()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock()
    }

    #[track_caller]
    fn call(&self, op: Op, class: Option<FileClass>) -> io::Result<Option<Effect>> {
        self.world().call(Call { op, class, site: Location::caller() })
    }

    /// Notes a call about a name.
    #[track_caller]
    fn call_at(&self, op: Op, path: &Path) -> io::Result<Option<Effect>> {
        let class = self.world().class(path);
        self.call(op, class)
    }

    /// Notes a call that makes a name, for which there must be room.
    #[track_caller]
    fn make(&self, op: Op, path: &Path) -> io::Result<Option<Effect>> {
        let effect = self.call_at(op, path)?;
        self.world().space.check()?;
        Ok(effect)
    }

    /// Sees to it that the next sync fails, if it is to; as long as the result is held, no other
    /// sync comes between.
    fn arm(&self, effect: Option<Effect>) -> io::Result<MutexGuard<'_, ()>> {
        let alone = self.syncing.lock();
        match (effect, &self.sim) {
            (Some(Effect::Sync(left)), Some(sim)) => sim.fail_next_sync(left),
            // Nobody knows what is left, but that nothing was promised.
            (Some(Effect::Sync(left)), None) if left != FailedSync::ActuallyDurable => {
                return Err(Errno::EIO.error());
            }
            _ => {}
        }
        Ok(alone)
    }
}

/// Fails after the call, if the plan says so.
fn late(effect: Option<Effect>) -> io::Result<()> {
    match effect {
        Some(Effect::Late(errno)) => Err(errno.error()),
        // A simulated one has failed already.
        Some(Effect::Sync(_)) => Err(Errno::EIO.error()),
        _ => Ok(()),
    }
}

impl From<Vec<Rule>> for FaultPlan {
    fn from(rules: Vec<Rule>) -> Self {
        Self(rules)
    }
}

impl Vfs for FaultVfs {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let op = if how.create_new { Op::Create } else { Op::Open };
        let effect = self.call(op, Some(how.class))?;
        if how.create_new {
            self.world().space.check()?;
        }
        let inner = self.inner.open(path, how)?;
        let bytes = inner.len()?;
        let room = self.world().know(path, how.class, bytes);
        if how.truncate {
            room.resize(0)?;
        }
        late(effect)?;
        Ok(Arc::new(FaultFile { vfs: self.clone(), inner, class: how.class, room }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let effect = self.call_at(Op::Rename, from)?;
        self.inner.rename(from, to)?;
        self.world().rename(from, to);
        late(effect)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let effect = self.call_at(Op::Remove, path)?;
        self.inner.remove_file(path)?;
        drop(self.world().forget(path));
        late(effect)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let effect = self.make(Op::Link, from)?;
        self.inner.hard_link(from, to)?;
        self.world().link(from, to);
        late(effect)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let effect = self.make(Op::CreateDir, path)?;
        self.inner.create_dir(path)?;
        late(effect)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let effect = self.call(Op::ReadDir, None)?;
        let entries = self.inner.read_dir(path)?;
        late(effect)?;
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let effect = self.call(Op::SyncDir, None)?;
        if effect == Some(Effect::LyingSync) {
            return Ok(());
        }
        let _alone = self.arm(effect)?;
        self.inner.sync_dir(path)?;
        late(effect)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let effect = self.call(Op::Lock, Some(FileClass::Lock))?;
        let guard = self.inner.lock(path, mode)?;
        late(effect)?;
        Ok(guard)
    }

    fn caps(&self, dir: &Path) -> Caps {
        self.inner.caps(dir)
    }
}
