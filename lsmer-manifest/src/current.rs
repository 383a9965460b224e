//! `CURRENT`: the file that names the manifest, and the names of manifests.
//!
//! One line of text: `MANIFEST-000007 1a2b3c4d`, where the second word is the CRC-32C of the first
//! in lower-case hexadecimal.

use std::{io, path::Path};

use lsmer_core::{Error, FileClass, Result, Vfs, checksum};

/// Name of the file.
pub(crate) const CURRENT: &str = "CURRENT";

const MAX_BYTES: usize = 256;

/// Returns the name of the manifest `number`.
pub(crate) fn file_name(number: u64) -> String {
    format!("MANIFEST-{number:06}")
}

/// Reads the number out of the name of a manifest.
pub(crate) fn of_file_name(name: &str) -> Option<u64> {
    let number = name.strip_prefix("MANIFEST-")?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// Returns the numbers of the manifests in `dir`, ascending; none if there is no such folder.
pub(crate) fn list(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<u64>> {
    let entries = match vfs.list(dir, &|name| of_file_name(name).is_some()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| Error::io("list the database's files", e).in_file(dir))?,
    };
    let mut numbers: Vec<_> =
        entries.iter().filter_map(|entry| of_file_name(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Returns the number of the current manifest; `None` if there is no `CURRENT`.
///
/// # Errors
///
/// `Corruption`, `Io`.
pub(crate) fn read(vfs: &dyn Vfs, dir: &Path) -> Result<Option<u64>> {
    let path = dir.join(CURRENT);
    let bytes = match vfs.read_file(&path, FileClass::Current, MAX_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Vec::new(),
        bytes => bytes.map_err(|error| Error::io("read CURRENT", error).in_file(&path))?,
    };
    let number = decode(&bytes);
    number.map(Some).ok_or_else(|| Error::corruption("CURRENT names no manifest").in_file(&path))
}

/// Makes `number` the current manifest, durably.
pub(crate) fn install(vfs: &dyn Vfs, dir: &Path, number: u64) -> io::Result<()> {
    vfs.install(dir, CURRENT, FileClass::Current, encode(number).as_bytes())
}

fn encode(number: u64) -> String {
    let name = file_name(number);
    format!("{name} {:08x}\n", checksum(name.as_bytes()))
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (name, _) = str::from_utf8(bytes).ok()?.split_once(' ')?;
    let number = of_file_name(name)?;
    (encode(number).as_bytes() == bytes).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_pinned() {
        assert_eq!(encode(7), "MANIFEST-000007 5872ce62\n");
        assert_eq!(decode(encode(1_234_567).as_bytes()), Some(1_234_567));
    }

    #[test]
    fn one_flipped_bit_a_short_and_a_long_file_are_always_noticed() {
        let whole = encode(7).into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bytes), None, "bit {bit}");
        }
        for bytes in 0..whole.len() {
            assert_eq!(decode(&whole[..bytes]), None);
        }
        assert_eq!(decode(&[&whole[..], b"\n"].concat()), None);
    }

    #[test]
    fn file_names_read_back() {
        assert_eq!(of_file_name("MANIFEST-000012"), Some(12));
        assert_eq!(of_file_name("MANIFEST-12"), None, "one name per manifest");
        assert_eq!(of_file_name("MANIFEST-000012.tmp"), None);
    }
}
