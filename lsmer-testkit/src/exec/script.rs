//! Jobs out of closures, and what they write down.

use std::sync::Arc;

use lsmer_core::{Event, Job, Next, WorkClass};
use lsmer_sync::Mutex;

/// All classes, most urgent first.
pub(super) const CLASSES: [WorkClass; 4] =
    [WorkClass::Flush, WorkClass::Log, WorkClass::Compaction, WorkClass::Maintenance];

/// What jobs did, in order, as words. A clone is the same diary.
#[derive(Clone, Default)]
pub(super) struct Diary(Arc<Pages>);

#[derive(Default)]
struct Pages {
    words: Mutex<Vec<String>>,
    written: Event,
}

impl Diary {
    pub(super) fn write(&self, word: impl Into<String>) {
        self.0.words.lock().push(word.into());
        self.0.written.notify();
    }

    pub(super) fn words(&self) -> Vec<String> {
        self.0.words.lock().clone()
    }

    /// Returns how often a word was written.
    pub(super) fn count(&self, word: &str) -> usize {
        self.0.words.lock().iter().filter(|written| *written == word).count()
    }

    pub(super) fn len(&self) -> usize {
        self.0.words.lock().len()
    }

    /// Is notified of every word.
    pub(super) fn written(&self) -> &Event {
        &self.0.written
    }
}

/// A job out of a closure, which is given the number of the step, from 0.
struct Script<S, D: FnMut()> {
    step: S,
    number: usize,
    dropped: D,
}

impl<S: FnMut(usize) -> Next + Send, D: FnMut() + Send> Job for Script<S, D> {
    fn step(&mut self) -> Next {
        self.number += 1;
        (self.step)(self.number - 1)
    }
}

impl<S, D: FnMut()> Drop for Script<S, D> {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

/// Makes a job.
pub(super) fn job(step: impl FnMut(usize) -> Next + Send + 'static) -> Box<dyn Job> {
    job_with_drop(step, || ())
}

/// Makes a job that does something when it is dropped.
pub(super) fn job_with_drop(
    step: impl FnMut(usize) -> Next + Send + 'static,
    dropped: impl FnMut() + Send + 'static,
) -> Box<dyn Job> {
    Box::new(Script { step, number: 0, dropped })
}

/// Makes a job that writes a word in each of so many steps.
pub(super) fn writes(diary: &Diary, word: &str, steps: usize) -> Box<dyn Job> {
    let (diary, word) = (diary.clone(), word.to_owned());
    job(move |number| {
        diary.write(word.as_str());
        if number + 1 < steps { Next::Yield } else { Next::Done }
    })
}
