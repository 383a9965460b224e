//! Merging everything by hand.

use crate::{
    drive::{Run, once},
    engine::Engine,
    outcome::Outcome,
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
        engine.compact()?;
        Ok(stage.records)
    })
}
