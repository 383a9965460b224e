//! Which sync is missing: says why a crash does harm.

use std::fmt::Write as _;

use super::{crash::Crash, cursor::Cursor};

/// Kept atoms to look at for one that makes a lost atom harmful.
const MOST: usize = 200;

impl Cursor<'_> {
    /// Says what a harmful crash here took, who wrote it, and what stayed that should not have
    /// without it: between the two no sync stands. Calls `fails` up to a few hundred times.
    pub fn blame(&self, crash: &Crash, mut fails: impl FnMut(&Crash) -> bool) -> Vec<String> {
        let mut all = self.explain(crash);
        let Some(power) = &crash.power else { return all };
        let Some(lost) = power.lost.first().and_then(|atom| self.event_of(*atom)) else {
            return all;
        };
        let kept = (0..self.atom_count()).filter(|atom| power.lost.binary_search(atom).is_err());
        for atom in kept.take(MOST) {
            let mut more = crash.clone();
            let lost_too = &mut more.power.as_mut().expect("it is a power loss").lost;
            lost_too.push(atom);
            lost_too.sort_unstable();
            let Some(later) = self.event_of(atom).filter(|later| *later > lost) else { continue };
            if !fails(&more) {
                let [first, second] = [lost, later].map(|at| &self.recording.events[at]);
                let mut text = format!("no sync between event {lost}, {first},");
                write!(text, " and event {later}, {second}, which relies on it").expect("a string");
                all.push(text);
                return all;
            }
        }
        let first = &self.recording.events[lost];
        all.push(format!("no sync of event {lost}, {first}, before it was acknowledged"));
        all
    }
}
