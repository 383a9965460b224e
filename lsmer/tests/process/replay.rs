//! A log that is replayed while the memtables it fills are flushed.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use lsmer::{
    Builder, Db, Result,
    parts::{
        self,
        core::{FileClass, OpenOptions, Vfs, VfsFile},
        io::{Crash, ManualExec, MemVfs},
    },
};

use crate::over::{Differs, Over, ReadTold};

const ENTRIES: u32 = 2500;
/// In all, the log is larger than the budget of 1 MiB.
const VALUE_BYTES: usize = 1000;

/// A file system on which all background work is done before the log is read on.
struct Eager {
    vfs: MemVfs,
    exec: Arc<ManualExec>,
    /// What a kill would have left each time.
    kills: Arc<Mutex<Vec<MemVfs>>>,
}

impl std::fmt::Debug for Eager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.vfs.fmt(f)
    }
}

impl Differs for Eager {
    fn below(&self) -> &dyn Vfs {
        &self.vfs
    }

    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let file = self.vfs.open(path, how)?;
        if how.class != FileClass::Wal || how.write {
            return Ok(file);
        }
        let (vfs, exec, kills) =
            (self.vfs.clone(), Arc::clone(&self.exec), Arc::clone(&self.kills));
        let tell = move || {
            if exec.run_until_idle() > 0 {
                kills.lock().unwrap().push(vfs.crash_clone(Crash::Kill));
            }
        };
        Ok(Arc::new(ReadTold { file, tell: Arc::new(tell) }))
    }
}

fn builder(vfs: &MemVfs) -> (Builder, Arc<ManualExec>) {
    let (env, exec, _) = parts::io::manual(vfs.clone(), 0);
    let builder = Db::builder(Path::new("db")).env(env).memory_budget(1 << 20);
    (builder.memtable_bytes(64 << 10).segment_bytes(16 << 10, 64 << 10), exec)
}

fn check(db: &Db) {
    for n in 0..ENTRIES {
        let value = db.get(n.to_be_bytes()).unwrap().unwrap_or_else(|| panic!("{n} is lost"));
        assert_eq!(value.len(), VALUE_BYTES);
    }
}

#[test]
fn a_flush_while_the_log_is_replayed_keeps_what_is_not_read_yet() {
    let vfs = MemVfs::without_crashes();
    let db = builder(&vfs).0.memory_budget(64 << 20).memtable_bytes(8 << 20).open().unwrap();
    for n in 0..ENTRIES {
        db.put(n.to_be_bytes(), [1; VALUE_BYTES]).unwrap();
    }
    assert_eq!(db.stats().flushes, 0, "all of it is in the log");
    let vfs = vfs.crash_clone(Crash::Kill);
    let open = |vfs: &MemVfs| -> Result<(Db, Vec<MemVfs>)> {
        let (builder, exec) = builder(vfs);
        let kills = Arc::<Mutex<Vec<MemVfs>>>::default();
        let eager = Eager { vfs: vfs.clone(), exec, kills: Arc::clone(&kills) };
        let db = builder.vfs(Over(eager)).open()?;
        let kills = std::mem::take(&mut *kills.lock().unwrap());
        Ok((db, kills))
    };
    let (db, kills) = open(&vfs).expect("no segment is let go before it was read");
    check(&db);
    assert!(kills.len() > 10, "{} times something was flushed meanwhile", kills.len());
    for vfs in kills.iter().step_by(5) {
        check(&open(vfs).expect("a recovery that was cut short can be repeated").0);
    }
}
