//! What keeps a database open.

use std::sync::Arc;

use crate::shared::Shared;

/// What every handle holds: the last one to go closes the database.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Whoever wants to know of errors calls `close`.
        drop(self.shared.close());
    }
}
