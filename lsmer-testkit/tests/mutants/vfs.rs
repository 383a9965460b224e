//! A recording file system behind a layer with flaws.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::Arc,
};

use lsmer_core::{
    Caps, DirEntry, Event, FileClass, LockGuard, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs,
    VfsFile,
};
use lsmer_testkit::{
    Budget, SimVfs,
    vfs::{self as suite, Disk},
};

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    HandlesReadWhatWasThereAtTheirOpening,
    ReadsGoOnBehindTheEnd,
    BatchesSwapTheirBuffers,
    LongWritesLoseAByte,
    SyncsOfDataDoNothing,
    SyncsOfFoldersDoNothing,
    RenamesRemoveFirst,
    RenamesCopy,
    RemovalsEmpty,
    LocksLetAllIn,
    LocksAreKept,
    SharedLocksCreate,
    LinksCopy,
    ExtendsWithGarbage,
    AllocatesNothing,
    ListsBackwards,
    ListsNoSizes,
    CreatesOverWhatIsThere,
    FailedRenamesRemove,
    ReadersWrite,
    DirectIsForAll,
}

/// Makes a mutant of an obligation, the property that has to notice, and a flaw.
macro_rules! mutant {
    ($obligation:literal, $property:ident, $flaw:ident) => {
        Mutant {
            name: stringify!($flaw),
            obligation: $obligation,
            run: || suite::$property(&|| disk(Flaw::$flaw)),
        }
    };
}

const MUTANTS: &[Mutant] = &[
    mutant!(
        "VFS-01",
        vfs_01_a_read_returns_what_was_last_written,
        HandlesReadWhatWasThereAtTheirOpening
    ),
    mutant!("VFS-01", vfs_01_reads_end_at_the_end_of_the_file, ReadsGoOnBehindTheEnd),
    mutant!("VFS-01", vfs_01_a_batch_fills_each_request, BatchesSwapTheirBuffers),
    mutant!("VFS-01", vfs_01_random_calls_answer_as_a_model_does, LongWritesLoseAByte),
    mutant!("VFS-01", vfs_01_random_calls_answer_as_a_model_does, RemovalsEmpty),
    mutant!("VFS-02", vfs_02_what_was_synced_survives_a_power_loss, SyncsOfDataDoNothing),
    mutant!("VFS-02", vfs_02_what_was_synced_survives_a_power_loss, SyncsOfFoldersDoNothing),
    mutant!("VFS-03", vfs_03_a_power_loss_leaves_the_old_or_the_new_file, RenamesRemoveFirst),
    mutant!("VFS-03", vfs_03_a_name_is_never_missing_while_it_is_replaced, RenamesRemoveFirst),
    mutant!("VFS-03", vfs_03_a_rename_replaces_the_target, RenamesCopy),
    mutant!("VFS-04", vfs_04_a_file_stays_readable_without_a_name, RemovalsEmpty),
    mutant!("VFS-05", vfs_05_an_exclusive_lock_is_held_alone, LocksLetAllIn),
    mutant!("VFS-05", vfs_05_an_exclusive_lock_is_held_alone, LocksAreKept),
    mutant!("VFS-05", vfs_05_shared_locks_go_together, LocksLetAllIn),
    mutant!("VFS-05", vfs_05_shared_locks_go_together, SharedLocksCreate),
    mutant!("VFS-06", vfs_06_a_hard_link_is_another_name_of_the_same_file, LinksCopy),
    mutant!("VFS-06", vfs_06_a_hard_link_is_another_name_of_the_same_file, RenamesRemoveFirst),
    mutant!("VFS-07", vfs_07_bytes_that_nobody_wrote_are_zeros, ExtendsWithGarbage),
    mutant!("VFS-07", vfs_07_bytes_that_nobody_wrote_are_zeros, AllocatesNothing),
    mutant!("VFS-08", vfs_08_a_folder_lists_what_is_there_sorted, ListsBackwards),
    mutant!("VFS-08", vfs_08_a_folder_lists_what_is_there_sorted, ListsNoSizes),
    mutant!(
        "VFS-09",
        vfs_09_what_cannot_be_done_says_why_and_changes_nothing,
        CreatesOverWhatIsThere
    ),
    mutant!("VFS-09", vfs_09_what_cannot_be_done_says_why_and_changes_nothing, FailedRenamesRemove),
    mutant!("VFS-10", vfs_10_a_handle_does_only_what_it_was_opened_for, ReadersWrite),
    mutant!("VFS-10", vfs_10_direct_reads_are_for_those_who_asked_for_caps, DirectIsForAll),
];

#[test]
fn a_file_system_without_a_flaw_conforms() {
    suite::conforms(&|| disk(Flaw::None));
}

#[test]
fn each_flaw_of_a_file_system_is_caught() {
    all_are_killed("vfs", MUTANTS);
}

fn disk(flaw: Flaw) -> Disk {
    let sim = SimVfs::new();
    sim.create_dir(Path::new("/db")).unwrap();
    sim.record();
    let recorded = sim.clone();
    Disk::new(Layer { below: sim, flaw, opened: Arc::default() }, "/db").losing_power(move || {
        let recording = recorded.recording();
        let mut cursor = recording.cursor();
        cursor.advance_to(usize::MAX);
        let disk = |crash| Arc::new(cursor.materialise(&crash).vfs()) as Arc<dyn Vfs>;
        cursor.states(&Budget::SMALL, 1).map(disk).collect()
    })
}

