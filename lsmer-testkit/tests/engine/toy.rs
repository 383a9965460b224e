//! A correct little engine, and what can be done wrong in one.
//!
//! All that is durable is the file `log`: records one behind the other, each a checksum (8 bytes)
//! and a length (4 bytes), then the changes of a batch. All is in memory too; a snapshot is a
//! reference to that, and who writes while there is one writes to a copy. Opening replays the log
//! up to the first record whose checksum is wrong, cuts it there, and syncs it.

use std::{
    cell::{Cell, RefCell},
    io,
    path::Path,
    rc::Rc,
    sync::Arc,
};

use lsmer_core::{Env, SyncKind, VfsFile};
use lsmer_testkit::engine::{
    Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk,
};

use crate::{
    files::open_or_create,
    flaw::Flaw,
    memory::{Change, Current, Memory, Span},
    record,
};

/// The engine, with at most one flaw.
#[derive(Debug)]
pub(crate) struct Toy {
    name: &'static str,
    flaw: Flaw,
}

struct Open {
    flaw: Flaw,
    file: Arc<dyn VfsFile>,
    state: Rc<RefCell<Current>>,
    /// Records that are not in the file yet; without a flaw there are none.
    late: RefCell<Vec<u8>>,
    /// Whether a write or a sync has failed: what is in the file is then not known.
    failed: Cell<bool>,
}

/// A state that does not change any more; or, with a flaw, one that does.
struct Frozen(Rc<Memory>, Option<Rc<RefCell<Current>>>);

impl Toy {
    /// Names an engine for reports.
    pub(crate) const fn new(name: &'static str, flaw: Flaw) -> Self {
        Self { name, flaw }
    }
}

impl Subject for Toy {
    fn name(&self) -> &str {
        self.name
    }

    fn open(&self, env: &Env, dir: &Path, _config: Config) -> Result<Box<dyn Store>> {
        let flaw = self.flaw;
        let file = open_or_create(&*env.vfs, dir, "log", flaw != Flaw::FolderNotSynced)?;
        let mut bytes = vec![0; usize::try_from(file.len()?)?];
        file.read_exact_at(&mut bytes, 0)?;
        let mut memory = Memory::new();
        let end = record::replay(flaw, &bytes, |change| memory.apply(flaw, change));
        if flaw == Flaw::RecoveryRewrites {
            let kept = &bytes[..usize::try_from(end)?];
            file.set_len(0)?;
            file.write_all_at(kept, 0)?;
        }
        if flaw != Flaw::RecoveryNotWritten {
            // A sync may have failed and forgotten these: they can be read, and are not durable.
            file.write_all_at(&bytes[..usize::try_from(end)?], 0)?;
        }
        let end = if flaw == Flaw::EndNotCut { file.len()? } else { end };
        file.set_len(end)?;
        if flaw != Flaw::RecoveryNotSynced {
            file.sync(SyncKind::All)?;
        }
        let current = Current { memory: Rc::new(memory), end };
        let (state, late) = (Rc::new(RefCell::new(current)), RefCell::default());
        Ok(Box::new(Open { flaw, file, state, late, failed: Cell::new(false) }))
    }
}

impl Open {
    fn append(&self, changes: &[Change]) -> Result<()> {
        if self.failed.get() {
            return Err("it failed before, and has to be opened again".into());
        }
        let mut state = self.state.borrow_mut();
        let record = record::encode(self.flaw, state.end, changes);
        if self.flaw == Flaw::WritesLate {
            self.late.borrow_mut().extend_from_slice(&record);
        } else {
            self.tried(self.file.write_all_at(&record, state.end))?;
        }
        state.end += record.len() as u64;
        let memory = Rc::make_mut(&mut state.memory);
        for change in changes {
            memory.apply(Flaw::None, change.clone());
        }
        Ok(())
    }

    fn sync(&self) -> Result<Done> {
        let late = self.late.take();
        self.file.write_all_at(&late, self.state.borrow().end - late.len() as u64)?;
        if self.failed.get() {
            return Err("it failed before, and has to be opened again".into());
        }
        if self.flaw != Flaw::SyncsNothing {
            self.tried(self.file.sync(SyncKind::Data))?;
        }
        Ok(Done::Sync)
    }

    /// Notes a failure.
    fn tried(&self, result: io::Result<()>) -> io::Result<()> {
        let forgets = self.flaw == Flaw::FailuresForgotten;
        self.failed.set(self.failed.get() || result.is_err() && !forgets);
        result
    }

    fn now(&self) -> Frozen {
        let live = self.flaw == Flaw::SnapshotNotIsolated;
        Frozen(Rc::clone(&self.state.borrow().memory), live.then(|| Rc::clone(&self.state)))
    }
}

impl Store for Open {
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()> {
        let mut changes: Vec<_> = edits.iter().cloned().map(Change::Edit).collect();
        match self.flaw {
            Flaw::EmptyDeletes => changes.iter_mut().for_each(Change::make_empty_a_delete),
            Flaw::BatchBackwards => changes.reverse(),
            Flaw::HashOrder => changes = record::in_the_order_of_a_hash_map(changes),
            _ => {}
        }
        if self.flaw == Flaw::SyncsFirst && safety == Safety::Sync {
            self.sync()?;
        }
        if self.flaw == Flaw::BatchInPieces {
            changes.chunks(1).try_for_each(|change| self.append(change))?;
        } else {
            self.append(&changes)?;
        }
        if self.flaw != Flaw::SyncsFirst && safety == Safety::Sync {
            self.sync()?;
        }
        Ok(())
    }

    fn perform(&self, task: &Task) -> Result<Done> {
        match task {
            Task::Create(space) => self.append(&[Change::Create(*space)])?,
            Task::Drop(space) if self.flaw == Flaw::DropNotLogged => {
                Rc::make_mut(&mut self.state.borrow_mut().memory).spaces.remove(space);
            }
            Task::Drop(space) => self.append(&[Change::Drop(*space)])?,
            Task::Sync => {}
            _ => return Ok(Done::Absent),
        }
        let unsynced = matches!((task, self.flaw), (Task::Drop(_), Flaw::DropNotSynced));
        if unsynced { Ok(Done::Sync) } else { self.sync() }
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        Ok(self.state.borrow().memory.spaces.keys().copied().collect())
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        Ok(Some(Box::new(self.now())))
    }

    fn close(self: Box<Self>) -> Result<Done> {
        if self.flaw == Flaw::CloseNotSynced { Ok(Done::Sync) } else { self.sync() }
    }
}

impl Reader for Open {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.now().get(space, key)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        let mut span = Span::new(self.flaw, &self.state.borrow().memory, space, (low, high));
        if self.flaw == Flaw::WalkSeesWrites {
            span.live = Some(Rc::clone(&self.state));
        }
        Ok(Box::new(span))
    }
}

impl Frozen {
    fn memory(&self) -> Rc<Memory> {
        self.1.as_ref().map_or_else(|| Rc::clone(&self.0), |live| Rc::clone(&live.borrow().memory))
    }
}

impl Reader for Frozen {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.memory().map(space)?.get(key).cloned())
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        Ok(Box::new(Span::new(Flaw::None, &self.memory(), space, (low, high))))
    }
}
