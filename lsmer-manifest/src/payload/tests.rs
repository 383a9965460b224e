//! Payloads: their bytes, and what is read back from them.

use std::sync::Arc;

use lsmer_core::{BlockHandle, Compression, ErrorKind, RunId, TableId, TableMeta};
use proptest::{collection::vec, option, prelude::*};

use super::*;

fn meta(number: u64) -> Arc<TableMeta> {
    Arc::new(TableMeta {
        id: TableId { epoch: 1, number },
        file_bytes: 9,
        smallest: b"a".as_slice().into(),
        largest: b"b".as_slice().into(),
        index: BlockHandle { offset: 1, bytes: 2 },
        format: "f".into(),
        ..TableMeta::default()
    })
}

fn sample() -> Edit {
    let arrival =
        Arrival { run: RunId(4), level: 1, place: Place::After(RunId(3)), tables: vec![meta(5)] };
    let remove = vec![(RunId(3), TableId { epoch: 1, number: 2 })];
    let options = KeyspaceOptions::default()
        .with_block_bytes(64)
        .with_table_bytes(1024)
        .with_filter_bits(3)
        .with_compression([Compression::Lz4]);
    Edit {
        next_table: Some(6),
        next_run: Some(300),
        next_keyspace: Some(8),
        last_seqno: Some(SeqNo(9)),
        log_first: Some(SegmentId(10)),
        log_synced: Some(Lsn(11)),
        log_cut: Some(LogCut { segment: SegmentId(12), end: Lsn(13) }),
        create: vec![(KeyspaceId(7), "k".to_owned(), options)],
        drop: vec![KeyspaceId(1)],
        trees: vec![(KeyspaceId(7), TreeEdit { remove, add: vec![arrival] }, Some(SeqNo(2)))],
    }
}

#[test]
fn layout_is_pinned() {
    // Written out by hand from docs/format/manifest.md, but for the description of the table,
    // which lsmer-core pins. If this fails, the format changed.
    let mut table = Vec::new();
    meta(5).encode(&mut table);
    let length = u8::try_from(table.len()).unwrap();
    let want = [
        &[3, 1, 6, 5, 2, 0xac, 2, 7, 1, 8, 9, 1, 9][..], // next table, run, keyspace; seqno
        &[11, 1, 10, 13, 1, 11, 15, 2, 12, 13],          // log first, synced, cut
        &[19, 1, 1],                                     // drop
        &[21, 16, 7, 1, b'k', 2, 1, 64, 4, 2, 0x80, 8, 6, 1, 3, 8, 1, 1], // create
        &[23, 23 + length, 7],                           // tree
        &[1, 1, 2],                                      // flushed
        &[3, 3, 3, 1, 2],                                // remove
        &[5, 12 + length, 1, 1, 4, 3, 1, 1, 5, 2, 2, 3, 7, length], // add
        &table,
    ];
    let mut got = Vec::new();
    put_edit(&mut got, &sample());
    assert_eq!(got, want.concat());
    assert_eq!(edit(&got).unwrap(), sample());
}

#[test]
fn a_snapshot_begins_with_the_epoch_and_the_names() {
    let names = Names { wal: "w".to_owned(), compaction: "cc".to_owned() };
    let state = ManifestState { epoch: 300, names, ..ManifestState::default() };
    let mut got = Vec::new();
    put_snapshot(&mut got, &state);
    let want = [1, 2, 0xac, 2, 17, 5, 1, b'w', 2, b'c', b'c', 3, 1, 0, 5, 1, 0];
    assert_eq!(got[..want.len()], want);
    assert_eq!(snapshot(&got).unwrap(), state);
    assert_eq!(snapshot(&got[4..]).unwrap_err().kind(), ErrorKind::Corruption, "no epoch");
}

#[test]
fn an_unknown_critical_field_is_unsupported_and_an_optional_one_skipped() {
    let mut bytes = Vec::new();
    put_edit(&mut bytes, &sample());
    put_tagged(&mut bytes, 1000, b"later");
    assert_eq!(edit(&bytes).unwrap(), sample());
    put_tagged(&mut bytes, 1001, b"later");
    assert_eq!(edit(&bytes).unwrap_err().kind(), ErrorKind::Unsupported);

    for (tag, kind) in [(98, None), (99, Some(ErrorKind::Unsupported))] {
        let mut body = vec![7];
        put_tagged(&mut body, tag, b"later");
        let mut bytes = Vec::new();
        put_tagged(&mut bytes, TREE, &body);
        assert_eq!(edit(&bytes).err().map(|error| error.kind()), kind, "in a tree");
    }
}

#[test]
fn a_field_that_is_too_long_is_corruption() {
    let mut bytes = Vec::new();
    put_words(&mut bytes, NEXT_RUN, &[1, 2]);
    assert_eq!(edit(&bytes).unwrap_err().kind(), ErrorKind::Corruption);
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Newest),
        any::<u64>().prop_map(|run| Place::Before(RunId(run))),
        any::<u64>().prop_map(|run| Place::After(RunId(run))),
        Just(Place::Oldest),
    ]
}

fn changes() -> impl Strategy<Value = TreeEdit> {
    let table = |(run, epoch, number)| (RunId(run), TableId { epoch, number });
    let remove = vec(any::<(u64, u64, u64)>().prop_map(table), 0..3);
    let tables = vec(any::<u64>().prop_map(meta), 0..3);
    let arrival = (any::<u64>(), any::<u8>(), places(), tables)
        .prop_map(|(run, level, place, tables)| Arrival { run: RunId(run), level, place, tables });
    (remove, vec(arrival, 0..3)).prop_map(|(remove, add)| TreeEdit { remove, add })
}

fn edits() -> impl Strategy<Value = Edit> {
    let numbers = (
        any::<[Option<u64>; 4]>(),
        any::<Option<u32>>(),
        any::<Option<u64>>(),
        any::<Option<(u64, u64)>>(),
    );
    let create = (any::<u32>(), ".{0,9}", 0..64_u8).prop_map(|(id, name, bits)| {
        (KeyspaceId(id), name, KeyspaceOptions::default().with_filter_bits(bits))
    });
    let tree = (any::<u32>(), changes(), option::of(any::<u64>()))
        .prop_map(|(id, change, flushed)| (KeyspaceId(id), change, flushed.map(SeqNo)));
    (numbers, vec(create, 0..3), vec(any::<u32>(), 0..3), vec(tree, 0..3)).prop_map(
        |((words, keyspace, synced, cut), create, drop, trees)| Edit {
            next_table: words[0],
            next_run: words[1],
            next_keyspace: keyspace,
            last_seqno: words[2].map(SeqNo),
            log_first: words[3].map(SegmentId),
            log_synced: synced.map(Lsn),
            log_cut: cut
                .map(|(segment, end)| LogCut { segment: SegmentId(segment), end: Lsn(end) }),
            create,
            drop: drop.into_iter().map(KeyspaceId).collect(),
            trees,
        },
    )
}

proptest! {
    #[test]
    fn decode_undoes_encode(edit in edits()) {
        let mut bytes = Vec::new();
        put_edit(&mut bytes, &edit);
        prop_assert_eq!(super::edit(&bytes).unwrap(), edit);
    }

    #[test]
    fn decode_never_panics(edit in edits(), at: prop::sample::Index, byte: u8, noise: Vec<u8>) {
        drop(super::edit(&noise));
        drop(snapshot(&noise));
        let mut bytes = Vec::new();
        put_edit(&mut bytes, &edit);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(super::edit(&bytes));
        drop(snapshot(&bytes));
    }
}
