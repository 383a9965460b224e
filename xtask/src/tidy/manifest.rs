//! As much of a `Cargo.toml` as tidy asks for: members, a name, our own dependencies.
//!
//! Lines, not TOML: one key a line, as `cargo add` and everybody here writes them.

/// A dependency on a crate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The crate that is depended on.
    pub(crate) name: String,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// Returns the folders of the workspace's members.
pub(crate) fn members(text: &str) -> Vec<String> {
    let list = text.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let list = list.map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the package's name.
pub(crate) fn name(text: &str) -> Option<String> {
    let mut in_package = lines(text).filter(|line| line.section == "package");
    in_package.find_map(|line| (key(line.text) == "name").then(|| value(line.text)))
}

/// Returns the paths of targets that the manifest names, from the package's folder.
pub(crate) fn target_paths(text: &str) -> Vec<String> {
    let is_target = |section: &str| matches!(section, "lib" | "[bin]");
    lines(text)
        .filter(|line| is_target(line.section) && key(line.text) == "path")
        .map(|line| value(line.text))
        .collect()
}

/// Returns the crates of ours that the package needs to be built; not those for its tests.
pub(crate) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    for line in lines(text) {
        let (kind, named) = dependency_section(line.section);
        let name = named.unwrap_or_else(|| key(line.text)).trim_matches('"');
        let is_ours = name == "lsmer" || name.starts_with("lsmer-");
        if kind && is_ours && !found.iter().any(|known| known.name == name) {
            found.push(Dependency { name: name.to_owned(), line: line.number });
        }
    }
    found
}

/// Returns whether a section lists dependencies, and the one that its own header names.
///
/// `dependencies`, `build-dependencies`, `target.'cfg(..)'.dependencies`, `dependencies.<name>`.
fn dependency_section(section: &str) -> (bool, Option<&str>) {
    let section = match section.strip_prefix("target.") {
        Some(target) => target.rsplit_once("'.").map_or(target, |(_, rest)| rest),
        None => section,
    };
    let (kind, named) = match section.split_once('.') {
        Some((kind, named)) => (kind, Some(named)),
        None => (section, None),
    };
    (matches!(kind, "dependencies" | "build-dependencies"), named)
}

struct Line<'a> {
    section: &'a str,
    text: &'a str,
    number: usize,
}

/// Returns the lines that are neither blank, comment nor header, each with its section. A section
/// that names a dependency is a line too, so that it is found when it is all there is.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, text)| {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            section = header.rsplit_once(']').map_or(header, |(name, _)| name);
        } else if text.is_empty() || text.starts_with('#') {
            return None;
        }
        Some(Line { section, text, number: index + 1 })
    })
}

/// Returns what stands before `=`, without `.workspace` and the like.
fn key(line: &str) -> &str {
    let key = line.split_once('=').map_or("", |(key, _)| key).trim();
    key.split_once('.').map_or(key, |(name, _)| name)
}

/// Returns what stands between quotes after `=`.
fn value(line: &str) -> String {
    let value = line.split_once('=').map_or("", |(_, value)| value);
    value.trim().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_the_quoted_folders() {
        let text = "[workspace]\nmembers = [\n    \"a\",\n    \"b/c\",\n]\n[x]\ny = [\"z\"]\n";
        assert_eq!(members(text), ["a", "b/c"]);
    }

    #[test]
    fn the_name_is_the_package_s() {
        let text = "[lib]\nname = \"no\"\npath = \"src/x.rs\"\n[package]\nname = \"yes\"\n";
        assert_eq!(name(text).as_deref(), Some("yes"));
        assert_eq!(target_paths(text), ["src/x.rs"]);
    }

    #[test]
    fn dependencies_are_ours_and_not_for_tests() {
        let text = "\
[dependencies]
lsmer-core.workspace = true
# lsmer-no = 1
zstd = \"1\"
lsmer = { path = \"../lsmer\" }
[dev-dependencies]
lsmer-testkit.workspace = true
[target.'cfg(unix)'.dependencies]
lsmer-io.workspace = true
[dependencies.lsmer-wal]
workspace = true
[build-dependencies]
lsmer-core.workspace = true
";
        let found = dependencies(text);
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["lsmer-core", "lsmer", "lsmer-io", "lsmer-wal"]);
        assert_eq!(found[1].line, 5);
    }
}
