//! What is known of a table without reading it: the manifest's entry, and the table's own.
//!
//! Encoded as tagged fields (see [`codec`](crate::codec)); tags 1, 3, 5, ... are critical. Tag 8 is
//! reserved for when entries expire.

use std::{fmt, time::Duration};

use crate::{
    Error, MAX_KEY_BYTES, Result, SeqNo,
    codec::{Fields, put_prefixed, put_tagged, put_varint},
};

/// Identity of a table file: the epoch of the owner that wrote it, and a number that owner gave
/// out once. Never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TableId {
    /// The opening of the database under which the table was written.
    pub epoch: u64,
    /// Counts tables within that epoch and all before it.
    pub number: u64,
}

impl TableId {
    /// Returns the name of the file: `EPOCH-NUMBER.tbl`.
    pub fn file_name(self) -> String {
        format!("{:06}-{:06}.tbl", self.epoch, self.number)
    }

    /// Reads the name of a file; `None` if it is not the name of a table.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (epoch, number) = name.strip_suffix(".tbl")?.split_once('-')?;
        let id = Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? };
        (id.file_name() == name).then_some(id)
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// Where a block is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockHandle {
    /// First byte.
    pub offset: u64,
    /// Stored size in bytes, checksum included. 0: there is no such block.
    pub bytes: u32,
}

/// What is known of a table. The bounds may be narrower than the file (a table that was split or
/// excised without copying); whoever reads through a table keeps to the bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableMeta {
    /// Identity.
    pub id: TableId,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Smallest user key, inclusive.
    pub smallest: Box<[u8]>,
    /// Largest user key, inclusive.
    pub largest: Box<[u8]>,
    /// Smallest seqno of an entry.
    pub min_seqno: SeqNo,
    /// Largest seqno of an entry.
    pub max_seqno: SeqNo,
    /// Number of entries.
    pub entries: u64,
    /// Number of entries that delete.
    pub deletes: u64,
    /// Bytes of all keys and values before encoding.
    pub user_bytes: u64,
    /// The index.
    pub index: BlockHandle,
    /// The filter; no bytes if there is none.
    pub filter: BlockHandle,
    /// Name of the [`TableFormat`](crate::TableFormat) that wrote it.
    pub format: Box<str>,
    /// Name of the [`FilterPolicy`](crate::FilterPolicy) that built the filter.
    pub filter_name: Box<str>,
    /// When its entries were flushed. The manifest knows, the table itself does not.
    pub flushed: Flushed,
}

/// When entries were flushed: times since 1970, in whole milliseconds. `None`: not known, since
/// they were flushed by a version of lsmer that did not write it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// The newest entry.
    pub newest: Option<Duration>,
    /// The oldest delete; `None` also if there is none.
    pub oldest_delete: Option<Duration>,
}

impl Flushed {
    /// Returns the times of entries that are flushed now.
    pub fn at(now: Duration) -> Self {
        let now = Some(Duration::from_millis(millis(now)));
        Self { newest: now, oldest_delete: now }
    }

    /// Returns the times of a table that is made of this one and another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let deletes = self.oldest_delete.into_iter().chain(other.oldest_delete);
        Self { newest: self.newest.max(other.newest), oldest_delete: deletes.min() }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const ID: u64 = 1;
const FILE_BYTES: u64 = 3;
const SMALLEST: u64 = 5;
const LARGEST: u64 = 7;
const SEQNOS: u64 = 9;
const COUNTS: u64 = 2;
const INDEX: u64 = 11;
const FILTER: u64 = 4;
const FORMAT: u64 = 13;
const FLUSHED: u64 = 6;

impl TableMeta {
    /// Returns whether the table may hold a key of `[low, high]`.
    pub fn overlaps(&self, low: &[u8], high: &[u8]) -> bool {
        *self.smallest <= *high && *low <= *self.largest
    }

    /// Returns whether the table may hold `key`.
    pub fn covers(&self, key: &[u8]) -> bool {
        self.overlaps(key, key)
    }

