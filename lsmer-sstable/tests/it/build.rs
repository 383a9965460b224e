//! What a builder cuts, counts and refuses.

use std::{ops::Bound, sync::Arc};

use lsmer_core::{
    ALL, BlockKind, Compression, ErrorKind, Kind, MAX_KEY_BYTES, SeqNo, TableSpec, Window,
};

use crate::support::*;

#[test]
fn a_table_describes_itself() {
    let mut entries = puts(100, 20);
    entries[40].kind = Kind::Delete;
    entries[40].value.clear();
    for format in formats() {
        let (file, meta) = build(&*format, &spec(), &entries).unwrap();
        assert_eq!(meta.id, ID);
        assert_eq!((&*meta.smallest, &*meta.largest), (&b"key00000"[..], &b"key00099"[..]));
        assert_eq!((meta.min_seqno, meta.max_seqno), (SeqNo(1), SeqNo(100)));
        assert_eq!((meta.entries, meta.deletes, meta.user_bytes), (100, 1, 100 * 28 - 20));
        assert_eq!(&*meta.format, format.name());
        assert_eq!(file.reading(|file| format.inspect(file)).unwrap(), meta);
    }
}

#[test]
fn a_table_of_one_format_is_unsupported_to_another() {
    let [one, other] = formats();
    let (file, meta) = build(&*one, &spec(), &puts(1, 1)).unwrap();
    let error = file.reading(|file| other.inspect(file)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = Driver::new(&other, &file).open(&meta).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn blocks_are_cut_at_their_size_and_around_huge_values() {
    let format = columnar();
    let mut entries = puts(100, 100);
    entries[50].value = vec![1; 10_000];
    let (file, meta) = build(&*format, &spec(), &entries).unwrap();
    let mut driver = Driver::new(&format, &file);
    let table = driver.open(&meta).unwrap();
    let mut rows = Vec::new();
    for request in table.blocks() {
        if request.id.kind == BlockKind::Data {
            let block = driver.fetch(request).unwrap();
            assert!(block.bytes().len() < 4096 + 200 || block.len() == 1);
            rows.push(block.len());
        }
    }
    // About 4096 / (8 + 100 + 11) rows a block.
    assert_eq!(rows, [35, 15, 1, 35, 14]);
}

#[test]
fn a_table_is_written_in_pieces_that_begin_at_multiples_of_their_size() {
    let (file, meta) = build(&*columnar(), &spec(), &puts(20_000, 100)).unwrap();
    let pieces = meta.file_bytes >> 19;
    assert!(pieces > 3, "of 512 KiB each");
    let want: Vec<_> = (1..=pieces).map(|n| n << 19).chain([meta.file_bytes]).collect();
    assert!(file.ends.lock().iter().eq(&want), "{:?}", file.ends.lock());
}

#[test]
fn a_block_has_at_most_65_000_rows() {
    let format = columnar();
    let put = |i: u32| Entry::put(&i.to_be_bytes(), 1, b"");
    let entries: Vec<_> = (0..65_001).map(put).collect();
    let spec = TableSpec { block_bytes: 16 << 20, filter_bits: 0, ..spec() };
    let (file, meta) = build(&*format, &spec, &entries).unwrap();
    let mut driver = Driver::new(&format, &file);
    let table = driver.open(&meta).unwrap();
    let blocks = table.blocks().into_iter().filter(|request| request.id.kind == BlockKind::Data);
    assert_eq!(blocks.count(), 2);
    assert_eq!(driver.get(&table, &65_000_u32.to_be_bytes(), 1).unwrap(), entries.last().cloned());
}

#[test]
fn the_plain_format_cuts_blocks_of_a_mebibyte() {
    let [_, format] = formats();
    let entries = puts(40, 100_000);
    let (file, meta) = build(&*format, &spec(), &entries).unwrap();
    let mut driver = Driver::new(&format, &file);
    let table = driver.open(&meta).unwrap();
    assert_eq!(table.blocks().len(), 4 + 2, "data, index, properties");
    let range = (Bound::Included(&b"key00009"[..]), Bound::Excluded(&b"key00012"[..]));
    assert_eq!(driver.scan(&table, range, false).unwrap(), entries[9..12]);
    assert_eq!(driver.scan(&table, ALL, true).unwrap(), entries);
}

#[test]
fn the_largest_key_and_value_come_back() {
    let key = vec![b'z'; MAX_KEY_BYTES];
    let value = vec![5; lsmer_core::MAX_VALUE_BYTES];
    let entries =
        [Entry::put(b"a", 1, b""), Entry::put(&key, 2, &value), Entry::put(&key, 1, b"x")];
    for compression in [Compression::None, Compression::Lz4] {
        for format in formats() {
            let spec = TableSpec { compression, ..spec() };
            let (file, meta) = build(&*format, &spec, &entries).unwrap();
            let mut driver = Driver::new(&format, &file);
            driver.cache = Arc::new(lsmer_cache::SlotCache::new(0));
            let table = driver.open(&meta).unwrap();
            assert!(driver.get(&table, &key, 2).unwrap() == Some(entries[1].clone()));
            assert!(driver.get(&table, &key, 1).unwrap() == Some(entries[2].clone()));
        }
    }
}

#[test]
fn a_spec_out_of_range_and_a_table_of_nothing_are_refused() {
    let format = columnar();
    for spec in [
        TableSpec { block_bytes: 63, ..spec() },
        TableSpec { block_bytes: (16 << 20) + 1, ..spec() },
        TableSpec { filter_bits: 65, ..spec() },
    ] {
        let error = build(&*format, &spec, &puts(1, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    for format in formats() {
        let error = build(&*format, &spec(), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[cfg(not(feature = "zstd"))]
#[test]
fn zstd_is_unsupported_without_its_feature() {
    let spec = TableSpec { compression: Compression::Zstd, ..spec() };
    let error = build(&*columnar(), &spec, &puts(1, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn entries_out_of_order_are_refused() {
    for format in formats() {
        let entries = [Entry::put(b"b", 1, b""), Entry::put(b"a", 1, b"")];
        let file = Arc::new(MemFile::default());
        let mut builder = format.builder(file, &spec()).unwrap();
        let Window::Batch(batch) = batch(&entries) else { unreachable!() };
        let error = builder.add(&Window::Batch(batch), 0..2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        for (seqnos, last) in [((1, 1), b"b"), ((1, 2), b"b"), ((1, 1), b"a")] {
            // Nobody checked their order when they became a block.
            let entries = [b"a", b"b", last].map(|key| Entry::put(key, seqnos.1, b""));
            let window =
                rows(&[Entry { seqno: seqnos.0, ..entries[1].clone() }, entries[2].clone()]);
            let mut builder = format.builder(Arc::new(MemFile::default()), &spec()).unwrap();
            builder.add(&rows(&entries[..1]), 0..1).unwrap();
            let error = builder.add(&window, 0..2).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }
}

#[test]
fn a_full_disk_is_reported_and_not_forgotten() {
    for format in formats() {
        let file = Arc::new(MemFile::default());
        *file.room.lock() = Some(600_000);
        let mut builder = format.builder(Arc::<MemFile>::clone(&file), &spec()).unwrap();
        let mut failed = false;
        for entry in puts(3000, 1000) {
            let window = batch(&[entry]);
            if let Err(error) = builder.add(&window, 0..1) {
                assert_eq!(error.kind(), ErrorKind::Full);
                assert_eq!(error.file(), Some("test.tbl".as_ref()));
                // Room again: but what is in the file is unknown.
                failed = true;
                *file.room.lock() = None;
            } else {
                assert!(!failed, "it stays failed");
            }
        }
        assert!(failed);
        assert_eq!(builder.finish().unwrap_err().kind(), ErrorKind::Full);
    }
}

#[test]
fn a_codec_makes_a_table_smaller() {
    let format = columnar();
    let plain = build(&*format, &spec(), &puts(1000, 100)).unwrap().1.file_bytes;
    let codecs = [Compression::Lz4, Compression::Zstd];
    for compression in codecs.into_iter().take(if cfg!(feature = "zstd") { 2 } else { 1 }) {
        let spec = TableSpec { compression, ..spec() };
        let bytes = build(&*format, &spec, &puts(1000, 100)).unwrap().1.file_bytes;
        assert!(bytes < plain / 3, "{compression:?}: {bytes} of {plain}");
    }
}
