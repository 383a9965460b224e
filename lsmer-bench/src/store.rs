//! Databases that workloads begin with. They are made once, by a process of its own, so that what is
//! measured afterwards has the memory of the workload only.

use std::{fs, path::Path};

use crate::{engine::Engine, folder, outcome::Outcome, stage::Stage};

/// What is in a database before the workload begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Nothing.
    Empty,
    /// All records, in random order, flushed, compactions done.
    Loaded,
    /// `Loaded`, and then three flushes of 2% of the records each: several sorted runs.
    Layered,
    /// `Loaded`, and then all records once more, with other values.
    Overwritten,
    /// `Loaded`, with memtables of 4 MiB and tables of 64 KiB.
    SmallTables,
}

/// Raised when keys or values are made in another way: databases that were kept are of no use then.
const DATA: u32 = 2;

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Loaded => "loaded",
            Self::Layered => "layered",
            Self::Overwritten => "overwritten",
            Self::SmallTables => "small-tables",
        }
    }

    /// Returns the name of the folder that holds it for this stage.
    pub fn folder(self, stage: &Stage) -> String {
        let (engine, name, records) = (&stage.engine, self.name(), stage.records);
        let (keys, bytes) = (stage.keys.count(), stage.values.len());
        format!("{engine}-{name}-{records}-of-{keys}-x{bytes}-v{DATA}")
    }

    /// Makes it in the folder of the stage.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn make(self, stage: &Stage) -> Outcome {
        let engine = stage.open()?;
        if self != Self::Empty {
            stage.load(&*engine, 0..stage.records, 0)?;
            rest(&*engine)?;
        }
        match self {
            Self::Empty | Self::Loaded | Self::SmallTables => {}
            Self::Layered => {
                let part = stage.records / 50;
                for layer in 1..=3 {
                    stage.load(&*engine, layer * part..(layer + 1) * part, layer)?;
                    rest(&*engine)?;
                }
            }
            Self::Overwritten => stage.load(&*engine, 0..stage.records, 1)?,
        }
        rest(&*engine)?;
        engine.close()
    }
}

fn rest(engine: &dyn Engine) -> Outcome {
    engine.flush()?;
    engine.settle()
}

/// Returns whether a store was made completely.
pub fn is_ready(dir: &Path) -> bool {
    mark(dir).is_file()
}

/// Notes that a store was made completely.
///
/// # Errors
///
/// The note cannot be written.
pub fn set_ready(dir: &Path) -> Outcome {
    Ok(fs::write(mark(dir), "")?)
}

/// Makes a copy for a workload that writes.
///
/// # Errors
///
/// A file cannot be copied.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    Ok(folder::copy(from, to)?)
}

fn mark(dir: &Path) -> std::path::PathBuf {
    dir.with_extension("ready")
}
