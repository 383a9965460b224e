//! Stopping at a signal, where the work can be left.

use std::{
    io::{self, Read},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::failure::{Failure, Outcome};

/// How long a read waits before it looks for a signal again: a tenth of a second.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Whether the user wants the work to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From here on, a first SIGINT or SIGTERM only asks to stop; a second one kills.
    pub(crate) fn on_signals() -> Outcome<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order, so that the first signal finds the flag not set.
            flag::register_conditional_default(signal, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Failure::io("cannot listen for signals", &error))?;
        }
        Ok(Self(asked))
    }

    /// Returns whether to stop.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads a file, a pipe or a terminal, and ends early when it is asked to stop.
#[derive(Debug)]
pub(crate) struct StoppableRead {
    fd: OwnedFd,
    stop: Stop,
}

impl StoppableRead {
    pub(crate) fn new(fd: OwnedFd, stop: Stop) -> Self {
        Self { fd, stop }
    }
}

impl Read for StoppableRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // A read that is interrupted is not enough: the signal may come just before it.
        loop {
            if self.stop.asked() {
                return Ok(0);
            }
            let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
            match poll(&mut fds, Some(&LOOK_EVERY)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(rustix::io::read(&self.fd, buf)?),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
