//! Plans: which calls go wrong, and how. As text they are one line, which is read back.

use std::{fmt, str::FromStr};

use lsmer_core::FileClass;

use super::{
    Call, Effect, Op,
    call::{class_name, class_of_name},
};

/// What goes wrong, in a world of files. Where several rules fit a call, the first decides.
///
/// As text: the rules, with `;` between them; see [`Rule`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan(pub Vec<Rule>);

/// Which calls go wrong in one way.
///
/// As text: the effect, then any of `on OP`, `of CLASS`, `at FILE:LINE:COLUMN`, and one of
/// `from N times N`, `from N always`, `chance PERCENT seed N`:
///
/// ```
/// use lsmer_testkit::fault::Rule;
/// let text = "error=enospc on write of wal from 3 always";
/// assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What goes wrong.
    pub effect: Effect,
    /// The operation; `None`: any.
    pub op: Option<Op>,
    /// What the file is for; `None`: anything, and folders.
    pub class: Option<FileClass>,
    /// Who calls, as `FILE:LINE:COLUMN`; `None`: anybody.
    pub site: Option<String>,
    /// Which of these calls.
    pub when: When,
}

/// Which of the calls that a rule is about go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many from number `first` on; the first of all is 0.
    Times {
        /// The first that goes wrong.
        first: u64,
        /// How many go wrong.
        count: u64,
    },
    /// All from this number on.
    From(u64),
    /// So many of a hundred, as the seed decides.
    Chance {
        /// Of a hundred calls.
        percent: u64,
        /// Decides which.
        seed: u64,
    },
}

/// The text does not describe a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePlanError;

impl Rule {
    /// Makes a rule about the first call of all.
    pub fn new(effect: Effect) -> Self {
        let when = When::Times { first: 0, count: 1 };
        Self { effect, op: None, class: None, site: None, when }
    }

    /// Limits it to an operation.
    #[must_use]
    pub fn on(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Limits it to files of a class.
    #[must_use]
    pub fn of(mut self, class: FileClass) -> Self {
        self.class = Some(class);
        self
    }

    /// Limits it to a place in the code, as [`Call::site`] is displayed.
    #[must_use]
    pub fn at(mut self, site: impl fmt::Display) -> Self {
        self.site = Some(site.to_string());
        self
    }

    /// Says which of the calls go wrong.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Whether it is about such calls.
    pub(super) fn is_about(&self, call: &Call) -> bool {
        self.op.is_none_or(|op| op == call.op)
            && self.class.is_none_or(|class| Some(class) == call.class)
            && self.site.as_ref().is_none_or(|site| *site == call.site.to_string())
    }
}

impl When {
    /// One call.
    pub fn nth(nth: u64) -> Self {
        Self::Times { first: nth, count: 1 }
    }

    /// Whether call number `nth` goes wrong.
    pub(super) fn is_now(self, nth: u64) -> bool {
        match self {
            Self::Times { first, count } => nth >= first && nth - first < count,
            Self::From(first) => nth >= first,
            Self::Chance { percent, seed } => {
                let place = [seed.to_le_bytes(), nth.to_le_bytes()].concat();
                lsmer_core::hash(&place) % 100 < percent
            }
        }
    }
}

impl From<Rule> for FaultPlan {
    fn from(rule: Rule) -> Self {
        Self(vec![rule])
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.0.iter().enumerate() {
            write!(f, "{}{rule}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl FromStr for FaultPlan {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, ParsePlanError> {
        let rules = text.split(';').filter(|rule| !rule.trim().is_empty());
        rules.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.effect)?;
        if let Some(op) = self.op {
            write!(f, " on {}", op.name())?;
        }
        if let Some(class) = self.class {
            write!(f, " of {}", class_name(class))?;
        }
        if let Some(site) = &self.site {
            write!(f, " at {site}")?;
        }
        match self.when {
            When::Times { first, count } => write!(f, " from {first} times {count}"),
            When::From(first) => write!(f, " from {first} always"),
            When::Chance { percent, seed } => write!(f, " chance {percent} seed {seed}"),
        }
    }
}

impl FromStr for Rule {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, ParsePlanError> {
        let mut words = text.split_whitespace();
        let mut rule = Self::new(words.next().ok_or(ParsePlanError)?.parse()?);
        while let Some(word) = words.next() {
            if word == "always" {
                let When::Times { first, .. } = rule.when else { return Err(ParsePlanError) };
                rule.when = When::From(first);
                continue;
            }
            let value = words.next().ok_or(ParsePlanError)?;
            let number = || value.parse::<u64>().map_err(|_| ParsePlanError);
            match (word, &mut rule.when) {
                ("on", _) => rule.op = Some(Op::of_name(value).ok_or(ParsePlanError)?),
                ("of", _) => rule.class = Some(class_of_name(value).ok_or(ParsePlanError)?),
                ("at", _) => rule.site = Some(value.to_owned()),
                ("from", When::Times { first, .. }) => *first = number()?,
                ("times", When::Times { count, .. }) => *count = number()?,
                ("chance", when) => *when = When::Chance { percent: number()?, seed: 0 },
                ("seed", When::Chance { seed, .. }) => *seed = number()?,
                _ => return Err(ParsePlanError),
            }
        }
        Ok(rule)
    }
}

impl fmt::Display for ParsePlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no description of a plan of faults")
    }
}

impl std::error::Error for ParsePlanError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailedSync, fault::Errno};

    #[test]
    fn a_plan_is_read_back_from_what_was_printed() {
        let effects = [
            Effect::Error(Errno::EINTR),
            Effect::Error(Errno(116)),
            Effect::Late(Errno::EMFILE),
            Effect::Short(3),
            Effect::LyingSync,
            Effect::Flip(77),
            Effect::Zeros,
            Effect::Swapped,
            Effect::Misdirected(4096),
            Effect::LostWrite,
        ];
        let syncs = FailedSync::ALL.map(Effect::Sync);
        let rules = effects.into_iter().chain(syncs).zip(0..).flat_map(|(effect, n)| {
            let whens = [When::nth(n), When::From(n), When::Chance { percent: 7, seed: n }];
            whens.map(|when| Rule::new(effect).when(when))
        });
        let mut plan = FaultPlan(rules.collect());
        for op in Op::ALL {
            plan.0.push(Rule::new(Effect::Zeros).on(op));
        }
        plan.0.push(Rule::new(Effect::Zeros).of(FileClass::Manifest).at("a/b.rs:1:2"));
        assert_eq!(plan.to_string().parse(), Ok(plan));
        for text in ["eio", "error=x", "zeros on it", "zeros of it", "zeros from", "lost seed 3"] {
            assert_eq!(text.parse::<FaultPlan>(), Err(ParsePlanError), "{text}");
        }
        assert_eq!("".parse(), Ok(FaultPlan::default()));
    }

    #[test]
    fn a_chance_is_the_same_for_the_same_seed_and_about_as_high_as_it_says() {
        let hits = |seed| {
            let when = When::Chance { percent: 20, seed };
            (0..1000).filter(|nth| when.is_now(*nth)).collect::<Vec<_>>()
        };
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        assert!((150..250).contains(&hits(1).len()), "{}", hits(1).len());
    }
}
