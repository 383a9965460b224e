//! The simplest table format there is, with flaws: blocks of rows under a checksum, a list of
//! them, and a footer of 32 bytes.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use lsmer_core::{
    Block, BlockBuf, BlockBuilder, BlockHandle, BlockId, BlockKind, BlockReader, BlockRequest,
    Cursor, EntryRef, Error, Filter, FilterPolicy, Kind, Located, Probe, Result, Search, SeqNo,
    Step, Table, TableBuilder, TableFormat, TableId, TableMeta, TableSpec, VfsFile, Window,
    checksum_context, checksum_more,
    codec::{Fields, put_prefixed, put_varint},
    hash,
};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
    thread,
};

use super::{Flaw, walk::Walk};

const FOOTER_BYTES: u64 = 32;

/// The format.
#[derive(Debug)]
pub(super) struct Toy(pub(super) Flaw, pub(super) AtomicU32);

impl TableFormat for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn builder(&self, file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Box<dyn TableBuilder>> {
        let stamp = match self.0 {
            Flaw::BuildsDiffer => self.1.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        let (flaw, spec, meta) = (self.0, spec.clone(), TableMeta::default());
        let (out, block, index, hashes) = (Vec::new(), BlockBuilder::new(), Vec::new(), Vec::new());
        Ok(Box::new(Builder { flaw, file, spec, stamp, out, block, index, hashes, meta }))
    }

    fn open(
        &self,
        meta: &Arc<TableMeta>,
        policy: &Arc<dyn FilterPolicy>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>> {
        let index = BlockRequest::new(meta.id, meta.index, BlockKind::Index);
        let Some(index) = blocks.get(index) else { return Ok(Step::Miss) };
        let same = *meta.filter_name == *policy.name() || self.0 == Flaw::TrustsAnyFilter;
        let mut filter = None;
        if meta.filter.bytes > 0 && same {
            let request = BlockRequest::new(meta.id, meta.filter, BlockKind::Filter);
            let Some(block) = blocks.get(request) else { return Ok(Step::Miss) };
            filter = Some(policy.open(Arc::from(block.bytes())));
        }
        let spots = decode_index(index.bytes());
        let spots = if self.0 == Flaw::TrustsTheIndex { Ok(spots.unwrap()) } else { spots }?;
        let (flaw, meta, opener) = (self.0, Arc::clone(meta), thread::index());
        let opened = Opened { flaw, meta, spots, filter, opener, missed: Mutex::default() };
        Ok(Step::Done(Arc::new(opened)))
    }

    fn decode(&self, at: &BlockId, raw: BlockBuf) -> Result<Block> {
        let bytes = raw.len().checked_sub(4);
        let bytes = if self.0 == Flaw::PanicsOnShortBlocks { Some(bytes.unwrap()) } else { bytes };
        let bytes = bytes.ok_or_else(|| Error::corruption("short"))?;
        let (payload, stored) = raw.split_at(bytes);
        let unchecked = usize::from(self.0 == Flaw::LeavesAByteUnchecked);
        let covered = &payload[..bytes.saturating_sub(unchecked)];
        if stored != crc(self.0, at, covered).to_le_bytes() && self.0 != Flaw::ChecksNothing {
            return Err(Error::corruption("checksum"));
        }
        if at.kind == BlockKind::Data { Block::rows(payload) } else { Ok(Block::opaque(payload)) }
    }

    fn inspect(&self, file: &dyn VfsFile) -> Result<TableMeta> {
        let read = |offset, bytes: usize| {
            let mut buf = vec![0; bytes];
            let read = file.read_exact_at(&mut buf, offset);
            read.map(|()| buf).map_err(|_| Error::corruption("short"))
        };
        let file_bytes = file.len().map_err(|error| Error::io("len", error))?;
        let at = file_bytes.checked_sub(FOOTER_BYTES).ok_or_else(|| Error::corruption("short"))?;
        let footer = read(at, 32)?;
        let mut fields = Fields::new(&footer);
        let table = TableId { epoch: fields.u64()?, number: fields.u64()? };
        let (offset, bytes) = (fields.u64()?, fields.u32()?);
        if fields.u32()? != checksum_more(checksum_context(&[at]), &footer[..28]) {
            return Err(Error::corruption("footer"));
        }
        let id = BlockId { table, offset, kind: BlockKind::Properties };
        let properties = self.decode(&id, read(offset, bytes as usize)?.into())?;
        let meta = TableMeta::decode(Fields::new(properties.bytes()))?;
        Ok(TableMeta { file_bytes, ..meta })
    }
}

fn crc(flaw: Flaw, id: &BlockId, bytes: &[u8]) -> u32 {
    let kind = if flaw == Flaw::ForgetsTheKind { 0 } else { id.kind as u64 };
    let mut place = vec![id.table.epoch, id.table.number, id.offset, kind];
    if flaw == Flaw::ForgetsThePlace {
        place.clear();
    }
    checksum_more(checksum_context(&place), bytes)
}

/// One data block: where it is, and its last key.
#[derive(Debug)]
pub(super) struct Spot {
    handle: BlockHandle,
    pub(super) last: Vec<u8>,
}

fn decode_index(bytes: &[u8]) -> Result<Vec<Spot>> {
    let (mut fields, mut spots, mut offset) = (Fields::new(bytes), Vec::new(), 0);
    while !fields.is_empty() {
        let bytes = u32::try_from(fields.varint()?).map_err(|_| Error::corruption("index"))?;
        let last = fields.prefixed(1 << 16)?.to_vec();
        spots.push(Spot { handle: BlockHandle { offset, bytes }, last });
        offset += u64::from(bytes);
    }
    Ok(spots)
}

#[derive(Debug)]
struct Builder {
    flaw: Flaw,
    file: Arc<dyn VfsFile>,
    spec: TableSpec,
    stamp: u32,
    out: Vec<u8>,
    block: BlockBuilder,
    index: Vec<u8>,
    hashes: Vec<u64>,
    meta: TableMeta,
}

impl Builder {
    fn push(&mut self, entry: EntryRef<'_>) {
        let meta = &mut self.meta;
        if meta.entries == 0 {
            meta.smallest = entry.key.into();
            meta.min_seqno = SeqNo::MAX;
        }
        meta.largest = entry.key.into();
        meta.entries += 1;
        let deletes = entry.kind == Kind::Delete && self.flaw != Flaw::CountsNoDeletes;
        meta.deletes += u64::from(deletes);
        meta.user_bytes += (entry.key.len() + entry.value.len()) as u64;
        meta.min_seqno = meta.min_seqno.min(entry.seqno);
        let newest =
            if self.flaw == Flaw::ReportsTheLastSeqno { SeqNo::ZERO } else { meta.max_seqno };
        meta.max_seqno = newest.max(entry.seqno);
        if self.flaw == Flaw::LosesOneInAHundred && meta.entries.is_multiple_of(100) {
            return;
        }
        let hashed = if self.flaw == Flaw::HashesVersions { entry.seqno.0 } else { 0 };
        self.hashes.push(hash(entry.key) ^ hashed);
        self.block.add(entry);
        if self.block.bytes() >= self.spec.block_bytes as usize {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let Some(last) = self.block.last_key().map(<[u8]>::to_vec) else { return };
        let mut payload = Vec::new();
        self.block.finish(&mut payload);
        let handle = self.store(BlockKind::Data, &payload);
        put_varint(&mut self.index, handle.bytes.into());
        put_prefixed(&mut self.index, &last);
    }

    fn store(&mut self, kind: BlockKind, payload: &[u8]) -> BlockHandle {
        let offset = self.out.len() as u64;
        let id = BlockId { table: self.spec.id, offset, kind };
        let unchecked = usize::from(self.flaw == Flaw::LeavesAByteUnchecked);
        let covered = &payload[..payload.len().saturating_sub(unchecked)];
        self.out.extend_from_slice(payload);
        self.out.extend_from_slice(&crc(self.flaw, &id, covered).to_le_bytes());
        BlockHandle { offset, bytes: u32::try_from(payload.len() + 4).unwrap() }
    }

    fn describe(&mut self) {
        let mut body = Vec::new();
        self.meta.encode(&mut body);
        let properties = self.store(BlockKind::Properties, &body);
        let (start, at) = (self.out.len(), self.out.len() as u64);
        let TableId { epoch, number } = self.spec.id;
        for word in [epoch, number, properties.offset] {
            self.out.extend_from_slice(&word.to_le_bytes());
        }
        self.out.extend_from_slice(&properties.bytes.to_le_bytes());
        let crc = checksum_more(checksum_context(&[at]), &self.out[start..]);
        self.out.extend_from_slice(&crc.to_le_bytes());
        self.meta.file_bytes = self.out.len() as u64;
    }

    fn write(&self) -> Result<()> {
        let written = match self.flaw {
            Flaw::ForgetsShortWrites => {
                let bufs = [std::io::IoSlice::new(&self.out)];
                self.file.write_at(&bufs, 0).map(drop)
            }
            _ => self.file.write_all_at(&self.out, 0),
        };
        match written {
            Err(error) if self.flaw != Flaw::DropsErrors => Err(Error::io("write", error)),
            _ => Ok(()),
        }
    }
}

impl TableBuilder for Builder {
    fn add(&mut self, window: &Window, rows: Range<u32>) -> Result<()> {
        let mut key = Vec::new();
        for row in rows {
            match window {
                Window::Rows { block, .. } => self.push(block.entry(row, &mut key)),
                Window::Batch(batch) => self.push(batch.entry(row)),
                Window::End => {}
            }
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.out.len() as u64
    }

    fn finish(mut self: Box<Self>) -> Result<TableMeta> {
        if self.meta.entries == 0 && self.flaw != Flaw::TakesNothing {
            return Err(Error::invalid("nothing was added"));
        }
        self.cut();
        if self.spec.filter_bits > 0 {
            let filter = self.spec.filter.build(&self.hashes, self.spec.filter_bits);
            self.meta.filter = self.store(BlockKind::Filter, &filter);
            self.meta.filter_name = self.spec.filter.name().into();
        }
        let index = self.index.clone();
        self.meta.index = self.store(BlockKind::Index, &index);
        self.meta.id = self.spec.id;
        self.meta.format = if self.flaw == Flaw::StoresAnotherName { "joy" } else { "toy" }.into();
        if self.flaw == Flaw::BuildsDiffer {
            self.out.extend_from_slice(&self.stamp.to_le_bytes());
        }
        self.describe();
        self.write()?;
        Ok(self.meta)
    }
}

/// An open table.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) flaw: Flaw,
    meta: Arc<TableMeta>,
    pub(super) spots: Vec<Spot>,
    filter: Option<Arc<dyn Filter>>,
    opener: usize,
    missed: Mutex<BTreeSet<u64>>,
}

impl Opened {
    pub(super) fn request(&self, spot: &Spot) -> BlockRequest {
        BlockRequest::new(self.meta.id, spot.handle, BlockKind::Data)
    }

    fn place(&self, at: usize) -> Option<Located> {
        let request = self.request(self.spots.get(at)?);
        Some(Located { request, number: u32::try_from(at).unwrap() })
    }
}

impl Table for Opened {
    fn locate(&self, probe: &Probe<'_>) -> Option<Located> {
        let foreign = self.flaw == Flaw::KnowsItsOpenerOnly && thread::index() != self.opener;
        let denied = self.filter.as_ref().is_some_and(|filter| !filter.may_contain(probe.hash));
        if denied || foreign {
            return None;
        }
        let first = self.place(self.spots.partition_point(|spot| *spot.last < *probe.key))?;
        let again = !self.missed.lock().insert(first.request.id.offset);
        (!again || self.flaw != Flaw::RemembersAMiss).then_some(first)
    }

    fn search(&self, probe: &Probe<'_>, place: &Located, block: &Block) -> Result<Search> {
        let at = place.number as usize;
        self.missed.lock().remove(&self.spots[at].handle.offset);
        if let Some(row) = block.find(probe) {
            return Ok(Search::Row(row));
        }
        let goes_on = *self.spots[at].last == *probe.key && self.flaw != Flaw::LooksIntoOneBlock;
        let next = if goes_on { self.place(at + 1) } else { None };
        Ok(next.map_or(Search::Nothing, Search::GoesOn))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(Walk::new(self))
    }

    fn meta(&self) -> &Arc<TableMeta> {
        &self.meta
    }

    fn bytes(&self) -> usize {
        self.spots.len()
    }

    fn blocks(&self) -> Vec<BlockRequest> {
        let (id, meta) = (self.meta.id, &self.meta);
        let mut all: Vec<_> = self.spots.iter().map(|spot| self.request(spot)).collect();
        if self.flaw == Flaw::ListsTooLittle {
            all.pop();
        }
        if meta.filter.bytes > 0 {
            all.push(BlockRequest::new(id, meta.filter, BlockKind::Filter));
        }
        all.push(BlockRequest::new(id, meta.index, BlockKind::Index));
        let offset = meta.index.offset + u64::from(meta.index.bytes);
        let bytes = u32::try_from(meta.file_bytes - FOOTER_BYTES - offset).unwrap();
        let properties = BlockHandle { offset, bytes };
        all.push(BlockRequest::new(id, properties, BlockKind::Properties));
        all
    }
}
