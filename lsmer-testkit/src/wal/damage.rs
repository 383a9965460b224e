//! `WAL-02` and `WAL-04`: damage and errors are told from the end of a log.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{ErrorKind, FileClass, OpenOptions, Vfs, WalFormat};

use super::{
    life::{Act, FOREIGN, recorded},
    memory::{DIR, Memory, Scanned},
};
use crate::{
    Crash, CrashState, Event, EventKind, SimVfs,
    conformance::unharmed,
    fault::{Damage, Effect, Errno, FaultVfs, Rule, When},
    figures,
    seed::Seeded,
};

/// Segments that hold a few records each.
const SIZES: (u64, u64) = (1 << 10, 4 << 10);

/// Records of several segments, all of them synced.
const SYNCED: [Act; 9] = [
    Act::Write(300),
    Act::Sync,
    Act::Write(0),
    Act::Write(900),
    Act::Write(1_500),
    Act::Sync,
    Act::Write(40),
    Act::Write(700),
    Act::Sync,
];

/// `WAL-02`: a log is synced, and its owner knows how far. Then a bit of any byte is flipped, a
/// sector is lost, or a file is gone or cut: all records are found, or `Corruption`.
///
/// # Panics
///
/// If there are fewer, or others.
pub fn wal_02_damage_before_a_synced_offset_is_corruption(format: &dyn WalFormat) {
    let mut count = 0;
    for fast_ring in [false, true] {
        let log = Log::new(format, fast_ring, &SYNCED);
        let promised = log.scan(&log.disk()).unwrap_or_else(|error| panic!("WAL-02: {error}"));
        for (path, bytes) in files(&log.state) {
            for harm in harms(&bytes) {
                let disk = log.disk();
                if !harm.happens_to(&disk, &path) {
                    continue;
                }
                count += 1;
                let what = format!("WAL-02: {harm:?} of {}", path.display());
                match unharmed(&what, || log.scan(&disk)) {
                    Ok(found) => assert!(found.0 == promised.0, "{what}: {found:?}; {log:?}"),
                    Err(error) => {
                        assert!(
                            error.kind() == ErrorKind::Corruption,
                            "{what}: {error:?}; {log:?}"
                        );
                    }
                }
            }
        }
    }
    figures(&format!("wal-damage-{}", format.name()), &[("disks", count)]);
}

/// `WAL-02`: of what was written since the last sync, a bit is flipped: the log ends there, or
/// goes on; it is not `Corruption`.
///
/// # Panics
///
/// If it is, or if a record is found that nobody wrote.
pub fn wal_02_a_bad_record_that_was_not_synced_is_the_end(format: &dyn WalFormat) {
    let more = [Act::Write(200), Act::Write(1_000), Act::Write(200), Act::Write(60)];
    for fast_ring in [false, true] {
        let log = Log::new(format, fast_ring, &[&SYNCED[..6], &more].concat());
        let before = files(&log.last_synced);
        for (path, bytes) in files(&log.state) {
            let old = before.iter().find(|(old, _)| *old == path);
            let old = old.map_or(&[][..], |(_, old)| &old[..]);
            let changed = (0..bytes.len()).filter(|at| bytes.get(*at) != old.get(*at));
            for at in changed.filter(|at| bytes[*at] != 0) {
                let disk = log.disk();
                let harm = Harm::Damage(Damage::Flip { offset: at as u64, bit: 3 });
                assert!(harm.happens_to(&disk, &path), "a flipped bit is a change");
                let what = format!("WAL-02: {harm:?} of {}, not synced", path.display());
                let found = unharmed(&what, || log.scan(&disk));
                let found = found.unwrap_or_else(|error| panic!("{what}: {error:?}; {log:?}"));
                let checked = log.memory.check(&found, true);
                assert!(checked.is_ok(), "{what}: {checked:?}; {log:?}");
            }
        }
    }
}

/// `WAL-02`: each call of a scan fails once, or reads little: the scan fails with `Io`, or finds
/// what it finds without.
///
/// # Panics
///
/// If it takes the error for the end of the log, or for damage.
pub fn wal_02_an_error_of_the_disk_is_not_the_end(format: &dyn WalFormat) {
    for fast_ring in [false, true] {
        let log = Log::new(format, fast_ring, &SYNCED[..7]);
        let vfs = FaultVfs::on(log.disk());
        let promised = log.scan(&vfs).unwrap_or_else(|error| panic!("WAL-02: {error:?}"));
        let calls = vfs.calls().len() as u64;
        for nth in 0..calls {
            for effect in [Effect::Error(Errno::EIO), Effect::Short(1)] {
                vfs.begin(Rule::new(effect).when(When::nth(nth)));
                let what = format!("WAL-02: {effect:?} at call {nth} of {calls}");
                match log.scan(&vfs) {
                    Ok(found) => assert!(found == promised, "{what}: {found:?}; {log:?}"),
                    Err(error) => {
                        let told = error.kind() == ErrorKind::Io && effect != Effect::Short(1);
                        assert!(told, "{what}: {error:?}; {log:?}");
                    }
                }
            }
        }
    }
}

