//! `TABLE-02`: whatever happened to the bytes, an answer is right or an error.

use std::sync::Arc;

use lsmer_core::{
    ALL, BlockId, BlockKind, Compression, ErrorKind, TableFormat, TableId, TableMeta, TableSpec,
    checksum_context, checksum_more,
};

use crate::support::*;

/// A small table of several blocks, with a key whose versions lie in two of them.
fn small(format: &dyn TableFormat, compression: Compression) -> (Vec<Entry>, Vec<u8>, TableMeta) {
    let mut entries = puts(4, 10);
    entries.insert(1, Entry::put(b"key00000x", 9, &[1; 40]));
    entries.insert(2, Entry::put(b"key00000x", 8, &[2; 40]));
    entries.insert(3, Entry::put(b"key00000x", 7, &[3; 40]));
    let spec = TableSpec { block_bytes: 100, compression, ..spec() };
    let (file, meta) = build(format, &spec, &entries).unwrap();
    (entries, file.copy(), meta)
}

/// Opens a damaged file with what the manifest says of it, and asks for everything.
fn read_all(format: &Arc<dyn TableFormat>, bytes: Vec<u8>, meta: &TableMeta, entries: &[Entry]) {
    let file = MemFile::of(bytes);
    let mut driver = Driver::new(format, &file);
    let Ok(table) = driver.open(meta) else { return };
    for entry in entries {
        for snapshot in [entry.seqno, 100] {
            if let Ok(found) = driver.get(&table, &entry.key, snapshot) {
                assert_eq!(found.as_ref(), model_get(entries, &entry.key, snapshot));
            }
        }
    }
    if let Ok(found) = driver.get(&table, b"key00002x", 100) {
        assert_eq!(found, None);
    }
    for backward in [false, true] {
        if let Ok(found) = driver.scan(&table, ALL, backward) {
            assert_eq!(found, entries);
        }
    }
}

#[test]
fn a_flipped_bit_gives_an_error_or_the_right_answer() {
    for format in formats() {
        for compression in [Compression::None, Compression::Lz4] {
            let (entries, good, meta) = small(&*format, compression);
            read_all(&format, good.clone(), &meta, &entries);
            for bit in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                read_all(&format, bytes.clone(), &meta, &entries);
                let verified = Driver::new(&format, &MemFile::of(bytes)).verify();
                assert!(verified.is_err(), "{} bit {bit}", format.name());
            }
        }
    }
}

#[test]
fn a_table_cut_short_gives_an_error_or_the_right_answer() {
    for format in formats() {
        let (entries, good, meta) = small(&*format, Compression::None);
        for cut in 0..good.len() {
            let bytes = good[..cut].to_vec();
            read_all(&format, bytes.clone(), &meta, &entries);
            let error = Driver::new(&format, &MemFile::of(bytes)).verify().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption);
        }
    }
}

#[test]
fn a_block_of_another_place_is_corruption() {
    for format in formats() {
        let (_, bytes, meta) = small(&*format, Compression::None);
        let mut driver = Driver::new(&format, &MemFile::of(bytes.clone()));
        let table = driver.open(&meta).unwrap();
        for request in table.blocks() {
            let start = usize::try_from(request.id.offset).unwrap();
            let raw = &bytes[start..start + request.bytes as usize];
            assert!(format.decode(&request.id, raw.to_vec().into()).is_ok());
            let epoch = TableId { epoch: 2, ..ID };
            let number = TableId { number: 8, ..ID };
            let other_kind = match request.id.kind {
                BlockKind::Data => BlockKind::Index,
                _ => BlockKind::Data,
            };
            for id in [
                BlockId { offset: request.id.offset + 1, ..request.id },
                BlockId { table: epoch, ..request.id },
                BlockId { table: number, ..request.id },
                BlockId { kind: other_kind, ..request.id },
            ] {
                let error = format.decode(&id, raw.to_vec().into()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corruption);
                assert_eq!(
                    (error.file(), error.offset()),
                    (Some(id.table.file_name().as_ref()), Some(id.offset))
                );
            }
        }
    }
}

#[test]
fn a_manifest_that_names_another_file_gets_an_error() {
    for format in formats() {
        let (_, bytes, meta) = small(&*format, Compression::None);
        let file = MemFile::of(bytes);
        let mut wrong = vec![meta.clone(); 5];
        wrong[0].id.number += 1;
        wrong[1].index.offset -= 1;
        wrong[2].index.bytes += 1;
        wrong[3].file_bytes = 10;
        wrong[4].index = meta.filter;
        for meta in wrong {
            let error = Driver::new(&format, &file).open(&meta).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption, "{meta:?}");
        }
    }
}

#[test]
fn a_description_of_another_file_is_corruption() {
    for format in formats() {
        let (_, good, meta) = small(&*format, Compression::None);
        let mut driver = Driver::new(&format, &MemFile::of(good.clone()));
        let at = driver.open(&meta).unwrap().blocks().pop().unwrap();
        let start = usize::try_from(at.id.offset).unwrap();
        let crc = start + at.bytes as usize - 4;
        // The payload begins with the id (1, 2, epoch, number) and the size of the file.
        for byte in [2, 3, 6] {
            let mut bytes = good.clone();
            bytes[start + byte] ^= 1;
            let words = [ID.epoch, ID.number, at.id.offset, BlockKind::Properties as u64];
            let sum = checksum_more(checksum_context(&words), &bytes[start..crc]);
            bytes[crc..crc + 4].copy_from_slice(&sum.to_le_bytes());
            let inspected = MemFile::of(bytes).reading(|file| format.inspect(file));
            assert_eq!(inspected.unwrap_err().kind(), ErrorKind::Corruption);
        }
    }
}

#[test]
fn a_cursor_that_failed_stays_failed_until_it_is_placed_again() {
    let format = columnar();
    let (entries, bytes, meta) = small(&*format, Compression::None);
    let file = MemFile::of(bytes);
    let mut driver = Driver::new(&format, &file);
    let table = driver.open(&meta).unwrap();
    // A cache that answers with a block of another table: whole, but not what the index means.
    let other = build(&*format, &TableSpec { block_bytes: 4096, ..spec() }, &puts(20, 1)).unwrap();
    let mut liar = Driver::new(&format, &other.0);
    let block = {
        let table = liar.open(&other.1).unwrap();
        liar.fetch(table.blocks()[0]).unwrap()
    };
    let cache = lsmer_cache::SlotCache::new(1 << 20);
    lsmer_core::BlockCache::insert(&cache, table.blocks()[0].id, block);
    driver.cache = Arc::new(cache);
    let mut cursor = Arc::clone(&table).cursor();
    driver.run(|blocks| cursor.seek(ALL, false, blocks)).unwrap();
    let mut window = lsmer_core::Window::End;
    for _ in 0..2 {
        let error = driver.run(|blocks| cursor.next_window(&mut window, blocks)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corruption);
        driver.cache = Arc::new(lsmer_cache::NoCache);
    }
    driver.run(|blocks| cursor.seek(ALL, false, blocks)).unwrap();
    driver.run(|blocks| cursor.next_window(&mut window, blocks)).unwrap();
    assert!(!window.range().is_empty());
    assert_eq!(driver.scan(&table, ALL, false).unwrap(), entries);
}
