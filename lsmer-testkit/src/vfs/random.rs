//! Random calls, on the file system and on a model.

use std::{io, sync::Arc};

use lsmer_core::{DirEntry, FileClass, OpenOptions, ReadRequest, SyncKind, VfsFile};

use super::{
    Disk,
    folder::Folder,
    model::{Answer, Model, Node, agree},
};
use crate::seed::Seeded;

const NAMES: [&str; 7] = ["a", "b", "d", "d/a", "d/b", "e", "e/a"];
const HISTORIES: usize = 40;
const CALLS: usize = 60;

/// `VFS-01` to `VFS-09`: in random histories, every call answers as a map of files would. What no
/// obligation says is not called: renames of folders.
///
/// # Panics
///
/// If one does not.
pub fn vfs_01_random_calls_answer_as_a_model_does(make: &dyn Fn() -> Disk) {
    let mut random = Seeded::new();
    for _ in 0..HISTORIES {
        let mut calls: Vec<_> = (0..CALLS).map(|_| Call::any(&mut random)).collect();
        if wrong(make, &calls).is_some() {
            shrink(make, &mut calls);
            let answers = wrong(make, &calls).expect("it shrinks to what is wrong");
            panic!("VFS-01: the last of {calls:?} answers {answers}; {random}");
        }
    }
}

/// Returns what the first call answers that answers wrongly, and what is right.
fn wrong(make: &dyn Fn() -> Disk, calls: &[Call]) -> Option<String> {
    let folder = Folder::new(make, "VFS-01");
    let mut both = Both { folder, model: Model::default(), open: Vec::new() };
    calls.iter().find_map(|call| both.call(*call).err())
}

/// Leaves out what is not needed for a wrong answer.
fn shrink(make: &dyn Fn() -> Disk, calls: &mut Vec<Call>) {
    for at in (0..calls.len()).rev() {
        let call = calls.remove(at);
        if wrong(make, calls).is_none() {
            calls.insert(at, call);
        }
    }
}

