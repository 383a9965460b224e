//! Models of concurrent code: a few threads and what must hold, tried in every order by loom.
//!
//! A model runs the code that ships. To show that it could fail, it names [`twins`]: weakened
//! forms of that code. With each of them the model must find an order that breaks it, and is a
//! failure itself if it does not.
//!
//! Only there under `--cfg lsmer_loom`, which `cargo xtask loom` sets.

#![expect(clippy::print_stdout, reason = "how much was tried is worth knowing")]

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex},
};

use crate::twins;

/// Steps of one execution before it is taken for endless.
const MAX_STEPS: usize = 20_000;

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

    /// Tries the orders of `body`, then those with each twin.
    ///
    /// # Panics
    ///
    /// If one order of `body` does, if there is only one, or if no order does with some twin.
    pub fn check(&self, body: impl Fn() + Send + Sync + 'static) {
        let body = Arc::new(body);
        let executions = self.run(&body);
        assert!(executions > 1, "{} has one order only", self.name);
        for twin in &self.twins {
            let run = || catch_unwind(AssertUnwindSafe(|| self.run(&body)));
            let (outcome, reached) = twins::with(twin, run);
            assert!(reached > 0, "{}: the twin {twin} is nowhere on its way", self.name);
            assert!(outcome.is_err(), "{} does not notice its twin {twin}", self.name);
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
        fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}
