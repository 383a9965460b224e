//! The parts keep the obligations of their seams: one line for each part.

mod sorted_vecs {
    lsmer_testkit::memtable_conforms!(stranger::SortedVecs);
}

mod staircase {
    lsmer_testkit::strategy_conforms!(stranger::Staircase);
}
