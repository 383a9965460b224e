//! Every file under a crate's `src` is reachable from a `mod`, and which files are for tests.
//!
//! A `mod` is found by its word; macros that write modules are not seen.

use std::collections::BTreeMap;

use super::{
    finding::Finding,
    manifest,
    source::{Source, is_test_attribute, is_word, words},
    workspace::{Crate, Workspace},
};

/// A `mod name;` in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declaration {
    /// The modules in the same file around it, outermost first, then its own name.
    names: Vec<String>,
    /// What `#[path = ".."]` says.
    path: Option<String>,
    is_test: bool,
}

/// Finds files that no `mod` reaches.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in workspace.crates() {
        let reached = reach(workspace, member);
        let prefix = member.src();
        let lost =
            workspace.sources_under(&prefix).filter(|(path, _)| !reached.contains_key(*path));
        let message = "no `mod` reaches this file; declare it, or delete it";
        findings.extend(lost.map(|(path, _)| Finding::failure(path, 1, message)));
    }
    findings
}

/// Returns the files of a crate that a `mod` reaches, each with whether it is for tests only.
pub(crate) fn reach(workspace: &Workspace, member: &Crate) -> BTreeMap<String, bool> {
    let mut reached = BTreeMap::new();
    let roots = roots(workspace, member);
    let mut next: Vec<(String, bool)> = roots.iter().map(|path| (path.clone(), false)).collect();
    while let Some((path, is_test)) = next.pop() {
        let Some(source) = workspace.source(&path) else { continue };
        // A file may be reached twice; what is reached as library code once is library code.
        if reached.get(&path).is_some_and(|known| !known || is_test) {
            continue;
        }
        for declaration in declarations(source) {
            let is_test = is_test || declaration.is_test;
            let files = candidates(&path, roots.contains(&path), &declaration);
            next.extend(files.into_iter().map(|file| (file, is_test)));
        }
        reached.insert(path, is_test);
    }
    reached
}

/// Returns the files that crates of a package begin with.
fn roots(workspace: &Workspace, member: &Crate) -> Vec<String> {
    let src = member.src();
    let named = manifest::target_paths(workspace.text(&member.manifest()));
    let named = named.into_iter().map(|path| format!("{}/{path}", member.folder));
    let usual = workspace.sources_under(&src).filter(|(path, _)| {
        let inside = &path[src.len()..];
        let program = inside.strip_prefix("bin/").map(|rest| rest.trim_end_matches("/main.rs"));
        matches!(inside, "lib.rs" | "main.rs") || program.is_some_and(|name| !name.contains('/'))
    });
    usual.map(|(path, _)| path.to_owned()).chain(named).collect()
}

/// Returns where the file of a declared module may be.
fn candidates(path: &str, is_root: bool, declaration: &Declaration) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, around) = declaration.names.split_last().expect("a module has a name");
    let stem = file.trim_end_matches(".rs");
    let mut base = vec![folder];
    if !is_root && stem != "mod" && (declaration.path.is_none() || !around.is_empty()) {
        base.push(stem);
    }
    base.extend(around.iter().map(String::as_str));
    let base = base.join("/");
    match &declaration.path {
        Some(path) => vec![joined(&base, path)],
        None => vec![format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")],
    }
}

/// Joins a folder and a path that may begin with `../`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the modules of a file that have files of their own.
fn declarations(source: &Source) -> Vec<Declaration> {
    let code = source.code();
    let mut found = Vec::new();
    let mut around: Vec<Inline> = Vec::new();
    for at in words(code, "mod") {
        let (name, after) = word_after(&code[at + "mod".len()..]);
        around.retain(|inline| at < inline.end);
        let begin = code[..at].rfind([';', '{', '}']).map_or(0, |before| before + 1);
        let is_test = is_test_attribute(&code[begin..at]) || around.iter().any(|m| m.is_test);
        if name.is_empty() {
            continue;
        }
        if after.starts_with('{') {
            let end = closing(code, code.len() - after.len());
            around.push(Inline { name: name.to_owned(), end, is_test });
        } else if after.starts_with(';') {
            let mut names: Vec<String> = around.iter().map(|inline| inline.name.clone()).collect();
            names.push(name.to_owned());
            let path = path_attribute(&source.text()[begin..at]);
            found.push(Declaration { names, path, is_test });
        }
    }
    found
}

/// A `mod name { .. }`.
struct Inline {
    name: String,
    /// Where its closing brace is.
    end: usize,
    is_test: bool,
}

fn word_after(code: &str) -> (&str, &str) {
    let code = code.trim_start();
    let end = code.bytes().position(|byte| !is_word(byte)).unwrap_or(code.len());
    (&code[..end], code[end..].trim_start())
}

/// Returns the offset of the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn path_attribute(attributes: &str) -> Option<String> {
    let (_, rest) = attributes.split_once("#[path")?;
    rest.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(files: &[(&str, &str)]) -> Vec<String> {
        let mut all = vec![("a/Cargo.toml", "[package]\nname = \"a\"\n")];
        all.extend(files);
        check(&Workspace::sample(&all)).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn files_are_reached_through_modules() {
        let files = [
            ("a/src/lib.rs", "mod b;\nmod c;\nmod d { pub mod e; }\n"),
            ("a/src/b.rs", "mod f;"),
            ("a/src/b/f.rs", ""),
            ("a/src/c/mod.rs", "pub(crate) mod g;"),
            ("a/src/c/g.rs", ""),
            ("a/src/d/e.rs", "#[path = \"odd.rs\"]\nmod h;"),
            ("a/src/d/odd.rs", ""),
            ("a/src/bin/tool.rs", ""),
            ("a/src/bin/big/main.rs", "mod part;"),
            ("a/src/bin/big/part.rs", ""),
        ];
        assert_eq!(lost(&files), [""; 0]);
    }

    #[test]
    fn a_file_without_a_module_is_lost() {
        let files = [
            ("a/src/lib.rs", "// mod b;\nmod c {}\n"),
            ("a/src/b.rs", ""),
            ("a/src/c.rs", ""),
            ("a/tests/it/main.rs", ""),
        ];
        assert_eq!(lost(&files), ["a/src/b.rs", "a/src/c.rs"]);
    }

    #[test]
    fn a_module_for_tests_has_files_for_tests() {
        let workspace = Workspace::sample(&[
            ("a/Cargo.toml", ""),
            ("a/src/lib.rs", "mod b;\n#[cfg(test)]\nmod tests;\n"),
            ("a/src/b.rs", "#[cfg(test)]\nmod tests { mod deep; }"),
            ("a/src/b/tests/deep.rs", ""),
            ("a/src/tests.rs", "mod more;"),
            ("a/src/tests/more.rs", ""),
        ]);
        let reached = reach(&workspace, &workspace.crates()[0]);
        let tests: Vec<&str> = reached
            .iter()
            .filter(|(_, is_test)| **is_test)
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(reached.len(), 5);
        assert_eq!(tests, ["a/src/b/tests/deep.rs", "a/src/tests.rs", "a/src/tests/more.rs"]);
    }
}
