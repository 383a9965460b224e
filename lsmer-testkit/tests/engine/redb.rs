//! redb, a copy-on-write B+tree in one file, through its own seam to storage.
//!
//! It states what it assumes of a disk: a byte is written or not, a sync makes durable, and a write
//! changes no bytes outside of its range. Crashes here keep to that, and to nothing else.

mod tests;

use std::{
    cell::RefCell,
    io,
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lsmer_core::{Env, FileClass, OpenOptions, SyncKind, Vfs, VfsFile};
use lsmer_testkit::engine::{
    Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk,
};
use redb::{
    AccessGuard, Builder, CompactionError, Database, DatabaseError, Durability, Range,
    ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableHandle,
    WriteTransaction,
};

use crate::files::open_or_create;

type Bytes = &'static [u8];

/// The file, and the same while it is made.
const NAME: &str = "redb";
const TMP: &str = "redb.tmp";

/// The tables that stand for keyspaces.
const TABLES: [TableDefinition<'static, Bytes, Bytes>; 3] =
    [TableDefinition::new("0"), TableDefinition::new("1"), TableDefinition::new("2")];

/// The engine.
#[derive(Debug)]
pub(crate) struct Redb {
    name: &'static str,
    /// Whether a database gets its name only when it is complete.
    installs: bool,
    /// Whether all commits are made in two phases.
    two_phases: bool,
    /// How often it had to repair a file.
    repairs: Arc<AtomicU64>,
}

/// A file as redb wants it.
#[derive(Debug)]
struct Backend(Arc<dyn VfsFile>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync(SyncKind::Data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

/// An open database.
struct Open {
    db: RefCell<Database>,
    /// How to commit: in two phases, with what a repair needs.
    two_phase: bool,
    quick_repair: bool,
}

/// A read transaction.
struct Reading(ReadTransaction);

struct Walking {
    range: Option<Range<'static, Bytes, Bytes>>,
    /// The entry that was shown last.
    entry: Option<(AccessGuard<'static, Bytes>, AccessGuard<'static, Bytes>)>,
}

impl Redb {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, installs: true, two_phases: false, repairs: Arc::default() }
    }
}

impl Subject for Redb {
    fn name(&self) -> &str {
        self.name
    }

    /// [`Durability::None`] promises nothing.
    fn keeps_unsynced(&self) -> bool {
        false
    }

    fn open(&self, env: &Env, dir: &Path, config: Config) -> Result<Box<dyn Store>> {
        if self.installs {
            install(&*env.vfs, dir)?;
        }
        let file = open_or_create(&*env.vfs, dir, NAME, true)?;
        let cache = [0, 16 << 10, 64 << 10, 1 << 20][usize::try_from(config.sizes & 3)?];
        let repairs = Arc::clone(&self.repairs);
        let mut builder = Builder::new();
        builder.set_cache_size(cache).set_repair_callback(move |_| {
            repairs.fetch_add(1, Ordering::Relaxed);
        });
        let db = RefCell::new(builder.create_with_backend(Backend(file))?);
        let two_phase = self.two_phases || config.parts & 1 == 1;
        let open = Open { db, two_phase, quick_repair: config.parts & 6 == 6 };
        if !open.spaces()?.contains(&Space(0)) {
            open.perform(&Task::Create(Space(0)))?;
        }
        Ok(Box::new(open))
    }
}

/// Makes an empty database if there is none: under another name, and whole.
fn install(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    let (tmp, name) = (dir.join(TMP), dir.join(NAME));
    match vfs.open(&name, OpenOptions::read(FileClass::Table)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return Ok(found.map(drop)?),
    }
    vfs.remove_file(&tmp).ok(); // it may not be there
    let file = open_or_create(vfs, dir, TMP, true)?;
    Builder::new().create_with_backend(Backend(file))?.close()?;
    vfs.rename(&tmp, &name)?;
    Ok(vfs.sync_dir(dir)?)
}

impl Open {
    fn begin(&self, durability: Durability) -> Result<WriteTransaction> {
        let mut transaction = self.db.borrow().begin_write()?;
        transaction.set_durability(durability)?;
        transaction.set_two_phase_commit(self.two_phase);
        transaction.set_quick_repair(self.quick_repair);
        Ok(transaction)
    }

    fn read(&self) -> Result<Reading> {
        Ok(Reading(self.db.borrow().begin_read()?))
    }
}

fn table(space: Space) -> TableDefinition<'static, Bytes, Bytes> {
    TABLES[usize::from(space.0)]
}

impl Store for Open {
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()> {
        let transaction = self.begin(match safety {
            Safety::Process => Durability::None,
            Safety::Sync => Durability::Immediate,
        })?;
        for Edit { space, key, value } in edits {
            let mut table = transaction.open_table(table(*space))?;
            match value {
                Some(value) => drop(table.insert(&key[..], &value[..])?),
                None => drop(table.remove(&key[..])?),
            }
        }
        Ok(transaction.commit()?)
    }

    fn perform(&self, task: &Task) -> Result<Done> {
        if let Task::Compact(..) = task {
            return match self.db.borrow_mut().compact() {
                // It does not say that it makes anything durable.
                Ok(_) => Ok(Done::Process),
                // Of a snapshot or a walk.
                Err(CompactionError::TransactionInProgress) => Ok(Done::Absent),
                Err(error) => Err(error.into()),
            };
        }
        let transaction = self.begin(Durability::Immediate)?;
        match task {
            Task::Create(space) => drop(transaction.open_table(table(*space))?),
            Task::Drop(space) => drop(transaction.delete_table(table(*space))?),
            Task::Sync => {}
            _ => {
                transaction.abort()?;
                return Ok(Done::Absent);
            }
        }
        transaction.commit()?;
        Ok(Done::Sync)
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        let number = |name: &str| Ok(Space(name.parse()?));
        let Reading(transaction) = self.read()?;
        let tables = transaction.list_tables()?;
        let mut spaces = tables.map(|table| number(table.name())).collect::<Result<Vec<_>>>()?;
        spaces.sort();
        Ok(spaces)
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        Ok(Some(Box::new(self.read()?)))
    }

    fn check(&self) -> Result<()> {
        match self.db.borrow_mut().check_integrity() {
            Ok(true) | Err(DatabaseError::TransactionInProgress) => Ok(()),
            Ok(false) => Err("the file had to be repaired".into()),
            Err(error) => Err(error.into()),
        }
    }

    fn close(self: Box<Self>) -> Result<Done> {
        self.db.into_inner().close()?;
        Ok(Done::Process)
    }
}

impl Reader for Open {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read()?.get(space, key)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        self.read()?.walk(space, low, high)
    }
}

impl Reader for Reading {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let table = self.0.open_table(table(space))?;
        let value = ReadableTable::get(&table, key)?.map(|value| value.value().to_vec());
        Ok(value)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        let table = self.0.open_table(table(space))?;
        let above = high.map_or(Bound::Unbounded, Bound::Excluded);
        let range = table.range::<&[u8]>((Bound::Included(low), above))?;
        Ok(Box::new(Walking { range: Some(range), entry: None }))
    }
}

impl Walking {
    fn show(&self) -> Option<(&[u8], &[u8])> {
        self.entry.as_ref().map(|(key, value)| (key.value(), value.value()))
    }
}

impl Walk for Walking {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.entry = self.range.as_mut().and_then(Iterator::next).transpose()?;
        Ok(self.show())
    }

    fn next_back(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.entry = self.range.as_mut().and_then(DoubleEndedIterator::next_back).transpose()?;
        Ok(self.show())
    }
}
