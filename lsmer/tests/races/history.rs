//! When each write began and was acknowledged, and which states are legal because of that.
//!
//! A state is a *cut*: for each client, how many of its writes are in it. A cut is legal if it has
//! what must be in it, nothing that cannot be, and with a write all that was acknowledged before
//! that began.

use std::{collections::BTreeMap, sync::Mutex};

use crate::plan::{Plan, SHARED, State, counter, value};

/// The number of writes of each client.
pub(crate) type Cut = Vec<usize>;

/// A moment: of this run, and in the record of its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) time: u64,
    pub(crate) events: usize,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    client: usize,
    /// How many writes the client had made when it was acknowledged.
    writes: usize,
    is_write: bool,
    /// Whether its acknowledgement means that a power loss takes back nothing before it.
    safe: bool,
    begin: Moment,
    acknowledged: Option<Moment>,
}

/// The operations of a run that change something or make it safe. Its lock is std's, and is never
/// held where another thread may run.
#[derive(Debug, Default)]
pub(crate) struct History {
    inner: Mutex<(u64, Vec<Step>)>,
}

impl History {
    /// Returns the time, which passes with each look.
    pub(crate) fn now(&self) -> u64 {
        let mut inner = self.inner.lock().unwrap();
        inner.0 += 1;
        inner.0
    }

    /// Notes the begin of an operation with which a client has made so many writes.
    pub(crate) fn begin(
        &self,
        (client, writes): (usize, usize),
        (is_write, safe): (bool, bool),
        events: usize,
    ) -> usize {
        let begin = Moment { time: self.now(), events };
        let mut inner = self.inner.lock().unwrap();
        inner.1.push(Step { client, writes, is_write, safe, begin, acknowledged: None });
        inner.1.len() - 1
    }

    pub(crate) fn acknowledge(&self, step: usize, events: usize) {
        let moment = Moment { time: self.now(), events };
        self.inner.lock().unwrap().1[step].acknowledged = Some(moment);
    }

    fn steps(&self) -> Vec<Step> {
        self.inner.lock().unwrap().1.clone()
    }

    /// Returns what a read that began at one time and ended at another has to show, and may.
    pub(crate) fn bounds(&self, clients: usize, begin: u64, end: u64) -> (Cut, Cut) {
        let (mut least, mut most) = (vec![0; clients], vec![0; clients]);
        for step in self.steps().iter().filter(|step| step.is_write) {
            if step.acknowledged.is_some_and(|at| at.time < begin) {
                least[step.client] = least[step.client].max(step.writes);
            }
            if step.begin.time < end {
                most[step.client] = most[step.client].max(step.writes);
            }
        }
        (least, most)
    }

    /// Returns what a crash after so many events has to leave, and may.
    pub(crate) fn crash_bounds(&self, clients: usize, events: usize, power: bool) -> (Cut, Cut) {
        let (mut least, mut most) = (vec![0; clients], vec![0; clients]);
        let steps = self.steps();
        let done = |step: &&Step| step.acknowledged.is_some_and(|at| at.events <= events);
        for step in steps.iter().filter(done).filter(|step| step.safe || !power) {
            least[step.client] = least[step.client].max(step.writes);
            for before in steps.iter().filter(|before| before.is_before(step)) {
                least[before.client] = least[before.client].max(before.writes);
            }
        }
        for step in steps.iter().filter(|step| step.is_write && step.begin.events <= events) {
            most[step.client] = most[step.client].max(step.writes);
        }
        (least, most)
    }

    /// Checks that a state of both keyspaces, or of the first one only, is that of a legal cut;
    /// returns the cut.
    pub(crate) fn check(
        &self,
        plan: &Plan,
        found: &State,
        (least, most): (&Cut, &Cut),
        only_first: bool,
    ) -> Result<Cut, String> {
        let mut cut = Cut::new();
        for (client, states) in plan.states.iter().enumerate() {
            let count = found.get(&(0, counter(client)));
            let count = count.map_or(0, |count| count.parse::<usize>().unwrap());
            if count < least[client] || count > most[client] {
                let (least, most) = (least[client], most[client]);
                return Err(format!("{count} writes of client {client}, not {least}..={most}"));
            }
            let prefix = format!("{client}-");
            let of = |place: &&(usize, String)| {
                place.1.starts_with(&prefix) && !(only_first && place.0 > 0)
            };
            let part = |state: &State| -> State {
                let places = state.iter().filter(|(place, _)| of(place));
                places.map(|(place, value)| (place.clone(), value.clone())).collect()
            };
            if part(found) != part(&states[count]) {
                return Err(format!("client {client} after {count} writes: {:?}", part(found)));
            }
            cut.push(count);
        }
        self.check_order(&cut)?;
        self.check_shared(plan, found.get(&(0, SHARED.to_owned())), &cut)?;
        Ok(cut)
    }

