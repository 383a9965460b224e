//! The one error type of the workspace.
//!
//! Code branches on [`ErrorKind`]; people read the message. The kind is part of the API, the
//! message is not.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A [`std::result::Result`] whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller can do about an [`Error`].
///
/// Coarse on purpose: a kind is added only when callers would act differently on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes on disk do not match their checksum or their format. Retrying cannot help; restore
    /// or repair the file named in the message.
    Corruption,
    /// The file system refused. The [`io::Error`] is the [source](error::Error::source).
    Io,
    /// The caller broke a documented rule, and nothing was changed.
    InvalidArgument,
    /// An earlier write or sync failed, so what is on disk is unknown, or the database was opened
    /// read-only. Reads still work; reopen the database to write again.
    ReadOnly,
    /// The database, or one file of it, was written in a way this build or this composition of
    /// parts does not know.
    Unsupported,
    /// Somebody else changed what the operation was based on. Look again and retry.
    Conflict,
    /// Another owner has taken the database over, or holds its lock.
    Fenced,
    /// No room: the disk is full, or a quota is reached. Nothing was changed; free some room and
    /// try again.
    Full,
}

/// Why an operation failed: a kind to branch on, a message to read, and where on disk if known.
///
/// One pointer wide, so that `Result<()>` stays as cheap to return as a `bool`; cheap to clone,
/// because every waiter of a failed group commit gets the same one.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    what: &'static str,
    detail: Option<Box<str>>,
    file: Option<PathBuf>,
    offset: Option<u64>,
    source: Option<Arc<io::Error>>,
}

impl Error {
    /// Makes an error that blames nothing on disk.
    #[cold]
    pub fn new(kind: ErrorKind, what: &'static str) -> Self {
        let inner = Inner { kind, what, detail: None, file: None, offset: None, source: None };
        Self(Arc::new(inner))
    }

    /// Makes an [`ErrorKind::Corruption`].
    #[cold]
    pub fn corruption(what: &'static str) -> Self {
        Self::new(ErrorKind::Corruption, what)
    }

    /// Makes an [`ErrorKind::InvalidArgument`].
    #[cold]
    pub fn invalid(what: &'static str) -> Self {
        Self::new(ErrorKind::InvalidArgument, what)
    }

    /// Makes an error out of what the file system said while doing `what`: [`ErrorKind::Full`]
    /// when there is no room, [`ErrorKind::Io`] otherwise.
    #[cold]
    pub fn io(what: &'static str, source: io::Error) -> Self {
        let full = matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        let kind = if full { ErrorKind::Full } else { ErrorKind::Io };
        let mut error = Self::new(kind, what);
        error.inner().source = Some(Arc::new(source));
        error
    }

    /// Adds the file it happened to. Called once, by the layer that knows it; later calls keep
    /// the first answer.
    #[must_use]
    pub fn in_file(mut self, file: impl AsRef<Path>) -> Self {
        let inner = self.inner();
        inner.file.get_or_insert_with(|| file.as_ref().to_path_buf());
        self
    }

    /// Adds the file and the offset in bytes where it happened. Later calls keep the first answer.
    #[must_use]
    pub fn at(mut self, file: impl AsRef<Path>, offset: u64) -> Self {
        self.inner().offset.get_or_insert(offset);
        self.in_file(file)
    }

    /// Adds a word only known at run time: a name, a limit, what was found instead.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.inner().detail = Some(detail.to_string().into_boxed_str());
        self
    }

    /// Returns what the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the file it happened to, where known.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Returns the offset in [`file`](Self::file) in bytes, where known.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if inner.kind == ErrorKind::Corruption {
            f.write_str("corruption: ")?;
        }
        f.write_str(inner.what)?;
        if let Some(detail) = &inner.detail {
            write!(f, " ({detail})")?;
        }
        match (&inner.file, inner.offset) {
            (Some(file), Some(offset)) => write!(f, ", in {} at byte {offset}", file.display())?,
            (Some(file), None) => write!(f, ", in {}", file.display())?,
            (None, _) => {}
        }
        if let Some(source) = &inner.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide_and_says_where() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
        let error = Error::corruption("block checksum mismatch").at("a.tbl", 7).at("b", 8);
        assert_eq!(
            error.to_string(),
            "corruption: block checksum mismatch, in a.tbl at byte 7",
            "the layer that knows comes first"
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = Error::io("append", io::ErrorKind::StorageFull.into());
        assert_eq!(full.kind(), ErrorKind::Full);
        assert!(error::Error::source(&full).is_some());
        assert_eq!(Error::io("append", io::ErrorKind::Other.into()).kind(), ErrorKind::Io);
    }
}
