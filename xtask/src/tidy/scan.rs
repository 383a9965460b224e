//! Which bytes of a Rust file are code, comment or literal.
//!
//! A scanner, not a parser: it knows nested comments, raw strings, and a lifetime from a character.

use std::iter;

use super::source::is_word;

/// What a byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Neither of the others.
    Code,
    /// A line or block comment, documentation too.
    Comment,
    /// The inside of a string or character; its prefix and quotes are code.
    Literal,
}

/// The lengths of the three parts of a string or character.
struct Literal {
    open: usize,
    inside: usize,
    close: usize,
}

/// Returns the class of every byte of a file.
pub(crate) fn classify(text: &[u8]) -> Vec<Class> {
    let mut classes = Vec::with_capacity(text.len());
    while classes.len() < text.len() {
        let at = classes.len();
        let rest = &text[at..];
        let inside_word = at > 0 && is_word(text[at - 1]);
        if let Some(len) = comment(rest) {
            classes.extend(iter::repeat_n(Class::Comment, len));
        } else if let Some(literal) = literal(rest).filter(|_| !inside_word || rest[0] == b'"') {
            classes.extend(iter::repeat_n(Class::Code, literal.open));
            classes.extend(iter::repeat_n(Class::Literal, literal.inside));
            classes.extend(iter::repeat_n(Class::Code, literal.close));
        } else {
            classes.push(Class::Code);
        }
    }
    classes
}

/// Returns the length of the comment that begins here.
fn comment(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"//") {
        return Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// Returns the string or character that begins here, perhaps with a prefix.
fn literal(rest: &[u8]) -> Option<Literal> {
    let kind = usize::from(matches!(rest, [b'b' | b'c', ..]));
    match rest.get(kind)? {
        b'r' => raw(rest, kind + 1),
        b'"' => Some(quoted(rest, kind + 1, b'"')),
        b'\'' if is_char(&rest[kind + 1..]) => Some(quoted(rest, kind + 1, b'\'')),
        _ => None,
    }
}

/// Returns the raw string whose `#`s begin at `at`; `r#name` is none.
fn raw(rest: &[u8], at: usize) -> Option<Literal> {
    let hashes = rest[at..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(at + hashes) != Some(&b'"') {
        return None;
    }
    let open = at + hashes + 1;
    let end = [b"\"".as_slice(), &rest[at..at + hashes]].concat();
    let found = rest[open..].windows(end.len()).position(|window| window == end);
    let inside = found.unwrap_or(rest.len() - open);
    Some(Literal { open, inside, close: if found.is_some() { end.len() } else { 0 } })
}

/// Returns the literal whose inside begins at `open` and ends at a `quote` without a backslash.
fn quoted(rest: &[u8], open: usize, quote: u8) -> Literal {
    let mut at = open;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Literal { open, inside: at - open, close: 1 },
            _ => at += 1,
        }
    }
    Literal { open, inside: rest.len() - open, close: 0 }
}

/// Returns whether what follows a `'` is a character and not a lifetime.
fn is_char(after: &[u8]) -> bool {
    match after {
        [b'\\', ..] => true,
        [first, ..] => {
            let len = match first {
                0..=0x7f => 1,
                0x80..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xff => 4,
            };
            after.get(len) == Some(&b'\'')
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the file with `c` for comments and `.` for the insides of literals.
    fn drawn(text: &str) -> String {
        let classes = classify(text.as_bytes());
        assert_eq!(classes.len(), text.len());
        let drawn = text.bytes().zip(classes).map(|(byte, class)| match class {
            Class::Code => char::from(byte),
            Class::Comment => 'c',
            Class::Literal => '.',
        });
        drawn.collect()
    }

    #[test]
    fn comments_end_at_the_line_or_nest() {
        assert_eq!(drawn("a//b\nc"), "accc\nc");
        assert_eq!(drawn("a/*b/*c*/d*/e"), "accccccccccce");
        assert_eq!(drawn("a/*b"), "accc");
    }

    #[test]
    fn strings_hide_what_is_inside() {
        assert_eq!(drawn(r#"f("//", "\"x")"#), r#"f("..", "...")"#);
        assert_eq!(drawn(r##"r#"a"b"#;"##), r##"r#"..."#;"##);
        assert_eq!(drawn(r#"r"\";b"//";br"/*""#), r#"r".";b"..";br"..""#);
        assert_eq!(drawn("\"open"), "\"....");
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        assert_eq!(drawn("&'a str; 'b'; '\\''; b'\"'; '{'"), "&'a str; '.'; '..'; b'.'; '.'");
        assert_eq!(drawn("'\u{e9}'"), "'..'");
    }

    #[test]
    fn a_raw_name_is_not_a_raw_string() {
        assert_eq!(drawn("r#type; for\"a\""), "r#type; for\".\"");
    }
}
