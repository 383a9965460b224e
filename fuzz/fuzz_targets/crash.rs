//! libFuzzer on the target `crash`.

#![no_main]

lsmer_libfuzzer::fuzz!("crash");
