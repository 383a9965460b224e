//! The table formats keep the obligations of their seam.

mod columnar {
    lsmer_testkit::table_conforms!(lsmer_sstable::ColumnarFormat::default());
}

mod sorted_array {
    lsmer_testkit::table_conforms!(lsmer_sstable::SortedArrayFormat::default());
}
