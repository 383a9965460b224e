//! libFuzzer on the target `table`.

#![no_main]

lsmer_libfuzzer::fuzz!("table");
