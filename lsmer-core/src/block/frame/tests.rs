//! What frames promise: room for the bytes, zeroed, aligned, and kept as long as anybody has them.

use super::*;

#[test]
fn a_buffer_is_zero_and_takes_what_is_written() {
    for bytes in [0, 1, 63, 64, 4096, 1 << 20] {
        let mut buf = BlockBuf::zeroed(bytes);
        assert_eq!(buf[..], vec![0; bytes]);
        buf.fill(7);
        let start = buf.as_ptr().addr();
        assert_eq!(start % ALIGN, 0);
        buf.truncate(bytes / 2);
        buf.truncate(bytes);
        assert_eq!(buf[..], vec![7; bytes / 2]);
        let frame = buf.share(Layout::default());
        assert_eq!(frame.bytes(), vec![7; bytes / 2]);
        assert_eq!(frame.bytes().as_ptr().addr(), start, "it stays where it was");
        assert_eq!(frame.weight(), HEADER + bytes, "what was cut off is still taken");
    }
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
