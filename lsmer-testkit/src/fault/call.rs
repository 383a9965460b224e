//! What a file system was asked for, and from where.

use std::{fmt, panic::Location};

use lsmer_core::FileClass;

/// The operations of a file system that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `open` of a file that is there.
    Open,
    /// `open` of a new file.
    Create,
    /// `rename`.
    Rename,
    /// `remove_file`.
    Remove,
    /// `hard_link`.
    Link,
    /// `create_dir`.
    CreateDir,
    /// `read_dir`.
    ReadDir,
    /// `sync_dir`.
    SyncDir,
    /// `lock`.
    Lock,
    /// `read_at`.
    Read,
    /// `read_batch`.
    ReadBatch,
    /// `write_at`.
    Write,
    /// `sync`.
    Sync,
    /// `allocate`.
    Allocate,
    /// `set_len`.
    SetLen,
    /// `len`.
    Len,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// What was called.
    pub op: Op,
    /// What the file is for; `None` for folders, and for names that were not opened yet.
    pub class: Option<FileClass>,
    /// Who called.
    pub site: &'static Location<'static>,
}

const CLASSES: [(FileClass, &str); 8] = [
    (FileClass::Wal, "wal"),
    (FileClass::Ring, "ring"),
    (FileClass::Manifest, "manifest"),
    (FileClass::Current, "current"),
    (FileClass::Table, "table"),
    (FileClass::Blob, "blob"),
    (FileClass::Lock, "lock"),
    (FileClass::Tmp, "tmp"),
];

impl Op {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Open,
        Self::Create,
        Self::Rename,
        Self::Remove,
        Self::Link,
        Self::CreateDir,
        Self::ReadDir,
        Self::SyncDir,
        Self::Lock,
        Self::Read,
        Self::ReadBatch,
        Self::Write,
        Self::Sync,
        Self::Allocate,
        Self::SetLen,
        Self::Len,
    ];

    /// Returns its name in the text of a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Link => "link",
            Self::CreateDir => "create_dir",
            Self::ReadDir => "read_dir",
            Self::SyncDir => "sync_dir",
            Self::Lock => "lock",
            Self::Read => "read",
            Self::ReadBatch => "read_batch",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Allocate => "allocate",
            Self::SetLen => "set_len",
            Self::Len => "len",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// Whether it opens something, and so needs a file descriptor.
    pub fn opens(self) -> bool {
        matches!(self, Self::Open | Self::Create | Self::Lock | Self::ReadDir | Self::SyncDir)
    }

    /// Whether it may need room on the disk.
    pub fn needs_room(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Rename
                | Self::Link
                | Self::CreateDir
                | Self::SyncDir
                | Self::Lock
                | Self::Write
                | Self::Sync
                | Self::Allocate
                | Self::SetLen
        )
    }
}

/// Returns the name of a class in the text of a plan.
pub(super) fn class_name(class: FileClass) -> &'static str {
    CLASSES.iter().find(|(of, _)| *of == class).map_or("?", |(_, name)| name)
}

pub(super) fn class_of_name(name: &str) -> Option<FileClass> {
    CLASSES.iter().find(|(_, of)| *of == name).map(|(class, _)| *class)
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if let Some(class) = self.class {
            write!(f, " of {}", class_name(class))?;
        }
        write!(f, " at {}", self.site)
    }
}
