//! The strategies keep the obligations of their seam.

use std::time::Duration;

use lsmer_compaction::{Deletes, Fifo, LazyLeveled, Leveled, Tiered, TimeWindow};
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

fn deletes() -> Deletes {
    Deletes::default().with_max_age(Duration::from_secs(3)).with_max_percent(10)
}

mod leveled_of_fixed_sizes {
    lsmer_testkit::strategy_conforms!(super::small().with_dynamic(false).with_ratio(3));
}

mod leveled_that_is_after_deletes {
    lsmer_testkit::strategy_conforms!(super::small().with_deletes(super::deletes()));
}

mod tiered_that_is_after_deletes {
    use super::Tiered;

    lsmer_testkit::strategy_conforms!(
        Tiered::default().with_deletes(super::deletes()).with_idle_runs(1)
    );
}

mod lazy_leveled {
    lsmer_testkit::strategy_conforms!(lsmer_compaction::LazyLeveled::default());
}

mod lazy_leveled_that_is_after_space_and_deletes {
    use super::LazyLeveled;

    lsmer_testkit::strategy_conforms!(
        LazyLeveled::default().with_ratio(20).with_min_runs(2).with_deletes(super::deletes())
    );
}

mod fifo {
    lsmer_testkit::strategy_conforms!(lsmer_compaction::Fifo::default());
}

mod fifo_of_a_few_bytes_and_seconds {
    use super::{Duration, Fifo, TreeSim};

    lsmer_testkit::strategy_conforms!(
        Fifo::default()
            .with_max_bytes(6 * TreeSim::MEMTABLE_BYTES)
            .with_max_age(Duration::from_secs(9))
            .with_max_runs(3)
    );
}

mod time_window {
    lsmer_testkit::strategy_conforms!(lsmer_compaction::TimeWindow::default());
}

mod time_window_of_seconds {
    use super::{Duration, TimeWindow};

    lsmer_testkit::strategy_conforms!(
        TimeWindow::default()
            .with_window(Duration::from_secs(7))
            .with_max_age(Duration::from_secs(60))
            .with_min_runs(2)
    );
}
