//! libFuzzer on the target `engine`.

#![no_main]

lsmer_libfuzzer::fuzz!("engine");
