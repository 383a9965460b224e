//! Inputs to begin with: files that the parts write today, and a few strings of operations.

use std::{
    io::IoSlice,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer::{
    Compression, Db, KeyspaceOptions, WriteBatch,
    parts::{
        BlockedBloom, ColumnarFormat, SegmentedWal, SortedArrayFormat,
        io::{MemVfs, manual},
    },
};
use lsmer_core::{
    BlockBuilder, EntryBatch, EntryRef, FileClass, FilterPolicy, Kind, LogEnd, LogSpec,
    OpenOptions, SeqNo, TableFormat, TableId, TableSpec, Vfs, WalFormat, Window, hash,
};

use crate::{Dice, layout::log::put_file};

/// Returns the inputs to begin with: target, name and bytes. The same ones every time.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut all = Vec::new();
    for (n, batch) in batches().into_iter().enumerate() {
        all.push(("batch", format!("written-{n}"), batch));
    }
    for rows in [1_u8, 3, 40] {
        all.push(("block", format!("{rows}-rows"), block(rows.into())));
        all.push(("filter", format!("{rows}-keys"), filter(rows)));
    }
    let formats: [(&str, &dyn TableFormat); 2] =
        [("columnar", &ColumnarFormat::default()), ("array", &SortedArrayFormat::default())];
    for (name, format) in formats {
        for codec in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let table = table(format, codec, &entries(30));
            all.push(("table", format!("{name}-{codec:?}").to_lowercase(), table));
        }
        let table = table(format, Compression::None, &versions());
        all.push(("table", format!("{name}-versions"), table));
    }
    for (n, manifest) in manifests().into_iter().enumerate() {
        all.push(("manifest", format!("written-{n}"), manifest));
    }
    for (name, fast_ring) in [("ring", true), ("segments", false)] {
        all.push(("log", name.to_owned(), log(fast_ring)));
    }
    for (target, bytes) in [("engine", 400), ("crash", 200)] {
        for seed in 0..8 {
            let dice = Dice::new(seed);
            let input = (0..bytes).map(|_| dice.word().to_le_bytes()[0]).collect();
            all.push((target, format!("random-{seed}"), input));
        }
    }
    all
}

fn batches() -> Vec<Vec<u8>> {
    let mut batch = WriteBatch::new();
    let mut all = Vec::new();
    for n in [0_u32, 1, 200] {
        batch.put(format!("key{n}"), vec![b'v'; n as usize]);
        batch.delete_in(lsmer_core::KeyspaceId(n * 1000), "gone");
        all.push(batch.encoded().expect("small").to_vec());
    }
    all
}

/// A key, its seqno, what is done to it, and its value.
type Entry = (Vec<u8>, u64, Kind, Vec<u8>);

/// So many versions of one key that they lie in several blocks, with values that no codec shrinks.
fn versions() -> Vec<Entry> {
    let dice = Dice::new(1);
    let value = || (0..8).flat_map(|_| dice.word().to_le_bytes()).collect();
    (1..40).rev().map(|seqno| (b"key".to_vec(), seqno, Kind::Put, value())).collect()
}

/// Two versions of each key, the older one a delete now and then.
fn entries(count: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    for n in 0..count {
        let key = format!("key{n:03}").into_bytes();
        let kind = if n % 5 == 4 { Kind::Delete } else { Kind::Put };
        let value = if kind == Kind::Put { vec![b'v'; 20] } else { Vec::new() };
        entries.push((key.clone(), 1000 + n, Kind::Put, format!("value {n}").into_bytes()));
        entries.push((key, 1 + n, kind, value));
    }
    entries
}

fn borrowed(entry: &Entry) -> EntryRef<'_> {
    EntryRef { key: &entry.0, seqno: SeqNo(entry.1), kind: entry.2, value: &entry.3 }
}

