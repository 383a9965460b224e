//! Both file systems answer the same to the same calls.

use std::{
    io::{self, ErrorKind, IoSlice},
    sync::Arc,
};

use lsmer_core::{DirEntry, FileClass, OpenOptions, VfsFile};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::disk::Disk;

#[derive(Clone, Debug)]
enum Call {
    Create(&'static str),
    Open(&'static str),
    CreateDir(&'static str),
    Rename(&'static str, &'static str),
    Link(&'static str, &'static str),
    Remove(&'static str),
    ReadDir(&'static str),
    /// The rest is for one of the files opened so far.
    Write(usize, u64, usize),
    Read(usize, u64, usize),
    SetLen(usize, u64),
    Allocate(usize, u64, u64),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Count(usize, u64),
    Bytes(Vec<u8>),
    Entries(Vec<DirEntry>),
}

fn call() -> impl Strategy<Value = Call> {
    let name = || select(vec!["a", "b", "d", "d/a", "d/b", "e", "e/a"]);
    let (file, offset, len) = (|| 0_usize..4, || 0_u64..20_000, || 0_usize..20_000);
    prop_oneof![
        name().prop_map(Call::Create),
        name().prop_map(Call::Open),
        name().prop_map(Call::CreateDir),
        (name(), name()).prop_map(|(from, to)| Call::Rename(from, to)),
        (name(), name()).prop_map(|(from, to)| Call::Link(from, to)),
        name().prop_map(Call::Remove),
        name().prop_map(Call::ReadDir),
        (file(), offset(), len()).prop_map(|(f, o, l)| Call::Write(f, o, l)),
        (file(), offset(), len()).prop_map(|(f, o, l)| Call::Read(f, o, l)),
        (file(), offset()).prop_map(|(f, l)| Call::SetLen(f, l)),
        (file(), offset(), offset()).prop_map(|(f, o, l)| Call::Allocate(f, o, l)),
    ]
}

/// One of the two, with the files opened so far.
struct Side {
    disk: Disk,
    files: Vec<Arc<dyn VfsFile>>,
}

impl Side {
    fn new(disk: Disk) -> Self {
        disk.vfs.create_dir(&disk.path("d")).unwrap();
        Self { files: vec![disk.create("a", b"first")], disk }
    }

    fn open(&mut self, name: &str, how: OpenOptions) -> io::Result<Answer> {
        self.files.push(self.disk.vfs.open(&self.disk.path(name), how)?);
        Ok(Answer::Done)
    }

    fn call(&mut self, call: &Call, fill: u8) -> Result<Answer, ErrorKind> {
        self.answer(call, fill).map_err(|error| error.kind())
    }

    fn answer(&mut self, call: &Call, fill: u8) -> io::Result<Answer> {
        let path = |name: &str| self.disk.path(name);
        let vfs = &self.disk.vfs;
        let file = |number: &usize| &self.files[number % self.files.len()];
        match call {
            Call::Create(name) => return self.open(name, OpenOptions::create(FileClass::Table)),
            Call::Open(name) => return self.open(name, OpenOptions::write(FileClass::Wal)),
            Call::CreateDir(name) => vfs.create_dir(&path(name))?,
            Call::Rename(from, to) => vfs.rename(&path(from), &path(to))?,
            Call::Link(from, to) => vfs.hard_link(&path(from), &path(to))?,
            Call::Remove(name) => vfs.remove_file(&path(name))?,
            Call::ReadDir(name) => return Ok(Answer::Entries(vfs.read_dir(&path(name))?)),
            Call::Write(number, offset, len) => {
                let count = file(number).write_at(&[IoSlice::new(&vec![fill; *len])], *offset)?;
                return Ok(Answer::Count(count, file(number).len()?));
            }
            Call::Read(number, offset, len) => {
                let mut buf = vec![0; *len];
                let count = file(number).read_at(&mut buf, *offset)?;
                buf.truncate(count);
                return Ok(Answer::Bytes(buf));
            }
            Call::SetLen(number, len) => file(number).set_len(*len)?,
            Call::Allocate(number, offset, len) => file(number).allocate(*offset, *len)?,
        }
        Ok(Answer::Done)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn memory_and_disk_answer_the_same(calls in vec(call(), 0..40)) {
        let (mut real, mut memory) = (Side::new(Disk::real()), Side::new(Disk::memory()));
        for (call, fill) in calls.iter().zip(1..) {
            prop_assert_eq!(real.call(call, fill), memory.call(call, fill), "{:?}", call);
        }
        for number in 0..real.files.len() {
            let read = Call::Read(number, 0, 50_000);
            prop_assert_eq!(real.call(&read, 0), memory.call(&read, 0));
        }
    }
}
