//! `TABLE-02`: whatever happened to the bytes, an answer is right or an error.

use std::sync::Arc;

use lsmer_core::{
    ALL, Block, BlockId, BlockKind, BlockRequest, Error, ErrorKind, SeqNo, TableFormat, TableId,
};

use super::{
    cases::{Case, each_small},
    driver::{Driver, Supply, opened, raw},
    file::{Built, inspect},
    samples::ID,
};
use crate::{
    conformance::unharmed,
    entries::{difference, newest},
    figures,
    seed::Seeded,
};

/// `TABLE-02`: every bit of a small table is flipped. A block refuses its own, the description
/// refuses those outside of blocks or does not need them; no lookup and no walk answers wrongly.
///
/// # Panics
///
/// If not.
pub fn table_02_a_flipped_bit_is_refused(format: &dyn TableFormat) {
    let mut flips = 0;
    each_small(format, |case| {
        let (_, table) = opened(format, &case.built, &case.filter);
        let blocks = table.blocks();
        let mut bytes = case.built.bytes.clone();
        for bit in 0..bytes.len() * 8 {
            let (at, mask) = (bit / 8, 1 << (bit % 8));
            bytes[at] ^= mask;
            let what = format!("TABLE-02: bit {} of byte {at}", bit % 8);
            match blocks.iter().find(|request| covers(request, at)) {
                Some(request) => {
                    let raw = raw(&bytes, *request).expect("it is inside the file");
                    let read = decode(format, &request.id, raw, &what);
                    let kind = request.id.kind;
                    assert!(is_corruption(&read), "{what} in a {kind:?} block: {read:?}; {case}");
                }
                None => untrue(format, &bytes, &case.built, &what),
            }
            if at % 8 == bit % 8 {
                read_all(case, &bytes, &what);
            }
            bytes[at] ^= mask;
            flips += 1;
        }
    });
    figures(&format!("table-flips-{}", format.name()), &[("bits", flips)]);
}

/// `TABLE-02`: cut at every length, a file does not describe itself, a block does not decode, and
/// no lookup and no walk answers wrongly.
///
/// # Panics
///
/// If not.
pub fn table_02_a_file_cut_short_is_refused(format: &dyn TableFormat) {
    each_small(format, |case| {
        let (_, table) = opened(format, &case.built, &case.filter);
        let bytes = &case.built.bytes;
        for len in 0..bytes.len() {
            let what = format!("TABLE-02: cut at byte {len}");
            let said = unharmed(&what, || inspect(format, &bytes[..len]));
            assert!(is_corruption(&said), "{what}, a file says of itself {said:?}; {case}");
            read_all(case, &bytes[..len], &what);
        }
        for request in table.blocks() {
            let raw = raw(bytes, request).expect("it is inside the file");
            for len in 0..raw.len() {
                let what = format!("TABLE-02: {len} bytes of {}", raw.len());
                let read = decode(format, &request.id, &raw[..len], &what);
                assert!(is_corruption(&read), "{what} of {request:?}: {read:?}; {case}");
            }
        }
    });
}

/// `TABLE-02`: a block does not decode at another offset, as another kind, in another table or in
/// an older one of the same number; of two tables with the same entries, one cannot be read with
/// the other's blocks.
///
/// # Panics
///
/// If not.
pub fn table_02_a_block_of_another_place_is_refused(format: &dyn TableFormat) {
    each_small(format, |case| {
        let (_, table) = opened(format, &case.built, &case.filter);
        for BlockRequest { id, bytes } in table.blocks() {
            let raw = raw(&case.built.bytes, BlockRequest { id, bytes }).expect("inside the file");
            let kinds = [BlockKind::Data, BlockKind::Index, BlockKind::Filter];
            let kinds = kinds.into_iter().filter(|kind| *kind != id.kind);
            let tables = [TableId { epoch: ID.epoch + 1, ..ID }, TableId { number: 71, ..ID }];
            let elsewhere = table.blocks().into_iter().map(|other| other.id.offset);
            let elsewhere = elsewhere.filter(|offset| *offset != id.offset);
            let mut others: Vec<_> = kinds.map(|kind| BlockId { kind, ..id }).collect();
            others.extend(tables.map(|table| BlockId { table, ..id }));
            others.extend(elsewhere.map(|offset| BlockId { offset, ..id }));
            for other in others {
                let what = format!("TABLE-02: {id:?} as {other:?}");
                let read = decode(format, &other, raw, &what);
                assert!(is_corruption(&read), "{what}: {read:?}; {case}");
            }
        }
        let other = case.again(TableId { number: 71, ..ID });
        let mut driver = Driver::new(format, &other.bytes, Supply::Cached);
        let read = driver.open(&case.built.meta, &case.filter).and_then(|table| {
            driver.get(&table, &case.entries[0].key, SeqNo::MAX)?;
            Ok(())
        });
        assert!(is_corruption(&read), "TABLE-02: a file in the place of another: {read:?}; {case}");
    });
}

