//! What simulations say, against what can be known otherwise.

use lsmer_compaction::{
    Leveled, Tiered,
    simulate::{Choice, Report, Setup, Workload, simulate},
};
use lsmer_core::{
    CompactionJob, CompactionStrategy, JobInput, JobOutput, PlanContext, Target, TreeView,
};

/// Memtables of `writes` entries of 116 bytes, and tables as large.
fn setup(writes: u64) -> Setup {
    let bytes = 116 * writes;
    Setup::default().with_memtable_overhead(0).with_memtable_bytes(bytes).with_table_bytes(bytes)
}

fn near(found: f64, expected: f64, part: f64) -> bool {
    (found / expected - 1.0).abs() < part
}

#[test]
fn following_one_key_in_many_says_what_following_all_says() {
    let run = |strategy: &dyn CompactionStrategy, choice, times: u64| -> Report {
        let workload = Workload::new(100_000 * times, 1_000_000 * times, choice).with_deletes(0.1);
        simulate(strategy, &setup(5_000 * times), &workload).unwrap()
    };
    for choice in [Choice::Uniform, Choice::Zipf { theta: 0.99 }] {
        for strategy in [&Leveled::default() as &dyn CompactionStrategy, &Tiered::default()] {
            let all = run(strategy, choice, 1);
            let few = run(strategy, choice, 50);
            let figures = |report: &Report| {
                let runs = report.runs.mean;
                [report.write_amplification, report.space_amplification.mean, runs]
            };
            // A larger zipf is less skewed, so only about the same.
            let part = if choice == Choice::Uniform { 0.05 } else { 0.2 };
            for (found, expected) in figures(&few).into_iter().zip(figures(&all)) {
                assert!(near(found, expected, part), "{choice:?}\n{few}\n{all}");
            }
        }
    }
}

/// Merges everything whenever there is more than one run.
#[derive(Debug)]
struct OneRun;

impl CompactionStrategy for OneRun {
    fn name(&self) -> &'static str {
        "one-run"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let [.., oldest] = &view.tree.runs[..] else { return vec![] };
        if view.tree.runs.len() < 2 {
            return vec![];
        }
        let inputs = view.tree.runs.iter().map(JobInput::all_of).collect();
        let output = JobOutput { target: Target::Existing(oldest.id), level: 1 };
        vec![CompactionJob::merge(inputs, output, cx.table_bytes).because("one")]
    }
}

#[test]
fn a_strategy_whose_costs_are_known_is_told_them() {
    // 1,000,000 keys, all there; each memtable of 100,000 draws has 95,163 of them, and the whole
    // run is written again for it.
    let workload = Workload::new(1_000_000, 5_000_000, Choice::Uniform).with_loaded(true);
    let report = simulate(&OneRun, &setup(100_000), &workload).unwrap();
    assert!(near(report.write_amplification, (95_163.0 + 1e6) / 1e5, 0.02), "{report}");
    assert!(near(report.space_amplification.max, 1.0, 0.001), "{report}");
    let peak = (2.0 * 1e6 + 95_163.0) / 1e6;
    assert!(near(report.peak_space_amplification, peak, 0.02), "{report}");
    assert!(near(report.runs.max, 1.0, 1e-9) && near(report.tables_per_get, 1.0, 1e-9));
    assert_eq!((report.jobs["one"], report.illegal), (59, 0));
    assert_eq!(report.points.last().unwrap().writes, 5_000_000);
}

#[test]
fn deletes_are_dropped_where_nothing_older_is() {
    let workload = Workload::new(100_000, 2_000_000, Choice::Uniform).with_deletes(0.5);
    let report = simulate(&OneRun, &setup(10_000), &workload).unwrap();
    assert!(near(report.space_amplification.max, 1.0, 0.001), "{report}");
}

/// Moves a table from one place to another and back.
#[derive(Debug)]
struct Restless;

impl CompactionStrategy for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }

    fn plan(&self, view: TreeView<'_>, _cx: &PlanContext) -> Vec<CompactionJob> {
        let run = &view.tree.runs[0];
        let input = JobInput { run: run.id, tables: vec![run.tables[0].id] };
        let target = Target::New(lsmer_core::Place::Newest);
        let output = JobOutput { target, level: 1 };
        vec![CompactionJob::trivial_move(input, output).because("round")]
    }
}

#[test]
fn a_strategy_that_never_rests_is_said_to_be_stuck() {
    let workload = Workload::new(1_000, 10_000, Choice::Uniform);
    let stuck = simulate(&Restless, &setup(1_000), &workload).unwrap_err();
    assert_eq!(stuck.writes, 1_000);
    assert!(stuck.to_string().contains("still plans"), "{stuck}");
}

#[test]
fn ascending_keys_are_written_once_by_leveled_compaction() {
    let workload = Workload::new(0, 10_000_000, Choice::Ascending);
    let report = simulate(&Leveled::default(), &setup(100_000), &workload).unwrap();
    assert!(near(report.write_amplification, 1.0, 0.02), "{report}");
}
