//! Library code takes atomics and threads from `lsmer-sync`, so that a model checker sees them.

use super::{
    exceptions::{self, STD_PATHS, exceptions},
    finding::Finding,
    modules,
    source::{Source, is_word, line_of},
    use_tree,
    workspace::Workspace,
};

/// What library code does not name.
const PATHS: &[&str] =
    &["std::sync::atomic", "core::sync::atomic", "alloc::sync::atomic", "std::thread"];
/// The crate that names them for all others.
const SYNC: &str = "lsmer-sync";
/// Crates that are programs, even where they have a library.
const TOOLS: &[&str] = &["lsmer-bench", "lsmer-cli", "xtask"];

/// Checks the `src` of every library crate; tests are left out.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in workspace.crates() {
        let name = member.name.as_str();
        let is_library = workspace.source(&format!("{}lib.rs", member.src())).is_some();
        if !is_library || name == SYNC || TOOLS.contains(&name) {
            continue;
        }
        let reached = modules::reach(workspace, member);
        for (path, _) in reached.iter().filter(|(_, is_test)| !**is_test) {
            let Some(source) = workspace.source(path) else { continue };
            findings.extend(check_file(workspace, path, source));
        }
    }
    findings
}

fn check_file(workspace: &Workspace, path: &str, source: &Source) -> Vec<Finding> {
    let found = named(&source.code_without_tests());
    if let Some(exception) = exceptions(workspace, STD_PATHS).find(|known| known.path == path) {
        let message = format!("`{path}` needs no exception any more; remove the line");
        let finding = Finding::warning(exceptions::PATH, exception.line, message);
        return if found.is_empty() { vec![finding] } else { Vec::new() };
    }
    let message = |name: &str| format!("names `{name}`; take it from `{SYNC}`");
    found.iter().map(|(line, name)| Finding::failure(path, *line, message(name))).collect()
}

/// Returns the lines that name one of [`PATHS`], with what they name.
fn named(code: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for name in PATHS.iter().copied() {
        for (at, path) in use_tree::imports(code) {
            let rest = path.strip_prefix(name);
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::")) {
                found.push((line_of(code, at), name));
            }
        }
        for (at, _) in code.match_indices(name) {
            let beside = [at.checked_sub(1), Some(at + name.len())];
            let beside = beside.into_iter().flatten().filter_map(|i| code.as_bytes().get(i));
            if !beside.copied().any(is_word) {
                found.push((line_of(code, at), name));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, text: &str, toml: &str) -> Vec<String> {
        let manifest = format!("[package]\nname = {name:?}\n");
        let files = [("a/Cargo.toml", manifest.as_str()), ("a/src/lib.rs", text)];
        let files = [files[0], files[1], (exceptions::PATH, toml)];
        let findings = check(&Workspace::sample(&files));
        findings.iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
    }

    #[test]
    fn threads_and_atomics_are_found_in_trees_and_paths() {
        let text = "//! A\nuse std::{sync::{Arc, atomic::AtomicU64}, thread};\nfn f() {\n    std::thread::yield_now();\n}\n";
        assert_eq!(
            lines("lsmer-x", text, ""),
            ["a/src/lib.rs:2", "a/src/lib.rs:2", "a/src/lib.rs:4"]
        );
    }

    #[test]
    fn locks_and_thread_locals_are_not() {
        let text = "use std::sync::{Arc, Mutex};\nstd::thread_local! {}\nuse lsmer_sync::thread;\n";
        assert_eq!(lines("lsmer-x", text, ""), [""; 0]);
    }

    #[test]
    fn the_crate_for_it_and_tools_and_tests_may() {
        let text = "use std::thread;\n";
        assert_eq!(lines("lsmer-sync", text, ""), [""; 0]);
        assert_eq!(lines("xtask", text, ""), [""; 0]);
        assert_eq!(
            lines("lsmer-x", "#[cfg(test)]\nmod t {\n    use std::thread;\n}\n", ""),
            [""; 0]
        );
    }

    #[test]
    fn an_exception_holds_as_long_as_it_is_needed() {
        let toml = "[std-paths]\n\"a/src/lib.rs\" = \"it must\"\n";
        assert_eq!(lines("lsmer-x", "use std::thread;\n", toml), [""; 0]);
        assert_eq!(lines("lsmer-x", "", toml), ["tidy.toml:2"]);
    }
}
