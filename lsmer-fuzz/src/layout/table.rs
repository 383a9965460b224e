//! A table file as parts: what its footer says, then a part for each block.
//!
//! A part of a block is its kind, its codec, its size in memory, and its payload as it is stored.
//! The sizes of data blocks in the index, and all places in the properties, follow the parts.

use lsmer_core::{
    BlockHandle, TableMeta, checksum_context, checksum_more,
    codec::{Fields, put_prefixed, put_varint},
};

use super::{Layout, length, u32_at, u64_at};

pub(crate) const LAYOUT: Layout = Layout { open, close };

const FOOTER_BYTES: usize = 48;
/// Of the footer: what is no magic and no checksum.
const FOOTER_FIELDS: usize = 36;
const MAGIC: &[u8] = b"lsmertbl";
const TRAILER_BYTES: usize = 12;
/// In a part: kind, codec and size in memory.
const PART_HEAD_BYTES: usize = 6;

const DATA: u8 = 1;
const INDEX: u8 = 2;
const FILTER: u8 = 3;
const PROPERTIES: u8 = 5;

fn open(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let footer = bytes.len().checked_sub(FOOTER_BYTES)?;
    let fields = &bytes[footer..][..FOOTER_FIELDS];
    let handle = |offset: u64, bytes: u32| BlockHandle { offset, bytes };
    let properties = handle(u64_at(fields, 16)?, u32_at(fields, 24)?);
    let properties = part(bytes, PROPERTIES, properties)?;
    let meta = TableMeta::decode(Fields::new(&properties[PART_HEAD_BYTES..])).ok()?;
    let index = part(bytes, INDEX, meta.index)?;
    let mut parts = vec![fields.to_vec()];
    let mut offset = 0;
    for size in sizes(&meta.format, &index[PART_HEAD_BYTES..])? {
        parts.push(part(bytes, DATA, handle(offset, size))?);
        offset += u64::from(size);
    }
    if meta.filter.bytes > 0 {
        parts.push(part(bytes, FILTER, meta.filter)?);
    }
    parts.extend([index, properties]);
    Some(parts)
}

fn part(bytes: &[u8], kind: u8, at: BlockHandle) -> Option<Vec<u8>> {
    let start = usize::try_from(at.offset).ok()?;
    let stored = bytes.get(start..start.checked_add(usize::try_from(at.bytes).ok()?)?)?;
    let (payload, trailer) = stored.split_at(stored.len().checked_sub(TRAILER_BYTES)?);
    let mut part = vec![kind, trailer[0]];
    part.extend_from_slice(&trailer[4..8]);
    part.extend_from_slice(payload);
    Some(part)
}

fn close(parts: &[Vec<u8>]) -> Vec<u8> {
    let Some((footer, blocks)) = parts.split_first() else { return Vec::new() };
    let mut footer = footer.clone();
    footer.resize(FOOTER_FIELDS, 0);
    let id = [u64_at(&footer, 0), u64_at(&footer, 8)].map(|word| word.expect("36 bytes"));
    let mut file = File { id, out: Vec::new() };
    let of = |kind| blocks.iter().filter(move |part| part.first() == Some(&kind));
    let properties = of(PROPERTIES).next().and_then(|part| part.get(PART_HEAD_BYTES..));
    let meta = properties.and_then(|payload| TableMeta::decode(Fields::new(payload)).ok());
    let format = meta.as_ref().map_or("", |meta| &*meta.format);
    let sizes: Vec<u32> = of(DATA).map(|part| file.put(part, None).bytes).collect();
    let filter = of(FILTER).next().map(|part| file.put(part, None));
    let index = of(INDEX).next().map(|part| {
        let payload = part.get(PART_HEAD_BYTES..).unwrap_or_default();
        let patched = with_sizes(format, payload, &sizes);
        file.put(part, patched.as_deref())
    });
    let offset = file.out.len() as u64;
    let described = meta.map(|meta| {
        let (index, filter) = (index.unwrap_or_default(), filter.unwrap_or_default());
        describe(TableMeta { index, filter, ..meta }, offset)
    });
    let bytes = of(PROPERTIES).next().map_or(0, |part| file.put(part, described.as_deref()).bytes);
    footer[16..24].copy_from_slice(&offset.to_le_bytes());
    footer[24..28].copy_from_slice(&bytes.to_le_bytes());
    let crc = checksum_more(checksum_context(&[file.out.len() as u64]), &footer);
    file.out.extend([&footer[..], &crc.to_le_bytes(), MAGIC].concat());
    file.out
}

struct File {
    id: [u64; 2],
    out: Vec<u8>,
}

impl File {
    /// Appends a block, with another payload if there is one.
    fn put(&mut self, part: &[u8], payload: Option<&[u8]>) -> BlockHandle {
        let offset = self.out.len() as u64;
        let (kind, codec) = (part[0], part.get(1).copied().unwrap_or(0));
        let stored = part.get(PART_HEAD_BYTES..).unwrap_or_default();
        let payload = payload.unwrap_or(stored);
        let memory = match codec {
            0 => length(payload.len()),
            _ => u32_at(part, 2).unwrap_or(0),
        };
        let words = [self.id[0], self.id[1], offset, kind.into()];
        let body = [payload, &[codec, 0, 0, 0], &memory.to_le_bytes()].concat();
        let crc = checksum_more(checksum_context(&words), &body);
        self.out.extend([&body[..], &crc.to_le_bytes()].concat());
        BlockHandle { offset, bytes: length(body.len() + 4) }
    }
}

/// Returns the properties of a file in which they begin at `offset`. The size that they tell is
/// part of what it counts.
fn describe(mut meta: TableMeta, offset: u64) -> Vec<u8> {
    loop {
        let mut payload = Vec::new();
        meta.encode(&mut payload);
        let end = offset + (payload.len() + TRAILER_BYTES + FOOTER_BYTES) as u64;
        if meta.file_bytes == end {
            return payload;
        }
        meta.file_bytes = end;
    }
}

/// Returns the sizes of the data blocks that an index names.
fn sizes(format: &str, index: &[u8]) -> Option<Vec<u32>> {
    if format.starts_with("lsmer.columnar") {
        let count = usize::try_from(u32_at(index, 4)?).ok()?;
        let column = index.get(16..16 + count.checked_mul(4)?)?;
        return column.chunks_exact(4).map(|word| u32_at(word, 0)).collect();
    }
    let mut fields = Fields::new(index);
    let mut sizes = Vec::new();
    while !fields.is_empty() {
        sizes.push(u32::try_from(fields.varint().ok()?).ok()?);
        fields.prefixed(usize::MAX).ok()?;
    }
    Some(sizes)
}

/// Returns an index that names blocks of these sizes, if it names as many.
fn with_sizes(format: &str, index: &[u8], new: &[u32]) -> Option<Vec<u8>> {
    let old = sizes(format, index)?;
    if old.len() != new.len() {
        return None;
    }
    if format.starts_with("lsmer.columnar") {
        let mut patched = index.to_vec();
        for (size, at) in new.iter().zip((16..).step_by(4)) {
            patched[at..at + 4].copy_from_slice(&size.to_le_bytes());
        }
        return Some(patched);
    }
    let (mut fields, mut patched) = (Fields::new(index), Vec::new());
    for size in new {
        fields.varint().ok()?;
        put_varint(&mut patched, (*size).into());
        put_prefixed(&mut patched, fields.prefixed(usize::MAX).ok()?);
    }
    Some(patched)
}
