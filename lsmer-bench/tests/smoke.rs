//! Every workload runs on lsmer, small; and one that reads nothing fails.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use lsmer_bench::{cell::Cell, outcome::Outcome, plan::Plan, run, workload};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lsmer-bench");

fn cell(dir: &Path, workload: &str, keys: Option<PathBuf>) -> Outcome<Cell> {
    let stores = dir.join("stores");
    fs::create_dir_all(&stores)?;
    run::cell(&Plan {
        engine: "lsmer".to_owned(),
        workload: workload.to_owned(),
        threads: None,
        records: 4000,
        seconds: 0.02,
        keys,
        dir: dir.to_path_buf(),
        stores,
        program: PROGRAM.into(),
    })
}

#[test]
fn every_workload_runs_on_lsmer() {
    let dir = tempfile::tempdir().unwrap();
    for workload in workload::all() {
        let cell = cell(dir.path(), workload.name, None).unwrap();
        for figure in ["rate", "p50_ns", "max_ns", "peak_rss_bytes", "disk_bytes"] {
            let figure = cell.figure(figure).unwrap();
            assert!(figure > 0.0, "{cell}");
        }
        assert_eq!(cell.figure("write_amplification").is_some(), workload.puts_units(), "{cell}");
    }
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1, "of all folders the stores stay");
}

#[test]
fn the_lines_of_a_file_can_be_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let lines: Vec<String> = (0..1000).map(|n| format!("some/path/{n}")).collect();
    fs::write(&keys, lines.join("\n")).unwrap();
    for workload in ["fillseq", "fillrandom", "readrandom", "readmissing", "scanrev", "recovery"] {
        let cell = cell(dir.path(), workload, Some(keys.clone())).unwrap();
        assert_eq!(cell.records, 1000);
    }
}

#[test]
fn a_benchmark_that_reads_other_rows_than_it_expects_fails() {
    let dir = tempfile::tempdir().unwrap();
    cell(dir.path(), "readrandom", None).unwrap();
    // The store of 4,000 records stands where one of other keys is expected.
    let keys = dir.path().join("keys");
    let lines: Vec<String> = (0..4000).map(|n| n.to_string()).collect();
    fs::write(&keys, lines.join("\n")).unwrap();
    for (workload, says) in [("readrandom", "is not there"), ("seek10", "rows from rank")] {
        let error = cell(dir.path(), workload, Some(keys.clone())).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_matrix_measures_compares_and_cleans_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut command = Command::new(PROGRAM);
    command.args(["matrix", "--engines", "lsmer", "--workloads", "fillseq,readrandom:2"]);
    command.args(["--rounds", "2", "--records", "1000", "--seconds", "0.02"]);
    command.arg("--dir").arg(dir.path()).arg("--json").arg(path("json"));
    command.arg("--markdown").arg(path("md")).arg("--svg").arg(path("svg"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cells: serde_json::Value =
        serde_json::from_slice(&fs::read(path("json")).unwrap()).unwrap();
    assert_eq!(cells.as_array().unwrap().len(), 4);
    let tables = fs::read_to_string(path("md")).unwrap();
    assert!(tables.contains("| readrandom | 2 | gets |"), "{tables}");
    assert!(fs::read_to_string(path("svg")).unwrap().starts_with("<svg"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "the databases are gone");
}

#[test]
fn what_does_not_exist_is_named() {
    for words in
        [["--engine", "leveldb", "--workload", "fillseq"], ["--engine", "lsmer", "--workload", "x"]]
    {
        let output = Command::new(PROGRAM).arg("run").args(words).output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains("no engine `leveldb`") || error.contains("no workload `x`"),
            "{error}"
        );
    }
}
