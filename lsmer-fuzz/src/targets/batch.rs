//! An encoded write batch: decoding undoes encoding, and what was decoded is encoded again.

use lsmer_core::{Change, Changes, WriteBatch, encode_change};

use crate::memory::bounded;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    bounded(bytes.len(), 0, || Changes::new(bytes).for_each(drop));
    let changes: Vec<Change<'_>> = Changes::new(bytes).map_while(Result::ok).collect();
    let taken: usize = changes.iter().map(|change| change.key.len() + change.value.len()).sum();
    assert!(taken <= bytes.len(), "changes are slices of the input");
    let (mut by_hand, mut batch) = (Vec::new(), WriteBatch::new());
    for change in &changes {
        encode_change(&mut by_hand, change);
        match change.kind {
            lsmer_core::Kind::Delete => batch.delete_in(change.keyspace, change.key),
            _ => batch.put_in(change.keyspace, change.key, change.value),
        }
    }
    let encoded = batch.encoded().expect("each change is within the limits");
    assert_eq!(encoded, by_hand, "two encoders");
    let again: Vec<Change<'_>> = Changes::new(encoded).map(|c| c.expect("just encoded")).collect();
    assert_eq!(again, changes, "decode undoes encode");
}
