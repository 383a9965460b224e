//! Changes of one tree.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::sync::Arc;

use lsmer_core::{
    Arrival, Error, Place, Result, RunId, SeqNo, TableId, TableMeta, TreeEdit,
    codec::{Fields, put_tagged},
};

use super::{each, put_words, take_rest};

const FLUSHED: u64 = 1;
const REMOVE: u64 = 3;
const ADD: u64 = 5;

const RUN: u64 = 1;
const LEVEL: u64 = 3;
const PLACE: u64 = 5;
const TABLE: u64 = 7;

const NEWEST: u64 = 0;
const BEFORE: u64 = 1;
const AFTER: u64 = 2;
const OLDEST: u64 = 3;

/// Appends the encoding of a change.
pub(super) fn put(out: &mut Vec<u8>, change: &TreeEdit, flushed: Option<SeqNo>) {
    if let Some(flushed) = flushed {
        put_words(out, FLUSHED, &[flushed.0]);
    }
    for (run, table) in &change.remove {
        put_words(out, REMOVE, &[run.0, table.epoch, table.number]);
    }
    let mut body = Vec::new();
    let mut meta = Vec::new();
    for arrival in &change.add {
        body.clear();
        put_words(&mut body, RUN, &[arrival.run.0]);
        put_words(&mut body, LEVEL, &[arrival.level.into()]);
        match arrival.place {
            Place::Newest => put_words(&mut body, PLACE, &[NEWEST]),
            Place::Before(run) => put_words(&mut body, PLACE, &[BEFORE, run.0]),
            Place::After(run) => put_words(&mut body, PLACE, &[AFTER, run.0]),
            Place::Oldest => put_words(&mut body, PLACE, &[OLDEST]),
        }
        for table in &arrival.tables {
            meta.clear();
            table.encode(&mut meta);
            put_tagged(&mut body, TABLE, &meta);
        }
        put_tagged(out, ADD, &body);
    }
}

/// Reads the encoding of a change to its end.
///
/// # Errors
///
/// `Corruption`, or `Unsupported` for an unknown critical field.
pub(super) fn read(fields: Fields<'_>) -> Result<(TreeEdit, Option<SeqNo>)> {
    let mut change = TreeEdit::default();
    let mut flushed = None;
    each(fields.rest(), |tag, field| {
        match tag {
            FLUSHED => flushed = Some(SeqNo(field.varint()?)),
            REMOVE => {
                let run = RunId(field.varint()?);
                let table = TableId { epoch: field.varint()?, number: field.varint()? };
                change.remove.push((run, table));
            }
            ADD => change.add.push(arrival(take_rest(field))?),
            unknown => {
                Fields::skip_unknown(unknown)?;
                take_rest(field);
            }
        }
        Ok(())
    })?;
    Ok((change, flushed))
}

fn arrival(fields: Fields<'_>) -> Result<Arrival> {
    let (mut run, mut level, mut place) = (None, None, None);
    let mut tables = Vec::new();
    each(fields.rest(), |tag, field| {
        match tag {
            RUN => run = Some(RunId(field.varint()?)),
            LEVEL => level = u8::try_from(field.varint()?).ok(),
            PLACE => {
                place = match field.varint()? {
                    NEWEST => Some(Place::Newest),
                    BEFORE => Some(Place::Before(RunId(field.varint()?))),
                    AFTER => Some(Place::After(RunId(field.varint()?))),
                    OLDEST => Some(Place::Oldest),
                    _ => None,
                }
            }
            TABLE => tables.push(Arc::new(TableMeta::decode(take_rest(field))?)),
            unknown => {
                Fields::skip_unknown(unknown)?;
                take_rest(field);
            }
        }
        Ok(())
    })?;
    match (run, level, place) {
        (Some(run), Some(level), Some(place)) => Ok(Arrival { run, level, place, tables }),
        _ => Err(Error::corruption("the arrival of a run is incomplete")),
    }
}
