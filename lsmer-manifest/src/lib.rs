//! The manifest: a log of edits to the shape of the trees, from which a database knows which
//! tables it has, and where its log begins.
//!
//! The format is specified in `docs/format/manifest.md`. Not pluggable, on purpose: everything
//! that is durable is reachable from here.
//!
//! Rules that this crate keeps:
//!
//! - **M1** Referent before reference: `CURRENT` names a manifest only after that manifest and its
//!   name are durable.
//! - **M2** An edit is committed once it was synced, and after a failed sync nothing more is
//!   committed; both the state before and the state after it stay readable.
//! - **M3** A torn tail is not corruption and corruption is not a torn tail: damage before the
//!   end of a synced edit is reported, never read as a shorter history.
//! - **M4** Reading writes nothing.

mod current;
mod dump;
mod edit;
mod header;
mod manifest;
mod payload;
mod read;
mod record;
mod scan;
mod state;
mod writer;

pub use dump::dump;
pub use edit::Edit;
pub use manifest::Manifest;
pub use read::ReadReport;
pub use state::{KeyspaceState, ManifestState, Names};
