//! Files and folders at one moment: numbered nodes, and names for them.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path},
    sync::Arc,
};

use super::{
    content::{self, Content, mix},
    log::Change,
};

/// The number of a file or folder; never reused.
pub(super) type Ino = u64;

/// The number of `/`.
pub(super) const ROOT: Ino = 0;

/// The names in a folder.
pub(super) type Names = BTreeMap<Arc<str>, Ino>;

/// A file or a folder.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Content),
    Folder(Arc<Names>),
}

/// A tree of files. A clone costs a reference count per node.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// Nodes without a name stay: somebody may have them open.
    pub(super) nodes: BTreeMap<Ino, Node>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { nodes: BTreeMap::from([(ROOT, Node::Folder(Arc::default()))]) }
    }

    /// Returns the folder of a path, and the name in it.
    pub(super) fn place<'a>(&self, path: &'a Path) -> io::Result<(Ino, &'a str)> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.find(path.parent().unwrap_or(Path::new("")))?;
        self.names(folder)?;
        Ok((folder, name))
    }

    /// Returns what a path stands for.
    pub(super) fn find(&self, path: &Path) -> io::Result<Ino> {
        let mut at = ROOT;
        for part in path.components() {
            match part {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) => {
                    let name = name.to_str().ok_or(io::ErrorKind::InvalidInput)?;
                    at = *self.names(at)?.get(name).ok_or(io::ErrorKind::NotFound)?;
                }
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(at)
    }

    pub(super) fn names(&self, folder: Ino) -> io::Result<&Names> {
        match self.nodes.get(&folder) {
            Some(Node::Folder(names)) => Ok(names),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn file(&self, file: Ino) -> io::Result<&Content> {
        match self.nodes.get(&file) {
            Some(Node::File(content)) => Ok(content),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn file_mut(&mut self, file: Ino) -> &mut Content {
        let node = self.nodes.entry(file).or_insert_with(|| Node::File(Content::default()));
        let Node::File(content) = node else { panic!("a change of the bytes of a folder") };
        content
    }

    pub(super) fn names_mut(&mut self, folder: Ino) -> &mut Names {
        let node = self.nodes.entry(folder).or_insert_with(|| Node::Folder(Arc::default()));
        let Node::Folder(names) = node else { panic!("a change of the names in a file") };
        Arc::make_mut(names)
    }

    /// Carries out a change that is known to be possible.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { file, offset, bytes } => self.file_mut(*file).write(bytes, *offset),
            Change::SetLen { file, len } => self.file_mut(*file).set_len(*len),
            Change::Link { dir, name, node, is_dir } => {
                self.introduce(*node, *is_dir);
                self.names_mut(*dir).insert(Arc::clone(name), *node);
            }
            Change::Unlink { dir, name, .. } => drop(self.names_mut(*dir).remove(name)),
            Change::Rename { from, to, node } => {
                self.names_mut(from.0).remove(&from.1);
                self.names_mut(to.0).insert(Arc::clone(&to.1), *node);
            }
            Change::Revert { file, content } => *self.file_mut(*file) = content.clone(),
            Change::Sync { .. } | Change::SyncDir { .. } | Change::MarkClean { .. } => {}
        }
    }

    /// Makes sure that there is a node of this number.
    pub(super) fn introduce(&mut self, node: Ino, is_dir: bool) {
        self.nodes.entry(node).or_insert_with(|| {
            if is_dir { Node::Folder(Arc::default()) } else { Node::File(Content::default()) }
        });
    }

    /// Leaves out what has no name, as checking a file system does, and returns a hash of the
    /// names and contents that are left.
    pub(super) fn prune(&mut self) -> u64 {
        let mut kept = BTreeMap::new();
        let hash = self.keep(ROOT, &mut kept);
        self.nodes = kept;
        hash
    }

    fn keep(&self, ino: Ino, kept: &mut BTreeMap<Ino, Node>) -> u64 {
        let Some(node) = self.nodes.get(&ino) else { return 0 };
        let seen = kept.insert(ino, node.clone()).is_some();
        match node {
            Node::File(content) => content::hash(content),
            Node::Folder(_) if seen => 0,
            Node::Folder(names) => names.iter().fold(1, |hash, (name, node)| {
                let hash = mix(hash, lsmer_core::hash(name.as_bytes()));
                mix(hash, self.keep(*node, kept))
            }),
        }
    }
}
