//! What scans promise beyond the model: they hold what they see, and stay failed once they failed.
