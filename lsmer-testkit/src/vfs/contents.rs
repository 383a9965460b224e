//! What files contain: reads, writes, lengths, flags.

use std::io::{ErrorKind, IoSlice};

use lsmer_core::{FileClass, OpenOptions, ReadRequest, SyncKind};

use super::{Disk, folder::Folder};

const CLASS: FileClass = FileClass::Table;

/// `VFS-01`: what is written is read, through the same handle and others, before and after a sync.
///
/// # Panics
///
/// If not.
pub fn vfs_01_a_read_returns_what_was_last_written(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-01");
    let file = folder.create("a", b"old bytes");
    let other =
        folder.ok("opening", folder.vfs().open(&folder.path("a"), OpenOptions::read(CLASS)));
    folder.ok("writing", file.write_all_at(b"new", 0));
    folder.holds_bytes("a", b"new bytes");
    folder.ok("a sync", file.sync(SyncKind::Data));
    folder.ok("writing", file.write_all_at(b"NEW", 4));
    folder.holds_bytes("a", b"new NEWes");
    folder.ok("a sync", file.sync(SyncKind::All));
    folder.holds_bytes("a", b"new NEWes");
    let mut buf = [0; 9];
    folder.ok("reading", other.read_exact_at(&mut buf, 0));
    folder.holds("a handle opened before reads it too", &buf == b"new NEWes");

    let slices = [&b"one"[..], b"", b"two"].map(IoSlice::new);
    let count = folder.ok("writing slices", file.write_at(&slices, 3));
    folder.holds("a write of 6 bytes takes 1 to 6", (1..=6).contains(&count));
    folder.ok("writing the rest", file.write_all_at(&b"onetwo"[count..], 3 + count as u64));
    folder.holds_bytes("a", b"newonetwo");
    let many = vec![IoSlice::new(b"x"); 3000];
    let count = folder.ok("writing many slices", file.write_at(&many, 0));
    folder.holds("a write of 3000 slices takes 1 to 3000", (1..=3000).contains(&count));
}

/// `VFS-01`: a read that reaches beyond the end is short, and one that begins there is empty.
///
/// # Panics
///
/// If not.
pub fn vfs_01_reads_end_at_the_end_of_the_file(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-01");
    let file = folder.create("a", b"12345");
    let mut buf = [0; 4];
    let count = folder.ok("reading", file.read_at(&mut buf, 3));
    folder.holds("two bytes are left", (1..=2).contains(&count));
    folder.holds("and these", buf[..count] == b"45"[..count]);
    for offset in [5, 500] {
        let count = folder.ok("reading", file.read_at(&mut buf, offset));
        folder.holds("there is nothing at the end and behind it", count == 0);
    }
    folder.refused("reading more", file.read_exact_at(&mut buf, 3), ErrorKind::UnexpectedEof);
    folder.holds("its length", folder.ok("len", file.len()) == 5);
    folder.ok("writing nothing", file.write_at(&[], 99));
    folder.ok("writing nothing", file.write_at(&[IoSlice::new(b"")], 99));
    folder.holds("an empty write does not extend", folder.ok("len", file.len()) == 5);
}

/// `VFS-01`, `VFS-09`: a batch fills its buffers, in whatever order they are, however many; one
/// that reaches beyond the end fails.
///
/// # Panics
///
/// If not.
pub fn vfs_01_a_batch_fills_each_request(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-01");
    let bytes = pattern(100_000);
    let file = folder.create("a", &bytes);
    // Neighbours, a gap, backwards, overlapping, nothing, one place twice.
    let mut ranges = vec![
        (0, 10),
        (10, 4096),
        (4106, 1),
        (9000, 50_000),
        (0, 3),
        (1, 3),
        (7, 0),
        (7, 2),
        (500, 9),
        (500, 4),
    ];
    // More neighbours than a kernel takes at once.
    ranges.extend((0..3000).map(|at| (at * 3, 3)));
    let mut bufs: Vec<Vec<u8>> = ranges.iter().map(|(_, len)| vec![0; *len]).collect();
    let requests = ranges.iter().zip(&mut bufs);
    let mut reads: Vec<_> =
        requests.map(|((at, _), buf)| ReadRequest { offset: *at as u64, buf }).collect();
    folder.ok("reading a batch", file.read_batch(&mut reads));
    for ((at, len), buf) in ranges.iter().zip(&bufs) {
        folder.holds("each buffer has its bytes", *buf == bytes[*at..at + len]);
    }
    folder.ok("reading nothing", file.read_batch(&mut []));

    let (mut one, mut two) = ([0; 3], [0; 3]);
    let [one, two] = [&mut one, &mut two].map(|buf| &mut buf[..]);
    let mut reads = [ReadRequest { offset: 0, buf: one }, ReadRequest { offset: 99_998, buf: two }];
    let beyond = "a batch beyond the end";
    folder.refused(beyond, file.read_batch(&mut reads), ErrorKind::UnexpectedEof);
    folder.refused(beyond, file.read_batch(&mut reads[1..]), ErrorKind::UnexpectedEof);
}

