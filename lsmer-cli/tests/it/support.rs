//! Running the program, and looking at what it left.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use tempfile::TempDir;

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.out).unwrap()
    }

    /// Checks that it was done without a word of complaint.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        assert!(!self.err.contains("lsmer:"), "{self:?}");
        self
    }

    /// Checks that it failed with one line on standard error, and returns that line.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.starts_with("lsmer: ") && self.err.ends_with('\n'), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.err
    }
}

/// A folder for one test, with a place for a database in it.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Returns the path of something in the folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a file, and the folders to it.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes a database `db` of these entries, all of them in one table of small blocks.
    pub(crate) fn table(&self, entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> PathBuf {
        let path = self.path("db");
        let db = lsmer::Db::open(&path).unwrap();
        for (key, value) in entries {
            db.put(key, value).unwrap();
        }
        db.compact(..).unwrap();
        db.close().unwrap();
        path
    }

    /// Runs the program in the folder.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.run_with(args, b"")
    }

    /// Runs the program in the folder, with something on standard input.
    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Run {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // The program may fail before it reads.
        child.stdin.take().unwrap().write_all(input).ok();
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().expect("not killed"),
            out: output.stdout,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Prepares a run of the program in the folder.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lsmer"));
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns everything there is to know of the files in the folder.
    pub(crate) fn state(&self) -> Vec<(PathBuf, u64, SystemTime, Vec<u8>)> {
        let mut found = Vec::new();
        look(self.dir.path(), &mut found);
        found.sort();
        found
    }
}

fn look(dir: &Path, found: &mut Vec<(PathBuf, u64, SystemTime, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let content = if metadata.is_dir() {
            look(&entry.path(), found);
            Vec::new()
        } else {
            fs::read(entry.path()).unwrap()
        };
        found.push((entry.path(), metadata.len(), metadata.modified().unwrap(), content));
    }
}

/// Returns the one file of a database whose name ends like this.
#[track_caller]
pub(crate) fn only_file(db: &Path, ends: &str) -> PathBuf {
    let names = fs::read_dir(db).unwrap().map(|entry| entry.unwrap().path());
    let mut found = names.filter(|path| path.to_str().unwrap().ends_with(ends));
    let only = found.next().expect("there is one");
    assert!(found.next().is_none(), "there is only one");
    only
}

/// Changes one bit of a file.
pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}
