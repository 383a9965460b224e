//! What every command shares: the checkout's root and the outcome.

use std::{env, path::PathBuf};

/// What a step returns: nothing, or one line that says what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// Returns the checkout's root: the folder above this package.
///
/// Cargo says where the package is when it runs it; a binary that was started without cargo falls
/// back to where it was built.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().expect("the package is a folder in the checkout").to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.toml").is_file());
        assert!(root().join("xtask").is_dir());
    }
}
