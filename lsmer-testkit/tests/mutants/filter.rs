//! A filter that is the list of its hashes, with flaws.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use lsmer_core::{Filter, FilterPolicy};
use lsmer_testkit::filter as suite;

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    DeniesOneInAThousand,
    DeniesWithoutBytes,
    PanicsOnShortBytes,
    BuildsDiffer,
    HasNoName,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "denies one key in a thousand",
        obligation: "FILTER-01",
        run: || {
            suite::filter_01_a_key_that_was_added_is_never_denied(&list(
                Flaw::DeniesOneInAThousand,
            ));
        },
    },
    Mutant {
        name: "denies where it was given no bytes",
        obligation: "FILTER-02",
        run: || {
            suite::filter_02_bytes_that_are_no_filter_are_opened(&list(Flaw::DeniesWithoutBytes));
        },
    },
    Mutant {
        name: "panics on bytes that no list has",
        obligation: "FILTER-02",
        run: || {
            suite::filter_02_bytes_that_are_no_filter_are_opened(&list(Flaw::PanicsOnShortBytes));
        },
    },
    Mutant {
        name: "writes other bytes each time",
        obligation: "FILTER-03",
        run: || suite::filter_03_a_name_stands_for_the_same_bytes(&list(Flaw::BuildsDiffer)),
    },
    Mutant {
        name: "has no name",
        obligation: "FILTER-03",
        run: || suite::filter_03_a_name_stands_for_the_same_bytes(&list(Flaw::HasNoName)),
    },
];

#[test]
fn a_filter_without_a_flaw_conforms() {
    suite::conforms(&list(Flaw::None));
}

#[test]
fn each_flaw_of_a_filter_is_caught() {
    all_are_killed("filter", MUTANTS);
}

/// A filter that is the list of its hashes.
#[derive(Debug)]
struct List(Flaw, Mutex<u8>);

impl FilterPolicy for List {
    fn name(&self) -> &'static str {
        if self.0 == Flaw::HasNoName { "" } else { "list" }
    }

    fn build(&self, hashes: &[u64], _: u8) -> Vec<u8> {
        let mut bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        if self.0 == Flaw::BuildsDiffer {
            let mut count = self.1.lock().unwrap();
            *count = count.wrapping_add(1);
            bytes.extend([*count; 8]);
        }
        bytes
    }

    fn open(&self, bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        assert!(
            self.0 != Flaw::PanicsOnShortBytes || bytes.len().is_multiple_of(8),
            "FILTER-02: short"
        );
        let hashes = bytes.chunks_exact(8).map(|hash| u64::from_le_bytes(hash.try_into().unwrap()));
        Arc::new(Open(self.0, hashes.collect()))
    }
}

#[derive(Debug)]
struct Open(Flaw, BTreeSet<u64>);

impl Filter for Open {
    fn may_contain(&self, hash: u64) -> bool {
        if self.0 == Flaw::DeniesOneInAThousand && hash % 1_000 == 1 {
            return false;
        }
        self.1.is_empty() && self.0 != Flaw::DeniesWithoutBytes || self.1.contains(&hash)
    }
}

fn list(flaw: Flaw) -> List {
    List(flaw, Mutex::default())
}
