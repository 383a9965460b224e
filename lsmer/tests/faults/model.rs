//! What a database may hold when some of its operations failed.
//!
//! An operation that was acknowledged happened. One that was refused, for want of room or because
//! of an earlier failure, did not. Any other failure is a "maybe": from there on there are two
//! possible histories, until somebody opens the database and sees which one it was. That is then
//! settled for good.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lsmer::{Db, ErrorKind, Keyspace, Reader, Result};

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The keyspaces by name.
pub(crate) type State = BTreeMap<String, Map>;

/// All states that a database may be in.
pub(crate) type Possible = Arc<Vec<State>>;

/// How an operation ended, as far as the contents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
    Maybe,
}

/// What was possible when a step was over.
#[derive(Clone, Debug)]
struct Mark {
    step: usize,
    /// Number of events of the file system before the step, and after it.
    begin: usize,
    end: usize,
    /// Whether a power loss after it may take back nothing of it, nor of what came before.
    safe: bool,
    possible: Possible,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) possible: Possible,
    marks: Vec<Mark>,
}

impl Outcome {
    pub(crate) fn of<T>(result: &Result<T>) -> Self {
        match result.as_ref().map_err(lsmer::Error::kind) {
            Ok(_) => Self::Done,
            Err(ErrorKind::Full | ErrorKind::ReadOnly) => Self::Refused,
            Err(_) => Self::Maybe,
        }
    }
}

impl Model {
    /// There is nothing yet but the keyspace that is always there.
    pub(crate) fn new() -> Self {
        let empty = State::from([("default".to_owned(), Map::new())]);
        let possible = Arc::new(vec![empty]);
        let begin = Mark { step: 0, begin: 0, end: 0, safe: true, possible: Arc::clone(&possible) };
        Self { possible, marks: vec![begin] }
    }

    /// Applies a change.
    pub(crate) fn change(&mut self, outcome: Outcome, change: impl Fn(&mut State)) {
        let mut after = Vec::new();
        let mut add = |state: State| {
            if !after.contains(&state) {
                after.push(state);
            }
        };
        for state in self.possible.iter() {
            if outcome != Outcome::Done {
                add(state.clone());
            }
            if outcome != Outcome::Refused {
                let mut state = state.clone();
                change(&mut state);
                add(state);
            }
        }
        self.possible = Arc::new(after);
    }

    /// Keeps only what agrees with what was seen.
    pub(crate) fn settle(&mut self, agrees: impl Fn(&State) -> bool) -> Result<(), String> {
        let left: Vec<_> = self.possible.iter().filter(|state| agrees(state)).cloned().collect();
        if left.is_empty() {
            return Err("it holds what it cannot hold".to_owned());
        }
        self.possible = Arc::new(left);
        Ok(())
    }

    /// Notes that a step is over.
    pub(crate) fn mark(&mut self, step: usize, (begin, end): (usize, usize), safe: bool) {
        let possible = Arc::clone(&self.possible);
        self.marks.push(Mark { step, begin, end, safe, possible });
    }

    /// Returns the numbers of events after which a step from `step` on was over.
    pub(crate) fn ends(&self, step: usize) -> Vec<usize> {
        self.marks.iter().filter(|mark| mark.step >= step).map(|mark| mark.end).collect()
    }

    /// Returns what a crash after so many events may leave: states of steps that were begun, but
    /// of none before the last that it may not take back.
    pub(crate) fn after_crash(&self, point: usize, power_loss: bool) -> Vec<Possible> {
        let sure = |mark: &Mark| mark.end <= point && (mark.safe || !power_loss);
        let first = self.marks.iter().rposition(sure).expect("the first is sure");
        self.begun(first, point)
    }

    /// Returns what a database may hold that read its log wrong after a crash: nothing on disk says
    /// of the group that was synced last that it was, so it may look like a torn tail.
    pub(crate) fn after_wrong_log(&self, point: usize) -> Vec<Possible> {
        let safe = |mark: &Mark| mark.end <= point && mark.safe;
        let mut last = (0..self.marks.len()).rev().filter(|at| safe(&self.marks[*at]));
        self.begun(last.nth(1).unwrap_or(0), point)
    }

    /// Returns the states of the steps from `first` on that were begun.
    fn begun(&self, first: usize, point: usize) -> Vec<Possible> {
        let begun = self.marks[first..].iter().take_while(|mark| mark.begin <= point);
        let mut all: Vec<Possible> = Vec::new();
        for mark in begun {
            if all.last().is_none_or(|last| !Arc::ptr_eq(last, &mark.possible)) {
                all.push(Arc::clone(&mark.possible));
            }
        }
        all
    }
}

/// Reads everything.
pub(crate) fn contents(db: &Db) -> Result<State> {
    let read = |space: &Keyspace| Ok((space.name().to_owned(), map(space)?));
    db.keyspaces().iter().map(read).collect()
}

fn map(reader: &Reader) -> Result<Map> {
    let mut map = Map::new();
    let mut scan = reader.iter()?;
    while let Some((key, value)) = scan.next()? {
        map.insert(key.to_vec(), value.to_vec());
    }
    Ok(map)
}

