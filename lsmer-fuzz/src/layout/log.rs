//! The files of a log as parts: what the manifest knows, then for each file its header and its
//! records.
//!
//! An input is what the manifest knows (first segment u8, synced u32, cut segment u8 or 0, cut end
//! u32), then for each file its number (u8, 0 for the ring), its length (u32) and its bytes.
//! Places in the log are kept in parts as distances from where they are expected.

use lsmer_core::{checksum, checksum_context, checksum_more};

use super::{Layout, array, length, u32_at, u64_at};

pub(crate) const LAYOUT: Layout = Layout { open, close };

/// What the manifest knows, in bytes.
pub(crate) const KNOWN_BYTES: usize = 10;
/// Size of a ring; trailing zeros are left out of inputs.
pub(crate) const RING_BYTES: usize = 512 << 10;

/// Records are put into a ring up to here: inputs are short, and may name many rings.
const MOST_RING_BYTES: usize = 16 << 10;

const SEGMENT_HEAD: usize = 64;
const RECORD_HEAD: usize = 40;
/// In the part of a record: tag, distance, seqno, count, unsynced, flags, epoch.
const RECORD_PART: usize = 1 + 8 + 8 + 4 + 4 + 4;

const SEGMENT: u8 = 1;
const RECORD: u8 = 2;
const RAW: u8 = 3;
const RING: u8 = 4;

/// A file: its number, 0 for the ring, and its bytes.
type NumberedFile<'a> = (u8, &'a [u8]);

/// Splits an input into what the manifest knows and the files.
pub(crate) fn files(input: &[u8]) -> Option<(&[u8], Vec<NumberedFile<'_>>)> {
    let (known, mut rest) = input.split_at_checked(KNOWN_BYTES)?;
    let mut files = Vec::new();
    while let (Some(id), Some(bytes)) = (rest.first(), u32_at(rest, 1)) {
        let body = &rest[5..];
        let (file, after) = body.split_at(usize::try_from(bytes).ok()?.min(body.len()));
        files.push((*id, file));
        rest = after;
    }
    Some((known, files))
}

/// Appends a file to an input.
pub(crate) fn put_file(out: &mut Vec<u8>, id: u8, file: &[u8]) {
    out.push(id);
    out.extend(length(file.len()).to_le_bytes());
    out.extend_from_slice(file);
}

fn open(input: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (known, files) = files(input)?;
    let mut parts = vec![known.to_vec()];
    let (mut end, mut last_crc) = (0_u64, 0_u32);
    for (id, file) in files {
        let mut at = 0;
        if id == 0 {
            at = (usize::try_from(end).ok()? % RING_BYTES).min(file.len());
            parts.push([&[RING], &file[..at]].concat());
        } else if let Some(mut head) = array::<SEGMENT_HEAD>(file, 0) {
            let chained = u32_at(&head, 56)? == last_crc;
            let start = u64_at(&head, 32)?;
            head[32..40].copy_from_slice(&start.wrapping_sub(end).to_le_bytes());
            parts.push([&[SEGMENT, id, u8::from(chained)], &head[..60]].concat());
            (end, at) = (start, SEGMENT_HEAD);
        }
        while let Some((part, bytes)) = record(file, at, end) {
            last_crc = u32_at(file, at)?;
            parts.push(part);
            end = end.wrapping_add(bytes as u64);
            at += bytes;
        }
        parts.push([&[RAW], file.get(at..).unwrap_or_default()].concat());
    }
    Some(parts)
}

/// Returns the part of the record at an offset, and how many bytes it takes.
fn record(file: &[u8], at: usize, end: u64) -> Option<(Vec<u8>, usize)> {
    let head: [u8; RECORD_HEAD] = array(file, at)?;
    let bytes = usize::try_from(u32_at(&head, 4)?).ok()?;
    let payload = file.get(at + RECORD_HEAD..)?.get(..bytes)?;
    if head.iter().all(|byte| *byte == 0) {
        return None;
    }
    let distance = u64_at(&head, 8)?.wrapping_sub(end);
    let fields = [&head[16..24], &head[28..40]].concat();
    let part = [&[RECORD][..], &distance.to_le_bytes(), &fields, payload].concat();
    Some((part, (RECORD_HEAD + bytes).next_multiple_of(8)))
}

/// A log that is being put together.
#[derive(Default)]
struct Joined {
    out: Vec<u8>,
    id: u8,
    file: Vec<u8>,
    end: u64,
    last_crc: u32,
}

fn close(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Joined::default();
    let Some((known, rest)) = parts.split_first() else { return Vec::new() };
    joined.out.extend_from_slice(known);
    joined.out.resize(KNOWN_BYTES, 0);
    let mut is_open = false;
    for part in rest {
        if matches!(part.first(), Some(&(SEGMENT | RING))) {
            joined.finish(is_open);
            is_open = true;
        }
        joined.put(part);
    }
    joined.finish(is_open);
    joined.out
}

impl Joined {
    fn finish(&mut self, is_open: bool) {
        let file = std::mem::take(&mut self.file);
        if is_open {
            let id = if file.starts_with(b"lsmerwal") { self.id } else { 0 };
            put_file(&mut self.out, id, &file);
        }
    }

    fn put(&mut self, part: &[u8]) {
        let Some((tag, body)) = part.split_first() else { return };
        match *tag {
            SEGMENT => self.segment(body),
            RING => {
                let at = usize::try_from(self.end % RING_BYTES as u64).expect("under a ring");
                self.file = body.to_vec();
                if at <= MOST_RING_BYTES {
                    self.file.resize(at, 0);
                }
            }
            RECORD => self.record(part),
            _ => self.file.extend_from_slice(body),
        }
    }

    fn segment(&mut self, body: &[u8]) {
        let mut head = body.get(2..).unwrap_or_default().to_vec();
        head.resize(SEGMENT_HEAD - 4, 0);
        self.id = body.first().copied().unwrap_or(1).max(1);
        head[..8].copy_from_slice(b"lsmerwal");
        head[16..24].copy_from_slice(&u64::from(self.id).to_le_bytes());
        self.end = self.end.wrapping_add(u64_at(&head, 32).expect("60 bytes"));
        head[32..40].copy_from_slice(&self.end.to_le_bytes());
        if body.get(1) == Some(&1) {
            head[56..60].copy_from_slice(&self.last_crc.to_le_bytes());
        }
        let crc = checksum_more(checksum_context(&[1, self.id.into()]), &head);
        self.file = [&head[..], &crc.to_le_bytes()].concat();
    }

    fn record(&mut self, part: &[u8]) {
        let mut fields = part[..part.len().min(RECORD_PART)].to_vec();
        fields.resize(RECORD_PART, 0);
        let payload = part.get(RECORD_PART..).unwrap_or_default();
        let lsn = self.end.wrapping_add(u64_at(&fields, 1).expect("it is there"));
        let head = [
            &length(payload.len()).to_le_bytes(),
            &lsn.to_le_bytes()[..],
            &fields[9..17],
            &checksum(payload).to_le_bytes(),
            &fields[17..],
        ]
        .concat();
        self.last_crc = checksum_more(checksum_context(&[2, self.id.into()]), &head);
        let before = self.file.len();
        self.file.extend([&self.last_crc.to_le_bytes(), &head[..], payload].concat());
        let bytes = (self.file.len() - before).next_multiple_of(8);
        self.file.resize(before + bytes, 0);
        self.end = self.end.wrapping_add(bytes as u64);
    }
}
