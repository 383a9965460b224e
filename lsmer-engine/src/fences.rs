//! Which table of a run may hold a key: the bounds of all its tables, side by side.
//!
//! ```text
//! prefix       all bounds begin with it
//! largest[i]   first eight bytes behind the prefix of the largest key of table i, as a number
//! smallest[i]  likewise of its smallest key
//! ```
//!
//! A search reads a few lines of these columns, and the bounds themselves, which lie two pointers
//! away from their table, only where eight bytes do not decide.

use std::cmp::Ordering;

use lsmer_core::{CommonPrefix, TableMeta, head, mutant};

/// The bounds of the tables of one run.
#[derive(Debug)]
pub(crate) struct Fences {
    prefix: CommonPrefix,
    largest: Box<[u64]>,
    smallest: Box<[u64]>,
}

impl Fences {
    /// Requires: ascending and disjoint, as the tables of a run are.
    pub(crate) fn new<'a, I: DoubleEndedIterator<Item = &'a TableMeta> + Clone>(tables: I) -> Self {
        let first = tables.clone().next().map_or(&b""[..], |table| &table.smallest);
        let last = tables.clone().next_back().map_or(&b""[..], |table| &table.largest);
        let shared = first.iter().zip(last).take_while(|(one, other)| one == other).count();
        Self {
            prefix: CommonPrefix::new(&first[..shared]),
            largest: tables.clone().map(|table| head(&table.largest[shared..])).collect(),
            smallest: tables.map(|table| head(&table.smallest[shared..])).collect(),
        }
    }

    /// Returns which table may hold `key`; `meta` describes the table with a number.
    pub(crate) fn covering<'a>(
        &self,
        key: &[u8],
        meta: impl Fn(usize) -> &'a TableMeta,
    ) -> Option<usize> {
        let head = head(self.prefix.strip(key)?);
        let mut at = self.largest.partition_point(|largest| *largest < head);
        while self.largest.get(at) == Some(&head) && is_after(&meta(at).largest, key) {
            at += 1;
        }
        let covers = match self.smallest.get(at)?.cmp(&head) {
            Ordering::Less => true,
            Ordering::Equal => *meta(at).smallest <= *key,
            Ordering::Greater => false,
        };
        (covers && !(mutant!("largest-key-not-covered") && *meta(at).largest == *key)).then_some(at)
    }
}

/// Returns whether `key` is behind the table whose largest key this is, which has the same head.
fn is_after(largest: &[u8], key: &[u8]) -> bool {
    !mutant!("fence-decides-by-its-head") && *largest < *key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(smallest: &[u8], largest: &[u8]) -> TableMeta {
        TableMeta { smallest: smallest.into(), largest: largest.into(), ..TableMeta::default() }
    }

    fn covering(tables: &[TableMeta], key: &[u8]) -> Option<usize> {
        Fences::new(tables.iter()).covering(key, |at| &tables[at])
    }

    #[test]
    fn a_run_without_tables_covers_nothing() {
        assert_eq!(covering(&[], b""), None);
        assert_eq!(covering(&[], b"key"), None);
    }

    #[test]
    fn bounds_that_agree_in_eight_bytes_are_compared_to_their_end() {
        let tables = [
            table(b"path/to/the/same/folder/a", b"path/to/the/same/folder/b"),
            table(b"path/to/the/same/folder/b\0", b"path/to/the/same/folder/b\0\0"),
            table(b"path/to/the/same/folder/b1", b"path/to/the/same/folder/c"),
            table(b"path/to/the/same/folder/c12345671", b"path/to/the/same/folder/c12345673"),
            table(b"path/to/the/same/folder/c12345675", b"path/to/the/same/folder/c12345677"),
        ];
        for (key, want) in [
            ("a", Some(0)),
            ("b", Some(0)),
            ("b\0", Some(1)),
            ("b\0\0", Some(1)),
            ("b\0\0\0", None),
            ("b0", None),
            ("c", Some(2)),
            ("c1", None),
            ("c12345672", Some(3)),
            ("c12345674", None),
            ("c12345677", Some(4)),
            ("c12345678", None),
            ("", None),
            ("`", None),
        ] {
            let key = format!("path/to/the/same/folder/{key}");
            assert_eq!(covering(&tables, key.as_bytes()), want, "{key:?}");
        }
        assert_eq!(covering(&tables, b"path/to"), None);
        assert_eq!(covering(&tables, b"q"), None);
    }

    proptest! {
        #[test]
        fn fences_find_the_table_that_the_bounds_cover(
            bounds in prop::collection::btree_set(prop::collection::vec(0..3_u8, 0..12), 0..20),
            prefix in prop::collection::vec(any::<u8>(), 0..10),
            keys in prop::collection::vec(prop::collection::vec(0..3_u8, 0..12), 1..40),
        ) {
            let join = |key: &Vec<u8>| [&prefix[..], key].concat();
            let bounds: Vec<_> = bounds.iter().map(join).collect();
            // An odd bound out is a table of one key.
            let tables: Vec<_> = bounds
                .chunks(2)
                .map(|pair| table(&pair[0], pair.last().expect("not empty")))
                .collect();
            let fences = Fences::new(tables.iter());
            for key in bounds.iter().cloned().chain(keys.iter().map(join)).chain(keys.clone()) {
                let want = tables.iter().position(|table| table.covers(&key));
                prop_assert_eq!(fences.covering(&key, |at| &tables[at]), want, "{:?}", key);
            }
        }
    }
}
