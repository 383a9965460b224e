//! What can be wrong with the toy.

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    // Of reading.
    WalkSeesWrites,
    EndsCross,
    SeekPassesItsKey,
    SnapshotNotIsolated,
    // Of writing.
    BatchBackwards,
    EmptyDeletes,
    HashOrder,
    ReplayForgetsDeletes,
    DropNotLogged,
    // Of surviving.
    WritesLate,
    SyncsNothing,
    SyncsFirst,
    FolderNotSynced,
    CloseNotSynced,
    DropNotSynced,
    BatchInPieces,
    ChecksumIgnored,
    ChecksumOfFourBits,
    ChecksumOfTheBeginning,
    ZerosAreARecord,
    SkipsBadRecords,
    // Of recovering.
    RecoveryRewrites,
    RecoveryNotSynced,
    EndNotCut,
    // Of failing.
    FailuresForgotten,
    RecoveryNotWritten,
}