    /// Returns how long ago the newest entry was flushed, if that is known.
    pub fn age(&self, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.flushed.newest?))
    }

    /// Returns how long ago the oldest delete was flushed, if there is one and that is known.
    pub fn delete_age(&self, now: Duration) -> Option<Duration> {
        let flushed = self.flushed.oldest_delete.filter(|_| self.deletes > 0)?;
        Some(now.saturating_sub(flushed))
    }

    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(64);
        let mut words = |out: &mut Vec<u8>, tag, words: &[u64]| {
            body.clear();
            for word in words {
                put_varint(&mut body, *word);
            }
            put_tagged(out, tag, &body);
        };
        words(out, ID, &[self.id.epoch, self.id.number]);
        words(out, FILE_BYTES, &[self.file_bytes]);
        words(out, SEQNOS, &[self.min_seqno.0, self.max_seqno.0]);
        words(out, COUNTS, &[self.entries, self.deletes, self.user_bytes]);
        words(out, INDEX, &[self.index.offset, self.index.bytes.into()]);
        if self.flushed != Flushed::default() {
            let Flushed { newest, oldest_delete } = self.flushed;
            let word =
                |time: Option<Duration>| time.map_or(0, |time| millis(time).saturating_add(1));
            words(out, FLUSHED, &[word(newest), word(oldest_delete)]);
        }
        put_tagged(out, SMALLEST, &self.smallest);
        put_tagged(out, LARGEST, &self.largest);
        put_tagged(out, FORMAT, self.format.as_bytes());
        if self.filter.bytes > 0 {
            // The name travels with the handle: a filter nobody can name is no filter.
            body.clear();
            put_varint(&mut body, self.filter.offset);
            put_varint(&mut body, self.filter.bytes.into());
            put_prefixed(&mut body, self.filter_name.as_bytes());
            put_tagged(out, FILTER, &body);
        }
    }

    /// Reads an encoding to its end.
    ///
    /// # Errors
    ///
    /// `Corruption`, or `Unsupported` for an unknown critical field.
    pub fn decode(mut fields: Fields<'_>) -> Result<Self> {
        let mut meta = Self::default();
        let mut seen = 0_u32;
        while !fields.is_empty() {
            let (tag, mut field) = fields.tagged()?;
            seen |= 1 << tag.min(31);
            match tag {
                ID => {
                    meta.id = TableId { epoch: field.varint()?, number: field.varint()? };
                }
                FILE_BYTES => meta.file_bytes = field.varint()?,
                SMALLEST => meta.smallest = key(field.rest())?,
                LARGEST => meta.largest = key(field.rest())?,
                SEQNOS => {
                    meta.min_seqno = SeqNo(field.varint()?);
                    meta.max_seqno = SeqNo(field.varint()?);
                }
                COUNTS => {
                    meta.entries = field.varint()?;
                    meta.deletes = field.varint()?;
                    meta.user_bytes = field.varint()?;
                }
                INDEX => meta.index = handle(&mut field)?,
                FILTER => {
                    let (filter, name) = (handle(&mut field)?, text(field.prefixed(256)?)?);
                    if filter.bytes > 0 {
                        (meta.filter, meta.filter_name) = (filter, name);
                    }
                }
                FORMAT => meta.format = text(field.rest())?,
                FLUSHED => {
                    let time = |word: u64| Some(Duration::from_millis(word.checked_sub(1)?));
                    let newest = time(field.varint()?);
                    meta.flushed = Flushed { newest, oldest_delete: time(field.varint()?) };
                }
                unknown => Fields::skip_unknown(unknown)?,
            }
        }
        let required = [ID, FILE_BYTES, SMALLEST, LARGEST, SEQNOS, INDEX, FORMAT];
        if required.iter().any(|tag| seen & (1 << tag) == 0) || meta.smallest > meta.largest {
            return Err(Error::corruption("a table's description is incomplete"));
        }
        Ok(meta)
    }
}

fn handle(field: &mut Fields<'_>) -> Result<BlockHandle> {
    let offset = field.varint()?;
    let bytes = u32::try_from(field.varint()?);
    let bytes = bytes.map_err(|_| Error::corruption("a block handle is over its limit"))?;
    Ok(BlockHandle { offset, bytes })
}

fn key(bytes: &[u8]) -> Result<Box<[u8]>> {
    if bytes.len() > MAX_KEY_BYTES {
        return Err(Error::corruption("a bound of a table is over the key limit"));
    }
    Ok(bytes.into())
}

