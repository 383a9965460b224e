//! Random calls, on the file system and on a model.

use std::{io, sync::Arc};

use lsmer_core::{DirEntry, FileClass, OpenOptions, ReadRequest, SyncKind, VfsFile};

use super::{
    Disk,
    folder::Folder,
    model::{Answer, Model, Node, agrees},
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
        let folder = Folder::new(make, "VFS-01");
        let mut both = Both { folder, model: Model::default(), open: Vec::new() };
        let mut history = Vec::new();
        for _ in 0..CALLS {
            let call = Call::any(&mut random);
            history.push(call);
            let agreed = both.call(call, &mut random);
            assert!(agreed, "VFS-01: the last call answered wrongly: {history:?}; {random}");
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
    Write(usize, usize),
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
            0 => FileCall::Write(offset, len),
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
    /// Makes a call on both, and returns whether they agree.
    fn call(&mut self, call: Call, random: &mut Seeded) -> bool {
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
                agrees(&self.model.create_dir(name), &vfs.create_dir(&path(name)))
            }
            Call::Rename(from, _) if self.model.find(from) == Ok(Some(Node::Folder)) => true,
            Call::Rename(from, to) => {
                agrees(&self.model.rename(from, to), &vfs.rename(&path(from), &path(to)))
            }
            Call::Link(from, to) => {
                agrees(&self.model.hard_link(from, to), &vfs.hard_link(&path(from), &path(to)))
            }
            Call::Remove(name) => {
                agrees(&self.model.remove_file(name), &vfs.remove_file(&path(name)))
            }
            Call::ReadDir(name) => {
                let list = |entries: Vec<DirEntry>| {
                    entries.into_iter().map(|entry| (entry.name, entry.is_dir, entry.bytes))
                };
                let got = vfs.read_dir(&path(name)).map(|entries| list(entries).collect());
                agrees(&self.model.read_dir(name), &got)
            }
            Call::File(..) if self.open.is_empty() => true,
            Call::File(number, call) => {
                let (file, at) = &self.open[number % self.open.len()];
                let fill = random.next().to_le_bytes()[0];
                agrees(&on_model(&mut self.model, *at, call, fill), &on_file(&**file, call, fill))
            }
        }
    }

    fn keep(&mut self, want: Answer<usize>, got: io::Result<Arc<dyn VfsFile>>) -> bool {
        match (want, got) {
            (Ok(at), Ok(file)) => {
                self.open.push((file, at));
                true
            }
            (want, got) => agrees(&want.map(drop), &got.map(drop)),
        }
    }
}

/// Makes a call on the model; returns the bytes read, and the length afterwards.
fn on_model(model: &mut Model, file: usize, call: FileCall, fill: u8) -> Answer<(Vec<u8>, u64)> {
    let mut read = Vec::new();
    match call {
        FileCall::Write(offset, len) => model.write(file, offset, &vec![fill; len]),
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
    Ok((read, model.files[file].len() as u64))
}

/// Makes a call on a file; returns the bytes read, and the length afterwards.
fn on_file(file: &(dyn VfsFile + 'static), call: FileCall, fill: u8) -> io::Result<(Vec<u8>, u64)> {
    let mut read = Vec::new();
    match call {
        FileCall::Write(offset, len) => file.write_all_at(&vec![fill; len], offset as u64)?,
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
    Ok((read, file.len()?))
}
