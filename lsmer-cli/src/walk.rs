//! Walking a tree of folders and files, in order, without following links.

use std::{
    ffi::OsString,
    fs::{self, FileType, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    vec,
};

/// What a walk came by.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file: its path below the root, and its size in bytes as far as known.
    File(PathBuf, u64),
    /// Something that is not imported, by its path below the root, and why.
    Refused(PathBuf, String),
    /// The folder that was to be left out.
    LeftOut(PathBuf),
}

/// Which folder a path leads to, by whatever names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Looks a path up, following links.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Walks a tree: the names of a folder in order, and what is in a folder where its name stands.
#[derive(Debug)]
pub(crate) struct Walk {
    root: PathBuf,
    leave_out: Option<Identity>,
    /// What is left of each open folder, the innermost last.
    open: Vec<OpenFolder>,
}

#[derive(Debug)]
struct OpenFolder {
    /// Path below the root.
    path: PathBuf,
    names: vec::IntoIter<OsString>,
}

impl Walk {
    /// Starts in the folder `root`.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub(crate) fn new(root: &Path, leave_out: Option<Identity>) -> io::Result<Self> {
        let mut walk = Self { root: root.to_path_buf(), leave_out, open: Vec::new() };
        walk.enter(PathBuf::new())?;
        Ok(walk)
    }

    fn enter(&mut self, path: PathBuf) -> io::Result<()> {
        let entries = fs::read_dir(self.root.join(&path))?;
        let names = entries.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        self.open.push(OpenFolder { path, names: names.into_iter() });
        Ok(())
    }

    /// Looks at one name; a folder that was entered is nothing to tell.
    fn visit(&mut self, path: PathBuf) -> Option<Found> {
        let metadata = match fs::symlink_metadata(self.root.join(&path)) {
            Ok(metadata) => metadata,
            Err(error) => return Some(Found::Refused(path, error.to_string())),
        };
        if metadata.is_file() {
            return Some(Found::File(path, metadata.len()));
        }
        if !metadata.is_dir() {
            return Some(Found::Refused(path, kind(metadata.file_type()).to_owned()));
        }
        if self.leave_out == Some(Identity::from(&metadata)) {
            return Some(Found::LeftOut(path));
        }
        let entered = self.enter(path.clone());
        entered.err().map(|error| Found::Refused(path, error.to_string()))
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let folder = self.open.last_mut()?;
            let Some(name) = folder.names.next() else {
                self.open.pop();
                continue;
            };
            let path = folder.path.join(name);
            if let Some(found) = self.visit(path) {
                return Some(found);
            }
        }
    }
}

fn kind(file_type: FileType) -> &'static str {
    if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_fifo() {
        "a pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_in_order_and_follows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["b", "b/deep", "empty", "own"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        for file in ["a", "b/deep/x", "b/y", "c", "own/z"] {
            fs::write(root.join(file), file).unwrap();
        }
        std::os::unix::fs::symlink("b", root.join("bb")).unwrap();
        let own = Identity::of(&root.join("own")).unwrap();
        let found = Walk::new(root, Some(own)).unwrap().map(|found| match found {
            Found::File(path, bytes) => format!("{} {bytes}", path.display()),
            Found::Refused(path, why) => format!("{}: {why}", path.display()),
            Found::LeftOut(path) => format!("without {}", path.display()),
        });
        let want = ["a 1", "b/deep/x 8", "b/y 3", "bb: a symbolic link", "c 1", "without own"];
        assert_eq!(found.collect::<Vec<_>>(), want);
        assert!(Walk::new(&root.join("none"), None).is_err());
    }
}
