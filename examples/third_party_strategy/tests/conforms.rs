//! The strategy keeps the obligations of its seam, and a database that uses it those of an engine.

lsmer_testkit::strategy_conforms!(third_party_strategy::Staircase);

mod database {
    use lsmer_testkit::{Composed, engine::Effort};
    use third_party_strategy::Staircase;

    /// A few seconds; [`Effort::FULL`] is for releases.
    const EFFORT: Effort = Effort { runs: 10, states: 500, ..Effort::SMOKE };

    lsmer_testkit::engine_conforms!(
        Composed::new("staircase", |builder, _| builder.compaction(Staircase)),
        EFFORT
    );
}
