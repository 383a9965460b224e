//! A compaction strategy for lsmer, written by somebody else: a staircase.
//!
//! Every run is at least twice as large as the next newer one. So n bytes are in at most log2(n)
//! runs, and an entry is rewritten about as often: the logarithmic method (Bentley and Saxe, 1980).
//!
//! It needs `lsmer-core`, which has the trait, and nothing more. `tests/conforms.rs` certifies it,
//! `tests/database.rs` has a database that uses it, and `examples/what_if.rs` tells what it costs.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use lsmer_core::{
    CompactionJob, CompactionStrategy, JobInput, JobOutput, Place, PlanContext, Run, Target,
    TreeView,
};

/// Merges neighbours of which the newer one is more than half as large as the older one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Staircase;

impl CompactionStrategy for Staircase {
    fn name(&self) -> &'static str {
        "third-party.staircase.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut jobs = Vec::new();
        let mut runs = &view.tree.runs[..];
        while let [newer, older, rest @ ..] = runs {
            if jobs.len() == cx.slots {
                break;
            }
            let is_step = newer.bytes() <= older.bytes() / 2;
            if is_step || !view.is_free(newer) || !view.is_free(older) {
                runs = &runs[1..];
            } else {
                jobs.push(merge(newer, older, cx));
                runs = rest;
            }
        }
        jobs
    }
}

/// Merges two neighbours into a run in their place.
fn merge(newer: &Run, older: &Run, cx: &PlanContext) -> CompactionJob {
    let inputs = vec![JobInput::all_of(newer), JobInput::all_of(older)];
    // The place has the name of a run and not a number: flushes add runs while the job is under
    // way. Level 0 is what was flushed; writers are slowed down when there is too much of it.
    let target = Target::New(Place::Before(newer.id));
    let output = JobOutput { target, level: 1 };
    CompactionJob::merge(inputs, output, cx.table_bytes).because("staircase")
}
