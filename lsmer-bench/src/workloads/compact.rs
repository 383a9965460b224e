//! Merging everything by hand.

use crate::{
    drive::{Run, once},
    engine::Engine,
    outcome::{Outcome, ensure},
    stage::Stage,
    store::Store,
    workload::Workload,
};

pub(super) const ALL: &[Workload] =
    &[Workload::fill("compact", "merge all tables into one run", compact)
        .on(Store::Loaded)
        .values(100, 1)];

fn compact(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    once(|| {
        let can = engine.compact()?;
        ensure(can, || format!("{} has no compaction", stage.engine))?;
        Ok(stage.records)
    })
}