/// A file system that passes everything on, but for its flaw.
#[derive(Clone, Debug)]
struct Layer {
    below: SimVfs,
    flaw: Flaw,
    /// Notified of each attempt to open a file.
    opened: Arc<Event>,
}

impl Layer {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// Makes a file of its own with the bytes of another one.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let below: &dyn Vfs = &self.below;
        let bytes = below.read_file(from, FileClass::Tmp, 1 << 20)?;
        below.open(to, OpenOptions::create(FileClass::Tmp))?.write_all_at(&bytes, 0)
    }
}

impl Vfs for Layer {
    fn open(&self, path: &Path, mut how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        self.opened.notify();
        if self.has(Flaw::CreatesOverWhatIsThere) && how.create_new {
            self.below.remove_file(path).ok();
        }
        how.direct &= !self.has(Flaw::DirectIsForAll);
        how.write |= self.has(Flaw::ReadersWrite);
        let file = self.below.open(path, how)?;
        let mut before = vec![0; usize::try_from(file.len()?).unwrap()];
        let copies = self.has(Flaw::HandlesReadWhatWasThereAtTheirOpening) && !how.write;
        let before = if copies {
            file.read_exact_at(&mut before, 0)?;
            Some(before)
        } else {
            None
        };
        Ok(Arc::new(LayerFile { below: file, flaw: self.flaw, before }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.has(Flaw::RenamesRemoveFirst) && self.below.remove_file(to).is_ok() {
            // Until somebody else looks, where somebody may.
            let count = self.opened.count();
            let mut patience = 10_000;
            while patience > 0 && self.opened.count() == count {
                std::thread::yield_now();
                patience -= 1;
            }
        }
        if self.has(Flaw::RenamesCopy) {
            self.below.remove_file(to).ok();
            self.copy(from, to)?;
            return self.below.remove_file(from);
        }
        let renamed = self.below.rename(from, to);
        if self.has(Flaw::FailedRenamesRemove) && renamed.is_err() {
            self.below.remove_file(to).ok();
        }
        renamed
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if self.has(Flaw::RemovalsEmpty) {
            self.below.open(path, OpenOptions::write(FileClass::Tmp))?.set_len(0)?;
        }
        self.below.remove_file(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.has(Flaw::LinksCopy) { self.copy(from, to) } else { self.below.hard_link(from, to) }
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.below.create_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = self.below.read_dir(path)?;
        if self.has(Flaw::ListsBackwards) {
            entries.reverse();
        }
        if self.has(Flaw::ListsNoSizes) {
            for entry in &mut entries {
                entry.bytes = 0;
            }
        }
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if self.has(Flaw::SyncsOfFoldersDoNothing) { Ok(()) } else { self.below.sync_dir(path) }
    }

    fn lock(&self, path: &Path, mut mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        if self.has(Flaw::LocksLetAllIn) {
            if mode == LockMode::Exclusive {
                self.below.open(path, OpenOptions::create(FileClass::Lock)).ok();
            }
            mode = LockMode::Shared;
        }
        if self.has(Flaw::SharedLocksCreate) {
            self.below.open(path, OpenOptions::create(FileClass::Lock)).ok();
        }
        let guard = self.below.lock(path, mode)?;
        if self.has(Flaw::LocksAreKept) {
            std::mem::forget(guard);
            return self.below.lock(&path.with_extension("other"), mode);
        }
        Ok(guard)
    }

    fn caps(&self, dir: &Path) -> Caps {
        self.below.caps(dir)
    }
}

/// A file that passes everything on, but for its flaw.
#[derive(Debug)]
struct LayerFile {
    below: Arc<dyn VfsFile>,
    flaw: Flaw,
    /// What it contained when it was opened, if that is what is read.
    before: Option<Vec<u8>>,
}

impl VfsFile for LayerFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.below.read_at(buf, offset)?;
        if let Some(before) = &self.before {
            for (byte, old) in buf.iter_mut().zip(&before[usize::try_from(offset).unwrap()..]) {
                *byte = *old;
            }
        }
        if self.flaw == Flaw::ReadsGoOnBehindTheEnd {
            buf[count..].fill(0);
            return Ok(buf.len());
        }
        Ok(count)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        if self.flaw == Flaw::BatchesSwapTheirBuffers {
            reads.sort_by_key(|read| read.offset);
            let mut offsets: Vec<_> = reads.iter().map(|read| read.offset).collect();
            offsets.reverse();
            for (read, offset) in reads.iter_mut().zip(offsets) {
                read.offset = offset;
            }
        }
        self.below.read_batch(reads)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let bytes: usize = bufs.iter().map(|buf| buf.len()).sum();
        let count = self.below.write_at(bufs, offset)?;
        if self.flaw == Flaw::LongWritesLoseAByte && bytes > 16 << 10 {
            self.below.write_all_at(&[0], offset + (16 << 10))?;
        }
        Ok(count)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        match (self.flaw, kind) {
            (Flaw::SyncsOfDataDoNothing, SyncKind::Data) => Ok(()),
            _ => self.below.sync(kind),
        }
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        if self.flaw == Flaw::AllocatesNothing {
            return Ok(());
        }
        self.below.allocate(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let before = self.below.len()?;
        self.below.set_len(bytes)?;
        if self.flaw == Flaw::ExtendsWithGarbage && bytes > before {
            self.below.write_all_at(b"garbage", bytes - 7)?;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.below.len()
    }
}
