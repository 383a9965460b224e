//! The filters keep the obligations of their seam.

mod blocked_bloom {
    lsmer_testkit::filter_conforms!(lsmer_filter::BlockedBloom::new());
}

mod no_filter {
    lsmer_testkit::filter_conforms!(lsmer_filter::NoFilter);
}