fn text(bytes: &[u8]) -> Result<Box<str>> {
    let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= 256);
    text.map(Box::from).ok_or_else(|| Error::corruption("a name is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> TableMeta {
        TableMeta {
            id: TableId { epoch: 2, number: 300 },
            file_bytes: 5000,
            smallest: b"a".as_slice().into(),
            largest: b"b".as_slice().into(),
            min_seqno: SeqNo(1),
            max_seqno: SeqNo(9),
            entries: 9,
            deletes: 1,
            user_bytes: 100,
            index: BlockHandle { offset: 4000, bytes: 200 },
            filter: BlockHandle { offset: 4200, bytes: 64 },
            format: "f".into(),
            filter_name: "g".into(),
            flushed: Flushed::default(),
        }
    }

    #[test]
    fn times_read_back_and_unknown_ones_are_not_written() {
        let second = Duration::from_secs(1);
        for flushed in [
            Flushed::at(second),
            Flushed { newest: None, ..Flushed::at(Duration::ZERO) },
            Flushed { oldest_delete: None, ..Flushed::at(Duration::from_micros(1_500)) },
        ] {
            let timed = TableMeta { flushed, ..meta() };
            let mut out = Vec::new();
            timed.encode(&mut out);
            assert_eq!(TableMeta::decode(Fields::new(&out)).unwrap(), timed);
        }
        let timed = TableMeta { flushed: Flushed::at(second), ..meta() };
        let mut out = Vec::new();
        timed.encode(&mut out);
        let field = [6, 4, 0xe9, 7, 0xe9, 7];
        assert!(out.windows(6).any(|bytes| bytes == field), "pinned: {out:?}");
        assert_eq!(timed.age(3 * second), Some(2 * second));
        assert_eq!(timed.age(Duration::ZERO), Some(Duration::ZERO), "clocks may go back");
        assert_eq!(timed.delete_age(3 * second), Some(2 * second));
        let no_deletes = TableMeta { deletes: 0, ..timed };
        assert_eq!((no_deletes.delete_age(second), meta().age(second)), (None, None));
    }

    #[test]
    fn what_is_merged_is_as_new_as_the_newest_and_its_deletes_as_old_as_the_oldest() {
        let [one, two] = [1, 2].map(|n| Flushed::at(Duration::from_secs(n)));
        let both = one.and(two).and(Flushed::default());
        assert_eq!((both.newest, both.oldest_delete), (two.newest, one.oldest_delete));
    }

    #[test]
    fn a_filter_of_no_bytes_is_no_filter() {
        let none = TableMeta { filter: BlockHandle::default(), filter_name: "".into(), ..meta() };
        let mut out = Vec::new();
        none.encode(&mut out);
        out.extend([4, 5, 0xe8, 0x20, 0, 1, b'g']);
        assert_eq!(TableMeta::decode(Fields::new(&out)).unwrap(), none);
    }

    #[test]
    fn layout_is_pinned() {
        let mut out = Vec::new();
        meta().encode(&mut out);
        let want = [
            &[1, 3, 2, 0xac, 2][..],          // id
            &[3, 2, 0x88, 0x27],              // file bytes
            &[9, 2, 1, 9],                    // seqnos
            &[2, 3, 9, 1, 100],               // counts
            &[11, 4, 0xa0, 0x1f, 0xc8, 1],    // index
            &[5, 1, b'a', 7, 1, b'b'],        // bounds
            &[13, 1, b'f'],                   // format
            &[4, 5, 0xe8, 0x20, 64, 1, b'g'], // filter
        ]
        .concat();
        assert_eq!(out, want);
        assert_eq!(TableMeta::decode(Fields::new(&out)).unwrap(), meta());
    }

    #[test]
    fn a_missing_field_is_corruption_and_a_foreign_one_unsupported() {
        assert!(TableMeta::decode(Fields::new(&[])).is_err());
        let mut out = Vec::new();
        meta().encode(&mut out);
        put_tagged(&mut out, 99, b"?");
        let error = TableMeta::decode(Fields::new(&out)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
    }

    #[test]
    fn file_names_read_back() {
        let id = TableId { epoch: 3, number: 1_234_567 };
        assert_eq!(TableId::of_file_name(&id.file_name()), Some(id));
        assert_eq!(TableId::of_file_name("3-7.tbl"), None, "one name per table");
        assert_eq!(TableId::of_file_name("CURRENT"), None);
    }
}
