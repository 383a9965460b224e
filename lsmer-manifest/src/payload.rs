//! Payloads of records: tagged fields, of which odd tags are critical.
//!
//! A snapshot is written as the edit that leads from nothing to it, with the epoch and the names
//! of components before it. So there is one encoding, and one way to apply it.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod tree;

use lsmer_core::{
    Arrival, Error, KeyspaceId, KeyspaceOptions, LogCut, Lsn, Place, Result, SegmentId, SeqNo,
    TreeEdit,
    codec::{Fields, put_prefixed, put_tagged, put_varint},
    mutant,
};

use crate::{Edit, ManifestState, Names};

const EPOCH: u64 = 1;
const NEXT_TABLE: u64 = 3;
const NEXT_RUN: u64 = 5;
const NEXT_KEYSPACE: u64 = 7;
const LAST_SEQNO: u64 = 9;
const LOG_FIRST: u64 = 11;
const LOG_SYNCED: u64 = 13;
const LOG_CUT: u64 = 15;
const NAMES: u64 = 17;
const DROP: u64 = 19;
const CREATE: u64 = 21;
const TREE: u64 = 23;

/// Appends the payload of a snapshot.
pub(crate) fn put_snapshot(out: &mut Vec<u8>, state: &ManifestState) {
    put_words(out, EPOCH, &[state.epoch]);
    let mut names = Vec::new();
    put_prefixed(&mut names, state.names.wal.as_bytes());
    put_prefixed(&mut names, state.names.compaction.as_bytes());
    put_tagged(out, NAMES, &names);
    put_edit(out, &from_nothing(state));
}

/// Reads the payload of a snapshot.
///
/// # Errors
///
/// `Corruption`, or `Unsupported` for an unknown critical field.
pub(crate) fn snapshot(payload: &[u8]) -> Result<ManifestState> {
    let mut edit = Edit::default();
    let (mut epoch, mut names) = (None, Names::default());
    each(payload, |tag, field| match tag {
        EPOCH => {
            epoch = Some(field.varint()?);
            Ok(())
        }
        NAMES => {
            names.wal = text(field.prefixed(MAX_NAME_BYTES)?)?;
            names.compaction = text(field.prefixed(MAX_NAME_BYTES)?)?;
            Ok(())
        }
        tag => edit_field(&mut edit, tag, field),
    })?;
    let epoch = epoch.ok_or_else(|| Error::corruption("a snapshot has no epoch"))?;
    let state = ManifestState { epoch, names, ..ManifestState::default() };
    state.apply(&edit).map_err(|_| Error::corruption("a snapshot contradicts itself"))
}

/// Returns what a state is once it was written and read: its counters stand above its ids.
///
/// # Errors
///
/// `Conflict` if it contradicts itself.
pub(crate) fn settled(state: ManifestState) -> Result<ManifestState> {
    let edit = from_nothing(&state);
    let ManifestState { epoch, names, .. } = state;
    ManifestState { epoch, names, ..ManifestState::default() }.apply(&edit)
}

/// Returns the edit that leads from nothing to `state`.
pub(crate) fn from_nothing(state: &ManifestState) -> Edit {
    let mut edit = Edit {
        next_table: Some(state.next_table),
        next_run: Some(state.next_run),
        next_keyspace: Some(state.next_keyspace),
        last_seqno: Some(state.last_seqno),
        log_first: Some(state.log_first),
        log_synced: Some(state.log_synced),
        log_cut: state.log_cut,
        ..Edit::default()
    };
    for (id, keyspace) in &state.keyspaces {
        edit.create.push((*id, (*keyspace.name).to_owned(), keyspace.options.clone()));
        let runs = keyspace.tree.runs.iter();
        let reversed = mutant!("snapshot-reverses-the-runs");
        let add = runs.map(|run| Arrival {
            run: run.id,
            level: run.level,
            place: if reversed { Place::Newest } else { Place::Oldest },
            tables: run.tables.clone(),
        });
        let change = TreeEdit { remove: Vec::new(), add: add.collect() };
        edit.trees.push((*id, change, Some(keyspace.flushed)));
    }
    edit
}

