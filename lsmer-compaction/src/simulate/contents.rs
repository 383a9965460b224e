//! What a table holds: the followed keys, in order.

/// A followed key and whether its newest version is a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    pub(super) fn new(key: u32, deleted: bool) -> Self {
        Self(key << 1 | u32::from(deleted))
    }

    pub(super) fn key(self) -> u32 {
        self.0 >> 1
    }

    pub(super) fn is_delete(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Merges two lists by key; of a key that both have, `newer`'s entry stays.
pub(super) fn merge(newer: &[Entry], older: &[Entry]) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(newer.len() + older.len());
    let (mut newer, mut older) = (newer.iter().peekable(), older.iter().peekable());
    loop {
        let entry = match (newer.peek(), older.peek()) {
            (Some(new), Some(old)) if old.key() < new.key() => older.next(),
            (Some(new), Some(old)) => {
                if new.key() == old.key() {
                    older.next();
                }
                newer.next()
            }
            (Some(_), None) => newer.next(),
            (None, _) => older.next(),
        };
        match entry {
            Some(entry) => merged.push(*entry),
            None => return merged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_entry_of_a_key_stays() {
        let put = |key| Entry::new(key, false);
        let delete = |key| Entry::new(key, true);
        let merged = merge(&[delete(1), put(3), put(9)], &[put(1), put(2), delete(3), put(7)]);
        assert_eq!(merged, [delete(1), put(2), put(3), put(7), put(9)]);
        assert_eq!(merge(&[], &merged), merged);
        assert_eq!(merge(&merged, &[]), merged);
        assert!(delete(5).is_delete() && delete(5).key() == 5);
    }
}
