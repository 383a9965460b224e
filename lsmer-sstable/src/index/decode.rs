//! Reading an index: after this, no search of it can fail, whatever the bytes were.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{CommonPrefix, Error, ErrorKind, MAX_KEY_BYTES, Result, TableId, codec::Fields};

use super::{GOES_ON, Index, tree::Tree};
use crate::stored::TRAILER_BYTES;

pub(super) const VERSION: u8 = 1;

const NO_SENSE: &str = "an index makes no sense";

impl Index {
    /// Reads the payload of the index of `table`, whose data blocks end at `data_bytes`.
    ///
    /// # Errors
    ///
    /// `Corruption`, or `Unsupported` for another layout.
    pub(crate) fn decode(table: TableId, payload: &[u8], data_bytes: u64) -> Result<Self> {
        let mut fields = Fields::new(payload);
        if fields.array()? != [VERSION, 0, 0, 0] {
            return Err(Error::new(ErrorKind::Unsupported, "an index of another layout"));
        }
        let n = fields.u32()? as usize;
        let [p, k] = [fields.u32()? as usize, fields.u32()? as usize];
        let [mut sizes, mut rows, mut ends] =
            [column(&mut fields, n)?, column(&mut fields, n)?, column(&mut fields, n)?];
        let prefix = CommonPrefix::new(fields.bytes(p)?);
        let suffixes = fields.bytes(k)?.to_vec();
        fields.finish()?;
        if n == 0 || p > MAX_KEY_BYTES {
            return Err(Error::corruption(NO_SENSE));
        }
        let mut index = Self {
            table,
            offsets: Vec::with_capacity(n + 1),
            rows: Vec::with_capacity(n),
            prefix,
            ends: Vec::with_capacity(n),
            suffixes,
            tree: Tree::default(),
        };
        index.offsets.push(0);
        while !sizes.is_empty() {
            index.push(sizes.u32()?, rows.u32()?, ends.u32()?)?;
        }
        let goes_on = index.rows.last().is_none_or(|rows| rows & GOES_ON != 0);
        let suffix_bytes = index.ends.last().map(|end| *end as usize);
        if goes_on || suffix_bytes != Some(k) || index.offsets.last() != Some(&data_bytes) {
            return Err(Error::corruption(NO_SENSE));
        }
        index.tree = Tree::new(n, |block| index.suffix(block));
        Ok(index)
    }

    /// Adds a block, and checks it against those before.
    fn push(&mut self, bytes: u32, rows: u32, end: u32) -> Result<()> {
        let bad = || Error::corruption(NO_SENSE);
        let end_before = self.ends.last().copied().unwrap_or(0);
        let start_before = self.ends.iter().rev().nth(1).copied().unwrap_or(0);
        let suffix = self.suffixes.get(end_before as usize..end as usize).ok_or_else(bad)?;
        if rows & !GOES_ON == 0 || bytes as usize <= TRAILER_BYTES || suffix.len() > MAX_KEY_BYTES {
            return Err(bad());
        }
        if let Some(rows_before) = self.rows.last() {
            let before = self.suffixes.get(start_before as usize..end_before as usize);
            let before = before.ok_or_else(bad)?;
            let ascends = before < suffix || (before == suffix && rows_before & GOES_ON != 0);
            if !ascends {
                return Err(bad());
            }
        }
        let offset = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(offset.checked_add(bytes.into()).ok_or_else(bad)?);
        self.rows.push(rows);
        self.ends.push(end);
        Ok(())
    }
}

/// Takes `n` 32-bit words.
fn column<'a>(fields: &mut Fields<'a>, n: usize) -> Result<Fields<'a>> {
    let bytes = n.checked_mul(4).ok_or_else(|| Error::corruption(NO_SENSE))?;
    fields.bytes(bytes).map(Fields::new)
}
