//! Parts that tell the parent what a child is about, so that it knows what a kill cut short.
//!
//! Each thing that takes a while has a mark for its beginning and one for its end; a child that is
//! killed in between was killed inside of it.

use std::{cell::Cell, io, path::Path, sync::Arc, time::Duration};

use lsmer::parts::{
    SkipArena,
    core::{
        Event, Exec, Job, Memtable, MemtableFactory, MemtableSpec, Next, OpenOptions, Vfs, VfsFile,
        Waited, WorkClass,
    },
    io::{StdVfs, ThreadExec},
};

use crate::{child::Mark, over::Differs};

pub(crate) const FLUSH: (u8, u8) = (b'F', b'f');
pub(crate) const COMPACTION: (u8, u8) = (b'C', b'c');
pub(crate) const SEGMENT: (u8, u8) = (b'W', b'w');
/// A memtable is made; the write that needs it is acknowledged later.
pub(crate) const MEMTABLE: u8 = b'M';

thread_local! {
    static WHO: Cell<u8> = const { Cell::new(Mark::NOBODY) };
}

/// Gives the calling thread a number.
pub(crate) fn number_thread(who: u8) {
    WHO.set(who);
}

/// Says that something happened in this thread.
pub(crate) fn mark(tag: u8, n: u64) {
    Mark { tag, who: WHO.get(), n }.write();
}

/// Threads that tell of flushes and compactions.
#[derive(Debug)]
pub(crate) struct MarkingExec(pub(crate) ThreadExec);

struct MarkedJob {
    job: Option<Box<dyn Job>>,
    marks: Option<(u8, u8)>,
    begun: bool,
}

impl Exec for MarkingExec {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        let marks = match class {
            WorkClass::Flush => Some(FLUSH),
            WorkClass::Compaction => Some(COMPACTION),
            _ => None,
        };
        self.0.spawn(class, Box::new(MarkedJob { job: Some(job), marks, begun: false }));
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        self.0.wait(event, seen, timeout)
    }
}

impl Job for MarkedJob {
    fn step(&mut self) -> Next {
        if let (Some((begin, _)), false) = (self.marks, self.begun) {
            mark(begin, 0);
            self.begun = true;
        }
        self.job.as_mut().expect("it is only taken by the drop").step()
    }
}

impl Drop for MarkedJob {
    fn drop(&mut self) {
        drop(self.job.take());
        if let (Some((_, end)), true) = (self.marks, self.begun) {
            mark(end, 0);
        }
    }
}

/// Memtables as usual, announced.
#[derive(Debug)]
pub(crate) struct MarkingMemtables(Arc<dyn MemtableFactory>);

impl MarkingMemtables {
    pub(crate) fn factory() -> Arc<dyn MemtableFactory> {
        Arc::new(Self(SkipArena::factory()))
    }
}

impl MemtableFactory for MarkingMemtables {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        mark(MEMTABLE, 0);
        self.0.create(spec)
    }
}

/// The real files, with news of segments of the log that are being made.
#[derive(Debug)]
pub(crate) struct MarkingFiles;

impl Differs for MarkingFiles {
    fn below(&self) -> &dyn Vfs {
        &StdVfs
    }

    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        // A new file, or a used one on its way to be a segment again.
        let begins = if how.create_new { has_suffix(path, ".wal.tmp") } else { is_spare(path) };
        if how.write && begins {
            mark(SEGMENT.0, 0);
        }
        StdVfs.open(path, how)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = StdVfs.rename(from, to);
        if has_suffix(to, ".wal") && !is_spare(to) {
            mark(SEGMENT.1, 0);
        }
        renamed
    }
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(suffix))
}

fn is_spare(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("spare-"))
}
