//! Puts to keys that are there: for so long that compaction keeps pace or shows that it does not.

use crate::{
    drive::{Limits, Run, drive},
    engine::Engine,
    outcome::Outcome,
    random::Random,
    stage::Stage,
    store::Store,
    workload::Workload,
};

pub(super) const ALL: &[Workload] =
    &[Workload::fill("overwrite", "puts to random keys that are there, for long", overwrite)
        .on(Store::Loaded)
        .values(100, 1)
        .unit("puts")];

/// It takes longer than other workloads by this factor.
const LONG: f64 = 3.0;

fn overwrite(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    drive(Limits::seconds(stage.threads, LONG * stage.seconds), |thread| {
        let mut random = Random::new(thread);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        move |nth| {
            stage.row(random.below(stage.records), nth + 1, &mut key, &mut value);
            engine.put(&key, &value)?;
            Ok(1)
        }
    })
}
