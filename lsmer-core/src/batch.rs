//! Write batches: several changes that happen together, in the form the log stores.
//!
//! ```text
//! entry = kind u8 | keyspace varint | key length varint | [value length varint] | key | value
//! ```
//!
//! A delete has no value length. Entries follow each other without a gap; entry `i` of a record
//! has the seqno of the record plus `i`.

use crate::{
    Error, Kind, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Result, check_key, check_value,
    codec::{Fields, put_varint},
};

/// Number of a keyspace; never reused within a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceId(pub u32);

impl KeyspaceId {
    /// The keyspace every database has: `default`.
    pub const DEFAULT: Self = Self(0);
}

/// A keyspace as a batch takes it: its number, and which open database it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyspaceRef {
    /// Its number.
    pub id: KeyspaceId,
    /// A number that only this opening of the database has; 0 if it is not known.
    pub database: u64,
}

impl From<KeyspaceId> for KeyspaceRef {
    /// Stands for the keyspace of this number in whatever database the batch is written to.
    fn from(id: KeyspaceId) -> Self {
        Self { id, database: 0 }
    }
}

/// Changes that are applied together or not at all, over any number of keyspaces.
///
/// ```
/// use lsmer_core::WriteBatch;
///
/// let mut batch = WriteBatch::new();
/// batch.put("flower", "tulip");
/// batch.delete("weed");
/// assert_eq!(batch.len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    count: u32,
    /// The database of the keyspaces named so far; 0 if none was named by a handle.
    database: u64,
    /// The first broken limit: reported when the batch is written.
    broken: Option<Error>,
}

impl WriteBatch {
    /// Makes an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key of the default keyspace. A later change in the same batch wins.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.put_in(KeyspaceId::DEFAULT, key, value);
    }

    /// Removes a key of the default keyspace.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.delete_in(KeyspaceId::DEFAULT, key);
    }

    /// Sets a key of a keyspace.
    pub fn put_in(
        &mut self,
        keyspace: impl Into<KeyspaceRef>,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) {
        self.push(keyspace.into(), Kind::Put, key.as_ref(), value.as_ref());
    }

    /// Removes a key of a keyspace.
    pub fn delete_in(&mut self, keyspace: impl Into<KeyspaceRef>, key: impl AsRef<[u8]>) {
        self.push(keyspace.into(), Kind::Delete, key.as_ref(), &[]);
    }

    /// Forgets the changes and keeps the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.database = 0;
        self.broken = None;
    }

    /// Returns the number of changes.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the number of the database whose keyspaces the batch names; 0 if it could be any.
    pub fn database(&self) -> u64 {
        self.database
    }

    /// Returns the encoded entries.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if a change is over the limits, or all of them together are; if keyspaces
    /// of two databases are named.
    pub fn encoded(&self) -> Result<&[u8]> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        Ok(&self.bytes)
    }

    fn push(&mut self, keyspace: KeyspaceRef, kind: Kind, key: &[u8], value: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        let mut checked = check_key(key).and_then(|()| check_value(value));
        if keyspace.database != 0 {
            if ![0, keyspace.database].contains(&self.database) {
                checked = Err(Error::invalid("a batch names keyspaces of two databases"));
            }
            self.database = keyspace.database;
        }
        if self.bytes.len() + key.len() + value.len() > MAX_BATCH_BYTES - 32 {
            checked = checked.and(Err(Error::invalid("the batch is larger than 64 MiB")));
        }
        if let Err(broken) = checked {
            self.broken = Some(broken);
            return;
        }
        let mut head = EntryHead::default();
        self.bytes.extend_from_slice(head.encode(keyspace.id, kind, key.len(), value.len()));
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.count += 1;
    }
}

/// Encodes what stands before the key of an entry, without an allocation: for single writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryHead([u8; 16]);

