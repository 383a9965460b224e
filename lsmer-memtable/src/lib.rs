//! Memtables: entries that are not in a table yet.
//!
//! | type | what it is |
//! |---|---|
//! | [`SkipArena`] | a lock-free skiplist in one arena; the default |
//! | [`CrossbeamMemtable`] | crossbeam's skiplist map; the reference, in safe code |

mod arena;
mod btree;
mod crossbeam;
mod filter;
mod memory;
mod reported;
mod room;
mod skiplist;
mod word;

pub use btree::BTreeArena;
pub use crossbeam::CrossbeamMemtable;
pub use skiplist::SkipArena;
