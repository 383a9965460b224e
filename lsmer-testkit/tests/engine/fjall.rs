//! fjall, an LSM tree that uses the file system of the operating system, and threads: reads can be
//! compared with the model and processes can be killed, but nothing can be simulated.

mod tests;

use std::{
    ops::Bound,
    path::{Path, PathBuf},
    sync::Mutex,
};

use fjall::{
    Database, Guard, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice, Snapshot,
};
use lsmer_core::{Env, FileClass};
use lsmer_testkit::engine::{
    Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk,
};
use tempfile::TempDir;

/// The engine. It takes no empty keys, so a byte stands before each.
#[derive(Debug, Default)]
pub(crate) struct Fjall {
    /// The folder of the run under way, if that has files in memory.
    folder: Mutex<Option<TempDir>>,
}

/// An open database.
struct Open {
    db: Database,
    memtable_bytes: u64,
}

/// A snapshot, and the keyspaces that there were.
struct Frozen {
    snapshot: Snapshot,
    spaces: Vec<(Space, Keyspace)>,
}

struct Walking {
    iter: Iter,
    /// Keeps the files there if the keyspace is dropped: an iterator alone does not.
    _keyspace: Keyspace,
    /// The entry that was shown last.
    entry: Option<(Slice, Slice)>,
}

impl Fjall {
    /// Returns the real folder for one in memory: its path is kept in a file there.
    fn real(&self, env: &Env, dir: &Path) -> Result<PathBuf> {
        let vfs = &*env.vfs;
        if vfs.read_dir(dir).is_err() {
            let folder = tempfile::tempdir()?;
            let path = folder.path().to_str().ok_or("it is text")?.to_owned();
            vfs.create_dir(dir)?;
            vfs.install(dir, "folder", FileClass::Current, path.as_bytes())?;
            *self.folder.lock().unwrap() = Some(folder);
        }
        let path = vfs.read_file(&dir.join("folder"), FileClass::Current, 1 << 10)?;
        Ok(PathBuf::from(String::from_utf8(path)?))
    }
}

impl Subject for Fjall {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn open(&self, env: &Env, dir: &Path, config: Config) -> Result<Box<dyn Store>> {
        let dir = if dir.is_absolute() { dir.to_owned() } else { self.real(env, dir)? };
        let memtable_bytes =
            [1 << 10, 4 << 10, 16 << 10, 1 << 20][usize::try_from(config.sizes & 3)?];
        let db = Database::builder(dir).worker_threads(1).cache_size(1 << 20).open()?;
        let open = Open { db, memtable_bytes };
        open.create(Space(0))?;
        Ok(Box::new(open))
    }
}

impl Open {
    fn create(&self, space: Space) -> Result<Keyspace> {
        let options = KeyspaceCreateOptions::default().max_memtable_size(self.memtable_bytes);
        Ok(self.db.keyspace(&space.0.to_string(), || options)?)
    }

    /// Returns a keyspace that is there.
    fn keyspace(&self, space: Space) -> Result<Keyspace> {
        if !self.db.keyspace_exists(&space.0.to_string()) {
            return Err(format!("there is no keyspace {}", space.0).into());
        }
        self.create(space)
    }

    fn now(&self) -> Result<Frozen> {
        let snapshot = self.db.snapshot();
        let of = |space| Ok((space, self.keyspace(space)?));
        let spaces = self.spaces()?.into_iter().map(of).collect::<Result<_>>()?;
        Ok(Frozen { snapshot, spaces })
    }
}

fn prefixed(key: &[u8]) -> Vec<u8> {
    [b"k", key].concat()
}

impl Store for Open {
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(match safety {
            Safety::Process => PersistMode::Buffer,
            Safety::Sync => PersistMode::SyncAll,
        }));
        for Edit { space, key, value } in edits {
            let keyspace = self.keyspace(*space)?;
            match value {
                Some(value) => batch.insert(&keyspace, prefixed(key), &value[..]),
                None => batch.remove(&keyspace, prefixed(key)),
            }
        }
        Ok(batch.commit()?)
    }

    fn perform(&self, task: &Task) -> Result<Done> {
        match task {
            Task::Create(space) => drop(self.create(*space)?),
            Task::Drop(space) => {
                if let Ok(keyspace) = self.keyspace(*space) {
                    self.db.delete_keyspace(keyspace)?;
                }
            }
            Task::Sync => {
                self.db.persist(PersistMode::SyncAll)?;
                return Ok(Done::Sync);
            }
            // These two are there, and not in its documentation.
            Task::Flush => {
                for space in self.spaces()? {
                    self.keyspace(space)?.rotate_memtable_and_wait()?;
                }
            }
            Task::Compact(..) => {
                for space in self.spaces()? {
                    self.keyspace(space)?.major_compact()?;
                }
            }
            Task::Checkpoint(_) => return Ok(Done::Absent),
        }
        Ok(Done::Process)
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        let names = self.db.list_keyspace_names();
        let mut spaces: Vec<_> =
            names.iter().map(|name| Ok(Space(name.parse()?))).collect::<Result<_>>()?;
        spaces.sort();
        Ok(spaces)
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        Ok(Some(Box::new(self.now()?)))
    }

    fn close(self: Box<Self>) -> Result<Done> {
        Ok(Done::Process)
    }
}

impl Reader for Open {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.keyspace(space)?.get(prefixed(key))?.map(|value| value.to_vec()))
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        self.now()?.walk(space, low, high)
    }
}

impl Frozen {
    fn keyspace(&self, space: Space) -> Result<&Keyspace> {
        let found = self.spaces.iter().find(|(of, _)| *of == space);
        found.map(|(_, keyspace)| keyspace).ok_or_else(|| "it was not there".into())
    }
}

impl Reader for Frozen {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.snapshot.get(self.keyspace(space)?, prefixed(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        let high = high.map_or(Bound::Unbounded, |high| Bound::Excluded(prefixed(high)));
        let range = (Bound::Included(prefixed(low)), high);
        let keyspace = self.keyspace(space)?.clone();
        let iter = self.snapshot.range(&keyspace, range);
        Ok(Box::new(Walking { iter, _keyspace: keyspace, entry: None }))
    }
}

impl Walking {
    fn show(&self) -> Option<(&[u8], &[u8])> {
        self.entry.as_ref().map(|(key, value)| (&key[1..], &value[..]))
    }
}

impl Walk for Walking {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.entry = self.iter.next().map(Guard::into_inner).transpose()?;
        Ok(self.show())
    }

    fn next_back(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.entry = self.iter.next_back().map(Guard::into_inner).transpose()?;
        Ok(self.show())
    }
}
