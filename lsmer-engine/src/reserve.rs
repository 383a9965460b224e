//! Room in memtables, for all keyspaces of a commit at once.

use std::{ops::Deref, sync::Arc};

use lsmer_core::{Change, EntryRef, KeyspaceId, Kind, Memtable, Result, SeqNo, Slot};
use lsmer_sync::{MutexGuard, SwapGuard};

use crate::{
    shared::{CommitState, Shared},
    space::{MAX_SEALED, Space, new_mem},
    view::{Mem, View},
};

/// One keyspace that a commit writes to.
#[derive(Debug)]
pub(crate) struct Touch<'a> {
    space: Target<'a>,
    entries: u32,
    pub(crate) bytes: usize,
    /// Once there is room: the view whose active memtable has it.
    view: Option<SwapGuard<Arc<View>>>,
}

/// A keyspace, held by the caller if he has it: counting owners costs more than all else here.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    Lent(&'a Arc<Space>),
    Found(Arc<Space>),
}

/// The keyspaces of a commit; usually one, and then without an allocation.
#[derive(Debug, Default)]
pub(crate) struct Touches<'a> {
    first: Option<Touch<'a>>,
    more: Vec<Touch<'a>>,
}

impl Deref for Target<'_> {
    type Target = Arc<Space>;

    fn deref(&self) -> &Arc<Space> {
        match self {
            Self::Lent(space) => space,
            Self::Found(space) => space,
        }
    }
}

impl<'a> Touch<'a> {
    /// Counts the first entry of a keyspace.
    pub(crate) fn new(space: Target<'a>, bytes: usize) -> Self {
        Self { space, entries: 1, bytes, view: None }
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.space
    }

    fn mem(&self) -> &Mem {
        &self.view.as_ref().expect("room was reserved").active
    }
}

impl<'a> Touches<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Touch<'a>> {
        self.first.iter().chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Touch<'a>> {
        self.first.iter_mut().chain(&mut self.more)
    }

    pub(crate) fn push(&mut self, touch: Touch<'a>) {
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
            self.push(Touch::new(Target::Found(find(change.keyspace)?), bytes));
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
        self.table(change.keyspace).insert(entry(change, seqno));
    }

    /// Inserts changes that were counted before, some of a keyspace at a time.
    pub(crate) fn insert_all(&self, changes: impl Iterator<Item = (Change<'a>, SeqNo)>) {
        let mut group = [NO_ENTRY; INSERTED_AT_ONCE];
        let (mut space, mut len) = (KeyspaceId::DEFAULT, 0);
        for (change, seqno) in changes {
            if len == group.len() || len > 0 && change.keyspace != space {
                self.table(space).insert_all(&group[..len]);
                len = 0;
            }
            space = change.keyspace;
            group[len] = entry(&change, seqno);
            len += 1;
        }
        if len > 0 {
            self.table(space).insert_all(&group[..len]);
        }
    }

    fn table(&self, space: KeyspaceId) -> &dyn Memtable {
        let touch = self.iter().find(|touch| touch.space.id == space);
        &*touch.expect("it was counted").mem().table
    }

    pub(crate) fn end_write(&self) {
        for touch in self.iter() {
            touch.mem().end_write();
        }
    }
}

/// How many entries a memtable is given together.
const INSERTED_AT_ONCE: usize = 16;
const NO_ENTRY: EntryRef<'_> =
    EntryRef { key: &[], seqno: SeqNo::ZERO, kind: Kind::Put, value: &[] };

fn entry<'c>(change: &Change<'c>, seqno: SeqNo) -> EntryRef<'c> {
    EntryRef { key: change.key, seqno, kind: change.kind, value: change.value }
}

impl Shared {
    /// Enters the critical section with room for every entry in its memtable. Waits for flushes,
    /// outside of it, while too many memtables are sealed.
    pub(crate) fn reserve_memory(
        self: &Arc<Self>,
        touches: &mut Touches<'_>,
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
        touches: &mut Touches<'_>,
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
                    touch.view = Some(view);
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
