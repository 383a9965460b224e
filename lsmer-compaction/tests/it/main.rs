//! Strategies against a tree that carries their plans out, entry by entry.

mod deletes;
mod lazy;
mod leveled;
mod queue;
mod simulate;
mod tiered;
mod vanish;
