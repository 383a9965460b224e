//! A manifest as parts: the header, one part for each record, and what follows them.

use lsmer_core::{checksum, checksum_context, checksum_more};

use super::{Layout, array, length, u32_at, u64_at};

pub(crate) const LAYOUT: Layout = Layout { open, close };

const HEADER_BYTES: usize = 28;
const HEAD_BYTES: usize = 21;
/// In a part: how far before itself a record says that the file was synced, and its type.
const PART_HEAD_BYTES: usize = 9;

fn open(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = vec![bytes.get(..HEADER_BYTES)?.to_vec()];
    let mut at = HEADER_BYTES + 4;
    while let Some((part, end)) = record(bytes, at) {
        parts.push(part);
        at = end;
    }
    parts.push(bytes.get(at..).unwrap_or_default().to_vec());
    Some(parts)
}

fn record(bytes: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let [synced, kind, payload] =
        [u64_at(bytes, at + 8)?, u64::from(*bytes.get(at + 20)?), u32_at(bytes, at + 16)?.into()];
    let start = at + HEAD_BYTES;
    let end = start + usize::try_from(payload).ok()?;
    let payload = bytes.get(start..end)?;
    if kind == 0 {
        return None;
    }
    let mut part = (at as u64).wrapping_sub(synced).to_le_bytes().to_vec();
    part.push(kind.to_le_bytes()[0]);
    part.extend_from_slice(payload);
    Some((part, end))
}

fn close(parts: &[Vec<u8>]) -> Vec<u8> {
    let Some((header, rest)) = parts.split_first() else { return Vec::new() };
    let mut out = header.clone();
    out.resize(HEADER_BYTES, 0);
    let number = u64_at(&out, 12).expect("it is in the header");
    out.extend(checksum(&out).to_le_bytes());
    let (tail, records) =
        rest.split_last().map_or((&[][..], rest), |(tail, rest)| (&tail[..], rest));
    for part in records {
        let at = out.len() as u64;
        let seed = checksum_context(&[number, at]);
        let before = array(part, 0).map_or(0, u64::from_le_bytes);
        let kind = part.get(8).copied().unwrap_or(2);
        let payload = part.get(PART_HEAD_BYTES..).unwrap_or_default();
        let mut head = checksum_more(seed, payload).to_le_bytes().to_vec();
        head.extend(at.wrapping_sub(before).to_le_bytes());
        head.extend(length(payload.len()).to_le_bytes());
        head.push(kind);
        out.extend(checksum_more(seed, &head).to_le_bytes());
        out.extend(head);
        out.extend_from_slice(payload);
    }
    out.extend_from_slice(tail);
    out
}
