//! One step from a state to the next.

use lsmer_core::{KeyspaceId, KeyspaceOptions, LogCut, Lsn, SegmentId, SeqNo, TreeEdit};

/// A change of a [`ManifestState`](crate::ManifestState), whole or not at all. What is `None` or
/// empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Number of the next table.
    pub next_table: Option<u64>,
    /// Number of the next run.
    pub next_run: Option<u64>,
    /// Number of the next keyspace.
    pub next_keyspace: Option<u32>,
    /// A seqno that was given out.
    pub last_seqno: Option<SeqNo>,
    /// Nothing in segments below this one is needed any more.
    pub log_first: Option<SegmentId>,
    /// The log was synced up to here.
    pub log_synced: Option<Lsn>,
    /// Where a recovery found the end of the log.
    pub log_cut: Option<LogCut>,
    /// Keyspaces that are created, after those that are dropped.
    pub create: Vec<(KeyspaceId, String, KeyspaceOptions)>,
    /// Keyspaces that are dropped.
    pub drop: Vec<KeyspaceId>,
    /// Keyspaces whose tree changes; with a seqno, after a flush: everything of the keyspace at
    /// or below it is in tables now.
    pub trees: Vec<(KeyspaceId, TreeEdit, Option<SeqNo>)>,
}

impl Edit {
    /// Returns the edit of one keyspace's tree.
    pub fn tree(keyspace: KeyspaceId, change: TreeEdit, flushed: Option<SeqNo>) -> Self {
        Self { trees: vec![(keyspace, change, flushed)], ..Self::default() }
    }
}
