//! Reads a file in pieces, so that a large segment is never in memory at once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{Error, FileClass, OpenOptions, Result, Vfs, VfsFile};

/// How much is read at once, unless a single record is larger.
const PIECE_BYTES: usize = 256 << 10;

/// A file and the piece of it that was read last.
#[derive(Debug)]
pub(crate) struct Pieces {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    /// Size of the file.
    bytes: u64,
    /// Holds the file's bytes `[at, at + filled)`.
    buf: Vec<u8>,
    at: u64,
    filled: usize,
}

impl Pieces {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn open(vfs: &dyn Vfs, path: &Path, class: FileClass) -> Result<Self> {
        let open = || {
            let file = vfs.open(path, OpenOptions::read(class))?;
            let bytes = file.len()?;
            Ok((file, bytes))
        };
        let (file, bytes) = open().map_err(|e| Error::io("open the log", e).in_file(path))?;
        Ok(Self { file, path: path.to_path_buf(), bytes, buf: Vec::new(), at: 0, filled: 0 })
    }

    /// Returns `n` bytes at `offset`; `None` if the file ends before.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn get(&mut self, offset: u64, n: usize) -> Result<Option<&[u8]>> {
        let bytes = self.up_to(offset, n)?;
        Ok((bytes.len() == n).then_some(bytes))
    }

    /// Returns what a former [`get`](Self::get) of the same bytes returned, without reading.
    pub(crate) fn held(&self, offset: u64, n: usize) -> Option<&[u8]> {
        let begin = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        self.buf.get(..self.filled)?.get(begin..begin.checked_add(n)?)
    }

    /// Returns up to `n` bytes at `offset`, fewer only at the end of the file.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn up_to(&mut self, offset: u64, n: usize) -> Result<&[u8]> {
        let rest = self.bytes.saturating_sub(offset);
        let n = usize::try_from(rest).unwrap_or(usize::MAX).min(n);
        if self.held(offset, n).is_none() {
            let piece = usize::try_from(rest).unwrap_or(usize::MAX).min(n.max(PIECE_BYTES));
            if self.buf.len() < piece {
                self.buf.resize(piece, 0);
            }
            self.filled = 0;
            let target = self.buf.get_mut(..piece).expect("the buffer was made large enough");
            let read = self.file.read_exact_at(target, offset);
            read.map_err(|e| Error::io("read the log", e).at(&self.path, offset))?;
            (self.at, self.filled) = (offset, piece);
        }
        Ok(self.held(offset, n).expect("it was just read"))
    }

    /// Returns the size of the file in bytes.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.bytes
    }
}
