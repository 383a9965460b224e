//! Child processes: this test binary, started again.
//!
//! The parent runs its own executable with `--exact child::run --nocapture`, so that the harness of
//! the child runs the test [`run`] and nothing else. Without the variable [`ROLE`] that test
//! returns at once; with it, it plays the part that the variable names, and ends the process.
//!
//! A child talks to its parent by [`Mark`]s on its standard output: 16 bytes each, written by one
//! `write(2)`, so that a kill leaves no half of one. What the harness prints before the first
//! mark is passed over: the marks begin behind [`BEGIN`].

#![expect(clippy::print_stderr, reason = "a child has no other way to say why it failed")]

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    os::fd::AsFd,
    panic,
    process::{self, ChildStdout, Command, ExitStatus, Stdio},
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

use crate::{full, kill, lock, memory, realfs};

/// The variable that names the part a child plays.
const ROLE: &str = "LSMER_TEST_CHILD";
/// What stands before the marks of a child.
const BEGIN: &[u8; 16] = b"lsmer marks here";
/// A child that says nothing for so long hangs.
const HANG: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };

#[test]
fn run() {
    let Ok(role) = env::var(ROLE) else { return };
    exit_on_panic();
    write_all(BEGIN);
    match role.as_str() {
        "fill a disk" => full::child(),
        "hold" => lock::child(),
        "import" => memory::import(),
        "recover" => memory::recover(),
        "steps" => realfs::work::child(),
        "write" => kill::child(),
        "write a log" => memory::write_log(),
        unknown => panic!("no such part: {unknown}"),
    }
    process::exit(0);
}

/// What a child says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What happened.
    pub(crate) tag: u8,
    /// Which thread it happened to; [`Mark::NOBODY`] for all that have no number.
    pub(crate) who: u8,
    /// A number.
    pub(crate) n: u64,
}

impl Mark {
    pub(crate) const NOBODY: u8 = u8::MAX;

    /// Says it to the parent.
    pub(crate) fn write(self) {
        let mut bytes = [0; 16];
        (bytes[0], bytes[1]) = (self.tag, self.who);
        bytes[8..].copy_from_slice(&self.n.to_le_bytes());
        write_all(&bytes);
    }

    fn of(bytes: [u8; 16]) -> Self {
        let n = u64::from_le_bytes(bytes[8..].try_into().expect("eight bytes"));
        Self { tag: bytes[0], who: bytes[1], n }
    }
}

/// Says something that has a number only.
pub(crate) fn say(tag: u8, n: u64) {
    Mark { tag, who: Mark::NOBODY, n }.write();
}

/// Returns a variable that the parent has set.
pub(crate) fn told(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("the parent sets {name}"))
}

/// Returns whether the long variants of the tests are to be run.
pub(crate) fn is_long() -> bool {
    env::var("LSMER_LONG").is_ok_and(|long| long == "1")
}

/// A running child; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    marks: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a child with variables of its own.
    pub(crate) fn start(role: &str, told: &[(&str, &OsStr)]) -> Self {
        Self::start_under(&[], role, told)
    }

    /// Starts a child by a command that is given the child's as its last arguments.
    pub(crate) fn start_under(under: &[&OsStr], role: &str, told: &[(&str, &OsStr)]) -> Self {
        let own = env::current_exe().expect("a process knows its executable");
        let test = ["--exact", "child::run", "--nocapture", "--test-threads=1"].map(OsStr::new);
        let mut words = under.iter().copied().chain([own.as_os_str()]).chain(test);
        let mut command = Command::new(words.next().expect("at least the executable"));
        command.args(words).env(ROLE, role).envs(told.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the system has a process to give");
        let marks = BufReader::new(process.stdout.take().expect("it is a pipe"));
        Self { process, marks }
    }

    /// Passes over what stands before the marks; returns whether there are any.
    pub(crate) fn begin(&mut self) -> bool {
        let mut last = Vec::new();
        while !last.ends_with(BEGIN) {
            self.wait_for_bytes();
            let mut byte = [0];
            if self.marks.read(&mut byte).expect("a pipe can be read") == 0 {
                return false;
            }
            last.push(byte[0]);
        }
        true
    }

    /// Returns the next mark; `None` once the child has ended. Panics if it hangs.
    pub(crate) fn next(&mut self) -> Option<Mark> {
        self.wait_for_bytes();
        let mut bytes = [0; 16];
        match self.marks.read_exact(&mut bytes) {
            Ok(()) => Some(Mark::of(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => panic!("a pipe can be read: {error}"),
        }
    }

    /// Returns the next mark if it was made already.
    pub(crate) fn next_at_hand(&mut self) -> Option<Mark> {
        let pipe = self.marks.get_ref().as_fd();
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = retry_on_intr(|| {
            poll(&mut [PollFd::from_borrowed_fd(pipe, PollFlags::IN)], Some(&at_once))
        });
        let is_here = !self.marks.buffer().is_empty() || ready.expect("a pipe can be polled") > 0;
        if is_here { self.next() } else { None }
    }

    /// Kills it with SIGKILL and returns what it had said and nobody had read.
    pub(crate) fn kill(mut self) -> Vec<Mark> {
        self.process.kill().expect("it is ours");
        let status = self.process.wait().expect("it is ours");
        assert_eq!(status.code(), None, "it ended before it was killed");
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Waits for its end; returns what it still said. Panics if it failed.
    pub(crate) fn finish(mut self) -> Vec<Mark> {
        let marks = std::iter::from_fn(|| self.next()).collect();
        let status = self.process.wait().expect("it is ours");
        assert!(status.success(), "a child failed: {status}");
        marks
    }

    /// Waits for its end, however it comes; returns what it still said, and the end.
    pub(crate) fn ended(mut self) -> (Vec<Mark>, ExitStatus) {
        let marks = std::iter::from_fn(|| self.next()).collect();
        (marks, self.process.wait().expect("it is ours"))
    }

    fn wait_for_bytes(&mut self) {
        if !self.marks.buffer().is_empty() {
            return;
        }
        let pipe = self.marks.get_ref().as_fd();
        let ready = retry_on_intr(|| {
            poll(&mut [PollFd::from_borrowed_fd(pipe, PollFlags::IN)], Some(&HANG))
        });
        assert_ne!(ready.expect("a pipe can be polled"), 0, "the child hangs");
        self.marks.fill_buf().expect("a pipe can be read");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may be gone already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A panic in any thread of a child is the child's failure, also where an executor catches it.
fn exit_on_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        eprintln!("... in thread {:?} of a child", thread::current().name());
        process::exit(101);
    }));
}

fn write_all(bytes: &[u8]) {
    let written = retry_on_intr(|| rustix::io::write(io::stdout(), bytes));
    assert_eq!(written, Ok(bytes.len()), "the parent reads");
}
