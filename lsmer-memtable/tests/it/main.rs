//! All memtables, by the obligations of the seam.

mod cursor;
mod get;
mod model;
mod reserve;
mod threads;
