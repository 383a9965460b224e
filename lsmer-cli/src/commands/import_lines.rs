//! `lsmer import lines`: lines become entries.

use std::{
    io::{self, BufReader},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{FileType, Mode, OFlags};

use super::import::Import;
use crate::{
    args::Global,
    failure::{Failure, Outcome},
    lines::{Line, next_line},
    progress::Progress,
    stop::{Stop, StoppableRead},
};

const BUFFER_BYTES: usize = 256 << 10;

pub(super) fn run(global: &Global, path: &Path, file: &Path) -> Outcome {
    let coding = global.coding();
    let stop = Stop::on_signals()?;
    let failed = |error| Failure::io(format_args!("cannot read {}", file.display()), &error);
    // Before the database is made: the file may not be there.
    let fd = open(file).map_err(failed)?;
    let progress = Progress::new("line", || size(&fd));
    let mut import = Import::new(global, path, progress)?;
    let mut lines = BufReader::with_capacity(BUFFER_BYTES, StoppableRead::new(fd, stop.clone()));
    let mut line = Vec::new();
    for number in 1_u64.. {
        let found = next_line(&mut lines, &mut line).map_err(failed)?;
        // Before the line is looked at: it may end where reading stopped.
        if stop.asked() {
            return import.stop();
        }
        let parsed = match found {
            Line::End => break,
            Line::TooLong => Err("longer than the largest entry"),
            Line::Whole => coding.parse(&line),
        };
        let stored = match parsed {
            Ok((key, value)) => {
                let stored = import.store(&key, &value)?;
                stored.map(|()| (key.len() + value.len()) as u64)
            }
            Err(why) => Err(why.to_owned()),
        };
        match stored {
            Ok(bytes) => import.progress.add(bytes, line.len() as u64 + 1),
            Err(why) => import.progress.skip(format_args!("left out line {number}: {why}")),
        }
    }
    import.finish()
}

fn open(file: &Path) -> io::Result<OwnedFd> {
    if file == Path::new("-") {
        return io::stdin().as_fd().try_clone_to_owned();
    }
    Ok(rustix::fs::open(file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Returns the size in bytes, if it is known beforehand.
fn size(fd: &OwnedFd) -> Option<u64> {
    let stat = rustix::fs::fstat(fd).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    u64::try_from(stat.st_size).ok().filter(|_| is_file)
}
