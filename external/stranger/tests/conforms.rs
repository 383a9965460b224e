//! The memtable keeps the obligations of its seam, and a database that uses it those of an engine.

mod sorted_vecs {
    lsmer_testkit::memtable_conforms!(stranger::SortedVecs);
}

mod database {
    use std::sync::Arc;

    use lsmer_testkit::{Composed, engine::Effort};
    use stranger::SortedVecs;

    /// A few seconds; [`Effort::FULL`] is for releases.
    const EFFORT: Effort = Effort { runs: 10, states: 500, ..Effort::SMOKE };

    lsmer_testkit::engine_conforms!(
        Composed::new("stranger", |builder, _| { builder.memtable(Arc::new(SortedVecs)) }),
        EFFORT
    );
}