    /// With a write, all that was acknowledged before it began.
    fn check_order(&self, cut: &Cut) -> Result<(), String> {
        let steps = self.steps();
        let writes = || steps.iter().filter(|step| step.is_write);
        let is_in = |step: &&Step| step.writes <= cut[step.client];
        for step in writes().filter(is_in) {
            if let Some(gap) = writes().find(|before| before.is_before(step) && !is_in(before)) {
                return Err(format!("{step:?} is there, and {gap:?} before it is not"));
            }
        }
        Ok(())
    }

    /// Whoever wrote the shared key last: nobody in the cut came later.
    pub(crate) fn check_shared(
        &self,
        plan: &Plan,
        found: Option<&String>,
        cut: &Cut,
    ) -> Result<(), String> {
        let shared = writes_of_shared(plan);
        let steps = self.steps();
        let step = |place: &(usize, usize)| {
            steps.iter().find(|step| step.is_write && (step.client, step.writes) == *place)
        };
        let in_cut = |place: &&(usize, usize)| place.1 <= cut[place.0];
        let Some(found) = found else {
            let written = shared.values().find(in_cut);
            return written
                .map_or(Ok(()), |place| Err(format!("shared: the write {place:?} is lost")));
        };
        let Some(place) = shared.get(found).filter(in_cut) else {
            return Err(format!("shared: {found} is not in the cut"));
        };
        let winner = step(place).expect("it began");
        let later = |other: &&(usize, usize)| {
            step(other).is_some_and(|other| winner.is_before(other))
                || (other.0 == place.0 && other.1 > place.1)
        };
        let lost = shared.values().filter(in_cut).find(later);
        lost.map_or(Ok(()), |lost| Err(format!("shared: {found} hides the later write {lost:?}")))
    }

    /// Checks what a read of one key found.
    pub(crate) fn check_get(
        &self,
        plan: &Plan,
        place: &(usize, String),
        found: Option<&String>,
        (least, most): (&Cut, &Cut),
    ) -> Result<(), String> {
        if place.1 == SHARED {
            // What may not be hidden is what was acknowledged before; what may be seen is more.
            return match found {
                None => self.check_shared(plan, None, least),
                Some(text) => {
                    let shared = writes_of_shared(plan);
                    let (client, write) = shared.get(text).ok_or("shared: nobody wrote that")?;
                    let mut cut = least.clone();
                    cut[*client] = cut[*client].max(*write);
                    if *write > most[*client] {
                        return Err(format!("shared: {text} was not written yet"));
                    }
                    self.check_shared(plan, found, &cut)
                }
            };
        }
        let client: usize = place.1[..1].parse().unwrap();
        let states = plan.states.get(client).map_or(&[][..], |states| &states[..]);
        let (from, to) = (least.get(client).copied(), most.get(client).copied());
        let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
        if states[from..=to].iter().any(|state| state.get(place) == found) {
            return Ok(());
        }
        Err(format!("{place:?} is {found:?}, as after none of the writes {from}..={to}"))
    }
}

impl Step {
    /// Whether it was acknowledged before the other one began.
    fn is_before(&self, other: &Self) -> bool {
        self.acknowledged.is_some_and(|at| at.time < other.begin.time)
    }
}

/// Returns who wrote each value of the shared key.
fn writes_of_shared(plan: &Plan) -> BTreeMap<String, (usize, usize)> {
    let mut all = BTreeMap::new();
    for (client, ops) in plan.clients.iter().enumerate() {
        let mut number = 0;
        for op in ops {
            let crate::plan::Op::Write { edits, .. } = op else { continue };
            number += 1;
            if edits.iter().any(|(_, key, _)| key == SHARED) {
                all.insert(value(client, number), (client, number));
            }
        }
    }
    all
}
