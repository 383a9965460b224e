//! Folders of databases: how large they are, and copies of them.

use std::{fs, io, path::Path};

/// Returns the bytes that the files of a folder take on disk: holes count nothing.
///
/// # Errors
///
/// The folder cannot be read. A file that goes away meanwhile is passed over.
pub fn disk_bytes(dir: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match fs::symlink_metadata(&path) {
            Ok(file) if file.is_dir() => bytes += disk_bytes(&path)?,
            Ok(file) => bytes += file.blocks() * 512,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Returns the number of files in a folder and below.
///
/// # Errors
///
/// The folder cannot be read.
pub fn files(dir: &Path) -> io::Result<u64> {
    fs::read_dir(dir)?.try_fold(0, |count, entry| {
        let entry = entry?;
        let inner = if entry.file_type()?.is_dir() { files(&entry.path())? } else { 1 };
        Ok(count + inner)
    })
}

/// Copies a folder with all that is in it.
///
/// # Errors
///
/// A file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_as_large_as_what_it_was_made_of() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("inner/file"), vec![1; 10_000]).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("inner/file")).unwrap(), vec![1; 10_000]);
        assert_eq!(files(&to).unwrap(), 1);
        let bytes = disk_bytes(&to).unwrap();
        assert!((10_000..40_000).contains(&bytes), "{bytes}");
    }
}
