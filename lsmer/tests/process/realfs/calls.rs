//! Every system call of a small workload fails, or is the last one of the process.
//!
//! `strace` makes the N-th call of a kind return an error, or kills the process at it. The child
//! does all its work in one thread, so that N means the same call each time; what it goes on to do
//! is its own. Afterwards every step that it acknowledged is there, each that failed is there or
//! not, and nothing else.

use std::{
    collections::BTreeMap,
    fs,
    panic::catch_unwind,
    path::Path,
    process::{Command, Stdio},
};

use lsmer::parts::io::SeededRng;
use lsmer_testkit::figures;

use super::{
    below, rounds, seed,
    work::{After, Part, Said, State, apply, recovered, start},
};
use crate::child::Child;

/// Calls that change what is on the disk, and those that read it.
const CALLS: &str = "openat,pread64,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,rename,\
                     renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat";
const STEPS: u64 = 45;
/// What fits into a suite.
const TRIES: u64 = 45;

const SKIPPED: &str = "SKIPPED: `strace` cannot trace here; install it, or allow ptrace";

/// A call: its name, and how many of that name came before, counted from 1.
type Call = (String, u64);

/// What is done to a call.
const EFFECTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=SIGKILL"];

/// Whether calls can be failed here; says so if not.
fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=none", "true"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn child(under: &[&str], folder: &Path, careless: bool) -> Child {
    let (after, in_turn) = (After::GoOn, true);
    let part = Part { seed: seed(), from: 1, upto: STEPS, after, in_turn, careless };
    let mut child = start(under, folder, part);
    assert!(child.begin(), "it starts");
    child
}

/// Lists the calls of a run in which none fails.
fn calls() -> Vec<Call> {
    let temp = tempfile::tempdir().unwrap();
    let log = temp.path().join("log");
    let traced = format!("trace=write,{CALLS}");
    let under = ["strace", "-f", "-o", log.to_str().unwrap(), "-e", &traced];
    let mut said = Said::default();
    for mark in child(&under, &temp.path().join("db"), false).finish() {
        said.hear(mark);
    }
    assert_eq!((said.acknowledged, said.failed), (STEPS - 1, vec![]));
    let text = fs::read_to_string(log).unwrap();
    let begin = text.lines().find(|line| line.contains("lsmer marks")).expect("it says so");
    let thread = begin.split(' ').next().unwrap();
    let (mut counts, mut all, mut begun) = (BTreeMap::new(), Vec::new(), false);
    for line in text.lines() {
        let Some((who, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        let count = counts.entry((name, who == thread)).or_insert(0_u64);
        *count += 1;
        begun |= line.contains("lsmer marks");
        if begun && who == thread && name != "write" {
            all.push((name.to_owned(), *count));
        }
    }
    // Calls are counted in each thread: those that the start of the process makes too are left out.
    all.retain(|(name, n)| counts.get(&(name.as_str(), false)).is_none_or(|start| n > start));
    all
}

/// Does something to a call, and looks at what is left.
fn try_call((name, n): &Call, effect: &str, careless: bool) {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let inject = format!("inject={name}:{effect}:when={n}");
    let traced = format!("trace={name}");
    let under = ["strace", "-f", "-o", "/dev/null", "-e", &traced, "-e", &inject];
    let (marks, status) = child(&under, &folder, careless).ended();
    let killed = effect.starts_with("signal");
    assert_eq!(status.success(), !killed, "{inject}: {status}");
    let mut said = Said::default();
    for mark in marks {
        said.hear(mark);
    }
    if killed {
        said.failed.push(said.acknowledged + 1);
    }
    let found = recovered(&folder);
    assert!(possible(&said).any(|state| state == found), "{inject}: {said:?}, found {found:?}");
}

/// Returns the states that there may be: each step that failed was done or not.
fn possible(said: &Said) -> impl Iterator<Item = State> {
    let last = said.failed.iter().fold(said.acknowledged, |last, step| last.max(*step));
    (0..1_u64 << said.failed.len()).map(move |done| {
        let is_there = |step: &u64| {
            let failed = said.failed.iter().position(|failed| failed == step);
            failed.is_none_or(|at| done >> at & 1 == 1)
        };
        let mut state = State::default();
        apply(&mut state, seed(), (1..=last).filter(is_there));
        state
    })
}

#[test]
fn a_call_that_fails_or_never_returns_loses_nothing_that_was_acknowledged() {
    if !can_trace() {
        return println!("{SKIPPED}");
    }
    let calls = calls();
    let all: Vec<(&Call, &str)> =
        calls.iter().flat_map(|call| EFFECTS.map(|effect| (call, effect))).collect();
    // Spread over all, from a place that the seed picks.
    let step = usize::try_from(all.len() as u64 / rounds(TRIES)).unwrap().max(1);
    let (first, mut tried) = (below(&SeededRng::new(seed()), step), 0);
    for (call, effect) in all.iter().skip(first).step_by(step) {
        try_call(call, effect, false);
        tried += 1;
    }
    figures("real-calls", &[("calls", calls.len() as u64), ("tried", tried)]);
    assert!(calls.len() > 100 && tried > 0, "there is something to fail");
}

#[test]
fn a_failed_write_that_is_told_to_have_succeeded_is_noticed() {
    if !can_trace() {
        return println!("{SKIPPED}");
    }
    let calls = calls();
    let mut writes = calls.iter().filter(|(name, _)| name == "pwrite64").step_by(4);
    let noticed = writes.any(|call| catch_unwind(|| try_call(call, EFFECTS[0], true)).is_err());
    assert!(noticed, "whatever write is lost");
}
