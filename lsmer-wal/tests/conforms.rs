//! The log keeps the obligations of its seam. (`NoWal` breaks them on purpose: it keeps nothing.)

lsmer_testkit::wal_conforms!(lsmer_wal::SegmentedWal);