/// Appends the payload of an edit.
pub(crate) fn put_edit(out: &mut Vec<u8>, edit: &Edit) {
    let numbers = [
        (NEXT_TABLE, edit.next_table),
        (NEXT_RUN, edit.next_run),
        (NEXT_KEYSPACE, edit.next_keyspace.map(u64::from)),
        (LAST_SEQNO, edit.last_seqno.map(|seqno| seqno.0)),
        (LOG_FIRST, edit.log_first.map(|segment| segment.0)),
        (LOG_SYNCED, edit.log_synced.map(|lsn| lsn.0)),
    ];
    for (tag, number) in numbers {
        if let Some(number) = number {
            put_words(out, tag, &[number]);
        }
    }
    if let Some(cut) = edit.log_cut {
        put_words(out, LOG_CUT, &[cut.segment.0, cut.end.0]);
    }
    for id in &edit.drop {
        put_words(out, DROP, &[id.0.into()]);
    }
    let mut body = Vec::new();
    for (id, name, options) in &edit.create {
        body.clear();
        put_varint(&mut body, id.0.into());
        put_prefixed(&mut body, name.as_bytes());
        options.encode(&mut body);
        put_tagged(out, CREATE, &body);
    }
    for (id, change, flushed) in &edit.trees {
        body.clear();
        put_varint(&mut body, id.0.into());
        tree::put(&mut body, change, *flushed);
        put_tagged(out, TREE, &body);
    }
}

/// Reads the payload of an edit.
///
/// # Errors
///
/// `Corruption`, or `Unsupported` for an unknown critical field.
pub(crate) fn edit(payload: &[u8]) -> Result<Edit> {
    let mut edit = Edit::default();
    each(payload, |tag, field| edit_field(&mut edit, tag, field))?;
    Ok(edit)
}

fn edit_field(edit: &mut Edit, tag: u64, field: &mut Fields<'_>) -> Result<()> {
    match tag {
        NEXT_TABLE => edit.next_table = Some(field.varint()?),
        NEXT_RUN => edit.next_run = Some(field.varint()?),
        NEXT_KEYSPACE => edit.next_keyspace = Some(keyspace_id(field)?.0),
        LAST_SEQNO => edit.last_seqno = Some(SeqNo(field.varint()?)),
        LOG_FIRST => edit.log_first = Some(SegmentId(field.varint()?)),
        LOG_SYNCED => edit.log_synced = Some(Lsn(field.varint()?)),
        LOG_CUT => {
            let segment = SegmentId(field.varint()?);
            edit.log_cut = Some(LogCut { segment, end: Lsn(field.varint()?) });
        }
        DROP => edit.drop.push(keyspace_id(field)?),
        CREATE => {
            let id = keyspace_id(field)?;
            let name = text(field.prefixed(field.rest().len())?)?;
            let options = KeyspaceOptions::decode(take_rest(field))?;
            edit.create.push((id, name, options));
        }
        TREE => {
            let id = keyspace_id(field)?;
            let (change, flushed) = tree::read(take_rest(field))?;
            edit.trees.push((id, change, flushed));
        }
        unknown => {
            Fields::skip_unknown(unknown)?;
            take_rest(field);
        }
    }
    Ok(())
}

/// Longest name of a component, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// Calls `f` with each field of a structure, which it must read to its end.
fn each(bytes: &[u8], mut f: impl FnMut(u64, &mut Fields<'_>) -> Result<()>) -> Result<()> {
    let mut fields = Fields::new(bytes);
    while !fields.is_empty() {
        let (tag, mut field) = fields.tagged()?;
        f(tag, &mut field)?;
        field.finish()?;
    }
    Ok(())
}

fn take_rest<'a>(field: &mut Fields<'a>) -> Fields<'a> {
    std::mem::replace(field, Fields::new(&[]))
}

fn put_words(out: &mut Vec<u8>, tag: u64, words: &[u64]) {
    let mut body = Vec::with_capacity(10 * words.len());
    for word in words {
        put_varint(&mut body, *word);
    }
    put_tagged(out, tag, &body);
}

fn keyspace_id(field: &mut Fields<'_>) -> Result<KeyspaceId> {
    let id = u32::try_from(field.varint()?);
    id.map(KeyspaceId).map_err(|_| Error::corruption("the number of a keyspace is over 32 bits"))
}

fn text(bytes: &[u8]) -> Result<String> {
    let text = str::from_utf8(bytes).map_err(|_| Error::corruption("a name is not text"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
