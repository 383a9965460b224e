//! Jobs as bytes: tagged fields (see [`codec`](crate::codec)), of which all are critical, for a
//! job that is understood in part must not be carried out.
//!
//! ```text
//! job     1: input, repeated   3: kind, a varint: 0 merge, 1 move, 2 drop
//!         5: output            7: table bytes, varint       9: reason, UTF-8
//! input   run varint, then epoch varint and number varint of each table
//! output  level varint; then 0 and a varint, an existing run; or a new one: 1 newest,
//!         2 and a varint, before that run; 3 and a varint, after that run; 4 oldest
//! ```

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::borrow::Cow;

use super::{CompactionJob, JobInput, JobKind, JobOutput, Target};
use crate::{
    Error, Place, Result, RunId, TableId,
    codec::{Fields, put_tagged, put_varint},
};

const INPUT: u64 = 1;
const KIND: u64 = 3;
const OUTPUT: u64 = 5;
const TABLE_BYTES: u64 = 7;
const REASON: u64 = 9;

const MERGE: u64 = 0;
const MOVE: u64 = 1;
const DROP: u64 = 2;

const EXISTING: u64 = 0;
const NEWEST: u64 = 1;
const BEFORE: u64 = 2;
const AFTER: u64 = 3;
const OLDEST: u64 = 4;

/// Longest reason in bytes that is read.
const MAX_REASON_BYTES: usize = 1 << 10;

impl CompactionJob {
    /// Appends the encoding. A reason of more than 1,024 bytes is cut.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for input in &self.inputs {
            let tables = input.tables.iter().flat_map(|table| [table.epoch, table.number]);
            put_words(out, INPUT, std::iter::once(input.run.0).chain(tables));
        }
        let kind = match self.kind {
            JobKind::Merge { .. } => MERGE,
            JobKind::Move { .. } => MOVE,
            JobKind::Drop => DROP,
        };
        put_words(out, KIND, [kind]);
        if let Some(JobOutput { target, level }) = self.output() {
            let (place, run) = match target {
                Target::Existing(run) => (EXISTING, Some(run)),
                Target::New(Place::Newest) => (NEWEST, None),
                Target::New(Place::Before(run)) => (BEFORE, Some(run)),
                Target::New(Place::After(run)) => (AFTER, Some(run)),
                Target::New(Place::Oldest) => (OLDEST, None),
            };
            let words = [u64::from(level), place].into_iter();
            put_words(out, OUTPUT, words.chain(run.map(|run| run.0)));
        }
        if let JobKind::Merge { table_bytes, .. } = self.kind {
            put_words(out, TABLE_BYTES, [table_bytes]);
        }
        let fits = |end: &usize| self.reason.is_char_boundary(*end);
        let end = (0..=MAX_REASON_BYTES.min(self.reason.len())).rev().find(fits).unwrap_or(0);
        put_tagged(out, REASON, self.reason.get(..end).unwrap_or_default().as_bytes());
    }

    /// Reads an encoding to its end.
    ///
    /// # Errors
    ///
    /// `Corruption`, or `Unsupported` for an unknown field.
    pub fn decode(mut fields: Fields<'_>) -> Result<Self> {
        let (mut kind, mut output, mut table_bytes) = (None, None, None);
        let mut inputs = Vec::new();
        let mut reason = Cow::Borrowed("");
        while !fields.is_empty() {
            let (tag, mut field) = fields.tagged()?;
            match tag {
                INPUT => inputs.push(read_input(&mut field)?),
                KIND => kind = Some(field.varint()?),
                OUTPUT => output = Some(read_output(&mut field)?),
                TABLE_BYTES => table_bytes = Some(field.varint()?),
                REASON => reason = Cow::Owned(read_reason(&mut field)?),
                unknown => {
                    Fields::skip_unknown(unknown)?;
                    continue;
                }
            }
            field.finish()?;
        }
        let kind = match (kind, output, table_bytes) {
            (Some(MERGE), Some(output), Some(table_bytes)) => {
                JobKind::Merge { output, table_bytes }
            }
            (Some(MOVE), Some(output), None) => JobKind::Move { output },
            (Some(DROP), None, None) => JobKind::Drop,
            _ => return Err(Error::corruption("a compaction job is of no known kind")),
        };
        Ok(Self { inputs, kind, reason })
    }
}

fn put_words(out: &mut Vec<u8>, tag: u64, words: impl IntoIterator<Item = u64>) {
    let mut body = Vec::new();
    words.into_iter().for_each(|word| put_varint(&mut body, word));
    put_tagged(out, tag, &body);
}

fn read_input(field: &mut Fields<'_>) -> Result<JobInput> {
    let run = RunId(field.varint()?);
    let mut tables = Vec::new();
    while !field.is_empty() {
        tables.push(TableId { epoch: field.varint()?, number: field.varint()? });
    }
    Ok(JobInput { run, tables })
}

fn read_output(field: &mut Fields<'_>) -> Result<JobOutput> {
    let level = u8::try_from(field.varint()?);
    let level = level.map_err(|_| Error::corruption("the level of a job is over its limit"))?;
    let target = match field.varint()? {
        EXISTING => Target::Existing(RunId(field.varint()?)),
        NEWEST => Target::New(Place::Newest),
        BEFORE => Target::New(Place::Before(RunId(field.varint()?))),
        AFTER => Target::New(Place::After(RunId(field.varint()?))),
        OLDEST => Target::New(Place::Oldest),
        _ => return Err(Error::corruption("the place of a job's output is unknown")),
    };
    Ok(JobOutput { target, level })
}

fn read_reason(field: &mut Fields<'_>) -> Result<String> {
    let bytes = field.bytes(field.rest().len())?;
    let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_REASON_BYTES);
    text.map(str::to_owned).ok_or_else(|| Error::corruption("a reason is not a short text"))
}

#[cfg(test)]
mod tests;
