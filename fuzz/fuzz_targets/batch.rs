//! libFuzzer on the target `batch`.

#![no_main]

lsmer_libfuzzer::fuzz!("batch");
