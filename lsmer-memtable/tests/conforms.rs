//! The memtables keep the obligations of their seam.

#![cfg(not(lsmer_loom))]

mod skip_arena {
    lsmer_testkit::memtable_conforms!(*lsmer_memtable::SkipArena::factory());
}

mod crossbeam {
    lsmer_testkit::memtable_conforms!(*lsmer_memtable::CrossbeamMemtable::factory());
}

mod btree_arena {
    lsmer_testkit::memtable_conforms!(*lsmer_memtable::BTreeArena::factory());
}
