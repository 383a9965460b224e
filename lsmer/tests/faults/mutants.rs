//! Engines that treat failures wrongly, each in a way that some engine did: a layer between the
//! real one and its files makes its mistakes. The sweeps catch each of them.

use std::{io, path::Path, sync::Arc};

use lsmer_core::{DirEntry, OpenOptions, ReadRequest, SyncKind, Vfs, VfsFile};
use lsmer_testkit::{
    FailedSync,
    fault::{Effect, Errno, Op},
    figures,
};

use crate::{
    case::Case,
    layer::{Hooks, Layer},
    run::run,
    sweep::{calls, case, for_good, once},
    syncs::run_and_crash,
};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    SyncErrorsIgnored,
    SyncsTriedAgain,
    FolderSyncErrorsIgnored,
    WriteErrorsIgnored,
    ShortWritesTakenAsWhole,
    ShortReadsTakenAsWhole,
    InterruptsAreFatal,
    ReadErrorsTakenAsZeros,
    BatchErrorsIgnored,
    OpenErrorsTakenAsAbsence,
    ListErrorsTakenAsAnEmptyFolder,
    NameErrorsIgnored,
    NameErrorsPanic,
    SizeErrorsPanic,
    WritesTriedForEver,
}

/// A mistake, what goes wrong, whether for good, and with what: enough to catch it.
type Mutant = (Bug, Effect, bool, fn(Op) -> bool);

#[derive(Clone, Debug)]
struct Careless(Bug);

impl Careless {
    /// Turns an error into a value, if that is the mistake.
    fn or<T>(&self, bug: Bug, result: io::Result<T>, instead: T) -> io::Result<T> {
        if self.0 == bug { Ok(result.unwrap_or(instead)) } else { result }
    }

    fn fatal<T>(&self, result: io::Result<T>) -> io::Result<T> {
        let interrupted = |error: &io::Error| error.kind() == io::ErrorKind::Interrupted;
        match result {
            Err(error) if self.0 == Bug::InterruptsAreFatal && interrupted(&error) => {
                Err(Errno::EIO.error())
            }
            result => result,
        }
    }
}

impl Hooks for Careless {
    fn open(&self, inner: &dyn Vfs, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        inner.open(path, how).map_err(|error| {
            let planned = error.raw_os_error().is_some() && self.0 == Bug::OpenErrorsTakenAsAbsence;
            if planned { io::ErrorKind::NotFound.into() } else { error }
        })
    }

    fn names(&self, result: io::Result<()>) -> io::Result<()> {
        let broken = result.as_ref().is_err_and(|error| error.raw_os_error().is_some());
        assert!(!(broken && self.0 == Bug::NameErrorsPanic), "on purpose");
        if broken { self.or(Bug::NameErrorsIgnored, result, ()) } else { result }
    }

    fn read_dir(&self, inner: &dyn Vfs, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.or(Bug::ListErrorsTakenAsAnEmptyFolder, inner.read_dir(path), Vec::new())
    }

    fn sync_dir(&self, inner: &dyn Vfs, path: &Path) -> io::Result<()> {
        self.or(Bug::FolderSyncErrorsIgnored, inner.sync_dir(path), ())
    }

    fn read_at(&self, inner: &dyn VfsFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let all = buf.len();
        let read = self.fatal(inner.read_at(buf, offset));
        match read {
            Ok(some) if some > 0 && self.0 == Bug::ShortReadsTakenAsWhole => Ok(all),
            read => self.or(Bug::ReadErrorsTakenAsZeros, read, all),
        }
    }

    fn read_batch(&self, inner: &dyn VfsFile, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.or(Bug::BatchErrorsIgnored, inner.read_batch(reads), ())
    }

    fn write_at(&self, inner: &dyn VfsFile, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let write = || self.fatal(inner.write_at(&[io::IoSlice::new(bytes)], offset));
        match (write(), self.0) {
            (Ok(_), Bug::ShortWritesTakenAsWhole) => Ok(bytes.len()),
            (Err(_), Bug::WritesTriedForEver) => loop {
                if let Ok(count) = write() {
                    return Ok(count);
                }
            },
            (written, _) => self.or(Bug::WriteErrorsIgnored, written, bytes.len()),
        }
    }

