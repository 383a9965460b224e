//! `lsmer scan`: a part of the entries, as lines.

use std::{ops::Bound, path::Path};

use crate::{
    args::{self, Global},
    failure::Outcome,
    open,
    output::Output,
};

/// The keys from the first one on, and before the second one.
type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

pub(super) fn run(global: &Global, path: &Path, which: &args::Range) -> Outcome {
    let coding = global.coding();
    let bytes = |option: &Option<_>| -> Outcome<Option<Vec<u8>>> {
        option.as_deref().map(|key| coding.argument(key)).transpose()
    };
    let range = range(bytes(&which.prefix)?, bytes(&which.from)?, bytes(&which.to)?);
    let db = open::to_read(global, path)?;
    let mut scan = open::keyspace(global, &db)?.range(range)?;
    let mut out = Output::new();
    let mut line = Vec::new();
    for _ in 0..which.limit.unwrap_or(u64::MAX) {
        let entry = if which.reverse { scan.next_back()? } else { scan.next()? };
        let Some((key, value)) = entry else { break };
        line.clear();
        coding.line(key, Some(value).filter(|_| !which.keys_only), &mut line);
        out.bytes(&line)?;
    }
    out.finish()
}

/// Returns what is in all three: the prefix, `[from, ..`, and `.., to)`.
fn range(prefix: Option<Vec<u8>>, from: Option<Vec<u8>>, to: Option<Vec<u8>>) -> Range {
    let behind = prefix.as_deref().and_then(behind_prefix);
    let low = [prefix, from].into_iter().flatten().max();
    let high = [behind, to].into_iter().flatten().min();
    (low.map_or(Bound::Unbounded, Bound::Included), high.map_or(Bound::Unbounded, Bound::Excluded))
}

/// Returns the first key behind all that begin with `prefix`, if there is one.
fn behind_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut behind = prefix[..=last].to_vec();
    behind[last] += 1;
    Some(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_prefix_and_bounds_have_in_common() {
        let some = |key: &[u8]| Some(key.to_vec());
        let low = |key: &[u8]| Bound::Included(key.to_vec());
        let high = |key: &[u8]| Bound::Excluded(key.to_vec());
        assert_eq!(range(None, None, None), (Bound::Unbounded, Bound::Unbounded));
        assert_eq!(range(some(b"b"), None, None), (low(b"b"), high(b"c")));
        assert_eq!(range(some(b"b\xff"), some(b"a"), some(b"z")), (low(b"b\xff"), high(b"c")));
        assert_eq!(range(some(b"b"), some(b"b1"), some(b"b2")), (low(b"b1"), high(b"b2")));
        assert_eq!(range(some(b"\xff"), None, None), (low(b"\xff"), Bound::Unbounded));
        assert_eq!(range(some(b"b"), some(b"x"), None), (low(b"x"), high(b"c")), "empty");
    }
}
