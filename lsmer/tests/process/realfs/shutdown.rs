//! Cutting the power of a mounted file system: the ioctl by which the kernel's own tests do it.
//!
//! - **I1** The number is that of `FS_IOC_SHUTDOWN` (Linux, `uapi/linux/fs.h`), which reads one
//!   `u32` from where its argument points.

#![expect(unsafe_code, reason = "there is no safe call for this ioctl")]

use std::{io, path::Path};

use rustix::{
    fs::{Mode, OFlags, open},
    ioctl::{Setter, ioctl, opcode},
};

const FS_IOC_SHUTDOWN: u32 = opcode::read::<u32>(b'X', 125);

/// What still reaches the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flush {
    /// The journal as it is in memory, without the data that it is about.
    Journal = 1,
    /// Nothing.
    Nothing = 2,
}

/// Stops a mounted file system at once: nothing more reaches the disk, and every call fails.
///
/// # Errors
///
/// It cannot be stopped so, or this process may not.
pub(crate) fn shutdown(mounted: &Path, flush: Flush) -> io::Result<()> {
    let folder = open(mounted, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
    // SAFETY: I1.
    let call = unsafe { Setter::<FS_IOC_SHUTDOWN, u32>::new(flush as u32) };
    // SAFETY: I1; the argument lives as long as the call.
    unsafe { ioctl(&folder, call) }?;
    Ok(())
}
