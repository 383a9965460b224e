//! The list and the sources name the same mutants.

use std::{collections::BTreeMap, fs, path::Path};

use crate::registry;

/// Where the macro itself is, with examples.
const MACRO: &str = "lsmer-core/src/mutants.rs";

/// Returns in which files of the library crates each mutant is planted.
fn planted() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut planted = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        if folder.file_name().unwrap().to_str().unwrap().starts_with("lsmer") {
            search(root, &folder.join("src"), &mut planted);
        }
    }
    planted
}

fn search(root: &Path, folder: &Path, planted: &mut BTreeMap<String, Vec<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            search(root, &path, planted);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != MACRO {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("mutant!(\"").skip(1) {
                let mutant = rest.split('"').next().unwrap().to_owned();
                planted.entry(mutant).or_default().push(name.clone());
            }
        }
    }
}

#[test]
fn every_mutant_is_listed_and_every_listed_one_is_planted() {
    let planted = planted();
    let listed: Vec<&str> = registry::all().iter().map(|mutant| mutant.name).collect();
    let unlisted: Vec<_> = planted.iter().filter(|(name, _)| !listed.contains(&&***name)).collect();
    assert!(unlisted.is_empty(), "not in docs/testkit/mutants.md: {unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|name| !planted.contains_key(**name)).collect();
    assert!(gone.is_empty(), "in docs/testkit/mutants.md, and nowhere planted: {gone:#?}");
    assert_eq!(planted.len(), listed.len(), "a name is listed twice");
}

#[test]
fn what_is_tried_first_is_a_detector() {
    for mutant in registry::all() {
        assert!(registry::DETECTORS.contains(&mutant.detector), "{mutant:?}");
    }
}
