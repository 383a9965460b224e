//! Room on the disk, before it is needed.

use std::{io, os::fd::BorrowedFd};

use rustix::{
    fs::{self, FallocateFlags},
    io::{Errno, pread, pwrite, retry_on_intr},
};

/// Size of the writes that stand in for `fallocate`, in bytes.
const FILL_BYTES: usize = 64 << 10;

/// Allocates the range and extends the file to its end, whatever the file system can do.
/// Nobody else may write to the range meanwhile.
pub(crate) fn allocate(fd: BorrowedFd<'_>, offset: u64, bytes: u64) -> io::Result<()> {
    match reserve(fd, offset, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(fd, offset, bytes),
        result => Ok(result?),
    }
}

/// Allocates with `fallocate(2)`.
pub(super) fn reserve(fd: BorrowedFd<'_>, offset: u64, bytes: u64) -> rustix::io::Result<()> {
    let end = offset.checked_add(bytes).and_then(|end| i64::try_from(end).ok());
    end.ok_or(Errno::FBIG)?;
    if bytes == 0 {
        return Ok(());
    }
    retry_on_intr(|| fs::fallocate(fd, FallocateFlags::empty(), offset, bytes))
}

/// Allocates by writing to every byte what is there: zeros beyond the end and in holes. A file
/// that did not get all of it has its old length again.
pub(super) fn fill(fd: BorrowedFd<'_>, offset: u64, bytes: u64) -> io::Result<()> {
    let end = offset.checked_add(bytes).ok_or(io::ErrorKind::FileTooLarge)?;
    let len = super::len(fd)?;
    let mut buf = vec![0; FILL_BYTES];
    let mut at = offset;
    while at < end {
        let piece = usize::try_from(end - at).map_or(FILL_BYTES, |rest| rest.min(FILL_BYTES));
        if let Err(error) = rewrite(fd, &mut buf[..piece], at) {
            if end > len {
                // Best effort: the caller gets the error that matters.
                retry_on_intr(|| fs::ftruncate(fd, len)).ok();
            }
            return Err(error);
        }
        at += piece as u64;
    }
    Ok(())
}

/// Writes to a range what it contains, zeros beyond the end.
fn rewrite(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> io::Result<()> {
    buf.fill(0);
    let mut read = 0;
    while read < buf.len() {
        match retry_on_intr(|| pread(fd, &mut buf[read..], offset + read as u64))? {
            0 => break,
            count => read += count,
        }
    }
    let mut written = 0;
    while written < buf.len() {
        match retry_on_intr(|| pwrite(fd, &buf[written..], offset + written as u64))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn filling_keeps_what_is_there_and_extends_with_zeros() {
        let file = tempfile::tempfile().unwrap();
        let fd = file.as_fd();
        pwrite(fd, b"head", 0).unwrap();
        pwrite(fd, b"tail", 100_000).unwrap();
        fill(fd, 2, 199_998).unwrap();

        assert_eq!(super::super::len(fd).unwrap(), 200_000);
        let mut bytes = vec![1; 200_000];
        rewrite(fd, &mut bytes, 0).unwrap();
        assert_eq!(&bytes[..4], b"head");
        assert_eq!(&bytes[100_000..100_004], b"tail");
        assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 8);
        let blocks = u64::try_from(fs::fstat(fd).unwrap().st_blocks).unwrap();
        assert!(blocks * 512 >= 199_000, "no holes are left");
    }

    #[test]
    fn a_range_beyond_all_files_is_refused() {
        let file = tempfile::tempfile().unwrap();
        let error = fill(file.as_fd(), u64::MAX, 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