    fn sync(&self, inner: &dyn VfsFile, kind: SyncKind) -> io::Result<()> {
        match (inner.sync(kind), self.0) {
            (Err(_), Bug::SyncsTriedAgain) => inner.sync(kind),
            (synced, _) => self.or(Bug::SyncErrorsIgnored, synced, ()),
        }
    }

    fn sizes(&self, result: io::Result<()>) -> io::Result<()> {
        assert!(!(result.is_err() && self.0 == Bug::SizeErrorsPanic), "on purpose");
        result
    }
}

/// Runs a sweep on a careless engine until it is caught; returns how many runs that took.
fn runs_to_catch(bug: Bug, effect: Effect, sticky: bool, fits: fn(Op) -> bool) -> Option<u64> {
    let case = case(true);
    let calls = calls(&case);
    let wrap =
        |inner: Arc<dyn Vfs>| -> Arc<dyn Vfs> { Arc::new(Layer { inner, hooks: Careless(bug) }) };
    assert!(run(&case, &wrap).is_ok(), "{bug:?} shows only when something fails");
    let mut runs = 0;
    (0..calls.len()).filter(|nth| fits(calls[*nth].op)).find_map(|nth| {
        let plan = if sticky { for_good(effect, &calls, nth, fits) } else { once(effect, nth) };
        let case = Case { plan, ..case.clone() };
        runs += 1;
        let caught = match effect {
            Effect::Sync(_) => run_and_crash(&case, &wrap).is_err(),
            _ => run(&case, &wrap).is_err(),
        };
        caught.then_some(runs)
    })
}

#[test]
fn engines_that_treat_failures_wrongly_are_caught() {
    let (eio, emfile) = (Effect::Error(Errno::EIO), Effect::Error(Errno::EMFILE));
    let clean = Effect::Sync(FailedSync::MarkedClean);
    let mutants: [Mutant; 15] = [
        (Bug::SyncErrorsIgnored, clean, false, |op| op == Op::Sync),
        (Bug::SyncsTriedAgain, clean, false, |op| op == Op::Sync),
        (Bug::FolderSyncErrorsIgnored, clean, false, |op| op == Op::SyncDir),
        (Bug::WriteErrorsIgnored, eio, false, |op| op == Op::Write),
        (Bug::ShortWritesTakenAsWhole, Effect::Short(5), false, |op| op == Op::Write),
        (Bug::ShortReadsTakenAsWhole, Effect::Short(5), false, |op| op == Op::Read),
        (Bug::InterruptsAreFatal, Effect::Error(Errno::EINTR), false, |op| op == Op::Write),
        (Bug::ReadErrorsTakenAsZeros, eio, false, |op| op == Op::Read),
        (Bug::BatchErrorsIgnored, eio, false, |op| op == Op::ReadBatch),
        (Bug::OpenErrorsTakenAsAbsence, emfile, false, |op| op == Op::Open),
        (Bug::ListErrorsTakenAsAnEmptyFolder, eio, false, |op| op == Op::ReadDir),
        (Bug::NameErrorsIgnored, eio, false, |op| op == Op::Rename),
        (Bug::NameErrorsPanic, eio, false, |op| op == Op::Remove),
        (Bug::SizeErrorsPanic, eio, false, |op| op == Op::Allocate),
        (Bug::WritesTriedForEver, eio, true, |op| op == Op::Write),
    ];
    let (mut caught, mut runs) = (0, 0);
    for (bug, effect, sticky, fits) in mutants {
        let took = runs_to_catch(bug, effect, sticky, fits);
        runs += took.unwrap_or_else(|| panic!("{bug:?} was not caught"));
        caught += 1;
    }
    figures("fault-mutants", &[("caught", caught), ("runs", runs)]);
}
