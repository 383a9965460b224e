//! Named steps, run in order with the time each one took, up to the first failure.

use std::time::{Duration, Instant};

use crate::command::Outcome;

/// One step of a suite.
pub(crate) struct Step {
    /// What is printed before and after it.
    pub(crate) name: String,
    /// The work.
    pub(crate) work: Box<dyn FnOnce() -> Outcome>,
}

impl Step {
    /// Names a piece of work.
    pub(crate) fn new(name: impl Into<String>, work: impl FnOnce() -> Outcome + 'static) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// Runs `steps` in order and stops at the first failure.
///
/// The last line printed counts the steps: `N passed, 0 failed`.
///
/// # Errors
/// Names the step that failed and says why.
pub(crate) fn run(steps: Vec<Step>) -> Outcome {
    let total = steps.len();
    let begin = now();
    for (passed, step) in steps.into_iter().enumerate() {
        println!("==> [{}/{total}] {}", passed + 1, step.name);
        let started = now();
        let outcome = (step.work)();
        let took = seconds(started.elapsed());
        if let Err(reason) = outcome {
            println!("FAILED: {} after {took}: {reason}", step.name);
            println!("{passed} passed, 1 failed");
            return Err(format!("step `{}` failed", step.name));
        }
        println!("==> {} passed in {took}", step.name);
    }
    println!("all steps took {}", seconds(begin.elapsed()));
    println!("{total} passed, 0 failed");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a tool reports real time")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    #[test]
    fn steps_run_in_order_and_stop_at_the_first_failure() {
        let ran = Rc::new(Cell::new(0));
        let step = |name: &str, outcome: Outcome| {
            let ran = Rc::clone(&ran);
            Step::new(name, move || {
                ran.set(ran.get() * 10 + 1);
                outcome
            })
        };
        let steps = vec![
            step("first", Ok(())),
            step("second", Err("no".to_owned())),
            step("third", Ok(())),
        ];
        assert_eq!(run(steps), Err("step `second` failed".to_owned()));
        assert_eq!(ran.get(), 11);
    }

    #[test]
    fn all_steps_may_pass() {
        assert_eq!(run(vec![Step::new("only", || Ok(()))]), Ok(()));
    }
}
