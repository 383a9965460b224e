//! Bytes as one field of a line: printable text stays, all else is escaped.
//!
//! ```text
//! \\  backslash    \t  TAB    \n  newline    \r  carriage return
//! \xNN  any other byte that is not part of printable UTF-8
//! ```

use crate::hex;

/// Appends the escaped form. It has no TAB, no newline, and is UTF-8.
pub(crate) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                char => {
                    let mut buf = [0; 4];
                    let encoded = char.encode_utf8(&mut buf).as_bytes();
                    if is_printable(char) {
                        out.extend_from_slice(encoded);
                    } else {
                        escape_all(encoded, out);
                    }
                }
            }
        }
        escape_all(chunk.invalid(), out);
    }
}

/// Returns the bytes of an escaped field. The inverse of [`escape`], a bit more generous: bytes
/// that need no escape may have one, and bytes other than backslash, TAB and carriage return may
/// stand for themselves.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn unescape(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match *first {
            b'\\' => bytes.push(escaped(&mut rest)?),
            b'\t' => return Err("a TAB inside of a value: write it as \\t"),
            b'\r' => return Err("a carriage return: write it as \\r"),
            byte => bytes.push(byte),
        }
    }
    Ok(bytes)
}

/// Takes what follows a backslash.
fn escaped(rest: &mut &[u8]) -> Result<u8, &'static str> {
    let (name, tail) = rest.split_first().ok_or("a backslash at the end")?;
    *rest = tail;
    match name {
        b'\\' => Ok(b'\\'),
        b't' => Ok(b'\t'),
        b'n' => Ok(b'\n'),
        b'r' => Ok(b'\r'),
        b'x' => {
            let digits = "\\x without two hexadecimal digits";
            let (pair, tail) = rest.split_first_chunk::<2>().ok_or(digits)?;
            *rest = tail;
            hex::byte(*pair).ok_or(digits)
        }
        _ => Err("an unknown escape: they are \\\\, \\t, \\n, \\r and \\xNN"),
    }
}

fn escape_all(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(b"\\x");
        out.extend_from_slice(&hex::digits(*byte));
    }
}

/// Returns whether a character shows: what `Debug` of a string would leave as it is.
fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return !char.is_ascii_control();
    }
    // Behind a letter: marks that combine with it are printable, too.
    let mut pair = [b'a'; 5];
    let bytes = char.encode_utf8(&mut pair[1..]).len();
    let pair = str::from_utf8(&pair[..=bytes]).expect("a letter and a character");
    pair.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape(bytes, &mut out);
        out
    }

    #[test]
    fn the_escapes_are_pinned() {
        let cases: [(&[u8], &str); 7] = [
            (b"plain 'text'\"", "plain 'text'\""),
            (b"a\\b\tc\nd\re", "a\\\\b\\tc\\nd\\re"),
            (b"\0\x1b\x7f", "\\x00\\x1b\\x7f"),
            (b"\xff\xc3", "\\xff\\xc3"),
            ("Gr\u{fc}\u{df}e e\u{301}".as_bytes(), "Gr\u{fc}\u{df}e e\u{301}"),
            ("\u{85}\u{202e}".as_bytes(), "\\xc2\\x85\\xe2\\x80\\xae"),
            (b"", ""),
        ];
        for (bytes, text) in cases {
            assert_eq!(escaped(bytes), text.as_bytes(), "{text}");
            assert_eq!(unescape(text.as_bytes()).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in ["\\", "a\\", "\\q", "\\x", "\\x0", "\\xg0", "a\tb", "a\r", "\\X00"] {
            assert!(unescape(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn unescape_undoes_escape(bytes: Vec<u8>) {
            let text = escaped(&bytes);
            prop_assert!(!text.contains(&b'\t') && !text.contains(&b'\n') && !text.contains(&b'\r'));
            prop_assert!(str::from_utf8(&text).is_ok());
            prop_assert_eq!(unescape(&text).unwrap(), bytes);
        }

        #[test]
        fn unescape_undoes_escape_of_text(text: String) {
            prop_assert_eq!(unescape(&escaped(text.as_bytes())).unwrap(), text.as_bytes());
        }
    }
}
