//! `lsmer import tree`: the files of a folder become entries.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use lsmer::parts::core::MAX_VALUE_BYTES;

use super::import::Import;
use crate::{
    args::Global,
    failure::{Failure, Outcome},
    progress::Progress,
    stop::Stop,
    walk::{Found, Identity, Walk},
};

pub(super) fn run(global: &Global, path: &Path, dir: &Path) -> Outcome {
    let stop = Stop::on_signals()?;
    let walk = |leave_out| {
        let failed = |error| Failure::io(format_args!("cannot read {}", dir.display()), &error);
        Walk::new(dir, leave_out).map_err(failed)
    };
    if Identity::of(path).is_ok_and(|own| Identity::of(dir).is_ok_and(|dir| dir == own)) {
        return Err(Failure::Other("a database cannot be imported into itself".to_owned()));
    }
    // Before the database is made: the folder may not be there.
    let count = walk(Identity::of(path).ok())?;
    let progress = Progress::new("file", || Some(count.map(|found| size(&found)).sum()));
    let mut import = Import::new(global, path, progress)?;
    // The database may lie inside of what is imported.
    for found in walk(Identity::of(path).ok())? {
        if stop.asked() {
            return import.stop();
        }
        match found {
            Found::File(below, bytes) => file(&mut import, dir, &below, bytes)?,
            Found::Refused(below, why) => {
                let path = dir.join(below);
                import.progress.skip(format_args!("left out {}: {why}", path.display()));
            }
            Found::LeftOut(below) => {
                let path = dir.join(below);
                let what = "the database itself is not imported";
                import.progress.note(format_args!("{}: {what}", path.display()));
            }
        }
    }
    import.finish()
}

fn size(found: &Found) -> u64 {
    match found {
        Found::File(_, bytes) => *bytes,
        _ => 0,
    }
}

/// Stores one file: its path below `dir`, and its content.
fn file(import: &mut Import<'_>, dir: &Path, below: &Path, bytes: u64) -> Outcome {
    let path = dir.join(below);
    let stored = match read(&path, bytes) {
        Ok(content) => {
            let stored = import.store(below.as_os_str().as_bytes(), &content)?;
            stored.map(|()| content.len() as u64)
        }
        Err(why) => Err(why),
    };
    match stored {
        Ok(stored) => import.progress.add(stored, bytes),
        Err(why) => import.progress.skip(format_args!("left out {}: {why}", path.display())),
    }
    Ok(())
}

/// Reads a file that is said to have so many bytes.
///
/// # Errors
///
/// Why it cannot be a value.
fn read(path: &Path, bytes: u64) -> Result<Vec<u8>, String> {
    let too_large = || "larger than the 64 MiB that a value may have".to_owned();
    // Before it is read into memory, and again: it may have grown.
    if bytes > MAX_VALUE_BYTES as u64 {
        return Err(too_large());
    }
    let content = fs::read(path).map_err(|error| error.to_string())?;
    if content.len() > MAX_VALUE_BYTES { Err(too_large()) } else { Ok(content) }
}
