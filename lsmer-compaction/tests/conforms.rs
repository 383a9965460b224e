//! The strategies keep the obligations of their seam.

use lsmer_compaction::{Leveled, Tiered};
use lsmer_testkit::strategy::TreeSim;

fn small() -> Leveled {
    Leveled::default().with_base_level_bytes(TreeSim::MEMTABLE_BYTES).with_ratio(2)
}

mod leveled {
    lsmer_testkit::strategy_conforms!(lsmer_compaction::Leveled::default());
}

mod leveled_of_three_small_levels {
    lsmer_testkit::strategy_conforms!(super::small().with_max_level(3).with_level0_runs(2));
}

mod leveled_without_a_queue {
    lsmer_testkit::strategy_conforms!(super::small().with_level0_runs(1));
}

mod leveled_that_is_never_satisfied {
    use super::Leveled;

    lsmer_testkit::strategy_conforms!(
        Leveled::default().with_level0_runs(2).with_base_level_bytes(1)
    );
}

mod tiered {
    lsmer_testkit::strategy_conforms!(lsmer_compaction::Tiered::default());
}

mod tiered_in_pairs {
    use super::Tiered;

    lsmer_testkit::strategy_conforms!(
        Tiered::default().with_min_runs(2).with_similar(4).with_max_space(3)
    );
}
