//! The bytes of an index, and searches against a linear one.
