//! A Rust file, split roughly into code, comments and literals.
//!
//! That is enough to find words that stand in code, with their lines.

use super::scan::{Class, classify};

/// A Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file as it is.
    text: String,
    /// What each byte of `text` belongs to.
    classes: Vec<Class>,
    /// `text` with comments and the insides of literals blanked; lines and offsets are the same.
    code: String,
}

impl Source {
    /// Scans a file.
    pub(crate) fn new(text: &str) -> Self {
        let classes = classify(text.as_bytes());
        let code = keep(text, &classes, |class| class == Class::Code);
        Self { text: text.to_owned(), classes, code }
    }

    /// Returns the file as it is.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the file with comments and the insides of literals blanked.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Returns the file with the insides of literals blanked.
    pub(crate) fn without_literals(&self) -> String {
        keep(&self.text, &self.classes, |class| class != Class::Literal)
    }

    /// Returns the file's bytes without comments, and without white space outside of literals.
    pub(crate) fn substance(&self) -> Vec<u8> {
        let bytes = self.text.bytes().zip(&self.classes);
        bytes
            .filter(|(byte, class)| match class {
                Class::Code => !byte.is_ascii_whitespace(),
                Class::Comment => false,
                Class::Literal => true,
            })
            .map(|(byte, _)| byte)
            .collect()
    }

    /// Counts the lines that hold something other than white space and comments.
    pub(crate) fn code_lines(&self) -> usize {
        let kept = keep(&self.text, &self.classes, |class| class != Class::Comment);
        kept.lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// Returns the code with items under `#[cfg(test)]` blanked.
    pub(crate) fn code_without_tests(&self) -> String {
        let mut code = self.code.clone().into_bytes();
        let mut from = 0;
        while let Some(at) = find_test_attribute(&code, from) {
            from = item_end(&code, at);
            for byte in &mut code[at..from] {
                blank(byte);
            }
        }
        String::from_utf8(code).expect("blanking keeps ASCII")
    }
}

/// Returns the line, from 1, of an offset in `text`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Returns the offsets in `code` at which `word` stands with no letter, digit or `_` beside it.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(at + word.len());
        !before.is_some_and(|byte| is_word(*byte)) && !after.is_some_and(|byte| is_word(*byte))
    })
}

/// Returns whether a byte can stand inside an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns whether an attribute's text, as found before an item, makes the item test code.
pub(crate) fn is_test_attribute(text: &str) -> bool {
    let squeezed: String = text.split_whitespace().collect();
    squeezed.contains("#[cfg(test)]") || squeezed.contains("#[cfg(all(test")
}

fn find_test_attribute(code: &[u8], from: usize) -> Option<usize> {
    let rest = &code[from..];
    let starts = |pattern: &[u8]| rest.windows(pattern.len()).position(|w| w == pattern);
    let found = [starts(b"#[cfg(test)]"), starts(b"#[cfg(all(test")];
    found.into_iter().flatten().min().map(|at| from + at)
}

/// Returns where the item that begins at `from` ends: after its `;`, or after its braces.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(byte, b';' | b'}') {
            return at + 1;
        }
    }
    code.len()
}

fn keep(text: &str, classes: &[Class], wanted: impl Fn(Class) -> bool) -> String {
    let bytes = text.bytes().zip(classes).map(|(mut byte, class)| {
        if !wanted(*class) || !byte.is_ascii() {
            blank(&mut byte);
        }
        byte
    });
    String::from_utf8(bytes.collect()).expect("only ASCII is kept")
}

fn blank(byte: &mut u8) {
    if *byte != b'\n' {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_code_only() {
        let source = Source::new("unsafe_code; // unsafe\n\"unsafe\"; unsafe {}");
        let found: Vec<usize> = words(source.code(), "unsafe").collect();
        assert_eq!(found.len(), 1);
        assert_eq!(line_of(source.code(), found[0]), 2);
    }

    #[test]
    fn code_lines_count_neither_blanks_nor_comments() {
        let source =
            Source::new("//! A\n\nfn f() { // g\n    /* h\n    */\n    \"\n// i\n\";\n}\n");
        assert_eq!(source.code_lines(), 5);
    }

    #[test]
    fn the_substance_has_no_comments_and_keeps_strings() {
        let source = Source::new("fn f( ) { // g\n    \"a  b\" }\n");
        assert_eq!(source.substance(), b"fnf(){\"a  b\"}");
    }

    #[test]
    fn items_for_tests_are_blanked() {
        let source = Source::new(
            "fn a() {}\n#[cfg(test)]\nmod t { fn b() { {} } }\n#[cfg(all(test, x))]\nuse c;\nfn d() {}",
        );
        let code = source.code_without_tests();
        assert_eq!(code.split_whitespace().collect::<String>(), "fna(){}fnd(){}");
        assert_eq!(code.lines().count(), source.code().lines().count());
    }

    #[test]
    fn letters_outside_ascii_are_blanked_in_code() {
        assert_eq!(Source::new("a\u{e9}b").code(), "a  b");
    }
}