/// `TABLE-02`: random bytes are no block and no file; and even of an index and a filter with
/// flipped bits that somehow passed [`TableFormat::decode`], nothing panics and nothing is read
/// without end.
///
/// # Panics
///
/// If not.
pub fn table_02_no_bytes_make_reading_panic(format: &dyn TableFormat) {
    each_small(format, |case| {
        let mut random = Seeded::new();
        for round in 0..300 {
            let what = format!("TABLE-02: random bytes, round {round}");
            let noise = random.bytes(200);
            let id = BlockId { table: ID, offset: 0, kind: BlockKind::Data };
            let read = decode(format, &id, &noise, &what);
            assert!(is_corruption(&read), "{what}: {read:?}; {case}");
            let said = unharmed(&what, || inspect(format, &noise));
            assert!(is_corruption(&said), "{what}, as a file: {said:?}; {case}");
        }
        for round in 0..3_000 {
            flip_behind_the_checksum(case, &mut random, round);
        }
    });
}

/// Flips bits of what was decoded, as only a mistake in writing could, and reads everything.
fn flip_behind_the_checksum(case: &Case<'_>, random: &mut Seeded, round: usize) {
    let mut driver = Driver::new(case.format, &case.built.bytes, Supply::Cached);
    let meta = &case.built.meta;
    let index = BlockRequest::new(meta.id, meta.index, BlockKind::Index);
    let block = driver.fetch(index).expect("a new table can be read");
    let mut bytes = block.bytes().to_vec();
    if round.is_multiple_of(8) {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        bytes[at] = [0, 0xff, 0x80, bytes[at] ^ 1, random.next().to_le_bytes()[0]][random.below(5)];
    }
    driver.keep(index.id, Block::opaque(bytes));
    let what = format!("TABLE-02: an index with flipped bits, round {round}; {random}");
    unharmed(what, || {
        let Ok(table) = driver.open(meta, &case.filter) else { return };
        for entry in case.entries {
            drop(driver.get(&table, &entry.key, entry.seqno));
        }
        for backward in [false, true] {
            drop(driver.scan(&mut *Arc::clone(&table).cursor(), ALL, backward));
        }
        let _: usize = table.bytes() + table.blocks().len();
    });
}

/// Asks a damaged file for everything: each answer must be right, or `Corruption`.
fn read_all(case: &Case<'_>, bytes: &[u8], what: &str) {
    let wrong = |error: &Error| {
        assert!(error.kind() == ErrorKind::Corruption, "{what}: {error:?}; {case}");
    };
    let mut driver = Driver::new(case.format, bytes, Supply::Cached);
    let table = match driver.open(&case.built.meta, &case.filter) {
        Ok(table) => table,
        Err(error) => return wrong(&error),
    };
    for entry in case.entries {
        match driver.get(&table, &entry.key, entry.seqno) {
            Err(error) => wrong(&error),
            Ok(got) => {
                let want = newest(case.entries, &entry.key, entry.seqno);
                assert!(got.as_ref() == want, "{what}: {got:?} was found for {want:?}; {case}");
            }
        }
    }
    for backward in [false, true] {
        match driver.scan(&mut *Arc::clone(&table).cursor(), ALL, backward) {
            Err(error) => wrong(&error),
            Ok(seen) => {
                let difference = difference(&seen, case.entries);
                assert!(difference.is_none(), "{what}, a walk: {difference:?}; {case}");
            }
        }
    }
}

/// Checks that a damaged file does not describe itself, or does so as it was.
fn untrue(format: &dyn TableFormat, bytes: &[u8], built: &Built, what: &str) {
    match unharmed(what, || inspect(format, bytes)) {
        Ok(meta) => assert!(meta == *built.meta, "{what}: a file says of itself {meta:?}"),
        Err(error) => assert!(error.kind() == ErrorKind::Corruption, "{what}: {error:?}"),
    }
}

fn decode(
    format: &dyn TableFormat,
    id: &BlockId,
    raw: &[u8],
    what: &str,
) -> lsmer_core::Result<Block> {
    unharmed(what, || format.decode(id, raw.into()))
}

fn covers(request: &BlockRequest, at: usize) -> bool {
    let end = request.id.offset + u64::from(request.bytes);
    (request.id.offset..end).contains(&(at as u64))
}

fn is_corruption<T>(result: &lsmer_core::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corruption)
}