fn backward(reader: &Reader) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let entries = reader.iter()?.owned().rev();
    entries.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// Reads a keyspace in each way there is, and says what is wrong. Reads may fail with an error
/// that `may_fail` accepts; they may give nothing but what is possible.
pub(crate) fn check_reader(
    reader: &Reader,
    name: &str,
    possible: &[State],
    may_fail: fn(&lsmer::Error) -> bool,
) -> Result<(), String> {
    let refuse = |error: lsmer::Error| {
        if may_fail(&error) { Ok(()) } else { Err(format!("a read of {name} fails: {error:?}")) }
    };
    let maps = || possible.iter().filter_map(|state| state.get(name));
    match map(reader) {
        Ok(found) if maps().any(|map| *map == found) => {}
        Ok(found) => {
            return Err(format!("a scan of {name} gives {}", differences(&found, maps().next())));
        }
        Err(error) => refuse(error)?,
    }
    match backward(reader) {
        Ok(found) if maps().any(|map| map.iter().rev().eq(found.iter().map(|(k, v)| (k, v)))) => {}
        Ok(found) => return Err(format!("{} entries of {name} from the back", found.len())),
        Err(error) => refuse(error)?,
    }
    let keys: BTreeSet<&Vec<u8>> = maps().flat_map(Map::keys).collect();
    for key in keys {
        let found = match reader.get(key) {
            Ok(found) => found,
            Err(error) => {
                refuse(error)?;
                continue;
            }
        };
        if !maps().any(|map| map.get(key).map(|value| &value[..]) == found.as_deref()) {
            let found = found.map(|value| value.escape_ascii().to_string());
            return Err(format!("{} of {name} is {found:?}", key.escape_ascii()));
        }
    }
    Ok(())
}

/// Reads all keyspaces that are open.
pub(crate) fn check_reads(
    db: &Db,
    possible: &[State],
    may_fail: fn(&lsmer::Error) -> bool,
) -> Result<(), String> {
    let spaces = db.keyspaces();
    spaces.iter().try_for_each(|space| check_reader(space, space.name(), possible, may_fail))
}

/// Says where two maps differ.
pub(crate) fn differences(found: &Map, want: Option<&Map>) -> String {
    let Some(want) = want else { return "a keyspace that cannot be there".to_owned() };
    let show = |value: Option<&Vec<u8>>| {
        value.map_or_else(
            || "-".to_owned(),
            |value| value[..value.len().min(24)].escape_ascii().to_string(),
        )
    };
    let keys: BTreeSet<_> = found.keys().chain(want.keys()).collect();
    let differ = keys.into_iter().filter(|key| found.get(*key) != want.get(*key));
    let each = differ.take(4).map(|key| {
        format!("{}: {} for {}", key.escape_ascii(), show(found.get(key)), show(want.get(key)))
    });
    each.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_wrong_value_a_lost_key_and_one_too_many_are_told() {
    let vfs = lsmer_testkit::SimVfs::new();
    let opened = crate::world::open(Arc::new(vfs), "db", 1).unwrap();
    opened.db.put("key", "value").unwrap();
    let state = |entries: &[(&str, &str)]| {
        let map =
            entries.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
        State::from([("default".to_owned(), map.collect())])
    };
    let any = |_: &lsmer::Error| true;
    let check = |states: &[State]| check_reads(&opened.db, states, any);
    let right = state(&[("key", "value")]);
    let wrong = [
        state(&[]),
        state(&[("key", "other")]),
        state(&[("key", "value"), ("more", "")]),
        State::new(),
    ];
    check(std::slice::from_ref(&right)).unwrap();
    for state in wrong {
        check(std::slice::from_ref(&state)).unwrap_err();
        check(&[state, right.clone()]).unwrap();
    }
}

#[test]
fn a_maybe_is_both_until_it_is_seen_and_a_crash_leaves_no_less_than_what_is_safe() {
    let mut model = Model::new();
    let put = |key: &'static str| {
        move |state: &mut State| {
            state.entry("default".to_owned()).or_default().insert(key.into(), Vec::new());
        }
    };
    model.change(Outcome::Done, put("a"));
    model.mark(0, (0, 2), true);
    model.change(Outcome::Refused, put("b"));
    model.change(Outcome::Maybe, put("c"));
    model.mark(1, (2, 4), false);
    assert_eq!(model.possible.len(), 2);
    let sizes = |all: Vec<Possible>| {
        let states = all.iter().flat_map(|states| states.iter());
        states.map(|state| state["default"].len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(model.after_crash(1, true)), [0, 1]);
    assert_eq!(sizes(model.after_crash(3, true)), [1, 1, 2]);
    assert_eq!(sizes(model.after_crash(4, true)), [1, 1, 2], "it may be taken back");
    assert_eq!(sizes(model.after_crash(4, false)), [1, 2]);
    model.settle(|state| state["default"].len() == 2).unwrap();
    assert_eq!(model.possible.len(), 1);
    model.settle(|state| state["default"].is_empty()).unwrap_err();
}
