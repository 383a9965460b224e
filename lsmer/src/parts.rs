//! The parts that ship, and the traits to write others.

pub use lsmer_cache::{NoCache, SlotCache};
pub use lsmer_compaction::{Deletes, Fifo, LazyLeveled, Leveled, Tiered, TimeWindow, simulate};
pub use lsmer_core as core;
pub use lsmer_filter::{BlockedBloom, NoFilter};
pub use lsmer_io as io;
pub use lsmer_memtable::{BTreeArena, CrossbeamMemtable, SkipArena};
pub use lsmer_sstable::{ColumnarFormat, SortedArrayFormat};
pub use lsmer_wal::{NoWal, SegmentedWal};
