//! The corpus is replayed, and mutated for a while, by ordinary tests.
//!
//! `LSMER_BLESS=1` writes what the parts write today to the corpus; `LSMER_SEED` mutates otherwise,
//! and `LSMER_LONG=1` a hundred times as much.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a failure says what to replay")]

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use lsmer_fuzz::{Dice, TARGETS, Target, blind, mutate, seeds, target};
use lsmer_testkit::figures;

/// Most bytes of the corpus.
const MOST_BYTES: u64 = 1 << 20;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Returns the inputs of a target, by name.
fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(corpus(target.name)).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut all: Vec<_> = entries.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    all.sort();
    all
}

fn seed() -> u64 {
    env::var("LSMER_SEED").map_or(1, |seed| seed.parse().expect("LSMER_SEED is a number"))
}

/// Runs an input; if it fails, writes it where it can be found again.
fn run(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-failed", target.name));
        fs::write(&path, input).unwrap();
        eprintln!("replay: put {} into lsmer-fuzz/corpus/{}", path.display(), target.name);
        std::panic::resume_unwind(panic);
    }
}

/// Replays the corpus of a target, and as many mutations of it.
fn replay(name: &str, mutations: usize) {
    let target = target(name);
    let corpus = inputs(&target);
    for (name, input) in &corpus {
        println!("{}/{name}", target.name);
        run(&target, input);
    }
    let many = if env::var("LSMER_LONG").is_ok_and(|long| long == "1") { 100 } else { 1 };
    let (dice, inner) = (Dice::new(seed()), Dice::new(!seed()));
    for _ in 0..mutations * many {
        let mut input = corpus[dice.below(corpus.len())].1.clone();
        for _ in 0..=dice.below(3) {
            mutate(&target, &mut input, &dice, &mut |bytes| blind(bytes, &inner));
        }
        run(&target, &input);
    }
    let counts = [("corpus", corpus.len() as u64), ("mutations", (mutations * many) as u64)];
    figures(&format!("fuzz-{name}"), &counts);
}

#[test]
fn batches() {
    replay("batch", 300_000);
}

#[test]
fn blocks() {
    replay("block", 150_000);
}

#[test]
fn filters() {
    replay("filter", 200_000);
}

#[test]
fn tables() {
    replay("table", 12_000);
}

#[test]
fn manifests() {
    replay("manifest", 30_000);
}

#[test]
fn logs() {
    replay("log", 15_000);
}

#[test]
fn engines() {
    replay("engine", 1_000);
}

#[test]
fn crashes() {
    replay("crash", 2_000);
}

#[test]
fn the_corpus_has_what_the_parts_write_today_and_is_small() {
    for (target, name, bytes) in seeds() {
        let path = corpus(target).join(&name);
        if env::var("LSMER_BLESS").is_ok_and(|bless| bless == "1") {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let found = fs::read(&path).unwrap_or_default();
        assert!(found == bytes, "{target}/{name}: write it anew with LSMER_BLESS=1");
    }
    let bytes = TARGETS.iter().flat_map(inputs).map(|(_, input)| input.len() as u64);
    assert!(bytes.sum::<u64>() <= MOST_BYTES);
}

#[test]
fn what_is_taken_apart_and_put_together_is_the_same_file() {
    for (name, input, bytes) in seeds() {
        let Some(layout) = target(name).layout else { continue };
        let parts = (layout.open)(&bytes).unwrap_or_else(|| panic!("{name}/{input} has no parts"));
        assert!(parts.len() > 3, "{name}/{input} has {} parts", parts.len());
        assert!((layout.close)(&parts) == bytes, "{name}/{input} is another file");
    }
}
