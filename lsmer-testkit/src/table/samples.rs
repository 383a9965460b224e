//! What tables are built of: entries with the edges of the data model, and ways to write them.

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

use lsmer_core::{Compression, FilterPolicy, Kind, MAX_KEY_BYTES, SeqNo, TableId, TableSpec};

use crate::{
    entries::{Entry, sort},
    seed::Seeded,
};

pub(super) const ID: TableId = TableId { epoch: 3, number: 70 };

/// Entries in internal order, by what is special about them.
pub(super) fn samples(random: &mut Seeded) -> Vec<(&'static str, Vec<Entry>)> {
    let mut all = vec![
        ("one entry", vec![Entry::put(b"k", 7, b"v")]),
        ("the empty key", vec![Entry::put(b"", 1, b""), Entry::delete(b"\0", 2)]),
        ("deletes only", (0..300).map(|n| Entry::delete(&name(n), n + 1)).collect()),
        ("names", (0..500).map(|n| Entry::put(&name(n), n + 1, &random.bytes(120))).collect()),
        ("versions", versions(random)),
        ("bytes", bytes(random)),
        (
            "seqnos far apart",
            vec![
                Entry::put(b"a", u64::MAX - 1, b"1"),
                Entry::put(b"a", 1 << 40, b"2"),
                Entry::put(b"a", 1, b"3"),
                Entry::delete(b"b", 1 << 33),
            ],
        ),
        ("huge", huge(random)),
    ];
    for (_, entries) in &mut all {
        sort(entries);
    }
    all
}

/// A few entries of every kind, for tests that read all of them again and again.
pub(super) fn few(random: &mut Seeded) -> Vec<Entry> {
    let mut entries: Vec<_> =
        (0..12).map(|n| Entry::put(&name(n), n + 1, &random.bytes(30))).collect();
    for seqno in 20..30 {
        entries.push(Entry::put(&name(5), seqno, &[seqno.to_le_bytes()[0]; 25]));
    }
    entries.push(Entry::delete(&name(7), 40));
    sort(&mut entries);
    entries
}

fn name(n: u64) -> Vec<u8> {
    format!("a common prefix/{:05}", n * 3).into_bytes()
}

/// One key whose versions fill many blocks, between two others that have a few.
fn versions(random: &mut Seeded) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (key, count) in [(b"m", 3), (b"n", 400), (b"o", 3)] {
        for seqno in 1..=count {
            entries.push(match seqno % 7 {
                0 => Entry::delete(key, seqno * 2),
                _ => Entry::put(key, seqno * 2, &random.bytes(60)),
            });
        }
    }
    entries
}

/// Short keys of few bytes, among them runs of 0x00 and 0xff, and prefixes of each other.
fn bytes(random: &mut Seeded) -> Vec<Entry> {
    let mut entries = Vec::new();
    for seqno in 1..=900 {
        let key: Vec<u8> =
            (0..random.below(5)).map(|_| [0, b'a', b'b', 0xff][random.below(4)]).collect();
        entries.push(match random.below(4) {
            0 => Entry::delete(&key, seqno),
            _ => Entry::put(&key, seqno, &random.bytes(40)),
        });
    }
    entries
}

/// The longest key, and values that are larger than any block, between small ones.
fn huge(random: &mut Seeded) -> Vec<Entry> {
    let noise: Vec<u8> = (0..200_000).map(|_| random.next().to_le_bytes()[0]).collect();
    let long = vec![b'h'; MAX_KEY_BYTES];
    vec![
        Entry::put(b"g", 1, b"small"),
        Entry::put(b"h", 2, &vec![0; 3 << 20]),
        Entry::put(b"h", 1, &noise),
        Entry::put(&long[1..], 3, b"small"),
        Entry::put(&long, 5, &noise),
        Entry::put(&long, 4, b""),
        Entry::put(b"i", 6, b"small"),
    ]
}

/// Every key, and keys before, between and after them.
pub(super) fn probes(entries: &[Entry]) -> BTreeSet<Vec<u8>> {
    let mut keys = BTreeSet::from([vec![], vec![0xff; 9]]);
    for Entry { key, .. } in entries {
        keys.insert(key.clone());
        if key.len() < MAX_KEY_BYTES {
            keys.insert([key, &[0][..]].concat());
        }
        let Some((last, front)) = key.split_last() else { continue };
        keys.insert(front.to_vec());
        keys.insert([front, &[last.wrapping_sub(1)]].concat());
        keys.insert([front, &[last.wrapping_add(1)]].concat());
    }
    keys
}

/// Snapshots just below, at and above the versions of a key.
pub(super) fn snapshots(entries: &[Entry], key: &[u8]) -> BTreeSet<SeqNo> {
    let versions = entries.iter().filter(|entry| entry.key == key).map(|entry| entry.seqno.0);
    let mut around: BTreeSet<_> =
        versions.take(20).flat_map(|seqno| [seqno - 1, seqno, seqno + 1]).map(SeqNo).collect();
    around.extend([SeqNo::ZERO, SeqNo::MAX]);
    around
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) block_bytes: u32,
    pub(super) compression: Compression,
    pub(super) filter_bits: u8,
}

impl Config {
    /// With the smallest and the largest block, each codec, with and without a filter.
    pub(super) const ALL: [Self; 7] = [
        Self::new(64, Compression::None, 10),
        Self::new(64, Compression::Lz4, 0),
        Self::new(300, Compression::Zstd, 3),
        Self::new(4 << 10, Compression::None, 20),
        Self::new(4 << 10, Compression::Lz4, 64),
        Self::new(64 << 10, Compression::None, 1),
        Self::new(16 << 20, Compression::Zstd, 0),
    ];

    /// For a small table of several blocks.
    pub(super) const SMALL: [Self; 3] = [
        Self::new(128, Compression::None, 10),
        Self::new(128, Compression::Lz4, 10),
        Self::new(128, Compression::Zstd, 0),
    ];

    const fn new(block_bytes: u32, compression: Compression, filter_bits: u8) -> Self {
        Self { block_bytes, compression, filter_bits }
    }

    pub(super) fn spec(self, id: TableId, filter: &Arc<dyn FilterPolicy>) -> TableSpec {
        let Self { block_bytes, compression, filter_bits } = self;
        let (filter, path) = (Arc::clone(filter), PathBuf::from(id.file_name()));
        TableSpec { id, block_bytes, compression, filter_bits, filter, path }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block_bytes, compression, filter_bits } = self;
        write!(f, "blocks of {block_bytes} bytes, {compression:?}, {filter_bits} bits a key")
    }
}

/// Returns how many entries delete.
pub(super) fn deletes(entries: &[Entry]) -> u64 {
    entries.iter().filter(|entry| entry.kind == Kind::Delete).count() as u64
}
