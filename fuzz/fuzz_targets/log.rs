//! libFuzzer on the target `log`.

#![no_main]

lsmer_libfuzzer::fuzz!("log");
