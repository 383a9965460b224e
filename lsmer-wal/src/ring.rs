//! The crash ring: a file of constant size that holds the last bytes of the log.
//!
//! ```text
//!   0                   lsn % RING_BYTES                      RING_BYTES
//!   +---------------------------+---------------------------------+
//!   | newest bytes of the log   | older bytes, until written over |
//!   +---------------------------+---------------------------------+
//! ```
//!
//! The bytes are exactly those of the segment: headers are checked in the same way, so a stale
//! record of an earlier lap is told by its lsn. Large records are not in it. It is never synced.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::{io, path::Path, sync::Arc};

use lsmer_core::{Error, FileClass, Lsn, OpenOptions, Result, Vfs, VfsFile};

/// Size of the ring file, in bytes.
pub(crate) const RING_BYTES: u64 = 512 << 10;
/// A record that takes more of the log than this is not written to the ring.
pub(crate) const LARGEST_IN_RING: u64 = RING_BYTES / 4;
/// Name of the ring file.
pub(crate) const RING_NAME: &str = "ring";

/// What a recovery found in the ring.
#[derive(Debug)]
pub(crate) struct RingImage(Vec<u8>);

impl RingImage {
    /// Reads the ring; there may be none, or one that was never finished.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn read(vfs: &dyn Vfs, dir: &Path) -> Result<Self> {
        let path = dir.join(RING_NAME);
        let read = || -> io::Result<Vec<u8>> {
            let file = vfs.open(&path, OpenOptions::read(FileClass::Ring))?;
            if file.len()? != RING_BYTES {
                return Ok(Vec::new());
            }
            let mut bytes = vec![0; usize::try_from(RING_BYTES).expect("it is small")];
            file.read_exact_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(Vec::new())),
            Err(error) => Err(Error::io("read the ring of the log", error).in_file(path)),
        }
    }

    /// Puts into `out` the `n` bytes that stand where the log's bytes at `lsn` would; returns
    /// whether there is a ring and they fit in it.
    pub(crate) fn copy(&self, lsn: Lsn, n: usize, out: &mut Vec<u8>) -> bool {
        out.clear();
        if n > self.0.len() {
            return false;
        }
        let at = usize::try_from(lsn.0 % RING_BYTES).expect("it is small");
        let first = self.0.get(at..).unwrap_or_default();
        let first = first.get(..n).unwrap_or(first);
        out.extend_from_slice(first);
        out.extend_from_slice(self.0.get(..n - first.len()).unwrap_or_default());
        true
    }
}

/// Opens the ring for writing, or makes it, and finds room for it on the disk.
///
/// # Errors
///
/// `Full`, `Io`.
pub(crate) fn open_ring(vfs: &dyn Vfs, dir: &Path) -> Result<Arc<dyn VfsFile>> {
    let path = dir.join(RING_NAME);
    let open = || {
        let file = match vfs.open(&path, OpenOptions::create(FileClass::Ring)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                vfs.open(&path, OpenOptions::write(FileClass::Ring))
            }
            opened => opened,
        }?;
        file.allocate(0, RING_BYTES)?;
        Ok(file)
    };
    open().map_err(|e| Error::io("make the ring of the log", e).in_file(&path))
}

/// Writes the log's bytes at `lsn` into the ring, around its end if need be.
pub(crate) fn write_ring(ring: &dyn VfsFile, lsn: Lsn, bytes: &[u8]) -> io::Result<()> {
    let at = lsn.0 % RING_BYTES;
    let room = usize::try_from(RING_BYTES - at).expect("it is small");
    let (first, wrapped) = bytes.split_at(bytes.len().min(room));
    ring.write_all_at(first, at)?;
    ring.write_all_at(wrapped, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_around_the_end_of_the_ring() {
        let mut image = RingImage(vec![0; usize::try_from(RING_BYTES).unwrap()]);
        image.0[..2].copy_from_slice(&[3, 4]);
        let end = image.0.len();
        image.0[end - 2..].copy_from_slice(&[1, 2]);
        let mut out = Vec::new();
        assert!(image.copy(Lsn(3 * RING_BYTES - 2), 4, &mut out));
        assert_eq!(out, [1, 2, 3, 4]);
        assert!(!image.copy(Lsn(0), end + 1, &mut out));
        assert!(!RingImage(Vec::new()).copy(Lsn(0), 1, &mut out));
    }
}
