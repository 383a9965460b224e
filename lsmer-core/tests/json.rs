//! Jobs as JSON: what `serde` makes of them.

use lsmer_core::{CompactionJob, JobInput, JobOutput, Place, RunId, TableId, Target};

#[test]
fn jobs_are_the_same_after_a_round_through_json() {
    let input = |run| {
        let tables = vec![TableId { epoch: 1, number: 2 }, TableId { epoch: 3, number: u64::MAX }];
        JobInput { run: RunId(run), tables }
    };
    let targets = [
        Target::Existing(RunId(1)),
        Target::New(Place::Newest),
        Target::New(Place::Before(RunId(2))),
        Target::New(Place::After(RunId(3))),
        Target::New(Place::Oldest),
    ];
    for target in targets {
        let output = JobOutput { target, level: 255 };
        let jobs = [
            CompactionJob::merge(vec![input(1), input(2)], output, 64 << 20).because("level 0"),
            CompactionJob::trivial_move(input(1), output),
            CompactionJob::drop_tables(vec![input(3)]).because("age"),
        ];
        for job in jobs {
            let text = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<CompactionJob>(&text).unwrap(), job, "{text}");
        }
    }
}

#[test]
fn the_form_is_pinned() {
    let input = JobInput { run: RunId(7), tables: vec![TableId { epoch: 1, number: 2 }] };
    let output = JobOutput { target: Target::New(Place::After(RunId(7))), level: 3 };
    let job = CompactionJob::trivial_move(input, output).because("clear");
    let want = r#"{"inputs":[{"run":7,"tables":[{"epoch":1,"number":2}]}],"kind":{"Move":{"output":{"target":{"New":{"After":7}},"level":3}}},"reason":"clear"}"#;
    assert_eq!(serde_json::to_string(&job).unwrap(), want);
}
