//! Closing, against work that is under way or on its way.

use std::sync::Arc;

use lsmer_core::{Result, WorkClass, models::Model};
use lsmer_io::MemVfs;
use lsmer_manifest::Edit;
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::{Work, open, parts};
use crate::job::{BackgroundJob, Progress};

/// A job that does something at its end.
struct Late(Arc<AtomicU64>);

impl BackgroundJob for Late {
    fn step(&mut self) -> Result<Progress> {
        Ok(Progress::Done)
    }

    fn finish(&mut self, result: Result<()>) {
        assert!(result.is_ok());
        self.0.store(1, Ordering::Relaxed);
    }
}

#[test]
fn a_closed_database_has_no_work_under_way() {
    let model = Model::bounded("close-jobs", 3);
    model.twin("job-uncounted-before-it-finished").twin("close-counts-after-it-looked").check(
        || {
            let engine = open(parts(&MemVfs::without_crashes(), Work::Beside));
            let finished = Arc::new(AtomicU64::new(0));
            let keyspace = engine.default_keyspace();
            keyspace.shared().spawn(WorkClass::Flush, Late(Arc::clone(&finished)));
            engine.close().unwrap();
            assert_eq!(finished.load(Ordering::Relaxed), 1);
        },
    );
}

#[test]
fn nothing_is_committed_once_the_files_are_another_s() {
    Model::bounded("close-install", 3).twin("closed-beside-an-install").check(|| {
        let engine = open(parts(&MemVfs::without_crashes(), Work::Here));
        let shared = Arc::clone(engine.default_keyspace().shared());
        let late = thread::spawn(move || {
            let _installing = shared.install.lock();
            let committed = shared.commit_edit(&Edit::default()).is_ok();
            assert!(!committed || shared.lock.lock().is_some(), "the files are another's");
        });
        engine.default_keyspace().shared().abandon();
        late.join().unwrap();
    });
}
