//! Several things go wrong at once, as a seed decides. `LSMER_LONG=1` tries ten times as many.

use std::env;

use lsmer_core::{FileClass, Rng};
use lsmer_io::SeededRng;
use lsmer_testkit::{
    FailedSync,
    fault::{Effect, Errno, FaultPlan, Op, Rule, When},
    figures,
};

use crate::{
    case::{Case, Setup},
    run::run_or_fail,
    sweep::{asked, case},
};

const RUNS: u64 = 1000;

struct Dice(SeededRng);

impl Dice {
    fn below(&self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    fn of<T: Copy>(&self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("it is an index")]
    }

    fn effect(&self) -> Effect {
        let errno = self.of(&[Errno::EIO, Errno::EIO, Errno::ENOSPC, Errno::EMFILE]);
        match self.below(8) {
            0..=3 => Effect::Error(errno),
            4 => Effect::Late(errno),
            5 => Effect::Short(500 << self.below(6)),
            _ => Effect::Sync(self.of(&[
                FailedSync::StillDirty,
                FailedSync::MarkedClean,
                FailedSync::ActuallyDurable,
            ])),
        }
    }

    fn rule(&self) -> Rule {
        let effect = self.effect();
        let fits: Vec<Op> = Op::ALL.into_iter().filter(|op| effect.fits(*op)).collect();
        let mut rule = Rule::new(effect);
        if self.below(4) > 0 {
            rule = rule.on(self.of(&fits));
        }
        if self.below(3) == 0 {
            rule = rule.of(self.of(&[FileClass::Wal, FileClass::Table, FileClass::Manifest]));
        }
        let first = self.below(if rule.op.is_some() { 60 } else { 900 });
        rule.when(match self.below(6) {
            0..=2 => When::nth(first),
            3 => When::Times { first, count: 1 + self.below(9) },
            4 => When::From(first),
            _ => When::Chance { percent: 1 + self.below(12), seed: self.below(1000) },
        })
    }

    fn case(&self) -> Case {
        let rules = (0..=self.below(3)).map(|_| self.rule());
        let plan = FaultPlan(rules.collect());
        let setup = Setup { seed: self.below(1 << 32), second: self.below(3) == 0 };
        Case { setup, plan, ..case(self.below(2) == 0) }
    }
}

#[test]
fn several_failures_at_once_lose_nothing() {
    if asked() {
        return;
    }
    let runs = if env::var_os("LSMER_LONG").is_some() { 10 * RUNS } else { RUNS };
    let (mut noticed, mut fired) = (0, 0);
    for seed in 0..runs {
        let report = run_or_fail(&Dice(SeededRng::new(seed)).case());
        noticed += u64::from(report.errors > 0);
        fired += report.fired.len() as u64;
    }
    figures("fault-chance", &[("runs", runs), ("noticed", noticed), ("failed-calls", fired)]);
    assert!(noticed > runs / 2, "{noticed} of {runs}");
}
