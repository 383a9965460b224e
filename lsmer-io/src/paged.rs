//! The bytes of a file in memory, in pages that clones share until one of them writes.
//!
//! - Bytes at and beyond the length are zero wherever a page has room for them, so that growing
//!   shows zeros.
//! - A page that was never written does not exist and reads as zeros.

use std::{io, sync::Arc};

/// What a file contains, in pages of `PAGE` bytes. A clone costs one reference count.
#[derive(Clone, Debug, Default)]
pub struct PagedBytes<const PAGE: usize> {
    len: u64,
    pages: Arc<Vec<Option<Arc<[u8; PAGE]>>>>,
}

impl<const PAGE: usize> PagedBytes<PAGE> {
    /// Returns the size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the pages in order; `None` for one that was never written.
    pub fn pages(&self) -> impl Iterator<Item = Option<&[u8; PAGE]>> {
        self.pages.iter().map(Option::as_deref)
    }

    /// Fills the front of `buf` with what is at `offset`, and returns how much that was.
    pub fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let count = buf.len().min(index(self.len.saturating_sub(offset)));
        let mut done = 0;
        while done < count {
            let (page, at) = Self::locate(offset + done as u64);
            let piece = (PAGE - at).min(count - done);
            let target = &mut buf[done..done + piece];
            match self.pages.get(page) {
                Some(Some(bytes)) => target.copy_from_slice(&bytes[at..at + piece]),
                _ => target.fill(0),
            }
            done += piece;
        }
        count
    }

    /// Puts `bytes` at `offset`, and grows if they reach beyond the end. The caller has seen to it
    /// that memory has room for this; see [`checked_end`].
    pub fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut done = 0;
        let pages = Arc::make_mut(&mut self.pages);
        while done < bytes.len() {
            let (page, at) = Self::locate(offset + done as u64);
            let piece = (PAGE - at).min(bytes.len() - done);
            if pages.len() <= page {
                pages.resize(page + 1, None);
            }
            let target = pages[page].get_or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(target)[at..at + piece].copy_from_slice(&bytes[done..done + piece]);
            done += piece;
        }
        if !bytes.is_empty() {
            self.len = self.len.max(offset + bytes.len() as u64);
        }
    }

    /// Cuts, or grows with zeros.
    pub fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (page, at) = Self::locate(len);
            let pages = Arc::make_mut(&mut self.pages);
            pages.truncate(page + usize::from(at > 0));
            if let Some(Some(last)) = pages.get_mut(page) {
                Arc::make_mut(last)[at..].fill(0);
            }
        }
        self.len = len;
    }

    fn locate(offset: u64) -> (usize, usize) {
        let offset = index(offset);
        (offset / PAGE, offset % PAGE)
    }
}

/// Returns the end of a range, if a file of at most `most` bytes can have it.
///
/// # Errors
///
/// `FileTooLarge`.
pub fn checked_end(offset: u64, bytes: u64, most: u64) -> io::Result<u64> {
    let end = offset.checked_add(bytes).filter(|end| *end <= most);
    end.ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("64-bit only")
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const CHUNK: usize = 16 << 10;

    type Content = PagedBytes<CHUNK>;

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
}
