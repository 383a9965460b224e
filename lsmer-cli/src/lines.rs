//! Entries as lines: key TAB value.

use std::{
    ffi::OsStr,
    io::{self, BufRead, Read},
    os::unix::ffi::OsStrExt,
};

use lsmer::parts::core::{MAX_KEY_BYTES, MAX_VALUE_BYTES};

use crate::{
    escape,
    failure::{Failure, Outcome},
    hex,
};

/// Longest line that can be meant, in bytes: every byte of the largest entry as `\xNN`, the TAB
/// and the newline.
const MAX_LINE_BYTES: u64 = 4 * (MAX_KEY_BYTES + MAX_VALUE_BYTES) as u64 + 2;

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Printable text stays, see `escape.rs`.
    Escaped,
    /// Hexadecimal digits.
    Hex,
}

impl Coding {
    /// Appends bytes as text.
    pub(crate) fn encode(self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Escaped => escape::escape(bytes, out),
            Self::Hex => hex::encode(bytes, out),
        }
    }

    /// Returns bytes as text.
    pub(crate) fn text(self, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        self.encode(bytes, &mut out);
        String::from_utf8(out).expect("both codings are UTF-8")
    }

    /// Reads bytes from text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn decode(self, text: &[u8]) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Escaped => escape::unescape(text),
            Self::Hex => hex::decode(text),
        }
    }

    /// Reads a key or a value from the command line, where nothing is escaped.
    pub(crate) fn argument(self, argument: &OsStr) -> Outcome<Vec<u8>> {
        let bytes = argument.as_bytes();
        match self {
            Self::Escaped => Ok(bytes.to_vec()),
            Self::Hex => hex::decode(bytes)
                .map_err(|what| Failure::Usage(format!("--hex: '{}': {what}", argument.display()))),
        }
    }

    /// Appends a line with its newline; without a value, only the key.
    pub(crate) fn line(self, key: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
        self.encode(key, out);
        if let Some(value) = value {
            out.push(b'\t');
            self.encode(value, out);
        }
        out.push(b'\n');
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(self, line: &[u8]) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let tab = line.iter().position(|byte| *byte == b'\t').ok_or("no TAB behind the key")?;
        let (key, value) = (&line[..tab], &line[tab + 1..]);
        Ok((self.decode(key)?, self.decode(value)?))
    }
}

/// What [`next_line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its newline.
    Whole,
    /// A line longer than any that can be meant, passed over.
    TooLong,
    /// Nothing more.
    End,
}

/// Replaces `line` by the next line.
///
/// # Errors
///
/// What the reader says.
pub(crate) fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    next_line_up_to(from, line, MAX_LINE_BYTES)
}

fn next_line_up_to(from: &mut impl BufRead, line: &mut Vec<u8>, limit: u64) -> io::Result<Line> {
    line.clear();
    if from.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.pop_if(|last| *last == b'\n').is_some() || (line.len() as u64) < limit {
        return Ok(Line::Whole);
    }
    from.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_without_a_tab_or_with_two_is_refused() {
        assert_eq!(Coding::Escaped.parse(b"k\tv").unwrap(), (b"k".to_vec(), b"v".to_vec()));
        assert_eq!(Coding::Escaped.parse(b"\t").unwrap(), (vec![], vec![]));
        assert_eq!(Coding::Hex.parse(b"00\t0aFF").unwrap(), (vec![0], vec![10, 255]));
        for line in ["", "k", "a\tb\tc", "\\\tv", "k\tv\r"] {
            assert!(Coding::Escaped.parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(Coding::Hex.parse(b"0\t00").is_err());
    }

    #[test]
    fn lines_end_with_a_newline_or_with_the_file() {
        let mut from = &b"ab\n\ntoo long\n123456\nlast"[..];
        let mut line = Vec::new();
        let mut found = Vec::new();
        loop {
            match next_line_up_to(&mut from, &mut line, 6).unwrap() {
                Line::Whole => found.push(String::from_utf8(line.clone()).unwrap()),
                Line::TooLong => found.push("(too long)".to_owned()),
                Line::End => break,
            }
        }
        assert_eq!(found, ["ab", "", "(too long)", "(too long)", "last"]);
    }

    proptest! {
        #[test]
        fn parse_undoes_line(key: Vec<u8>, value: Vec<u8>) {
            for coding in [Coding::Escaped, Coding::Hex] {
                let mut line = Vec::new();
                coding.line(&key, Some(&value), &mut line);
                prop_assert_eq!(line.pop(), Some(b'\n'));
                prop_assert!(!line.contains(&b'\n'));
                prop_assert_eq!(coding.parse(&line).unwrap(), (key.clone(), value.clone()));
            }
        }
    }
}
