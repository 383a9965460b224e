//! libFuzzer on the target `block`.

#![no_main]

lsmer_libfuzzer::fuzz!("block");
