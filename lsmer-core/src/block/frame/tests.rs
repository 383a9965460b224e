//! What frames promise: room for the bytes, aligned, and kept as long as anybody has them.

use super::*;
use crate::{BlockKind, TableId};

#[test]
fn a_buffer_takes_what_is_written() {
    for bytes in [0, 1, 63, 64, 4096, 1 << 20] {
        let mut buf = BlockBuf::unfilled(bytes);
        assert_eq!(buf.len(), bytes);
        buf.fill(7);
        let start = buf.as_ptr().addr();
        assert_eq!(start % ALIGN, 0);
        buf.truncate(bytes / 2);
        buf.truncate(bytes);
        assert_eq!(buf[..], vec![7; bytes / 2]);
        let frame = buf.share(Layout::default());
        assert_eq!(frame.bytes(), vec![7; bytes / 2]);
        assert_eq!(frame.bytes().as_ptr().addr(), start, "it stays where it was");
        assert!(frame.weight() >= HEADER + bytes, "what was cut off is still taken");
    }
}

#[test]
fn a_frame_that_is_let_go_of_is_the_next_one_of_about_its_size() {
    let shared = |bytes: usize| {
        let mut buf = BlockBuf::unfilled(bytes);
        buf.fill(7);
        let mut layout = Layout::default();
        layout.rows = 9;
        let frame = buf.share(layout);
        let id = BlockId { table: TableId::default(), offset: 1, kind: BlockKind::Data };
        frame.header().name.get_or_init(|| id);
        frame
    };
    let first = shared(4200);
    let place = first.as_raw();
    let held = first.clone();
    drop(first);
    let other = shared(4200);
    assert_ne!(other.as_raw(), place, "somebody has it");
    drop(held);
    for bytes in [1000, 5000, 70_000] {
        assert_ne!(BlockBuf::unfilled(bytes).0.as_raw(), place, "{bytes} bytes");
    }
    let again = BlockBuf::unfilled(4150);
    assert_eq!((again.0.as_raw() == place, again.len()), (spare::KEEPS, 4150));
    let header = again.0.header();
    assert_eq!(header.count.load(Ordering::Relaxed), 1);
    assert_eq!((header.name.get(), header.layout.rows), (None, 0), "nothing is left of it");
}

#[test]
fn a_thread_keeps_few_frames_and_none_when_it_ends() {
    let frames: Vec<_> = (0..1000).map(|_| BlockBuf::unfilled(4096)).collect();
    let large = BlockBuf::unfilled(1 << 20);
    drop(large);
    drop(frames);
    let kept = spare::kept_bytes();
    assert!(kept <= 256 << 10 && (kept > 0) == spare::KEEPS, "{kept} bytes");
    // Not at all, where there are checks for leaks: then this thread would be caught.
    std::thread::Builder::new().spawn(|| drop(BlockBuf::unfilled(9))).unwrap().join().unwrap();
}

#[test]
fn a_frame_lives_as_long_as_its_last_reference() {
    let frame = BlockBuf::from(&[1, 2, 3][..]).share(Layout::default());
    let other = frame.clone();
    let last = std::thread::Builder::new().spawn(move || other.clone()).unwrap().join().unwrap();
    drop(frame);
    assert_eq!(last.bytes(), [1, 2, 3]);
    assert_eq!(last.header().count.load(Ordering::Relaxed), 1);
}
