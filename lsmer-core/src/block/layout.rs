//! Where each column of a block begins, and the pass that makes every later access safe.

use std::ops::Range;

use crate::{Error, ErrorKind, Kind, MAX_KEY_BYTES, Result, SeqNo, codec::Fields};

pub(super) const VERSION: u8 = 1;
pub(super) const HEADER_BYTES: usize = 32;
/// The first column follows the header.
const FINGERPRINTS: u32 = 32;
pub(super) const PADDING_BYTES: usize = 8;
pub(super) const FLAG_WIDE: u8 = 1;
pub(super) const FLAG_KINDS: u8 = 2;
pub(super) const FLAG_EXPIRY: u8 = 4;

/// The positions of the columns, in bytes from the start of the block. Small, for it is read with
/// every block: 64 bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) rows: u32,
    wide: bool,
    seqno_width: u8,
    seqno_base: u64,
    pub(super) max_seqno: u64,
    key_ends: u32,
    value_ends: u32,
    seqnos: u32,
    /// `None`: all rows are puts.
    pub(super) kinds: Option<u32>,
    prefix: u32,
    keys: u32,
    values: u32,
    pub(super) heads: u32,
}

impl Layout {
    /// Checks that the columns fit and that ends do not decrease.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut header = Fields::new(bytes);
        let [version, flags, seqno_width, _] = header.array()?;
        if version != VERSION || flags & FLAG_EXPIRY != 0 {
            let what = "a block layout that this version of lsmer does not know";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let rows = header.u32()?;
        let [prefix, keys, values] = [header.u32()?, header.u32()?, header.u32()?];
        header.u32()?;
        let seqno_base = header.u64()?;
        if rows == 0 || !matches!(seqno_width, 0 | 1 | 2 | 4 | 8) {
            return Err(Error::corruption("a block header makes no sense"));
        }

        let mut at = FINGERPRINTS;
        let mut column = |bytes: u64| -> Result<u32> {
            let start = at;
            at = u32::try_from(bytes)
                .ok()
                .and_then(|bytes| start.checked_add(bytes))
                .ok_or_else(|| Error::corruption("a block column is too long"))?;
            Ok(start)
        };
        let wide = flags & FLAG_WIDE != 0;
        let n = u64::from(rows);
        let width = if wide { 4 } else { 2 };
        column(n)?;
        let key_ends = column(n * width)?;
        let value_ends = column(n * width)?;
        let seqnos = column(n * u64::from(seqno_width))?;
        let kinds = if flags & FLAG_KINDS != 0 { Some(column(n)?) } else { None };
        let prefix_at = column(u64::from(prefix))?;
        let keys_at = column(u64::from(keys))?;
        let values_at = column(u64::from(values))?;
        let heads = column(n * 4)?;
        column(PADDING_BYTES as u64)?;
        if at as usize != bytes.len() {
            return Err(Error::corruption("a block is not as long as its columns"));
        }
        let mut layout = Self {
            rows,
            wide,
            seqno_width,
            seqno_base,
            max_seqno: 0,
            key_ends,
            value_ends,
            seqnos,
            kinds,
            prefix: prefix_at,
            keys: keys_at,
            values: values_at,
            heads,
        };
        layout.check(bytes)?;
        layout.max_seqno = seqno_base
            .checked_add(layout.widest_delta(bytes))
            .ok_or_else(|| Error::corruption("a block has a seqno over 64 bits"))?;
        Ok(layout)
    }

    /// Checks each column in one pass of its own, which compilers turn into one over vectors.
    fn check(&self, bytes: &[u8]) -> Result<()> {
        let (keys, values) = (self.values - self.keys, self.heads - self.values);
        self.check_ends(bytes, self.key_ends, keys)?;
        self.check_ends(bytes, self.value_ends, values)?;
        let prefix = self.prefix().len();
        let longest = |span: Range<usize>| span.len() + prefix > MAX_KEY_BYTES;
        if keys as usize + prefix > MAX_KEY_BYTES
            && (prefix > MAX_KEY_BYTES
                || (0..self.rows).any(|row| longest(self.span(bytes, self.key_ends, row))))
        {
            return Err(Error::corruption("a block has a key over the limit"));
        }
        if let Some(kinds) = self.kinds {
            let kinds = &bytes[kinds as usize..(kinds + self.rows) as usize];
            kinds.iter().try_for_each(|kind| Kind::decode(*kind).map(drop))?;
        }
        Ok(())
    }

    /// Checks that ends do not decrease and that the last is `total`, so that none is beyond it.
    fn check_ends(&self, bytes: &[u8], column: u32, total: u32) -> Result<()> {
        let (falls, last) = if self.wide {
            ends(self.column(bytes, column, 4), u32::from_le_bytes)
        } else {
            let (falls, last) = ends(self.column(bytes, column, 2), u16::from_le_bytes);
            (falls, u32::from(last))
        };
        if falls {
            return Err(Error::corruption("a block has entries that overlap"));
        }
        if last != total {
            return Err(Error::corruption("a block has bytes that belong to no entry"));
        }
        Ok(())
    }