impl EntryHead {
    /// Returns the bytes that precede key and value.
    pub fn encode(&mut self, keyspace: KeyspaceId, kind: Kind, key: usize, value: usize) -> &[u8] {
        let mut at = 1;
        self.0[0] = kind as u8;
        let lengths = [u64::from(keyspace.0), key as u64, value as u64];
        let fields = if kind == Kind::Delete { 2 } else { 3 };
        for number in &lengths[..fields] {
            let mut number = *number;
            loop {
                let more = number > 0x7f;
                self.0[at] = (number & 0x7f).to_le_bytes()[0] | if more { 0x80 } else { 0 };
                at += 1;
                number >>= 7;
                if !more {
                    break;
                }
            }
        }
        &self.0[..at]
    }
}

/// One change of an encoded batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Where.
    pub keyspace: KeyspaceId,
    /// What.
    pub kind: Kind,
    /// The key.
    pub key: &'a [u8],
    /// The value; empty for a delete.
    pub value: &'a [u8],
}

/// Walks the changes of an encoded batch. After an error it ends.
#[derive(Clone, Debug)]
pub struct Changes<'a>(Fields<'a>);

impl<'a> Changes<'a> {
    /// Starts at the front of encoded entries.
    pub fn new(encoded: &'a [u8]) -> Self {
        Self(Fields::new(encoded))
    }

    fn decode(&mut self) -> Result<Change<'a>> {
        let fields = &mut self.0;
        let kind = Kind::decode(fields.u8()?)?;
        let keyspace = u32::try_from(fields.varint()?)
            .map_err(|_| Error::corruption("a keyspace number is over its limit"))?;
        let key = fields.length(MAX_KEY_BYTES)?;
        let value = if kind == Kind::Delete { 0 } else { fields.length(MAX_VALUE_BYTES)? };
        let (key, value) = (fields.bytes(key)?, fields.bytes(value)?);
        Ok(Change { keyspace: KeyspaceId(keyspace), kind, key, value })
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Result<Change<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let change = self.decode();
        if change.is_err() {
            self.0 = Fields::new(&[]);
        }
        Some(change)
    }
}

/// Appends the encoding of a change: for tests and tools that make records by hand.
pub fn encode_change(out: &mut Vec<u8>, change: &Change<'_>) {
    out.push(change.kind as u8);
    put_varint(out, u64::from(change.keyspace.0));
    put_varint(out, change.key.len() as u64);
    if change.kind != Kind::Delete {
        put_varint(out, change.value.len() as u64);
    }
    out.extend_from_slice(change.key);
    out.extend_from_slice(change.value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn layout_is_pinned() {
        let mut batch = WriteBatch::new();
        batch.put("k", "vv");
        batch.delete_in(KeyspaceId(300), "j");
        let want = [1, 0, 1, 2, b'k', b'v', b'v', 2, 0xac, 2, 1, b'j'].as_slice();
        assert_eq!(batch.encoded().unwrap(), want);
    }

    #[test]
    fn a_broken_limit_is_reported_and_nothing_added() {
        let mut batch = WriteBatch::new();
        batch.put(vec![0; MAX_KEY_BYTES + 1], "");
        batch.put("k", "v");
        assert!(batch.is_empty());
        assert_eq!(batch.encoded().unwrap_err().kind(), crate::ErrorKind::InvalidArgument);
        batch.clear();
        assert!(batch.encoded().is_ok());
    }

    proptest! {
        #[test]
        fn changes_come_back(keyspace: u32, key: Vec<u8>, value: Vec<u8>, delete: bool) {
            let kind = if delete { Kind::Delete } else { Kind::Put };
            let value = if delete { &[][..] } else { &value };
            let change = Change { keyspace: KeyspaceId(keyspace), kind, key: &key, value };
            let mut batch = WriteBatch::new();
            batch.push(KeyspaceId(keyspace).into(), kind, &key, value);
            let encoded = batch.encoded().unwrap();
            let mut by_hand = Vec::new();
            encode_change(&mut by_hand, &change);
            prop_assert_eq!(encoded, &by_hand[..]);
            let changes: Vec<_> = Changes::new(encoded).map(Result::unwrap).collect();
            prop_assert_eq!(changes, vec![change]);
        }

        #[test]
        fn decode_never_panics(bytes: Vec<u8>) {
            prop_assert!(Changes::new(&bytes).count() <= bytes.len());
        }
    }
}
