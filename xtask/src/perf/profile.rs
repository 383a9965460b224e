//! What callgrind writes: how many instructions each function took itself.
//!
//! Its format is one of lines: `fn=` names the function that the costs after it belong to, a line
//! of numbers is a place in the source and its cost; the line after `calls=` is the cost of a
//! call, which is counted where it was spent.

use std::collections::BTreeMap;

/// Instructions of one operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    /// All of them.
    pub(crate) total: f64,
    /// Those of each function without the ones that it calls, most first.
    pub(crate) functions: Vec<(String, f64)>,
}

impl Profile {
    /// Reads a file of callgrind's in which `operations` were counted.
    ///
    /// # Errors
    /// It is not one, or nothing was counted.
    pub(crate) fn parse(text: &str, operations: u64) -> Result<Self, String> {
        let mut costs: BTreeMap<&str, u64> = BTreeMap::new();
        let mut function = "";
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = name;
            } else if line.starts_with("calls=") {
                lines.next();
            } else if line.starts_with(|first: char| first.is_ascii_digit()) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                *costs.entry(function).or_default() +=
                    cost.ok_or_else(|| format!("callgrind wrote `{line}`"))?;
            }
        }
        let total: u64 = costs.values().sum();
        if total == 0 || operations == 0 {
            return Err("callgrind counted nothing: is the function still there?".to_owned());
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let each = |cost: u64| cost as f64 / operations as f64;
        let mut functions: BTreeMap<String, f64> = BTreeMap::new();
        for (name, cost) in costs {
            *functions.entry(plain(name).to_owned()).or_default() += each(cost);
        }
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        Ok(Self { total: each(total), functions })
    }
}

/// Cuts off the hash that tells instances of a function apart, and callgrind's mark of recursion.
fn plain(name: &str) -> &str {
    let name = name.rsplit_once('\'').map_or(name, |(name, level)| {
        if level.bytes().all(|byte| byte.is_ascii_digit()) { name } else { level }
    });
    name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
# callgrind format
events: Ir
summary: 70

ob=/somewhere/instructions
fl=lsmer-core/src/key.rs
fn=lsmer_core::key::head
126 20
fi=core/src/slice/mod.rs
328 30
cfn=memcpy
calls=4 0
130 1000

fn=memcpy
0 15
fn=memcpy'2
0 5
";

    #[test]
    fn costs_belong_to_the_function_that_spends_them() {
        let profile = Profile::parse(SAMPLE, 10).unwrap();
        assert_eq!(profile.total.to_bits(), 7.0_f64.to_bits());
        let expected = vec![("lsmer_core::key::head".to_owned(), 5.0), ("memcpy".to_owned(), 2.0)];
        assert_eq!(profile.functions, expected);
    }

    #[test]
    fn a_file_without_counts_is_refused() {
        assert!(Profile::parse("events: Ir\nsummary: 0\n", 10).is_err());
        assert!(Profile::parse(SAMPLE, 0).is_err());
    }

    #[test]
    fn a_function_is_named_without_its_hash() {
        assert_eq!(plain("a::b::h0123456789abcdef"), "a::b");
        assert_eq!(plain("a::hash"), "a::hash");
        assert_eq!(plain("a::b'2"), "a::b");
    }
}