/// `VFS-07`: gaps, and what `set_len` and `allocate` add, are zeros; what is there stays.
///
/// # Panics
///
/// If not.
pub fn vfs_07_bytes_that_nobody_wrote_are_zeros(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-07");
    let file = folder.create("gap", b"");
    folder.ok("writing behind the end", file.write_all_at(b"x", 10_000));
    let mut want = vec![0; 10_001];
    want[10_000] = b'x';
    folder.holds_bytes("gap", &want);

    let file = folder.create("cut", &vec![7; 20_000]);
    folder.ok("cutting", file.set_len(3));
    folder.holds_bytes("cut", &[7; 3]);
    folder.ok("extending", file.set_len(20_000));
    let mut want = vec![0; 20_000];
    want[..3].fill(7);
    folder.holds_bytes("cut", &want);
    folder.ok("cutting", file.set_len(5000));
    folder.ok("writing behind the end", file.write_all_at(b"x", 9999));
    want.truncate(10_000);
    want[9999] = b'x';
    folder.holds_bytes("cut", &want);

    let file = folder.create("allocated", b"12345");
    folder.ok("allocating what is there", file.allocate(0, 3));
    folder.holds_bytes("allocated", b"12345");
    folder.ok("allocating", file.allocate(2, 100_000));
    let mut want = vec![0; 100_002];
    want[..5].copy_from_slice(b"12345");
    folder.holds_bytes("allocated", &want);
    folder.refused("allocating too much", file.allocate(u64::MAX - 1, 9), ErrorKind::FileTooLarge);
    folder.holds_bytes("allocated", &want);
}

/// `VFS-10`: a handle for reading does not write, one for writing does not read, and flags that
/// make no sense are refused.
///
/// # Panics
///
/// If not.
pub fn vfs_10_a_handle_does_only_what_it_was_opened_for(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-10");
    drop(folder.create("a", b"12"));
    let open = |how| folder.vfs().open(&folder.path("a"), how);
    let file = folder.ok("opening for reading", open(OpenOptions::read(CLASS)));
    folder.holds("it does not write", file.write_all_at(b"x", 0).is_err());
    folder.holds("it does not cut", file.set_len(0).is_err());
    folder.holds("it does not extend", file.allocate(0, 9).is_err());
    folder.holds_bytes("a", b"12");
    let write = OpenOptions { read: false, ..OpenOptions::write(CLASS) };
    let file = folder.ok("opening for writing", open(write));
    folder.holds("it does not read", file.read_at(&mut [0], 0).is_err());
    folder.ok("writing", file.write_all_at(b"x", 1));
    folder.holds_bytes("a", b"1x");

    let read = OpenOptions::read(CLASS);
    let nothing = OpenOptions { read: false, ..read };
    folder.refused("opening for nothing", open(nothing), ErrorKind::InvalidInput);
    let truncate = OpenOptions { truncate: true, ..read };
    folder.refused("truncating by reading", open(truncate), ErrorKind::InvalidInput);
    folder.holds_bytes("a", b"1x");
    let truncate = OpenOptions { truncate: true, ..OpenOptions::write(CLASS) };
    let file = folder.ok("truncating", open(truncate));
    folder.holds("it is empty", folder.ok("is_empty", file.is_empty()));
}

/// `VFS-10`: where `caps` names an alignment, aligned direct reads work, and elsewhere they are
/// refused when the file is opened.
///
/// # Panics
///
/// If not.
pub fn vfs_10_direct_reads_are_for_those_who_asked_for_caps(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-10");
    let how = OpenOptions { direct: true, ..OpenOptions::read(CLASS) };
    let bytes = pattern(1 << 16);
    folder.ok("a sync", folder.create("a", &bytes).sync(SyncKind::All));
    let opened = folder.vfs().open(&folder.path("a"), how);
    let Some(align) = folder.vfs().caps(folder.dir()).direct_align else {
        return folder.refused("direct I/O without caps", opened, ErrorKind::InvalidInput);
    };
    let (file, align) = (folder.ok("opening", opened), align as usize);
    let mut buf = vec![0; 2 * align];
    let skip = buf.as_ptr().align_offset(align);
    let aligned = &mut buf[skip..skip + align];
    folder.ok("reading", file.read_exact_at(aligned, align as u64));
    folder.holds("the bytes are right", *aligned == bytes[align..2 * align]);
}

/// Bytes of which neighbours, and pages, differ.
fn pattern(count: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(count).collect()
}
