//! libFuzzer on the target `manifest`.

#![no_main]

lsmer_libfuzzer::fuzz!("manifest");
