//! What happened to a file system, in order.

use std::{fmt, panic::Location, sync::Arc};

use lsmer_core::FileClass;

use super::{
    content::Content,
    disk::{Disk, Ino},
};

/// One change, or one promise that changes are durable.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write {
        file: Ino,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    SetLen {
        file: Ino,
        len: u64,
    },
    Link {
        dir: Ino,
        name: Arc<str>,
        node: Ino,
        is_dir: bool,
    },
    Unlink {
        dir: Ino,
        name: Arc<str>,
        node: Ino,
    },
    Rename {
        from: (Ino, Arc<str>),
        to: (Ino, Arc<str>),
        node: Ino,
    },
    Sync {
        file: Ino,
    },
    SyncDir {
        dir: Ino,
    },
    /// A sync failed, and what was not durable counts as written from now on.
    MarkClean {
        file: Ino,
    },
    /// A sync failed, and the file is again what it was before.
    Revert {
        file: Ino,
        content: Content,
    },
}

/// What a sync that failed leaves behind; file systems differ.
///
/// Of a folder, names are never marked clean or taken back, but stay dirty: they go through the
/// journal, which after a failure has them still, or takes nothing more at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailedSync {
    /// Nothing changed: another sync may succeed, and tells the truth.
    StillDirty,
    /// What was not durable can be read, but counts as written: a later sync succeeds without it,
    /// and a power loss may take it at any time. Linux: ext4, XFS.
    MarkedClean,
    /// What was not durable is gone at once: reads give what the last sync made durable.
    Reverted,
    /// Everything is durable, in spite of the error.
    ActuallyDurable,
}

impl FailedSync {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::StillDirty, Self::MarkedClean, Self::Reverted, Self::ActuallyDurable];
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Bytes were written.
    Write,
    /// A file was cut or extended.
    SetLen,
    /// A name was given: a file or folder was created, or linked.
    Link,
    /// A name was removed.
    Unlink,
    /// A name was moved.
    Rename,
    /// A file was synced.
    Sync,
    /// A folder was synced.
    SyncDir,
    /// A sync failed, and changed what a crash may leave.
    FailedSync,
}

/// One event of a [`Recording`].
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) change: Change,
    /// What the file is for; `None` for folders.
    pub class: Option<FileClass>,
    /// Who called the file system.
    pub site: &'static Location<'static>,
}

impl Event {
    /// Returns what kind of thing happened.
    pub fn kind(&self) -> EventKind {
        match self.change {
            Change::Write { .. } => EventKind::Write,
            Change::SetLen { .. } => EventKind::SetLen,
            Change::Link { .. } => EventKind::Link,
            Change::Unlink { .. } => EventKind::Unlink,
            Change::Rename { .. } => EventKind::Rename,
            Change::Sync { .. } => EventKind::Sync,
            Change::SyncDir { .. } => EventKind::SyncDir,
            Change::MarkClean { .. } | Change::Revert { .. } => EventKind::FailedSync,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Write { file, offset, bytes } => {
                write!(f, "write #{file} [{offset}, {})", offset + bytes.len() as u64)?;
            }
            Change::SetLen { file, len } => write!(f, "set_len #{file} {len}")?,
            Change::Link { name, node, .. } => write!(f, "link {name} #{node}")?,
            Change::Unlink { name, node, .. } => write!(f, "unlink {name} #{node}")?,
            Change::Rename { from, to, node } => {
                write!(f, "rename {} {} #{node}", from.1, to.1)?;
            }
            Change::Sync { file } => write!(f, "sync #{file}")?,
            Change::SyncDir { dir } => write!(f, "sync_dir #{dir}")?,
            Change::MarkClean { file } => write!(f, "failed sync #{file}: marked clean")?,
            Change::Revert { file, .. } => write!(f, "failed sync #{file}: reverted")?,
        }
        if let Some(class) = self.class {
            write!(f, " ({class:?})")?;
        }
        write!(f, " at {}", self.site)
    }
}

/// A run of some work: the disk before, and what happened to it. Crashes are derived from it; see
/// [`cursor`](Self::cursor).
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) start: Disk,
    pub(super) events: Vec<Event>,
}

impl Recording {
    /// Returns what happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns a number that tells apart what happened: events in order, with their bytes.
    pub fn hash(&self) -> u64 {
        let mut all = 0;
        for event in &self.events {
            let text = format!("{all} {event}");
            all = lsmer_core::hash(text.as_bytes());
            if let Change::Write { bytes, .. } = &event.change {
                all ^= lsmer_core::hash(bytes);
            }
        }
        all
    }

    /// Turns the syncs that `lies` picks into lies: they return, and nothing is durable. A check
    /// that does not notice says that the sync is not needed, or that the check is too weak.
    pub fn lie(&mut self, lies: impl Fn(&Event) -> bool) {
        const NOBODY: Ino = u64::MAX;
        for at in 0..self.events.len() {
            if !lies(&self.events[at]) {
                continue;
            }
            match &mut self.events[at].change {
                Change::Sync { file: node } | Change::SyncDir { dir: node } => *node = NOBODY,
                _ => {}
            }
        }
    }
}
