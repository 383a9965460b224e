//! Every obligation of a seam is shown to hold, and what shows it is shown to work.
//!
//! - An obligation is a line `` /// - `WAL-03` .. `` in `lsmer-core/src`.
//! - A property is a public function of `lsmer-testkit/src`, named `wal_03_..` after the
//!   obligation, and made a test by the macro of its suite.
//! - A broken part names the obligation it breaks, as `"WAL-03"`, in `lsmer-testkit/tests/mutants`.
//!
//! Each obligation has one of both, unless `tidy.toml` says why it cannot, and there is none for an
//! obligation that is not. The properties of whole engines stand apart: an engine is no seam.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    exceptions::{self, OBLIGATIONS, exceptions},
    finding::Finding,
    source::{Source, is_word, line_of, words},
    workspace::Workspace,
};

const SEAMS: &str = "lsmer-core/src/";
const SUITES: &str = "lsmer-testkit/src/";
const ENGINE: &str = "lsmer-testkit/src/engine";
const MUTANTS: &str = "lsmer-testkit/tests/mutants/";

/// Where something stands: a file and a line.
type Site<'a> = (&'a str, usize);

/// Compares obligations with properties and with broken parts, both ways.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut obligations = BTreeMap::new();
    for (id, (path, line)) in stated(workspace) {
        if obligations.insert(id.clone(), (path, line)).is_some() {
            let message = format!("`{id}` is stated twice; give it another number");
            findings.push(Finding::failure(path, line, message));
        }
    }
    let (properties, mutants) = (properties(workspace), mutants(workspace));
    for (id, (path, line)) in properties.iter().chain(&mutants) {
        if !obligations.contains_key(id) {
            let message = format!("no seam has an obligation `{id}`; state it, or name another");
            findings.push(Finding::failure(path, *line, message));
        }
    }
    findings.extend(unused(workspace));
    let [has_property, has_mutant] = [&properties, &mutants]
        .map(|found| found.iter().map(|(id, _)| id.as_str()).collect::<BTreeSet<_>>());
    let mut excused: BTreeMap<_, _> =
        exceptions(workspace, OBLIGATIONS).map(|excuse| (excuse.path, excuse.line)).collect();
    for (id, (path, line)) in &obligations {
        let lacks = match (has_property.contains(&**id), has_mutant.contains(&**id)) {
            (true, true) => continue,
            (false, _) => format!("`{id}` has no property; write `{}..` in its suite", stem(id)),
            (true, false) => format!("`{id}` has no mutant; write a part that breaks it"),
        };
        if excused.remove(id.as_str()).is_none() {
            findings.push(Finding::failure(path, *line, lacks));
        }
    }
    for (id, line) in excused {
        let message = format!("`{id}` needs no exception; remove the line");
        findings.push(Finding::failure(exceptions::PATH, line, message));
    }
    findings
}

/// Returns the obligations that seams state.
fn stated(workspace: &Workspace) -> Vec<(String, Site<'_>)> {
    let mut all = Vec::new();
    for (path, source) in workspace.sources_under(SEAMS) {
        for (index, text) in source.text().lines().enumerate() {
            let item = text.trim_start().strip_prefix("/// - `");
            let id = item.and_then(|item| item.split('`').next()).filter(|id| is_id(id));
            all.extend(id.map(|id| (id.to_owned(), (path, index + 1))));
        }
    }
    all
}

/// Returns the ids after which public functions of the suites are named.
fn properties(workspace: &Workspace) -> Vec<(String, Site<'_>)> {
    functions(workspace).map(|(name, site)| (id_of(name).expect("a property"), site)).collect()
}

/// Returns the public functions of the suites that are named after ids.
fn functions(workspace: &Workspace) -> impl Iterator<Item = (&str, Site<'_>)> {
    suites(workspace).flat_map(|(path, source)| {
        let code = source.code();
        words(code, "pub fn").filter_map(move |at| {
            let name = word(&code[at + "pub fn ".len()..]);
            id_of(name).map(|_| (name, (path, line_of(code, at))))
        })
    })
}

/// Finds properties that no macro makes tests of.
fn unused(workspace: &Workspace) -> Vec<Finding> {
    let mut listed = BTreeSet::new();
    for (_, source) in suites(workspace) {
        let code = source.code();
        for at in words(code, "properties") {
            let list = code[at..].split('}').next().unwrap_or_default();
            listed.extend(list.split_whitespace());
        }
    }
    let unlisted = functions(workspace).filter(|(name, _)| !listed.contains(name));
    let finding = |(name, (path, line)): (&str, Site<'_>)| {
        let message = format!("no macro makes a test of `{name}`; list it in that of its suite");
        Finding::failure(path, line, message)
    };
    unlisted.map(finding).collect()
}

