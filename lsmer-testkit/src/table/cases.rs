//! Tables of all samples, written in all ways.

use std::{fmt, sync::Arc};

use lsmer_core::{FilterPolicy, TableFormat, TableId};

use super::{
    file::{Built, build},
    filters::Exact,
    samples::{Config, ID, few, samples},
};
use crate::{entries::Entry, seed::Seeded};

/// One table, and what must be in it.
pub(super) struct Case<'a> {
    pub(super) format: &'a dyn TableFormat,
    pub(super) filter: Arc<dyn FilterPolicy>,
    pub(super) config: Config,
    pub(super) entries: &'a [Entry],
    pub(super) built: Built,
    sample: &'static str,
    random: &'a Seeded,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}; {}", self.sample, self.config, self.random)
    }
}

/// Calls `each` with a table of every sample and every configuration.
pub(super) fn each_case(format: &dyn TableFormat, mut each: impl FnMut(&Case<'_>)) {
    let mut random = Seeded::new();
    for (sample, entries) in samples(&mut random) {
        for config in Config::ALL {
            case(format, (sample, &entries), (config, ID), &random).iter().for_each(&mut each);
        }
    }
}

/// Calls `each` with small tables of several blocks, one for each codec.
pub(super) fn each_small(format: &dyn TableFormat, mut each: impl FnMut(&Case<'_>)) {
    let mut random = Seeded::new();
    let entries = few(&mut random);
    for config in Config::SMALL {
        case(format, ("a few", &entries), (config, ID), &random).iter().for_each(&mut each);
    }
}

impl Case<'_> {
    /// Writes the same entries as another table.
    pub(super) fn again(&self, id: TableId) -> Built {
        let of = (self.sample, self.entries);
        case(self.format, of, (self.config, id), self.random).expect("it was built before").built
    }
}

fn case<'a>(
    format: &'a dyn TableFormat,
    (sample, entries): (&'static str, &'a [Entry]),
    (config, id): (Config, TableId),
    random: &'a Seeded,
) -> Option<Case<'a>> {
    let filter = Exact::policy();
    let built = build(format, &config.spec(id, &filter), entries)?;
    let built = built.unwrap_or_else(|error| {
        panic!("TABLE-01: {sample} cannot be written: {error}; {config}; {random}")
    });
    Some(Case { format, filter, config, entries, built, sample, random })
}
