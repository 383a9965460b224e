//! Room in memtables, for all keyspaces of a commit at once.

use std::sync::Arc;

use lsmer_core::{Change, EntryRef, KeyspaceId, Result, SeqNo, Slot};
use lsmer_sync::MutexGuard;

use crate::{
    shared::{CommitState, Shared},
    space::{MAX_SEALED, Space, new_mem},
    view::Mem,
};

/// One keyspace that a commit writes to.
#[derive(Debug)]
pub(crate) struct Touch {
    space: Arc<Space>,
    entries: u32,
    pub(crate) bytes: usize,
    /// Where its entries go, once there is room.
    mem: Option<Arc<Mem>>,
}

/// The keyspaces of a commit; usually one, and then without an allocation.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    first: Option<Touch>,
    more: Vec<Touch>,
}

impl Touch {
    /// Counts the first entry of a keyspace.
    pub(crate) fn new(space: Arc<Space>, bytes: usize) -> Self {
        Self { space, entries: 1, bytes, mem: None }
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.space
    }

    fn mem(&self) -> &Mem {
        self.mem.as_ref().expect("room was reserved")
    }
}

impl Touches {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Touch> {
        self.first.iter().chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Touch> {
        self.first.iter_mut().chain(&mut self.more)
    }

    pub(crate) fn push(&mut self, touch: Touch) {
        if self.first.is_none() {
            self.first = Some(touch);
        } else {
            self.more.push(touch);
        }
    }

    /// Counts a change; `find` is asked for keyspaces that are new here.
    pub(crate) fn add(
        &mut self,
        change: &Change<'_>,
        find: impl FnOnce(KeyspaceId) -> Result<Arc<Space>>,
    ) -> Result<()> {
        let bytes = change.key.len() + change.value.len();
        let known = self.iter_mut().find(|touch| touch.space.id == change.keyspace);
        if let Some(touch) = known {
            touch.entries += 1;
            touch.bytes += bytes;
        } else {
            self.push(Touch::new(find(change.keyspace)?, bytes));
        }
        Ok(())
    }

    /// Tells the memtables what is coming; see [`Mem::begin_write`].
    pub(crate) fn begin_write(&self, first: SeqNo, last: SeqNo, slot: Slot) {
        for touch in self.iter() {
            touch.mem().begin_write(first, last, slot);
        }
    }

    /// Inserts a change that was counted before.
    pub(crate) fn insert(&self, change: &Change<'_>, seqno: SeqNo) {
        let touch = self.iter().find(|touch| touch.space.id == change.keyspace);
        let (key, kind, value) = (change.key, change.kind, change.value);
        let table = &touch.expect("it was counted").mem().table;
        table.insert(EntryRef { key, seqno, kind, value });
    }

    pub(crate) fn end_write(&self) {
        for touch in self.iter() {
            touch.mem().end_write();
        }
    }
}

impl Shared {
    /// Enters the critical section with room for every entry in its memtable. Waits for flushes,
    /// outside of it, while too many memtables are sealed.
    pub(crate) fn reserve_memory(
        self: &Arc<Self>,
        touches: &mut Touches,
    ) -> Result<MutexGuard<'_, CommitState>> {
        loop {
            let mut state = self.commit.lock();
            let full = self.try_reserve(touches, &mut state)?;
            let Some(space) = full else { return Ok(state) };
            drop(state);
            self.wait_for_flush(&space)?;
        }
    }

    /// Reserves in all memtables; returns a keyspace whose flushes have to catch up first.
    fn try_reserve(
        self: &Arc<Self>,
        touches: &mut Touches,
        state: &mut CommitState,
    ) -> Result<Option<Arc<Space>>> {
        // Before anything is reserved: a memtable that is sealed after it would look quiet to a
        // flush while this commit has yet to insert.
        if state.active_bytes > self.options.active_bytes() {
            state.active_bytes = self.shrink_active();
        }
        for touch in touches.iter_mut() {
            let space = &touch.space;
            space.check_alive()?;
            loop {
                let view = space.view();
                if view.active.table.reserve(touch.entries, touch.bytes) {
                    touch.mem = Some(Arc::clone(&view.active));
                    break;
                }
                // A memtable's own overhead is its affair: leave a generous allowance.
                let needed = touch.bytes + touch.entries as usize * 128;
                let bytes = needed.max(self.options.memtable_bytes());
                if view.active.is_empty() {
                    let mem = new_mem(&*self.parts.memtable, bytes);
                    space.change_view(|view| view.active = mem);
                } else if view.sealed.len() < MAX_SEALED || self.manifest.is_none() {
                    self.rotate(space, bytes);
                } else {
                    return Ok(Some(Arc::clone(space)));
                }
            }
            state.active_bytes += touch.bytes;
        }
        Ok(None)
    }
}
