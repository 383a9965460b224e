//! Compositions to be put under the suite for whole engines.

use lsmer_testkit::{
    Composed,
    engine::{Config, Subject},
    shipped,
    strategy::Reckless,
};

/// The shipped parts.
pub(crate) fn shipped_parts() -> impl Subject {
    Composed::new("lsmer", |builder, config| shipped(builder, config.parts >> 8))
}

/// A strategy that plans anything, which the engine has to survive.
pub(crate) fn reckless() -> impl Subject {
    let compose = |builder, config: Config| shipped(builder, config.parts >> 8);
    let compose = move |builder, config| compose(builder, config).compaction(Reckless);
    Composed::new("reckless", compose).with_illegal_plans()
}
