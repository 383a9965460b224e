//! Random jobs, which wait for each other.

use std::sync::Arc;

use lsmer_core::{Event, Exec, Job, Next};

use super::{
    Executor,
    script::{CLASSES, Diary, job},
};
use crate::seed::Seeded;

const EVENTS: usize = 4;
const ROUNDS: usize = 20;

/// `EXEC-01`, `EXEC-03`: jobs with random plans - to go on, to wait for one of a few events, to
/// notify one, to spawn another job - all come to their end, with as many steps as they want.
///
/// # Panics
///
/// If not.
pub fn exec_01_random_jobs_come_to_their_end(make: &dyn Fn() -> Executor) {
    let mut random = Seeded::new();
    for _ in 0..ROUNDS {
        let executor = make();
        let events: Vec<_> = (0..EVENTS).map(|_| Arc::new(Event::new())).collect();
        let (mut wanted, diary) = (0, Diary::default());
        for _ in 0..30 {
            let plan = Plan::any(&mut random, 2);
            wanted += plan.steps();
            let class = CLASSES[plan.class];
            executor.exec.spawn(class, carry_out(&executor, plan, &events, &diary));
        }
        // Whoever waits by now goes on; whoever waits later writes a step first.
        let is_done = || {
            for event in &events {
                event.notify();
            }
            diary.len() >= wanted
        };
        executor.until(&format!("EXEC-01 ({random})"), diary.written(), is_done);
        drop(executor);
        let steps = diary.len();
        assert!(steps == wanted, "EXEC-01: {steps} steps instead of {wanted}; {random}");
    }
}

/// What a job does, step by step.
struct Plan {
    class: usize,
    moves: Vec<Move>,
}

enum Move {
    Yield,
    Wait(usize),
    Notify(usize),
    Spawn(Plan),
}

impl Plan {
    fn any(random: &mut Seeded, depth: usize) -> Self {
        let any = |random: &mut Seeded| match random.below(8) {
            0..3 => Move::Yield,
            3 | 4 => Move::Wait(random.below(EVENTS)),
            5 | 6 => Move::Notify(random.below(EVENTS)),
            _ if depth > 0 => Move::Spawn(Self::any(random, depth - 1)),
            _ => Move::Yield,
        };
        let class = random.below(4);
        Self { class, moves: (0..=random.below(8)).map(|_| any(random)).collect() }
    }

    /// Returns how many steps it takes, with those of the jobs that it spawns.
    fn steps(&self) -> usize {
        let inner = |made: &Move| if let Move::Spawn(plan) = made { plan.steps() } else { 0 };
        self.moves.len() + self.moves.iter().map(inner).sum::<usize>()
    }
}

fn carry_out(
    executor: &Executor,
    plan: Plan,
    events: &[Arc<Event>],
    diary: &Diary,
) -> Box<dyn Job> {
    job_of(Arc::downgrade(&executor.exec), plan, events.to_vec(), diary.clone())
}

fn job_of(
    exec: std::sync::Weak<dyn Exec>,
    plan: Plan,
    events: Vec<Arc<Event>>,
    diary: Diary,
) -> Box<dyn Job> {
    let mut moves = plan.moves.into_iter();
    job(move |_| {
        let mut next = if moves.len() > 1 { Next::Yield } else { Next::Done };
        match (moves.next(), &next) {
            (Some(Move::Wait(at)), Next::Yield) => {
                let event = Arc::clone(&events[at]);
                let seen = event.count();
                next = Next::Wait { event, seen };
            }
            (Some(Move::Notify(at)), _) => events[at].notify(),
            (Some(Move::Spawn(plan)), _) => {
                let exec = exec.upgrade().expect("EXEC-01: the executor steps this");
                let class = CLASSES[plan.class];
                let job = job_of(Arc::downgrade(&exec), plan, events.clone(), diary.clone());
                exec.spawn(class, job);
            }
            _ => {}
        }
        diary.write("step");
        next
    })
}
