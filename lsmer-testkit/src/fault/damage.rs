//! Damage to a file at rest.

use std::{io, path::Path};

use lsmer_core::{FileClass, OpenOptions, Vfs};

use super::Effect;

/// What happened to the bytes of a file while nobody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A bit of a byte is flipped.
    Flip {
        /// The byte.
        offset: u64,
        /// The bit, 0 to 7.
        bit: u8,
    },
    /// A block is zeros.
    Zeros {
        /// Where it begins.
        offset: u64,
        /// How long it is.
        bytes: u64,
    },
    /// Two blocks have changed places.
    Swapped {
        /// Where one begins.
        one: u64,
        /// Where the other begins.
        other: u64,
        /// How long they are.
        bytes: u64,
    },
    /// A block was written in the place of another one.
    Misdirected {
        /// Where it should be, and is.
        from: u64,
        /// Where it is too.
        to: u64,
        /// How long it is.
        bytes: u64,
    },
}

impl Damage {
    /// Does it to a file; what is beyond its end stays as it is. Returns whether a byte changed.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn apply(self, vfs: &dyn Vfs, path: &Path) -> io::Result<bool> {
        let file = vfs.open(path, OpenOptions::write(FileClass::Tmp))?;
        let len = file.len()?;
        let read = |offset: u64, bytes: u64| {
            let bytes = bytes.min(len.saturating_sub(offset));
            let mut buf = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
            file.read_exact_at(&mut buf, offset)?;
            Ok::<_, io::Error>(buf)
        };
        let write = |offset: u64, mut new: Vec<u8>| {
            let old = read(offset, new.len() as u64)?;
            new.truncate(old.len());
            file.write_all_at(&new, offset)?;
            Ok::<_, io::Error>(new != old)
        };
        match self {
            Self::Flip { offset, bit } => {
                let mut byte = read(offset, 1)?;
                Effect::Flip(u64::from(bit)).distort(&mut byte);
                write(offset, byte)
            }
            Self::Zeros { offset, bytes } => write(offset, vec![0; read(offset, bytes)?.len()]),
            Self::Swapped { one, other, bytes } => {
                let (first, second) = (read(one, bytes)?, read(other, bytes)?);
                Ok(write(one, second)? | write(other, first)?)
            }
            Self::Misdirected { from, to, bytes } => write(to, read(from, bytes)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimVfs;

    #[test]
    fn each_kind_of_damage_changes_the_bytes_that_it_names() {
        let cases: [(Damage, &[u8]); 6] = [
            (Damage::Flip { offset: 1, bit: 0 }, b"accdef"),
            (Damage::Zeros { offset: 4, bytes: 9 }, b"abcd\0\0"),
            (Damage::Swapped { one: 0, other: 3, bytes: 2 }, b"decabf"),
            (Damage::Misdirected { from: 0, to: 2, bytes: 2 }, b"ababef"),
            (Damage::Misdirected { from: 0, to: 5, bytes: 2 }, b"abcdea"),
            (Damage::Flip { offset: 6, bit: 0 }, b"abcdef"),
        ];
        for (damage, want) in cases {
            let sim = SimVfs::new();
            let vfs: &dyn Vfs = &sim;
            let path = Path::new("a");
            let file = vfs.open(path, OpenOptions::create(FileClass::Table)).unwrap();
            file.write_all_at(b"abcdef", 0).unwrap();
            assert_eq!(damage.apply(vfs, path).unwrap(), want != b"abcdef", "{damage:?}");
            assert_eq!(vfs.read_file(path, FileClass::Table, 100).unwrap(), want, "{damage:?}");
        }
    }
}
