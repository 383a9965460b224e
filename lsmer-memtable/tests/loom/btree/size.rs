//! Stands for `btree/size.rs`: nodes that a few inserts fill.

pub(crate) const LEAF_SLOTS: usize = 2;
pub(crate) const INNER_SLOTS: usize = 3;
pub(crate) const APPENDED: usize = 1;
