//! An executor that runs jobs by hand, behind a layer with flaws.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lsmer_core::{Event, Exec, Job, Next, Waited, WorkClass};
use lsmer_io::ManualExec;
use lsmer_testkit::exec::{self as suite, Executor};

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    LosesAJobInTwenty,
    StopsAfterThreeSteps,
    StepsOnceMore,
    RefusesJobsOfJobs,
    KnowsNoUrgency,
    TurnsUrgencyAround,
    RunsAJobToItsEnd,
    ForgetsWhatWasSeen,
    GoesOnUnnotified,
    ResumesOneOfMany,
    WaitsForTheNextNotification,
    WaitsForAnyStep,
    NeverTimesOut,
    KeepsItsJobs,
}

/// Makes a mutant of an obligation, the property that has to notice, and a flaw.
macro_rules! mutant {
    ($obligation:literal, $property:ident, $flaw:ident) => {
        Mutant {
            name: stringify!($flaw),
            obligation: $obligation,
            run: || suite::$property(&|| executor(Flaw::$flaw)),
        }
    };
}

const MUTANTS: &[Mutant] = &[
    mutant!("EXEC-01", exec_01_each_job_is_stepped_until_it_is_done, LosesAJobInTwenty),
    mutant!("EXEC-01", exec_01_each_job_is_stepped_until_it_is_done, StopsAfterThreeSteps),
    mutant!("EXEC-01", exec_01_each_job_is_stepped_until_it_is_done, StepsOnceMore),
    mutant!("EXEC-01", exec_01_a_step_or_a_drop_may_spawn_a_job, RefusesJobsOfJobs),
    mutant!("EXEC-01", exec_01_random_jobs_come_to_their_end, LosesAJobInTwenty),
    mutant!("EXEC-01", exec_01_random_jobs_come_to_their_end, StopsAfterThreeSteps),
    mutant!("EXEC-02", exec_02_more_urgent_jobs_go_first, KnowsNoUrgency),
    mutant!("EXEC-02", exec_02_more_urgent_jobs_go_first, TurnsUrgencyAround),
    mutant!("EXEC-02", exec_02_urgent_jobs_go_between_two_steps, RunsAJobToItsEnd),
    mutant!("EXEC-02", exec_02_urgent_jobs_go_between_two_steps, TurnsUrgencyAround),
    mutant!("EXEC-03", exec_03_a_notification_before_the_wait_is_not_lost, ForgetsWhatWasSeen),
    mutant!(
        "EXEC-03",
        exec_03_a_job_goes_on_after_the_notification_and_not_before,
        GoesOnUnnotified
    ),
    mutant!("EXEC-03", exec_03_all_who_wait_go_on, ResumesOneOfMany),
    mutant!("EXEC-04", exec_04_a_wait_ends_with_the_notification, WaitsForTheNextNotification),
    mutant!("EXEC-04", exec_04_a_wait_ends_with_the_notification, WaitsForAnyStep),
    mutant!("EXEC-04", exec_04_a_wait_times_out, NeverTimesOut),
    mutant!("EXEC-05", exec_05_dropping_the_executor_drops_its_jobs, KeepsItsJobs),
];

#[test]
fn an_executor_without_a_flaw_conforms() {
    suite::conforms(&|| executor(Flaw::None));
}

#[test]
fn each_flaw_of_an_executor_is_caught() {
    all_are_killed("exec", MUTANTS);
}

fn executor(flaw: Flaw) -> Executor {
    let state = State { flaw, spawned: AtomicUsize::new(0), waiting: AtomicUsize::new(0) };
    Executor::new(Layer { below: Arc::new(ManualExec::new()), state: Arc::new(state) }, 1)
}

/// An executor that passes everything on, but for its flaw.
#[derive(Debug)]
struct Layer {
    below: Arc<ManualExec>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    flaw: Flaw,
    spawned: AtomicUsize,
    waiting: AtomicUsize,
}

impl Exec for Layer {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        let number = self.state.spawned.fetch_add(1, Ordering::SeqCst);
        let class = match self.state.flaw {
            Flaw::LosesAJobInTwenty if number % 20 == 19 => return,
            Flaw::RefusesJobsOfJobs if number >= 4 => return,
            Flaw::KnowsNoUrgency => WorkClass::Log,
            Flaw::TurnsUrgencyAround => match class {
                WorkClass::Flush => WorkClass::Maintenance,
                WorkClass::Log => WorkClass::Compaction,
                WorkClass::Compaction => WorkClass::Log,
                _ => WorkClass::Flush,
            },
            _ => class,
        };
        let job = Wrapped { job, state: Arc::clone(&self.state), steps: 0 };
        self.below.spawn(class, Box::new(job));
    }

    fn wait(&self, event: &Event, mut seen: u64, mut timeout: Option<Duration>) -> Waited {
        match self.state.flaw {
            Flaw::WaitsForTheNextNotification => seen = event.count(),
            Flaw::WaitsForAnyStep if self.below.run_one() => return Waited::Notified,
            Flaw::NeverTimesOut => timeout = None,
            _ => {}
        }
        self.below.wait(event, seen, timeout)
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        if self.state.flaw == Flaw::KeepsItsJobs {
            std::mem::forget(Arc::clone(&self.below));
        }
    }
}

/// A job that says something else than it means.
struct Wrapped {
    job: Box<dyn Job>,
    state: Arc<State>,
    steps: usize,
}

impl Job for Wrapped {
    fn step(&mut self) -> Next {
        self.steps += 1;
        let next = self.job.step();
        match (self.state.flaw, next) {
            (Flaw::StopsAfterThreeSteps, _) if self.steps == 3 => Next::Done,
            (Flaw::StepsOnceMore, Next::Done) if self.steps == 2 => Next::Yield,
            (Flaw::RunsAJobToItsEnd, Next::Yield) => self.step(),
            (Flaw::ForgetsWhatWasSeen, Next::Wait { event, .. }) => {
                let seen = event.count();
                Next::Wait { event, seen }
            }
            (Flaw::GoesOnUnnotified, Next::Wait { .. }) => Next::Yield,
            (Flaw::ResumesOneOfMany, Next::Wait { event, seen }) if self.steps == 1 => {
                self.wait_alone(event, seen)
            }
            (_, next) => next,
        }
    }
}

impl Wrapped {
    /// Waits, if nobody else does; otherwise for ever.
    fn wait_alone(&self, event: Arc<Event>, seen: u64) -> Next {
        if self.state.waiting.fetch_add(1, Ordering::SeqCst) == 0 {
            return Next::Wait { event, seen };
        }
        Next::Wait { event: Arc::new(Event::new()), seen: 0 }
    }
}
