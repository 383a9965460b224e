//! The checkout as tidy sees it: paths and texts, read once.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{manifest, source::Source};

/// The file that holds the tables.
pub(crate) const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// All files that a rule may ask for. Paths are from the checkout's root, with `/`.
#[derive(Debug)]
pub(crate) struct Workspace {
    sources: BTreeMap<String, Source>,
    texts: BTreeMap<String, String>,
    crates: Vec<Crate>,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: String,
}

impl Crate {
    /// Returns the path of its manifest.
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// Returns the prefix of the paths of its sources.
    pub(crate) fn src(&self) -> String {
        format!("{}/src/", self.folder)
    }
}

impl Workspace {
    /// Reads a checkout. Blocks on I/O.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(root.join(&folder)).map_err(|e| failed(&folder, &e))?;
            for entry in entries {
                let entry = entry.map_err(|e| failed(&folder, &e))?;
                let path = folder.join(entry.file_name());
                let kind = entry.file_type().map_err(|e| failed(&path, &e))?;
                if kind.is_dir() && is_ours(&path) {
                    folders.push(path);
                } else if kind.is_file() && is_wanted(&path) {
                    let bytes = fs::read(root.join(&path)).map_err(|e| failed(&path, &e))?;
                    let path = path.to_string_lossy().replace('\\', "/");
                    files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        Ok(Self::new(files))
    }

    /// Makes one of paths and texts.
    pub(crate) fn new(texts: BTreeMap<String, String>) -> Self {
        let sources = texts
            .iter()
            .filter(|(path, _)| has_extension(path, "rs"))
            .map(|(path, text)| (path.clone(), Source::new(text)))
            .collect();
        let members = texts.get("Cargo.toml").map(|text| manifest::members(text));
        let crates = members
            .unwrap_or_default()
            .into_iter()
            .map(|folder| {
                let manifest = texts.get(&format!("{folder}/Cargo.toml"));
                let name = manifest.and_then(|text| manifest::name(text));
                Crate { name: name.unwrap_or_else(|| folder.clone()), folder }
            })
            .collect();
        Self { sources, texts, crates }
    }

    /// Returns the members.
    pub(crate) fn crates(&self) -> &[Crate] {
        &self.crates
    }

    /// Returns all Rust files, in the order of their paths.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// Returns the Rust files whose paths begin with `prefix`.
    pub(crate) fn sources_under<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Source)> {
        self.sources().filter(move |(path, _)| path.starts_with(prefix))
    }

    /// Returns a Rust file.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.get(path)
    }

    /// Returns the text of any file that was read; empty if there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Returns the files whose paths begin with `prefix`, with their texts.
    pub(crate) fn texts_under<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let texts = self.texts.iter().filter(move |(path, _)| path.starts_with(prefix));
        texts.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Makes one of literal paths and texts; every folder with a manifest is a member.
    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let own = |text: &&str| (*text).to_owned();
        let mut texts: BTreeMap<String, String> =
            files.iter().map(|(path, text)| (own(path), own(text))).collect();
        let members: Vec<String> = files
            .iter()
            .filter_map(|(path, _)| path.strip_suffix("/Cargo.toml"))
            .map(|folder| format!("{folder:?}"))
            .collect();
        let manifest = format!("[workspace]\nmembers = [{}]\n", members.join(", "));
        texts.insert("Cargo.toml".to_owned(), manifest);
        Self::new(texts)
    }
}

/// Returns whether a folder holds the project's own files.
fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name != "target" && !name.starts_with('.')
}

fn is_wanted(file: &Path) -> bool {
    ["rs", "toml", "md"].iter().any(|extension| has_extension(file, extension))
}

/// Returns whether a path ends with `.` and `extension`.
pub(crate) fn has_extension(path: impl AsRef<Path>, extension: &str) -> bool {
    path.as_ref().extension().is_some_and(|found| found == extension)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::root;

    #[test]
    fn this_checkout_has_this_file() {
        let workspace = Workspace::read(&root()).unwrap();
        assert!(workspace.source("xtask/src/tidy/workspace.rs").is_some());
        assert!(workspace.crates().iter().any(|member| member.name == "xtask"));
        assert!(workspace.texts_under("target/").next().is_none());
    }

    #[test]
    fn a_member_is_known_by_its_package_name() {
        let workspace = Workspace::sample(&[("a/Cargo.toml", "[package]\nname = \"lsmer-a\"\n")]);
        assert_eq!(workspace.crates()[0].name, "lsmer-a");
        assert_eq!(workspace.crates()[0].src(), "a/src/");
    }
}
