//! The manifest on a file system in memory: commits, crashes, faults and flipped bits.

mod commit;
mod crash;
mod damage;
mod dump;
mod fault;
mod world;
