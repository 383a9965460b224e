//! Table formats: how a sorted run of entries becomes an immutable file.
//!
//! | format | for |
//! |---|---|
//! | [`ColumnarFormat`] | the default: blocks are stored as they are searched |
//! | [`SortedArrayFormat`] | a plain second one, for tests and for tiny databases |
//!
//! Both write the same kind of file: *stored blocks* one after the other without holes (`stored.rs`),
//! and a *footer* (`footer.rs`) that leads to the last of them, the properties. They differ in what
//! data blocks and the index hold.
//!
//! ```text
//! data block 0 | .. | data block n-1 | filter, if any | index | properties | footer
//! ```
//!
//! An open table never reads its file: see [`lsmer_core::BlockReader`].

#![forbid(unsafe_code)]

mod array;
mod columnar;
mod compress;
mod footer;
mod index;
mod output;
mod properties;
mod separator;
mod stored;
mod tally;

pub use array::SortedArrayFormat;
pub use columnar::ColumnarFormat;
