//! An open file whose operations fail as planned.

use std::{
    io::{self, IoSlice},
    panic::Location,
    sync::Arc,
};

use lsmer_core::{FileClass, ReadRequest, SyncKind, VfsFile};

use super::{Call, Effect, FaultVfs, Op, effect::astray, late, space::Room};

#[derive(Debug)]
pub(super) struct FaultFile {
    pub(super) vfs: FaultVfs,
    pub(super) inner: Arc<dyn VfsFile>,
    pub(super) class: FileClass,
    pub(super) room: Arc<Room>,
}

impl FaultFile {
    #[track_caller]
    fn call(&self, op: Op) -> io::Result<Option<Effect>> {
        let call = Call { op, class: Some(self.class), site: Location::caller() };
        self.vfs.world().call(call)
    }
}

impl VfsFile for FaultFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let effect = self.call(Op::Read)?;
        let most = match effect {
            Some(Effect::Short(most)) => short(most, buf.len()),
            _ => buf.len(),
        };
        let buf = &mut buf[..most];
        let count = self.inner.read_at(buf, offset)?;
        if let Some(Effect::Misdirected(by)) = effect {
            buf[..count].fill(0);
            self.inner.read_at(&mut buf[..count], astray(offset, by))?;
        }
        if let Some(effect) = effect {
            effect.distort(&mut buf[..count]);
        }
        late(effect)?;
        Ok(count)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        let effect = self.call(Op::ReadBatch)?;
        self.inner.read_batch(reads)?;
        let Some(one) = reads.iter_mut().find(|read| !read.buf.is_empty()) else {
            return late(effect);
        };
        if let Some(Effect::Misdirected(by)) = effect {
            one.buf.fill(0);
            self.inner.read_at(one.buf, astray(one.offset, by))?;
        }
        if let Some(effect) = effect {
            effect.distort(one.buf);
        }
        late(effect)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let effect = self.call(Op::Write)?;
        let mut bytes = bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<_>>();
        let count = bytes.len();
        if effect == Some(Effect::LostWrite) {
            return Ok(count);
        }
        if let Some(Effect::Short(most)) = effect {
            bytes.truncate(short(most, count));
        }
        let offset = match effect {
            Some(Effect::Misdirected(by)) => astray(offset, by),
            _ => offset,
        };
        let room = self.room.grow(offset, bytes.len() as u64)?;
        bytes.truncate(usize::try_from(room).expect("no more than was asked for"));
        if let Some(effect) = effect {
            effect.distort(&mut bytes);
        }
        let written = self.inner.write_at(&[IoSlice::new(&bytes)], offset)?;
        late(effect)?;
        Ok(written)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        let effect = self.call(Op::Sync)?;
        if effect == Some(Effect::LyingSync) {
            return Ok(());
        }
        let _alone = self.vfs.arm(effect)?;
        self.inner.sync(kind)?;
        late(effect)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let effect = self.call(Op::Allocate)?;
        self.room.reserve(offset.saturating_add(bytes))?;
        self.inner.allocate(offset, bytes)?;
        late(effect)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let effect = self.call(Op::SetLen)?;
        self.room.resize(bytes)?;
        self.inner.set_len(bytes)?;
        late(effect)
    }

    fn len(&self) -> io::Result<u64> {
        let effect = self.call(Op::Len)?;
        let bytes = self.inner.len()?;
        late(effect)?;
        Ok(bytes)
    }
}

/// Returns how many of so many bytes are done in a short call: at least one, or a read would say
/// that the file ends, and a write that nothing can be written.
fn short(most: u64, bytes: usize) -> usize {
    usize::try_from(most.max(1)).unwrap_or(usize::MAX).min(bytes)
}
