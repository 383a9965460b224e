//! The file that names the manifest.
