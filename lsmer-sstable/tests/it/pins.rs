//! The bytes of whole tables, written out. If one of these fails, the format changed: give it
//! another name, keep the old decoder, and change `docs/format/table.md` with it.

use lsmer_core::{BlockKind, Kind, TableFormat, TableSpec};

use crate::support::*;

fn entries() -> [Entry; 3] {
    [
        Entry::put(b"ka", 5, b"new"),
        Entry { key: b"ka".to_vec(), seqno: 3, kind: Kind::Delete, value: Vec::new() },
        Entry::put(b"kc", 4, b"xyz"),
    ]
}

#[rustfmt::skip]
const COLUMNAR: &[&[u8]] = &[
    // Data block 0: header, fingerprints, key ends, value ends, seqnos, kinds, prefix, values,
    // heads, padding, trailer.
    &[1, 2, 1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
    &[16, 16], &[0, 0, 0, 0], &[3, 0, 3, 0], &[2, 0], &[1, 2], b"ka", b"new",
    &[0, 0, 0, 0, 0, 0, 0, 0], &[0; 8], &[0, 0, 0, 0, 67, 0, 0, 0, 237, 16, 177, 6],
    // Data block 1: as above, without seqnos and kinds.
    &[1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0],
    &[0], &[0, 0], &[3, 0], b"kc", b"xyz",
    &[0, 0, 0, 0], &[0; 8], &[0, 0, 0, 0, 54, 0, 0, 0, 241, 19, 61, 215],
    // Filter: header, one line, trailer.
    &[1, 0, 0, 0, 1, 0, 0, 0],
    &[0, 0, 0, 48, 0, 64, 0, 32, 0, 0, 17, 0, 64, 1, 0, 0],
    &[0, 0, 4, 128, 0, 0, 2, 4, 0, 128, 1, 0, 0, 0, 4, 32],
    &[0, 0, 0, 0, 40, 0, 0, 0, 177, 126, 24, 211],
    // Index: header, sizes, rows, ends, prefix, suffixes, trailer.
    &[1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
    &[79, 0, 0, 0, 66, 0, 0, 0], &[2, 0, 0, 0, 1, 0, 0, 0], &[1, 0, 0, 0, 2, 0, 0, 0], b"k", b"ac",
    &[0, 0, 0, 0, 43, 0, 0, 0, 100, 115, 242, 21],
    // Properties: id, file bytes, seqnos, counts, index, bounds, format, filter, trailer.
    &[1, 2, 1, 7], &[3, 2, 251, 2], &[9, 2, 3, 5], &[2, 3, 3, 1, 12], &[11, 3, 197, 1, 55],
    &[5, 2, b'k', b'a', 7, 2, b'k', b'c'], &[13, 16], b"lsmer.columnar.1",
    &[4, 17, 145, 1, 52, 13], b"lsmer.bloom.1", &[0, 0, 0, 0, 67, 0, 0, 0, 218, 97, 222, 21],
    // Footer: id, properties, reserved, version, checksum, magic.
    &[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0], &[252, 0, 0, 0, 0, 0, 0, 0, 79, 0, 0, 0],
    &[0, 0, 0, 0], &[1, 0, 0, 0], &[87, 235, 222, 30], b"lsmertbl",
];

#[rustfmt::skip]
const ARRAY: &[&[u8]] = &[
    // Data block: rows, then key, seqno, kind and value of each; trailer.
    &[3], &[2, b'k', b'a', 5, 1, 3], b"new", &[2, b'k', b'a', 3, 2, 0], &[2, b'k', b'c', 4, 1, 3],
    b"xyz", &[0, 0, 0, 0, 25, 0, 0, 0, 116, 244, 197, 114],
    // Index: stored size and last key; trailer.
    &[37, 2, b'k', b'c'], &[0, 0, 0, 0, 4, 0, 0, 0, 120, 188, 48, 94],
    // Properties: as above, without a filter.
    &[1, 2, 1, 7], &[3, 2, 157, 1], &[9, 2, 3, 5], &[2, 3, 3, 1, 12], &[11, 2, 37, 16],
    &[5, 2, b'k', b'a', 7, 2, b'k', b'c'], &[13, 13], b"lsmer.array.1",
    &[0, 0, 0, 0, 44, 0, 0, 0, 207, 169, 192, 118],
    // Footer.
    &[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0], &[53, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0],
    &[0, 0, 0, 0], &[1, 0, 0, 0], &[162, 245, 233, 152], b"lsmertbl",
];

#[test]
fn the_bytes_of_a_table_are_pinned() {
    for (format, want) in formats().iter().zip([COLUMNAR, ARRAY]) {
        let spec = TableSpec { block_bytes: 64, ..spec() };
        let (file, _) = build(&**format, &spec, &entries()).unwrap();
        assert_eq!(file.copy(), want.concat(), "{}", format.name());
    }
}

#[test]
fn a_pinned_table_reads_back() {
    for (format, bytes) in formats().iter().zip([COLUMNAR, ARRAY]) {
        let file = MemFile::of(bytes.concat());
        let meta = file.reading(|file| format.inspect(file)).unwrap();
        let mut driver = Driver::new(format, &file);
        driver.verify().unwrap();
        let table = driver.open(&meta).unwrap();
        assert_eq!(driver.scan(&table, lsmer_core::ALL, false).unwrap(), entries());
    }
}

#[test]
fn names_are_pinned() {
    let names = formats().map(|format| TableFormat::name(&*format).to_owned());
    assert_eq!(names, ["lsmer.columnar.1", "lsmer.array.1"]);
    assert_eq!([BlockKind::Data as u8, BlockKind::Index as u8], [1, 2]);
    assert_eq!([BlockKind::Filter as u8, BlockKind::Properties as u8], [3, 5]);
}
