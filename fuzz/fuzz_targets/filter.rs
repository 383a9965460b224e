//! libFuzzer on the target `filter`.

#![no_main]

lsmer_libfuzzer::fuzz!("filter");
