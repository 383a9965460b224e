//! What a manifest says: everything that an open of the database needs to know.

use std::{collections::BTreeMap, sync::Arc};

use lsmer_core::{
    Error, ErrorKind, KeyspaceId, KeyspaceOptions, LogCut, Lsn, Result, SegmentId, SeqNo, Tree,
};

use crate::Edit;

/// The whole state of a database, apart from what only the log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestState {
    /// The opening of the database that wrote it; every open raises it.
    pub epoch: u64,
    /// Number of the next table. All tables here have lower ones.
    pub next_table: u64,
    /// Number of the next run. All runs here have lower ones.
    pub next_run: u64,
    /// Number of the next keyspace. All keyspaces here have lower ones.
    pub next_keyspace: u32,
    /// A seqno that was given out; the log may hold later ones.
    pub last_seqno: SeqNo,
    /// The keyspaces.
    pub keyspaces: BTreeMap<KeyspaceId, KeyspaceState>,
    /// Nothing in segments below this one is needed.
    pub log_first: SegmentId,
    /// The log is known to have been synced up to here.
    pub log_synced: Lsn,
    /// Where the last recovery found the end of the log.
    pub log_cut: Option<LogCut>,
    /// The components that leave a trace on disk and are not named per table.
    pub names: Names,
}

/// Names of the components that wrote the database, checked on open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The [`WalFormat`](lsmer_core::WalFormat).
    pub wal: String,
    /// The [`CompactionStrategy`](lsmer_core::CompactionStrategy).
    pub compaction: String,
}

/// The state of one keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceState {
    /// Its name; no two keyspaces have the same.
    pub name: Arc<str>,
    /// Its settings.
    pub options: KeyspaceOptions,
    /// Its entries at or below this seqno are in tables; the log may still hold them.
    pub flushed: SeqNo,
    /// Its tables.
    pub tree: Arc<Tree>,
}

impl ManifestState {
    /// Returns the keyspace of that name.
    pub fn keyspace(&self, name: &str) -> Option<(KeyspaceId, &KeyspaceState)> {
        let mut all = self.keyspaces.iter();
        all.find(|(_, keyspace)| *keyspace.name == *name).map(|(id, keyspace)| (*id, keyspace))
    }

    /// Returns the state after an edit: keyspaces are dropped, then created, then trees change.
    ///
    /// Counters and log positions only rise: a lower one is no error and changes nothing. They
    /// also rise above every id that arrives.
    ///
    /// # Errors
    ///
    /// `Conflict` if the edit does not fit: it drops or changes a keyspace that is gone, creates
    /// one that is there, moves a flush back, or its change of a tree does not
    /// [apply](Tree::apply).
    pub fn apply(&self, edit: &Edit) -> Result<Self> {
        let mut state = self.clone();
        raise(&mut state.next_table, edit.next_table);
        raise(&mut state.next_run, edit.next_run);
        raise(&mut state.next_keyspace, edit.next_keyspace);
        raise(&mut state.last_seqno, edit.last_seqno);
        raise(&mut state.log_first, edit.log_first);
        raise(&mut state.log_synced, edit.log_synced);
        state.log_cut = edit.log_cut.or(state.log_cut);
        for id in &edit.drop {
            let gone = state.keyspaces.remove(id);
            gone.ok_or_else(|| conflict("an edit drops a keyspace that is not there"))?;
        }
        for (id, name, options) in &edit.create {
            state.create(*id, name, options)?;
        }
        for (id, change, flushed) in &edit.trees {
            let keyspace = state.keyspaces.get_mut(id);
            let keyspace =
                keyspace.ok_or_else(|| conflict("an edit changes a keyspace that is gone"))?;
            if flushed.is_some_and(|flushed| flushed < keyspace.flushed) {
                return Err(conflict("an edit moves the end of a flush back"));
            }
            raise(&mut keyspace.flushed, *flushed);
            keyspace.tree = Arc::new(keyspace.tree.apply(change)?);
            for arrival in &change.add {
                raise(&mut state.next_run, arrival.run.0.checked_add(1));
                let numbers = arrival.tables.iter().map(|table| table.id.number);
                raise(&mut state.next_table, numbers.max().and_then(|n| n.checked_add(1)));
            }
        }
        Ok(state)
    }

    fn create(&mut self, id: KeyspaceId, name: &str, options: &KeyspaceOptions) -> Result<()> {
        if self.keyspaces.contains_key(&id) || self.keyspace(name).is_some() {
            return Err(conflict("an edit creates a keyspace that is there"));
        }
        raise(&mut self.next_keyspace, id.0.checked_add(1));
        let keyspace = KeyspaceState {
            name: name.into(),
            options: options.clone(),
            flushed: SeqNo::ZERO,
            tree: Arc::default(),
        };
        self.keyspaces.insert(id, keyspace);
        Ok(())
    }
}

fn raise<T: Ord + Copy>(counter: &mut T, to: Option<T>) {
    *counter = to.map_or(*counter, |to| to.max(*counter));
}

fn conflict(what: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, what)
}
