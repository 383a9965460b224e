//! How many entries and children the nodes have. The model checker's are smaller.

/// Entries of a leaf.
pub(crate) const LEAF_SLOTS: usize = 48;
/// Separators of an inner node.
pub(crate) const INNER_SLOTS: usize = 30;
/// Separators added to an inner node out of order, before it is made again.
pub(crate) const APPENDED: usize = 6;
