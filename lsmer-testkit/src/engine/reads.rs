//! Reads compared with a model: all of them, in both directions and key by key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::subject::{Reader, Space, Store, Walk};

/// What one keyspace holds.
pub(super) type Map = BTreeMap<Vec<u8>, Arc<[u8]>>;

/// What a database holds.
pub(super) type State = BTreeMap<Space, Map>;

/// Reads all of a database.
pub(super) fn contents(store: &dyn Store) -> Result<State, String> {
    let spaces = store.spaces().map_err(|error| format!("spaces: {error:?}"))?;
    spaces.into_iter().map(|space| Ok((space, forward(store, space)?))).collect()
}

/// Checks a whole database: its keyspaces, and all that can be read of `keys`.
pub(super) fn check(
    store: &dyn Store,
    state: &State,
    keys: &BTreeSet<Vec<u8>>,
) -> Result<(), String> {
    let spaces = store.spaces().map_err(|error| format!("spaces: {error:?}"))?;
    if !spaces.iter().eq(state.keys()) {
        return Err(format!("keyspaces {spaces:?}, expected {:?}", state.keys()));
    }
    check_reader(store, state, keys)?;
    store.check().map_err(|error| format!("its own check: {error}"))
}

/// Checks what can be read of `keys` in these keyspaces.
pub(super) fn check_reader(
    reader: &dyn Reader,
    state: &State,
    keys: &BTreeSet<Vec<u8>>,
) -> Result<(), String> {
    for (space, map) in state {
        let found = forward(reader, *space)?;
        if let Some(text) = difference(&found, map) {
            return Err(format!("walk of keyspace {}: {text}", space.0));
        }
        backward(reader, *space, map)?;
        keys.iter().try_for_each(|key| check_get(reader, *space, (key, map)))?;
        // From the middle on: a seek into the tables, and the end of the range.
        if let Some((key, _)) = map.iter().nth(map.len() / 2) {
            check_range(reader, *space, map, (key, None))?;
            check_range(reader, *space, map, (&[], Some(key)))?;
        }
    }
    Ok(())
}

/// Checks one key.
pub(super) fn check_get(
    reader: &dyn Reader,
    space: Space,
    (key, map): (&[u8], &Map),
) -> Result<(), String> {
    let show = || format!("get {}:{}", space.0, key.escape_ascii());
    let found = reader.get(space, key).map_err(|error| format!("{}: {error:?}", show()))?;
    if found.as_deref() == map.get(key).map(|value| &value[..]) {
        return Ok(());
    }
    let (found, want) = (found.as_deref().map(short), map.get(key).map(|value| short(value)));
    Err(format!("{}: {found:?}, expected {want:?}", show()))
}

/// Returns the entries of `[low, high)`.
pub(super) fn entries(map: &Map, low: &[u8], high: Option<&[u8]>) -> Vec<(Vec<u8>, Arc<[u8]>)> {
    if high.is_some_and(|high| high <= low) {
        return Vec::new();
    }
    let high = high.map_or(Bound::Unbounded, Bound::Excluded);
    let range = map.range::<[u8], _>((Bound::Included(low), high));
    range.map(|(key, value)| (key.clone(), Arc::clone(value))).collect()
}

/// Compares what one step of a walk shows.
pub(super) fn check_step(
    walk: &mut dyn Walk,
    from_back: bool,
    want: Option<(&[u8], &[u8])>,
) -> Result<(), String> {
    let what = if from_back { "next_back" } else { "next" };
    let found = if from_back { walk.next_back() } else { walk.next() };
    let found = found.map_err(|error| format!("{what}: {error:?}"))?;
    if found == want {
        return Ok(());
    }
    let show = |entry: Option<(&[u8], &[u8])>| {
        entry.map(|(key, value)| format!("{}={}", key.escape_ascii(), short(value)))
    };
    Err(format!("{what}: {:?}, expected {:?}", show(found), show(want)))
}

fn check_range(
    reader: &dyn Reader,
    space: Space,
    map: &Map,
    (low, high): (&[u8], Option<&[u8]>),
) -> Result<(), String> {
    let context = |error: String| format!("range of keyspace {}: {error}", space.0);
    let walk = reader.walk(space, low, high).map_err(|error| format!("{error:?}"));
    let mut walk = walk.map_err(context)?;
    let entries = entries(map, low, high);
    for (key, value) in &entries {
        check_step(&mut *walk, false, Some((key, value))).map_err(context)?;
    }
    check_step(&mut *walk, false, None).map_err(context)
}

fn forward(reader: &dyn Reader, space: Space) -> Result<Map, String> {
    let failed = |error| format!("walk of keyspace {}: {error:?}", space.0);
    let mut walk = reader.walk(space, &[], None).map_err(failed)?;
    let mut found = Map::new();
    let mut last: Option<Vec<u8>> = None;
    while let Some((key, value)) = walk.next().map_err(failed)? {
        let ascends = last.as_deref().is_none_or(|last| last < key);
        assert!(ascends, "walk of keyspace {}: out of order, or twice", space.0);
        last = Some(key.to_vec());
        found.insert(key.to_vec(), value.into());
    }
    Ok(found)
}

fn backward(reader: &dyn Reader, space: Space, map: &Map) -> Result<(), String> {
    let context = |error: String| format!("walk of keyspace {}: {error}", space.0);
    let walk = reader.walk(space, &[], None).map_err(|error| format!("{error:?}"));
    let mut walk = walk.map_err(context)?;
    for (key, value) in map.iter().rev() {
        check_step(&mut *walk, true, Some((key, value))).map_err(context)?;
    }
    check_step(&mut *walk, true, None).map_err(context)
}

/// Says where two maps differ first.
fn difference(found: &Map, want: &Map) -> Option<String> {
    let keys: BTreeSet<&Vec<u8>> = found.keys().chain(want.keys()).collect();
    let key = keys.into_iter().find(|key| found.get(*key) != want.get(*key))?;
    let show = |map: &Map| map.get(key).map_or("nothing".to_owned(), |value| short(value));
    Some(format!("{} is {}, expected {}", key.escape_ascii(), show(found), show(want)))
}

/// Shows the beginning of a value, which says who wrote it.
fn short(value: &[u8]) -> String {
    let begin = value[..value.len().min(8)].escape_ascii();
    format!("'{begin}..' of {} bytes", value.len())
}
