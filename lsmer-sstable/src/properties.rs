//! The end of a table file: its description of itself, and the footer that leads to it.
//!
//! The properties are a stored block whose payload is a [`TableMeta`]. It tells the size of the
//! file that it is part of.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    BlockBuf, BlockHandle, BlockId, BlockKind, BlockRequest, Error, ErrorKind, Result, TableMeta,
    VfsFile, codec::Fields,
};

use crate::{
    compress::Compressor,
    footer::{FOOTER_BYTES, Footer},
    output::Output,
    stored::{self, TRAILER_BYTES},
};

/// Two bounds, two names and some numbers are far below this.
const MAX_BYTES: u32 = 1 << 20;

/// Writes properties and footer, and tells `meta` the size of the file.
///
/// # Errors
///
/// `Io` or `Full` from writing.
pub(crate) fn write(output: &mut Output, meta: &mut TableMeta) -> Result<()> {
    let payload = describe(output.end(), meta);
    let fill = |out: &mut Vec<u8>| out.extend_from_slice(&payload);
    let properties = output.block(BlockKind::Properties, &mut Compressor::none(), fill)?;
    let mut footer = Vec::with_capacity(FOOTER_BYTES);
    Footer { id: meta.id, properties }.encode(output.end(), &mut footer);
    output.append(&footer);
    output.write()?;
    debug_assert_eq!(output.end(), meta.file_bytes, "the file is as long as it says");
    Ok(())
}

/// Returns the encoding of `meta` in a file where it begins at `offset`.
fn describe(offset: u64, meta: &mut TableMeta) -> Vec<u8> {
    let mut payload = Vec::with_capacity(256);
    // The size is part of what it counts. Varints only grow, so this ends after a step or two.
    loop {
        payload.clear();
        meta.encode(&mut payload);
        let end = offset + (payload.len() + TRAILER_BYTES + FOOTER_BYTES) as u64;
        if meta.file_bytes == end {
            return payload;
        }
        meta.file_bytes = end;
    }
}

/// Returns where the properties are, by what the manifest says: between index and footer.
///
/// # Errors
///
/// `Corruption` if nothing fits there.
pub(crate) fn request(meta: &TableMeta) -> Result<BlockRequest> {
    let handle = || {
        let offset = meta.index.offset.checked_add(meta.index.bytes.into())?;
        let bytes = meta.file_bytes.checked_sub(FOOTER_BYTES as u64)?.checked_sub(offset)?;
        let bytes = u32::try_from(bytes).ok().filter(|bytes| *bytes <= MAX_BYTES)?;
        Some(BlockHandle { offset, bytes })
    };
    let handle = handle().ok_or_else(|| Error::bad_table("a table ends before its index", meta))?;
    Ok(BlockRequest::new(meta.id, handle, BlockKind::Properties))
}

/// Reads what a file of the format `name` says of itself. Blocks on I/O.
///
/// # Errors
///
/// `Corruption` if it makes no sense, `Unsupported` if another format wrote it, `Io`.
pub(crate) fn inspect(name: &str, file: &dyn VfsFile) -> Result<TableMeta> {
    let failed = |error| Error::io("read a table", error);
    let file_bytes = file.len().map_err(failed)?;
    let short = || Error::corruption("a table is shorter than its footer").detail(file_bytes);
    let footer_at = file_bytes.checked_sub(FOOTER_BYTES as u64).ok_or_else(short)?;
    let mut footer = [0; FOOTER_BYTES];
    file.read_exact_at(&mut footer, footer_at).map_err(failed)?;
    let Footer { id, properties } = Footer::decode(&footer, footer_at)?;
    let ours = |error: Error| error.in_file(id.file_name());

    let end = properties.offset.checked_add(properties.bytes.into());
    if end != Some(footer_at) || properties.bytes > MAX_BYTES {
        return Err(ours(Error::corruption("the footer of a table leads nowhere")));
    }
    let mut raw = BlockBuf::unfilled(properties.bytes as usize);
    file.read_exact_at(&mut raw, properties.offset).map_err(failed).map_err(ours)?;
    let at = BlockId { table: id, offset: properties.offset, kind: BlockKind::Properties };
    let meta = TableMeta::decode(Fields::new(&stored::open(&at, raw)?)).map_err(ours)?;
    if meta.id != id || meta.file_bytes != file_bytes {
        return Err(ours(Error::corruption("a table describes another one")));
    }
    check_format(name, &meta)?;
    Ok(meta)
}

/// Checks that a table is of the format `name`.
///
/// # Errors
///
/// `Unsupported`.
pub(crate) fn check_format(name: &str, meta: &TableMeta) -> Result<()> {
    if *meta.format == *name {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Unsupported, "a table of another format");
    Err(error.detail(&meta.format).in_file(meta.id.file_name()))
}