/// A call, with the names it is for.
#[derive(Clone, Copy, Debug)]
enum Call {
    Create(&'static str),
    Open(&'static str),
    CreateDir(&'static str),
    Rename(&'static str, &'static str),
    Link(&'static str, &'static str),
    Remove(&'static str),
    ReadDir(&'static str),
    /// For one of the files opened so far.
    File(usize, FileCall),
}

#[derive(Clone, Copy, Debug)]
enum FileCall {
    Write(usize, usize, u8),
    Read(usize, usize),
    ReadBatch(usize, usize),
    SetLen(usize),
    Allocate(usize, usize),
    Sync,
}

impl Call {
    fn any(random: &mut Seeded) -> Self {
        let (one, other) = (NAMES[random.below(7)], NAMES[random.below(7)]);
        let (offset, len) = (random.below(20_000), random.below(20_000));
        let file = match random.below(6) {
            0 => FileCall::Write(offset, len, random.next().to_le_bytes()[0]),
            1 => FileCall::Read(offset, len),
            2 => FileCall::ReadBatch(offset, len),
            3 => FileCall::SetLen(len),
            4 => FileCall::Allocate(offset, len),
            _ => FileCall::Sync,
        };
        match random.below(14) {
            0 => Self::Open(one),
            1 => Self::CreateDir(one),
            2 => Self::Rename(one, other),
            3 => Self::Link(one, other),
            4 => Self::Remove(one),
            5 => Self::ReadDir(one),
            6..8 => Self::Create(one),
            _ => Self::File(random.below(4), file),
        }
    }
}

/// The file system and the model, with the files opened so far.
struct Both {
    folder: Folder,
    model: Model,
    open: Vec<(Arc<dyn VfsFile>, usize)>,
}

impl Both {
    /// Makes a call on both, which have to agree.
    fn call(&mut self, call: Call) -> Result<(), String> {
        let (vfs, path) = (self.folder.vfs(), |name| self.folder.path(name));
        match call {
            Call::Create(name) => {
                let got = vfs.open(&path(name), OpenOptions::create(FileClass::Table));
                let want = self.model.create(name);
                self.keep(want, got)
            }
            Call::Open(name) => {
                let got = vfs.open(&path(name), OpenOptions::write(FileClass::Wal));
                let want = self.model.open(name);
                self.keep(want, got)
            }
            Call::CreateDir(name) => {
                agree(&self.model.create_dir(name), &vfs.create_dir(&path(name)))
            }
            Call::Rename(from, _) if self.model.find(from) == Ok(Some(Node::Folder)) => Ok(()),
            Call::Rename(from, to) => {
                agree(&self.model.rename(from, to), &vfs.rename(&path(from), &path(to)))
            }
            Call::Link(from, to) => {
                agree(&self.model.hard_link(from, to), &vfs.hard_link(&path(from), &path(to)))
            }
            Call::Remove(name) => {
                agree(&self.model.remove_file(name), &vfs.remove_file(&path(name)))
            }
            Call::ReadDir(name) => {
                let list = |entries: Vec<DirEntry>| {
                    entries.into_iter().map(|entry| (entry.name, entry.is_dir, entry.bytes))
                };
                let got = vfs.read_dir(&path(name)).map(|entries| list(entries).collect());
                agree(&self.model.read_dir(name), &got)
            }
            Call::File(..) if self.open.is_empty() => Ok(()),
            Call::File(number, call) => {
                let (file, at) = &self.open[number % self.open.len()];
                agree(&on_model(&mut self.model, *at, call), &on_file(&**file, call))
            }
        }
    }

    fn keep(
        &mut self,
        want: Answer<usize>,
        got: io::Result<Arc<dyn VfsFile>>,
    ) -> Result<(), String> {
        match (want, got) {
            (Ok(at), Ok(file)) => {
                self.open.push((file, at));
                Ok(())
            }
            (want, got) => agree(&want.map(drop), &got.map(drop)),
        }
    }
}

/// The bytes that were read, as counts of equal ones, and the length of the file afterwards.
type Read = (Vec<(usize, u8)>, u64);

fn runs(bytes: &[u8]) -> Vec<(usize, u8)> {
    bytes.chunk_by(|one, next| one == next).map(|run| (run.len(), run[0])).collect()
}

/// Makes a call on the model.
fn on_model(model: &mut Model, file: usize, call: FileCall) -> Answer<Read> {
    let mut read = Vec::new();
    match call {
        FileCall::Write(offset, len, fill) => model.write(file, offset, &vec![fill; len]),
        FileCall::Read(offset, len) => {
            read.extend(model.files[file].iter().skip(offset).take(len));
        }
        FileCall::ReadBatch(offset, len) => {
            read.extend(model.files[file].iter().skip(offset).take(len));
            if read.len() < len {
                return Err(Some(io::ErrorKind::UnexpectedEof));
            }
        }
        FileCall::SetLen(len) => model.files[file].resize(len, 0),
        FileCall::Allocate(offset, len) => {
            let end = model.files[file].len().max(offset + len);
            model.files[file].resize(end, 0);
        }
        FileCall::Sync => {}
    }
    Ok((runs(&read), model.files[file].len() as u64))
}

/// Makes a call on a file.
fn on_file(file: &(dyn VfsFile + 'static), call: FileCall) -> io::Result<Read> {
    let mut read = Vec::new();
    match call {
        FileCall::Write(offset, len, fill) => file.write_all_at(&vec![fill; len], offset as u64)?,
        FileCall::Read(offset, len) => {
            read.resize(len, 0);
            let mut count = 0;
            while count < len {
                match file.read_at(&mut read[count..], (offset + count) as u64)? {
                    0 => break,
                    more => count += more,
                }
            }
            read.truncate(count);
        }
        FileCall::ReadBatch(offset, len) => {
            read.resize(len, 0);
            let (first, second) = read.split_at_mut(len / 2);
            let behind = (offset + first.len()) as u64;
            file.read_batch(&mut [
                ReadRequest { offset: behind, buf: second },
                ReadRequest { offset: offset as u64, buf: first },
            ])?;
        }
        FileCall::SetLen(len) => file.set_len(len as u64)?,
        FileCall::Allocate(offset, len) => file.allocate(offset as u64, len as u64)?,
        FileCall::Sync => file.sync(SyncKind::Data)?,
    }
    Ok((runs(&read), file.len()?))
}