/// Returns the ids that broken parts name.
fn mutants(workspace: &Workspace) -> Vec<(String, Site<'_>)> {
    let mut all = Vec::new();
    for (path, source) in workspace.sources_under(MUTANTS) {
        for (index, text) in source.text().lines().enumerate() {
            let ids = text.split('"').skip(1).step_by(2).filter(|id| is_id(id));
            all.extend(ids.map(|id| (id.to_owned(), (path, index + 1))));
        }
    }
    all
}

fn suites(workspace: &Workspace) -> impl Iterator<Item = (&str, &Source)> {
    workspace.sources_under(SUITES).filter(|(path, _)| !path.starts_with(ENGINE))
}

/// Returns whether a text is an id: letters, a hyphen, two digits.
fn is_id(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(seam, number)| {
        let letters = !seam.is_empty() && seam.bytes().all(|byte| byte.is_ascii_uppercase());
        letters && number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns the id after which a function is named: `WAL-03` for `wal_03_what_holds`.
fn id_of(name: &str) -> Option<String> {
    let (seam, rest) = name.split_once('_')?;
    let (number, _) = rest.split_once('_')?;
    let id = format!("{}-{number}", seam.to_ascii_uppercase());
    is_id(&id).then_some(id)
}

/// Returns how the names of an id's properties begin.
fn stem(id: &str) -> String {
    format!("{}_", id.to_ascii_lowercase().replace('-', "_"))
}

fn word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAM: &str = "/// - `WAL-01` It holds.\n/// - `WAL-02` So does\n///   this.\n";
    const SUITE: &str = "properties! { wal, wal_01_it_holds wal_02_so_does_this }\n\
                         pub fn wal_01_it_holds() {}\npub fn wal_02_so_does_this() {}\n";
    const BROKEN: &str = "const A: [&str; 2] = [\"WAL-01\", \"WAL-02\"];\n";

    fn found([seam, suite, broken, toml]: [&str; 4]) -> Vec<String> {
        let workspace = Workspace::sample(&[
            ("lsmer-core/src/wal.rs", seam),
            ("lsmer-testkit/src/wal.rs", suite),
            ("lsmer-testkit/src/engine/suite.rs", "pub fn engine_01_it_works() {}\n"),
            ("lsmer-testkit/tests/mutants/wal.rs", broken),
            (exceptions::PATH, toml),
        ]);
        let short = |found: &Finding| {
            let file = found.path.trim_start_matches("lsmer-");
            format!("{file}:{} {}", found.line, word(&found.message[1..]))
        };
        check(&workspace).iter().map(short).collect()
    }

    #[test]
    fn an_obligation_with_a_property_and_a_broken_part_is_in_order() {
        assert_eq!(found([SEAM, SUITE, BROKEN, ""]), [""; 0]);
    }

    #[test]
    fn an_obligation_without_a_property_or_a_broken_part_is_found() {
        let suite = SUITE.replace("wal_02", "wal_01");
        assert_eq!(found([SEAM, &suite, BROKEN, ""]), ["core/src/wal.rs:2 WAL"]);
        let broken = BROKEN.replace("WAL-02", "WAL-2");
        assert_eq!(found([SEAM, SUITE, &broken, ""]), ["core/src/wal.rs:2 WAL"]);
        let private = SUITE.replace("pub fn wal_02", "fn wal_02");
        assert_eq!(found([SEAM, &private, BROKEN, ""]), ["core/src/wal.rs:2 WAL"]);
    }

    #[test]
    fn an_id_that_no_seam_has_is_found() {
        let seam = SEAM.replace("/// - `WAL-02`", "/// - WAL-02");
        let lines = ["testkit/src/wal.rs:3 o", "testkit/tests/mutants/wal.rs:1 o"];
        assert_eq!(found([&seam, SUITE, BROKEN, ""]), lines);
        let twice = SEAM.replace("WAL-02", "WAL-01");
        assert_eq!(found([&twice, SUITE, BROKEN, ""])[0], "core/src/wal.rs:2 WAL");
    }

    #[test]
    fn a_property_that_no_macro_lists_is_found() {
        let suite = SUITE.replacen("wal_02_so_does_this", "", 1);
        assert_eq!(found([SEAM, &suite, BROKEN, ""]), ["testkit/src/wal.rs:3 o"]);
    }

    #[test]
    fn an_exception_has_a_reason_to_be_there() {
        let suite = SUITE.replace("wal_02", "wal_01");
        let toml = "[obligations]\n\"WAL-02\" = \"asks for nothing\"\n";
        assert_eq!(found([SEAM, &suite, BROKEN, toml]), [""; 0]);
        assert_eq!(found([SEAM, SUITE, BROKEN, toml]), ["tidy.toml:2 WAL"]);
    }
}
