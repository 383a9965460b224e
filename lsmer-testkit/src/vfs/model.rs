//! A file system that is a map: what random calls are compared with.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, ErrorKind},
};

/// Names of files and folders, and the bytes of the files.
#[derive(Default)]
pub(super) struct Model {
    names: BTreeMap<&'static str, Node>,
    pub(super) files: Vec<Vec<u8>>,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Node {
    /// The file of this number.
    File(usize),
    Folder,
}

/// What a model says: `Err(None)` if a call fails with any error.
pub(super) type Answer<T> = Result<T, Option<ErrorKind>>;

/// Compares what a call answered with what the model says; an error tells both.
pub(super) fn agree<T: PartialEq + fmt::Debug>(
    want: &Answer<T>,
    got: &io::Result<T>,
) -> Result<(), String> {
    let agree = match (want, got) {
        (Ok(want), Ok(got)) => want == got,
        (Err(want), Err(got)) => want.is_none_or(|want| want == got.kind()),
        _ => false,
    };
    let want = || match want {
        Ok(want) => format!("{want:?}"),
        Err(Some(why)) => format!("{why:?}"),
        Err(None) => "an error".to_owned(),
    };
    let got =
        || got.as_ref().map_or_else(|why| format!("{:?}", why.kind()), |got| format!("{got:?}"));
    if agree { Ok(()) } else { Err(format!("{} instead of {}", got(), want())) }
}

impl Model {
    /// Looks a name up, which fails if its folder is none.
    pub(super) fn find(&self, name: &str) -> Answer<Option<Node>> {
        match name.rsplit_once('/').map(|(parent, _)| self.names.get(parent)) {
            Some(None) => Err(Some(ErrorKind::NotFound)),
            Some(Some(Node::File(_))) => Err(Some(ErrorKind::NotADirectory)),
            Some(Some(Node::Folder)) | None => Ok(self.names.get(name).copied()),
        }
    }

    /// Gives a free name to a new file, and returns its number.
    pub(super) fn create(&mut self, name: &'static str) -> Answer<usize> {
        self.is_free(name)?;
        self.names.insert(name, Node::File(self.files.len()));
        self.files.push(Vec::new());
        Ok(self.files.len() - 1)
    }

    pub(super) fn create_dir(&mut self, name: &'static str) -> Answer<()> {
        self.is_free(name)?;
        self.names.insert(name, Node::Folder);
        Ok(())
    }

    /// Returns the number of a file.
    pub(super) fn open(&self, name: &str) -> Answer<usize> {
        match self.find(name)? {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder) => Err(None),
            None => Err(Some(ErrorKind::NotFound)),
        }
    }

    pub(super) fn rename(&mut self, from: &'static str, to: &'static str) -> Answer<()> {
        let (source, target) = (self.open(from), self.find(to));
        match (source, target) {
            (Ok(_), Ok(Some(Node::Folder))) | (Err(_), Err(_)) => return Err(None),
            (Err(why), Ok(_)) | (Ok(_), Err(why)) => return Err(why),
            (Ok(file), Ok(Some(other))) if other == Node::File(file) => {}
            (Ok(file), Ok(_)) => {
                self.names.remove(from);
                self.names.insert(to, Node::File(file));
            }
        }
        Ok(())
    }

    pub(super) fn hard_link(&mut self, from: &'static str, to: &'static str) -> Answer<()> {
        match (self.open(from), self.is_free(to)) {
            (Ok(file), Ok(())) => drop(self.names.insert(to, Node::File(file))),
            (Err(_), Err(_)) => return Err(None),
            (Err(why), Ok(())) | (Ok(_), Err(why)) => return Err(why),
        }
        Ok(())
    }

    pub(super) fn remove_file(&mut self, name: &'static str) -> Answer<()> {
        self.open(name)?;
        self.names.remove(name);
        Ok(())
    }

    /// Lists a folder: names, whether each is a folder, and sizes.
    pub(super) fn read_dir(&self, name: &str) -> Answer<Vec<(String, bool, u64)>> {
        match self.find(name)? {
            Some(Node::Folder) => {}
            Some(Node::File(_)) => return Err(Some(ErrorKind::NotADirectory)),
            None => return Err(Some(ErrorKind::NotFound)),
        }
        let inside = |(path, node): (&&str, &Node)| {
            let name = path.strip_prefix(name)?.strip_prefix('/')?.to_owned();
            Some(match node {
                Node::File(file) => (name, false, self.files[*file].len() as u64),
                Node::Folder => (name, true, 0),
            })
        };
        Ok(self.names.iter().filter_map(inside).collect())
    }

    pub(super) fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) {
        let now = &mut self.files[file];
        if !bytes.is_empty() {
            now.resize(now.len().max(offset + bytes.len()), 0);
            now[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }

    fn is_free(&self, name: &str) -> Answer<()> {
        match self.find(name)? {
            Some(_) => Err(Some(ErrorKind::AlreadyExists)),
            None => Ok(()),
        }
    }
}
