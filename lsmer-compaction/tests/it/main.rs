//! Strategies against a tree that carries their plans out, entry by entry.

mod leveled;
mod simulate;
mod tiered;
mod vanish;