/// `WAL-04`: there is a name, it stays, and the same acts leave the same bytes under it. (That a
/// later release gives it to other bytes, only a byte-for-byte pin of its own can show.)
///
/// # Panics
///
/// If that is not so.
pub fn wal_04_a_name_stands_for_the_same_bytes(format: &dyn WalFormat) {
    let name = format.name().to_owned();
    assert!(!name.is_empty(), "WAL-04: the name is empty");
    for fast_ring in [false, true] {
        let log = || Log::new(format, fast_ring, &SYNCED);
        assert!(
            files(&log().state) == files(&log().state),
            "WAL-04: the same acts, other bytes; {:?}",
            log()
        );
    }
    assert_eq!(format.name(), name, "WAL-04: the name changed");
}

/// A log whose process has ended, and what its owner knows: how far it was synced.
struct Log<'a> {
    format: &'a dyn WalFormat,
    acts: Vec<Act>,
    state: CrashState,
    /// What was there when something was last synced.
    last_synced: CrashState,
    memory: Memory,
}

impl fmt::Debug for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:?}", self.acts)
    }
}

impl<'a> Log<'a> {
    fn new(format: &'a dyn WalFormat, fast_ring: bool, acts: &[Act]) -> Self {
        let (recording, notes) = recorded(format, (SIZES, fast_ring), acts, &Seeded::new());
        let synced = |event: &Event| matches!(event.kind(), EventKind::Sync | EventKind::SyncDir);
        let last = recording.events().iter().rposition(synced).unwrap_or(0);
        let mut cursor = recording.cursor();
        cursor.advance_to(last);
        let last_synced = cursor.materialise(&Crash::KILL);
        cursor.advance_to(recording.events().len());
        let state = cursor.materialise(&Crash::KILL);
        let (_, mut memory) = notes.into_iter().last().expect("it was opened");
        let synced = memory.attempted[..memory.synced].last();
        memory.synced_to = synced.map_or(memory.synced_to, |rec| rec.slot.end);
        Self { format, acts: acts.to_vec(), state, last_synced, memory }
    }

    /// Returns the disk that it left, each time a new one.
    fn disk(&self) -> SimVfs {
        self.state.vfs()
    }

    fn scan(&self, vfs: &(impl Vfs + Clone)) -> lsmer_core::Result<Scanned> {
        let vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
        self.memory.scan(self.format, &vfs)
    }
}

/// Returns names and bytes of the files of a log.
fn files(state: &CrashState) -> Vec<(PathBuf, Vec<u8>)> {
    let disk = state.vfs();
    let names = disk.read_dir(Path::new(DIR)).expect("files in memory do not fail");
    let paths = names.into_iter().map(|entry| Path::new(DIR).join(entry.name));
    let read = |path: PathBuf| {
        let bytes = (&disk as &dyn Vfs).read_file(&path, FileClass::Wal, 64 << 20);
        (path, bytes.expect("files in memory do not fail"))
    };
    paths.filter(|path| *path != Path::new(FOREIGN)).map(read).collect()
}

/// What happens to a file.
#[derive(Debug)]
enum Harm {
    Damage(Damage),
    Cut(u64),
    Gone,
}

impl Harm {
    /// Does it, and returns whether anything changed.
    fn happens_to(&self, disk: &SimVfs, path: &Path) -> bool {
        let done = match self {
            Self::Damage(damage) => damage.apply(disk, path),
            Self::Cut(len) => disk
                .open(path, OpenOptions::write(FileClass::Wal))
                .and_then(|file| file.set_len(*len))
                .map(|()| true),
            Self::Gone => disk.remove_file(path).map(|()| true),
        };
        done.expect("files in memory do not fail")
    }
}

/// A flipped bit in every byte that is not zero and in some that are, lost sectors, cuts.
fn harms(bytes: &[u8]) -> Vec<Harm> {
    let mut all = vec![Harm::Gone];
    let last = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for (at, byte) in bytes[..last].iter().enumerate() {
        if *byte != 0 || at.is_multiple_of(16) {
            let bit = u8::try_from(at % 8).expect("below 8");
            all.push(Harm::Damage(Damage::Flip { offset: at as u64, bit }));
        }
    }
    for offset in (0..last as u64).step_by(512) {
        all.push(Harm::Damage(Damage::Zeros { offset, bytes: 512 }));
        all.push(Harm::Cut(offset + 40));
    }
    all
}
