//! The caches keep the obligations of their seam.

mod slot_cache {
    use std::sync::Arc;

    lsmer_testkit::cache_conforms!(|bytes| Arc::new(lsmer_cache::SlotCache::new(bytes)));
}

mod no_cache {
    use std::sync::Arc;

    lsmer_testkit::cache_conforms!(|_| Arc::new(lsmer_cache::NoCache));
}
