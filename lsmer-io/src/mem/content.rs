//! The bytes of a file, in chunks that clones share until one of them writes.
//!
//! - Bytes at and beyond the length are zero wherever a chunk has room for them, so that growing
//!   shows zeros.
//! - A chunk that was never written does not exist and reads as zeros.

use std::{io, sync::Arc};

const CHUNK: usize = 16 << 10;

/// Longest file, in bytes: a stray offset fails instead of taking all memory.
const MAX_BYTES: u64 = 64 << 30;

/// What a file contains. A clone costs one reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    chunks: Arc<Vec<Option<Arc<[u8; CHUNK]>>>>,
}

impl Content {
    /// Returns the size in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills the front of `buf` with what is at `offset`, and returns how much that was.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let rest = index(self.len.saturating_sub(offset));
        let count = buf.len().min(rest);
        let mut done = 0;
        while done < count {
            let (chunk, at) = locate(offset + done as u64);
            let piece = (CHUNK - at).min(count - done);
            let target = &mut buf[done..done + piece];
            match self.chunks.get(chunk) {
                Some(Some(bytes)) => target.copy_from_slice(&bytes[at..at + piece]),
                _ => target.fill(0),
            }
            done += piece;
        }
        count
    }

    /// Puts `bytes` at `offset`, and grows if they reach beyond the end. The range was
    /// [checked](check).
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut done = 0;
        let chunks = Arc::make_mut(&mut self.chunks);
        while done < bytes.len() {
            let (chunk, at) = locate(offset + done as u64);
            let piece = (CHUNK - at).min(bytes.len() - done);
            if chunks.len() <= chunk {
                chunks.resize(chunk + 1, None);
            }
            let target = chunks[chunk].get_or_insert_with(|| Arc::new([0; CHUNK]));
            Arc::make_mut(target)[at..at + piece].copy_from_slice(&bytes[done..done + piece]);
            done += piece;
        }
        if !bytes.is_empty() {
            self.len = self.len.max(offset + bytes.len() as u64);
        }
    }

    /// Cuts, or grows with zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (chunk, at) = locate(len);
            let chunks = Arc::make_mut(&mut self.chunks);
            chunks.truncate(chunk + usize::from(at > 0));
            if let Some(Some(last)) = chunks.get_mut(chunk) {
                Arc::make_mut(last)[at..].fill(0);
            }
        }
        self.len = len;
    }
}

/// Returns the end of a range that a file can have.
pub(super) fn check(offset: u64, bytes: u64) -> io::Result<u64> {
    let end = offset.checked_add(bytes).filter(|end| *end <= MAX_BYTES);
    end.ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

fn locate(offset: u64) -> (usize, usize) {
    let offset = index(offset);
    (offset / CHUNK, offset % CHUNK)
}

fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("64-bit only")
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Write(u64, Vec<u8>),
        SetLen(u64),
        Clone,
    }

    fn change() -> impl Strategy<Value = Change> {
        let offset = 0..3 * CHUNK as u64;
        prop_oneof![
            (offset.clone(), vec(any::<u8>(), 0..2 * CHUNK)).prop_map(|(o, b)| Change::Write(o, b)),
            offset.prop_map(Change::SetLen),
            Just(Change::Clone),
        ]
    }

    fn all(content: &Content) -> Vec<u8> {
        let mut buf = vec![0xaa; index(content.len()) + 5];
        let count = content.read(&mut buf, 0);
        buf.truncate(count);
        buf
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn content_is_a_vector_and_clones_do_not_change(
            changes in vec(change(), 0..12), at in 0..4 * CHUNK as u64,
        ) {
            let (mut content, mut model) = (Content::default(), Vec::new());
            let mut clones = Vec::new();
            for change in changes {
                match change {
                    Change::Write(offset, bytes) => {
                        content.write(&bytes, offset);
                        let offset = index(offset);
                        if !bytes.is_empty() && model.len() < offset + bytes.len() {
                            model.resize(offset + bytes.len(), 0);
                        }
                        if !bytes.is_empty() {
                            model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                        }
                    }
                    Change::SetLen(len) => {
                        content.set_len(len);
                        model.resize(index(len), 0);
                    }
                    Change::Clone => clones.push((content.clone(), model.clone())),
                }
                prop_assert_eq!(&all(&content), &model);
            }
            for (content, model) in &clones {
                prop_assert_eq!(&all(content), model);
            }
            let mut buf = [0; 100];
            let count = content.read(&mut buf, at);
            let want = model.get(index(at)..).unwrap_or_default();
            prop_assert_eq!(&buf[..count], &want[..want.len().min(100)]);
        }
    }

    #[test]
    fn a_range_no_file_can_have_is_refused() {
        assert_eq!(check(3, 4).unwrap(), 7);
        assert_eq!(check(u64::MAX, 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(check(0, MAX_BYTES + 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
