//! Records of the toy's log.
//!
//! A checksum covers where the record stands, so that no record passes in another place, and
//! zeros are no record.

use std::collections::HashMap;

use lsmer_core::codec::Fields;
use lsmer_testkit::engine::{Edit, Space};

use crate::{flaw::Flaw, memory::Change};

/// Bytes of checksum and length.
const HEAD: usize = 12;

/// Encodes a batch that is to stand at `offset`.
pub(crate) fn encode(flaw: Flaw, offset: u64, changes: &[Change]) -> Vec<u8> {
    let mut body = Vec::new();
    for change in changes {
        let (kind, space, key, value) = match change {
            Change::Edit(Edit { space, key, value: Some(value) }) => {
                (0, space, &key[..], &value[..])
            }
            Change::Edit(Edit { space, key, value: None }) => (1, space, &key[..], &[][..]),
            Change::Create(space) => (2, space, &[][..], &[][..]),
            Change::Drop(space) => (3, space, &[][..], &[][..]),
        };
        body.extend([kind, space.0]);
        for bytes in [key, value] {
            body.extend(u32::try_from(bytes.len()).expect("it is short").to_le_bytes());
            body.extend_from_slice(bytes);
        }
    }
    let mut record = sum(flaw, offset, &body).to_le_bytes().to_vec();
    record.extend(u32::try_from(body.len()).expect("it is short").to_le_bytes());
    record.extend(body);
    record
}

/// Hands on the changes in a log, in order, and returns where it ends.
pub(crate) fn replay(flaw: Flaw, log: &[u8], mut apply: impl FnMut(Change)) -> u64 {
    let mut at = 0;
    let mut end = 0;
    while let Some(rest) = log.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((changes, bytes)) = decode(flaw, at as u64, rest) {
            changes.into_iter().for_each(&mut apply);
            at += bytes;
            end = at;
        } else if flaw == Flaw::SkipsBadRecords {
            at += 1;
        } else {
            break;
        }
    }
    end as u64
}

fn decode(flaw: Flaw, offset: u64, bytes: &[u8]) -> Option<(Vec<Change>, usize)> {
    let mut fields = Fields::new(bytes);
    let checksum = fields.u64().ok()?;
    let length = usize::try_from(fields.u32().ok()?).ok()?;
    let body = fields.bytes(length).ok()?;
    if checksum != sum(flaw, offset, body) && flaw != Flaw::ChecksumIgnored {
        return None;
    }
    Some((changes(body)?, HEAD + length))
}

fn changes(body: &[u8]) -> Option<Vec<Change>> {
    let mut fields = Fields::new(body);
    let mut all = Vec::new();
    while !fields.is_empty() {
        let (kind, space) = (fields.u8().ok()?, Space(fields.u8().ok()?));
        let mut bytes = || {
            let length = usize::try_from(fields.u32().ok()?).ok()?;
            Some(fields.bytes(length).ok()?.to_vec())
        };
        let (key, value) = (bytes()?, bytes()?);
        all.push(match kind {
            0 => Change::Edit(Edit { space, key, value: Some(value) }),
            1 => Change::Edit(Edit { space, key, value: None }),
            2 => Change::Create(space),
            3 => Change::Drop(space),
            _ => return None,
        });
    }
    Some(all)
}

fn sum(flaw: Flaw, offset: u64, body: &[u8]) -> u64 {
    let sum = lsmer_core::hash(body);
    match flaw {
        Flaw::ChecksumOfTheBeginning => lsmer_core::hash(&body[..body.len().min(16)]) ^ offset,
        Flaw::ChecksumOfFourBits => (sum ^ offset) & 15,
        Flaw::ZerosAreARecord => sum ^ lsmer_core::hash(b""),
        _ => sum.wrapping_add(offset),
    }
}

/// Returns changes of different keys in an order that differs from one process, and one map, to
/// the next.
pub(crate) fn in_the_order_of_a_hash_map(changes: Vec<Change>) -> Vec<Change> {
    let mut last = HashMap::new();
    for change in changes {
        if let Change::Edit(Edit { space, key, .. }) = &change {
            last.insert((*space, key.clone()), change);
        }
    }
    last.into_values().collect()
}
