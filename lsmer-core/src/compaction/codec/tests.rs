//! Jobs and bytes, both ways.

use proptest::{collection::vec, prelude::*};

use super::*;

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Newest),
        any::<u64>().prop_map(|run| Place::Before(RunId(run))),
        any::<u64>().prop_map(|run| Place::After(RunId(run))),
        Just(Place::Oldest),
    ]
}

fn output() -> impl Strategy<Value = JobOutput> {
    let target = prop_oneof![
        any::<u64>().prop_map(|run| Target::Existing(RunId(run))),
        place().prop_map(Target::New),
    ];
    (target, any::<u8>()).prop_map(|(target, level)| JobOutput { target, level })
}

fn kind() -> impl Strategy<Value = JobKind> {
    prop_oneof![
        (output(), any::<u64>())
            .prop_map(|(output, table_bytes)| JobKind::Merge { output, table_bytes }),
        output().prop_map(|output| JobKind::Move { output }),
        Just(JobKind::Drop),
    ]
}

fn job() -> impl Strategy<Value = CompactionJob> {
    let table = || any::<[u64; 2]>().prop_map(|[epoch, number]| TableId { epoch, number });
    let input = (any::<u64>(), vec(table(), 0..4))
        .prop_map(|(run, tables)| JobInput { run: RunId(run), tables });
    (vec(input, 0..4), kind(), ".{0,40}").prop_map(|(inputs, kind, reason)| CompactionJob {
        inputs,
        kind,
        reason: reason.into(),
    })
}

fn encoded(job: &CompactionJob) -> Vec<u8> {
    let mut out = Vec::new();
    job.encode(&mut out);
    out
}

proptest! {
    #[test]
    fn decode_undoes_encode(job in job()) {
        let bytes = encoded(&job);
        prop_assert_eq!(CompactionJob::decode(Fields::new(&bytes)).unwrap(), job);
    }

    #[test]
    fn arbitrary_bytes_are_a_job_or_an_error(bytes: Vec<u8>) {
        if let Ok(job) = CompactionJob::decode(Fields::new(&bytes)) {
            let again = encoded(&job);
            prop_assert_eq!(CompactionJob::decode(Fields::new(&again)).unwrap(), job);
        }
    }

    #[test]
    fn a_job_with_a_changed_byte_is_a_job_or_an_error(job in job(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&job);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        drop(CompactionJob::decode(Fields::new(&bytes)));
        bytes.truncate(at);
        drop(CompactionJob::decode(Fields::new(&bytes)));
    }
}

#[test]
fn layout_is_pinned() {
    let tables = vec![TableId { epoch: 2, number: 300 }];
    let inputs = vec![JobInput { run: RunId(9), tables }];
    let output = JobOutput { target: Target::New(Place::After(RunId(9))), level: 4 };
    let job = CompactionJob::merge(inputs, output, 128).because("age");
    let want = [
        &[1, 4, 9, 2, 0xac, 2][..], // input
        &[3, 1, 0],                 // kind
        &[5, 3, 4, 3, 9],           // output
        &[7, 2, 0x80, 1],           // table bytes
        &[9, 3, b'a', b'g', b'e'],  // reason
    ];
    assert_eq!(encoded(&job), want.concat());
}

#[test]
fn a_kind_without_what_belongs_to_it_is_corruption() {
    for bytes in [&[][..], &[3, 1, 0], &[3, 1, 9], &[3, 1, 2, 7, 1, 1], &[3, 2, 2, 0]] {
        let error = CompactionJob::decode(Fields::new(bytes)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corruption, "{bytes:?}");
    }
    let error = CompactionJob::decode(Fields::new(&[3, 1, 2, 99, 0])).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let job = CompactionJob::drop_tables(Vec::new()).because("\u{e4}".repeat(600) + "!");
    let bytes = encoded(&job);
    let again = CompactionJob::decode(Fields::new(&bytes)).unwrap();
    assert_eq!(again.reason, "\u{e4}".repeat(512));
}
