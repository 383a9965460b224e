//! The caches keep the obligations of their seam.

mod quick_cache {
    use std::sync::Arc;

    lsmer_testkit::cache_conforms!(|bytes| Arc::new(lsmer_cache::QuickCache::new(bytes)));
}

mod no_cache {
    use std::sync::Arc;

    lsmer_testkit::cache_conforms!(|_| Arc::new(lsmer_cache::NoCache));
}