    fn widest_delta(&self, bytes: &[u8]) -> u64 {
        let column = self.column(bytes, self.seqnos, u32::from(self.seqno_width));
        match self.seqno_width {
            1 => column.iter().copied().max().unwrap_or(0).into(),
            2 => largest(column, u16::from_le_bytes).into(),
            4 => largest(column, u32::from_le_bytes).into(),
            8 => largest(column, u64::from_le_bytes),
            _ => 0,
        }
    }

    /// The bytes of a column that has so many for each row.
    fn column<'a>(&self, bytes: &'a [u8], column: u32, width: u32) -> &'a [u8] {
        &bytes[column as usize..(column + self.rows * width) as usize]
    }

    /// Where the bytes that all keys begin with are.
    #[inline]
    pub(super) fn prefix(&self) -> Range<usize> {
        self.prefix as usize..self.keys as usize
    }

    /// Where the fingerprints are.
    #[inline]
    pub(super) fn fingerprints(&self) -> Range<usize> {
        FINGERPRINTS as usize..(FINGERPRINTS + self.rows) as usize
    }

    /// The bytes of `row` among those that a column of ends divides.
    ///
    /// It begins where the row before it ends. The two ends are neighbours, so one read brings
    /// both; what is before the first row's end is no end, but inside the block.
    #[inline]
    fn span(&self, bytes: &[u8], column: u32, row: u32) -> Range<usize> {
        assert!(row < self.rows, "no such row");
        let (at, place) = (column as usize, row as usize);
        let (start, end) = if self.wide {
            let at = at + place * 4;
            (u32::from_le_bytes(read(bytes, at - 4)), u32::from_le_bytes(read(bytes, at)))
        } else {
            let both = u32::from_le_bytes(read(bytes, at + place * 2 - 2));
            (both & u32::from(u16::MAX), both >> 16)
        };
        let start = if row == 0 { 0 } else { start };
        start as usize..end as usize
    }

    #[inline]
    pub(super) fn suffix(&self, bytes: &[u8], row: u32) -> Range<usize> {
        let span = self.span(bytes, self.key_ends, row);
        shifted(span, self.keys)
    }

    #[inline]
    pub(super) fn value(&self, bytes: &[u8], row: u32) -> Range<usize> {
        let span = self.span(bytes, self.value_ends, row);
        shifted(span, self.values)
    }

    #[inline]
    pub(super) fn seqno(&self, bytes: &[u8], row: u32) -> SeqNo {
        assert!(row < self.rows, "no such row");
        SeqNo(self.seqno_base + self.seqno_delta(bytes, row))
    }

    #[inline]
    fn seqno_delta(&self, bytes: &[u8], row: u32) -> u64 {
        const MASKS: [u64; 9] = [0, 0xff, 0xffff, 0, 0xffff_ffff, 0, 0, 0, u64::MAX];
        let width = usize::from(self.seqno_width);
        // The padding makes eight bytes readable behind every delta.
        u64::from_le_bytes(read(bytes, self.seqnos as usize + row as usize * width)) & MASKS[width]
    }

    #[inline]
    pub(super) fn kind(&self, bytes: &[u8], row: u32) -> Kind {
        assert!(row < self.rows, "no such row");
        let Some(kinds) = self.kinds else { return Kind::Put };
        Kind::decode(bytes[(kinds + row) as usize]).expect("checked by decode")
    }

    /// The first four bytes of each suffix, as numbers that order like them.
    #[inline]
    pub(super) fn heads<'a>(&self, bytes: &'a [u8]) -> &'a [[u8; 4]] {
        let start = self.heads as usize;
        bytes[start..start + self.rows as usize * 4].as_chunks().0
    }
}

/// Returns whether any of the numbers of a column is below the one before, and the last of them.
fn ends<const N: usize, T: Copy + Default + PartialOrd>(
    column: &[u8],
    read: impl Fn([u8; N]) -> T,
) -> (bool, T) {
    let (numbers, _) = column.as_chunks();
    let pairs = numbers.iter().zip(numbers.iter().skip(1));
    // No branch in between: so it goes over many at a time.
    let falls = pairs.fold(false, |falls, (one, next)| falls | (read(*one) > read(*next)));
    (falls, numbers.last().map_or(T::default(), |last| read(*last)))
}

fn largest<const N: usize, T: Copy + Default + Ord>(
    column: &[u8],
    read: impl Fn([u8; N]) -> T,
) -> T {
    let (numbers, _) = column.as_chunks();
    numbers.iter().fold(T::default(), |most, number| most.max(read(*number)))
}

#[inline]
fn shifted(span: Range<usize>, by: u32) -> Range<usize> {
    span.start + by as usize..span.end + by as usize
}

#[inline]
fn read<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("inside the block")
}
