//! What changed between two records: a table of all operations, and for those beyond the limit the
//! functions that changed most.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use super::{
    profile::Profile,
    record::{Record, WORTH_NAMING},
};

/// Functions named for each operation beyond the limit.
const NAMED: usize = 5;

/// Two records beside each other.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    rows: Vec<Row<'a>>,
    limit: f64,
}

#[derive(Debug)]
struct Row<'a> {
    name: &'a str,
    before: Option<&'a Profile>,
    now: Option<&'a Profile>,
}

impl<'a> Comparison<'a> {
    /// Compares; what differs by more than `limit` percent is a failure.
    pub(crate) fn new(before: &'a Record, now: &'a Record, limit: f64) -> Self {
        let known = now.operations.iter();
        let mut rows: Vec<_> = known
            .map(|(name, profile)| Row { name, before: before.operation(name), now: Some(profile) })
            .collect();
        let gone = before.operations.iter().filter(|(name, _)| now.operation(name).is_none());
        rows.extend(gone.map(|(name, profile)| Row { name, before: Some(profile), now: None }));
        Self { rows, limit }
    }

    /// Returns how many operations differ by more than the limit, are new or are gone.
    pub(crate) fn failures(&self) -> usize {
        self.rows.iter().filter(|row| self.fails(row)).count()
    }

    fn fails(&self, row: &Row<'_>) -> bool {
        row.percent().is_none_or(|percent| percent.abs() > self.limit)
    }
}

impl Row<'_> {
    /// Returns by how much it grew; `None` if it is new or gone.
    fn percent(&self) -> Option<f64> {
        Some((self.now?.total / self.before?.total - 1.0) * 100.0)
    }

    /// Returns the functions that changed most, with the change and what they take now. One that
    /// was not recorded took too little: it is taken to have had as much as that allows.
    fn changes(&self) -> Vec<(&str, f64, f64)> {
        let unrecorded = self.before.map_or(0.0, |profile| profile.total * WORTH_NAMING);
        let mut changes: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (name, cost) in self.now.iter().flat_map(|profile| &profile.functions) {
            changes.insert(name, (cost.min(unrecorded), *cost));
        }
        for (name, cost) in self.before.iter().flat_map(|profile| &profile.functions) {
            changes.entry(name).or_default().0 = *cost;
        }
        let changes = changes.into_iter().map(|(name, (before, now))| (name, now - before, now));
        let mut changes: Vec<_> =
            changes.filter(|(_, change, _)| change.abs() > unrecorded / 10.0).collect();
        changes.sort_by(|(_, one, _), (_, other, _)| other.abs().total_cmp(&one.abs()));
        changes.truncate(NAMED);
        changes
    }
}

impl Display for Comparison<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:24} {:>11} {:>11}", "instructions of a", "recorded", "now")?;
        for row in &self.rows {
            let cell = |profile: Option<&Profile>| {
                profile.map_or_else(|| "-".to_owned(), |profile| format!("{:.1}", profile.total))
            };
            write!(f, "{:24} {:>11} {:>11}", row.name, cell(row.before), cell(row.now))?;
            match row.percent() {
                Some(percent) => writeln!(f, " {percent:+7.1} %")?,
                None if row.now.is_some() => writeln!(f, "  is not recorded")?,
                None => writeln!(f, "  is recorded, but does not exist")?,
            }
            if self.fails(row) && row.before.is_some() {
                for (name, change, now) in row.changes() {
                    writeln!(f, "    {change:+10.1} to {now:.1} in {name}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(operations: &[(&str, &[(&str, f64)])]) -> Record {
        let profile = |functions: &[(&str, f64)]| Profile {
            total: functions.iter().map(|(_, cost)| cost).sum(),
            functions: functions.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect(),
        };
        let operations =
            operations.iter().map(|(name, functions)| ((*name).to_owned(), profile(functions)));
        Record { compiler: String::new(), operations: operations.collect() }
    }

    #[test]
    fn growth_and_fall_beyond_the_limit_fail_and_what_is_within_passes() {
        let before = record(&[("get", &[("search", 100.0)])]);
        for (now, failures) in [(100.0, 0), (102.9, 0), (103.1, 1), (97.1, 0), (96.9, 1)] {
            let now = record(&[("get", &[("search", now)])]);
            assert_eq!(Comparison::new(&before, &now, 3.0).failures(), failures, "{now:?}");
        }
    }

    #[test]
    fn an_operation_that_is_new_or_gone_fails() {
        let (before, now) = (record(&[("get", &[("a", 1.0)])]), record(&[("put", &[("a", 1.0)])]));
        let comparison = Comparison::new(&before, &now, 3.0);
        assert_eq!(comparison.failures(), 2);
        let text = comparison.to_string();
        assert!(text.contains("is not recorded") && text.contains("does not exist"), "{text}");
    }

    #[test]
    fn the_function_that_grew_is_named_first() {
        let before = record(&[("get", &[("search", 60.0), ("copy", 40.0)])]);
        let now = record(&[("get", &[("search", 59.0), ("copy", 40.0), ("sort", 31.0)])]);
        let text = Comparison::new(&before, &now, 3.0).to_string();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[2..4], ["+30.0 to 31.0 in sort", "-1.0 to 59.0 in search"], "{text}");
    }
}
