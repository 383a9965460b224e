//! Models of concurrent code: a few threads and what must hold, tried in every order by loom.
//!
//! A model runs the code that ships. To show that it could fail, it names [twins](crate::twins): weakened
//! forms of that code. With each of them the model must find an order that breaks it, and is a
//! failure itself if it does not.
//!
//! Only there under `--cfg lsmer_loom`, which `cargo xtask loom` sets.

#![expect(clippy::print_stdout, reason = "how much was tried is worth knowing")]

use std::{
    any, env, fs,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use crate::mutants;

/// Steps of one execution before it is taken for endless.
const MAX_STEPS: usize = 20_000;

/// The variable that chooses a twin in the process that is to fail.
const TWIN: &str = "LSMER_TWIN";

/// Said by a process that fails, but not because of its twin.
const NOWHERE: &str = "(not met)";

/// A model and how it is tried.
#[derive(Debug)]
pub struct Model {
    name: &'static str,
    preemptions: Option<usize>,
    twins: Vec<&'static str>,
}

impl Model {
    /// Names a model of which every order is tried. The name is one word, with hyphens.
    pub fn exhaustive(name: &'static str) -> Self {
        Self { name, preemptions: None, twins: Vec::new() }
    }

    /// Names a model of which the orders with at most so many preemptions are tried: switches to
    /// another thread while the running one could go on.
    pub fn bounded(name: &'static str, preemptions: usize) -> Self {
        Self { name, preemptions: Some(preemptions), twins: Vec::new() }
    }

    /// Adds a twin with which the model must fail.
    #[must_use]
    pub fn twin(mut self, name: &'static str) -> Self {
        self.twins.push(name);
        self
    }

    /// Tries the orders of `body`, then those with each twin. A twin runs in a process of its own,
    /// for what panics inside the checker may end it. Called by a test with a closure of its own.
    ///
    /// # Panics
    ///
    /// If one order of `body` does, if there is only one, or if no order does with some twin.
    pub fn check<F: Fn() + Send + Sync + 'static>(&self, body: F) {
        let body = Arc::new(body);
        let chosen = env::var(TWIN).ok();
        if let Some(twin) = self.twins.iter().find(|twin| chosen.as_deref() == Some(twin)) {
            let (_, reached) = mutants::with(twin, || self.run(&body));
            assert!(reached > 0, "{}: the twin {twin} is nowhere on its way {NOWHERE}", self.name);
            return;
        }
        let executions = self.run(&body);
        assert!(executions > 1, "{} has one order only", self.name);
        for twin in &self.twins {
            let output = again(test_of::<F>(), twin);
            let text = String::from_utf8_lossy(&output.stderr);
            let noticed = !output.status.success() && !text.contains(NOWHERE);
            assert!(noticed, "{} does not notice its twin {twin}: {text}", self.name);
        }
        self.count(executions);
    }

    fn run<F: Fn() + Send + Sync + 'static>(&self, body: &Arc<F>) -> u64 {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.max_branches = MAX_STEPS;
        let executions = Arc::new(Mutex::new(0));
        let (body, counted) = (Arc::clone(body), Arc::clone(&executions));
        builder.check(move || {
            *counted.lock().expect("held for a moment") += 1;
            body();
        });
        *executions.lock().expect("held for a moment")
    }

    /// Prints what was tried, and keeps it as `lsmer_testkit::figures` does, which depends on this
    /// crate and cannot be called here. The report adds up the counts of all models.
    fn count(&self, executions: u64) {
        let Self { name, twins, .. } = self;
        let how = self.preemptions.map_or("exhaustive".to_owned(), |n| format!("{n} preemptions"));
        println!("loom: {name}: {how}, {executions} executions, {} twins fail", twins.len());
        let Some(folder) = env::var_os("LSMER_FIGURES") else { return };
        let exhaustive = u64::from(self.preemptions.is_none());
        let text = format!(
            "loom.models 1\nloom.exhaustive {exhaustive}\nloom.executions {executions}\nloom.twins {}\n",
            twins.len()
        );
        let file = Path::new(&folder).join(format!("loom-{name}"));
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

/// Returns the name of the test that a closure is in.
fn test_of<F>() -> &'static str {
    let path = any::type_name::<F>();
    let (_crate, path) = path.split_once("::").unwrap_or(("", path));
    path.split_once("::{{closure}}").map_or(path, |(test, _)| test)
}

/// Runs a test of this program again, with a twin.
fn again(test: &str, twin: &str) -> Output {
    let program = env::current_exe().expect("a test is a program");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]).env(TWIN, twin).env("RUST_BACKTRACE", "0");
    command.output().expect("a program can be started twice")
}