fn block(keys: u64) -> Vec<u8> {
    let mut builder = BlockBuilder::new();
    for entry in &entries(keys) {
        builder.add(borrowed(entry));
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    bytes
}

fn filter(keys: u8) -> Vec<u8> {
    let hashes: Vec<u64> = (0..keys).map(|n| hash(&[n])).collect();
    let mut input = vec![10, keys];
    input.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
    input.extend(BlockedBloom::new().build(&hashes, 10));
    input
}

fn table(format: &dyn TableFormat, compression: Compression, entries: &[Entry]) -> Vec<u8> {
    let vfs = MemVfs::without_crashes();
    let how = OpenOptions::create(FileClass::Table);
    let file = vfs.open(Path::new("/table"), how).expect("new");
    let spec = TableSpec {
        id: TableId { epoch: 1, number: 2 },
        block_bytes: 300,
        compression,
        filter_bits: 10,
        filter: Arc::new(BlockedBloom::new()),
        path: "/table".into(),
    };
    let mut builder = format.builder(file, &spec).expect("the codecs are built in");
    let mut batch = EntryBatch::default();
    for entry in entries {
        batch.push(borrowed(entry));
    }
    let window = Window::Batch(batch);
    builder.add(&window, window.range()).expect("no faults");
    builder.finish().expect("no faults");
    vfs.read_all("/table").expect("just written")
}

/// The manifests of a database that lived.
fn manifests() -> Vec<Vec<u8>> {
    let vfs = MemVfs::without_crashes();
    let mut all = Vec::new();
    for life in 0..3_u32 {
        let (env, ..) = manual(vfs.clone(), 0);
        let builder = Db::builder(Path::new("db")).env(env).memory_budget(1 << 20);
        let db = builder.open().expect("no faults");
        let tiny = KeyspaceOptions::default().with_block_bytes(128).with_table_bytes(1 << 10);
        let other = db.keyspace("other", tiny).expect("no faults");
        for n in 0..3 {
            for key in 0..60_u32 {
                other.put(key.to_be_bytes(), [b'v'; 40]).expect("no faults");
            }
            db.put(format!("life {life}"), format!("{n}")).expect("no faults");
            db.flush().expect("no faults");
        }
        db.compact(..).expect("no faults");
        db.close().expect("no faults");
        drop((other, db));
        let is_manifest = |path: &PathBuf| path.to_string_lossy().contains("MANIFEST-");
        let manifest = vfs.list().into_iter().map(|(path, _)| path).find(is_manifest);
        let bytes = vfs.read_all(manifest.expect("there is one")).expect("it is listed");
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        all.push(bytes[..used].to_vec());
    }
    all
}

/// Three segments, and with a fast ring records that stand only there.
fn log(fast_ring: bool) -> Vec<u8> {
    let vfs = MemVfs::without_crashes();
    vfs.set_fast_ring(fast_ring);
    let (env, exec, _) = manual(vfs.clone(), 0);
    let (min_segment_bytes, max_segment_bytes) = (512, 1024);
    let spec = LogSpec { dir: "/wal".into(), env, epoch: 1, min_segment_bytes, max_segment_bytes };
    let wal = SegmentedWal.open(spec, &LogEnd::default()).expect("no faults");
    for n in 1..=16_u64 {
        let payload = [n.to_le_bytes()[0]].repeat(20 + usize::try_from(n * 7 % 90).expect("small"));
        let slot = wal.reserve(payload.len()).expect("there is room");
        wal.write(slot, SeqNo(n), 1, &[IoSlice::new(&payload)]).expect("no faults");
        if n % 5 == 0 {
            wal.sync_to(slot.end).expect("no faults");
        }
        exec.run_until_idle();
    }
    let mut input = vec![1];
    input.extend([0; 9]);
    for id in 1..=9_u8 {
        if let Ok(bytes) = vfs.read_all(format!("/wal/{id:08}.wal")) {
            put_file(&mut input, id, &bytes);
        }
    }
    if let Ok(ring) = vfs.read_all("/wal/ring") {
        let used = ring.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let used = used.next_multiple_of(8);
        put_file(&mut input, 0, &ring[..used]);
    }
    input
}
