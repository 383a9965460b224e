//! `TABLE-04` and `TABLE-05`: one name, the same bytes, and no table that was not written whole.

use std::{iter::zip, sync::Arc};

use lsmer_core::{ErrorKind, TableFormat};

use super::{
    cases::{each_case, each_small},
    file::{Tight, empty_file, read, write},
    samples::ID,
};

/// `TABLE-04`: the name is not empty, stays, stands in the description, and the same entries in
/// the same way are the same bytes under it. (That a later release gives it to other bytes, only
/// a byte-for-byte pin of its own can show.)
///
/// # Panics
///
/// If that is not so.
pub fn table_04_a_name_stands_for_the_same_bytes(format: &dyn TableFormat) {
    let name = format.name().to_owned();
    assert!(!name.is_empty(), "TABLE-04: the name is empty");
    each_case(format, |case| {
        let (one, other) = (&case.built, case.again(ID));
        let at = zip(&one.bytes, &other.bytes).position(|(one, other)| one != other);
        let same = one.bytes == other.bytes && one.meta == other.meta;
        assert!(same, "TABLE-04: two builds differ, first at byte {at:?}; {case}");
        assert!(*one.meta.format == *name, "TABLE-04: another name was stored; {case}");
    });
    assert_eq!(format.name(), name, "TABLE-04: the name changed");
}

/// `TABLE-05`: on a disk that takes a few bytes at a time, the same table is written; on one that
/// gets full at any byte, the builder says so, and describes no table.
///
/// # Panics
///
/// If not.
pub fn table_05_a_write_that_fails_is_told(format: &dyn TableFormat) {
    each_small(format, |case| {
        let spec = case.config.spec(ID, &case.filter);
        let bytes = case.built.bytes.len() as u64;
        for room in 0..=bytes {
            let file = empty_file();
            let tight = Arc::new(Tight { file: Arc::clone(&file), room });
            let written = write(format, &spec, tight, case.entries).expect("it has the codec");
            if room == bytes {
                let same = written.is_ok_and(|meta| meta == *case.built.meta);
                let same = same && read(&*file) == case.built.bytes;
                assert!(same, "TABLE-05: written in small pieces, it is another table; {case}");
            } else {
                let told = written.as_ref().is_err_and(|error| error.kind() == ErrorKind::Full);
                assert!(told, "TABLE-05: {room} of {bytes} bytes were {written:?}; {case}");
            }
        }
    });
}
