//! Strategies against a tree that carries their plans out, entry by entry.

mod laws;
mod leveled;
mod sim;
mod tiered;
mod vanish;
