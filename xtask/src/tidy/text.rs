//! What every Rust file has, and what none has.

use super::{
    finding::Finding,
    source::{Source, is_word, line_of, words},
    workspace::Workspace,
};

/// Code that is for the time being, and what to do with it.
const LEFTOVERS: &[(&str, &str)] = &[
    ("dbg!(", "remove it"),
    ("todo!(", "write it"),
    ("unimplemented!(", "write it"),
    ("#[ignore", "a test runs or is removed"),
];
/// A word that must not stand even in a comment.
const LEFTOVER_WORD: &str = "FIXME";
const HIDDEN: &str = "#[doc(hidden)]";

/// Checks every file on its own.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in workspace.sources() {
        let problems = [header(source), ascii(source), leftovers(source), hidden(source)];
        let problems = problems.into_iter().flatten();
        findings.extend(problems.map(|(line, what)| Finding::failure(path, line, what)));
    }
    findings
}

type Problems = Vec<(usize, String)>;

fn header(source: &Source) -> Problems {
    let opens = source.text().starts_with("//!");
    let message = "does not open with `//!`; say in its first line what the file is";
    if opens { vec![] } else { vec![(1, message.to_owned())] }
}

fn ascii(source: &Source) -> Problems {
    let lines = source.text().lines().enumerate();
    let found = lines.filter_map(|(index, line)| {
        let (column, letter) = line.char_indices().find(|(_, letter)| !letter.is_ascii())?;
        let code = u32::from(letter);
        let message = format!("U+{code:04X} at byte {column}; write ASCII, or `\\u{{{code:x}}}`");
        Some((index + 1, message))
    });
    found.collect()
}

fn leftovers(source: &Source) -> Problems {
    let code = source.code();
    let mut found = Vec::new();
    for (pattern, advice) in LEFTOVERS {
        for (at, _) in code.match_indices(pattern) {
            let is_whole = at == 0 || !is_word(code.as_bytes()[at - 1]);
            if is_whole {
                found.push((line_of(code, at), format!("`{pattern}` is left; {advice}")));
            }
        }
    }
    let text = source.without_literals();
    for at in words(&text, LEFTOVER_WORD) {
        found.push((line_of(&text, at), format!("`{LEFTOVER_WORD}` is left; mend it")));
    }
    found
}

/// Finds public items that the documentation does not show.
fn hidden(source: &Source) -> Problems {
    let code = source.code();
    let found = code.match_indices(HIDDEN).filter(|(at, _)| is_public(&code[at + HIDDEN.len()..]));
    let message = "a public item is hidden from the documentation; document it or make it private";
    found.map(|(at, _)| (line_of(code, at), message.to_owned())).collect()
}

/// Returns whether an item, perhaps after more attributes, is `pub` without restriction.
fn is_public(item: &str) -> bool {
    let mut item = item.trim_start();
    while item.starts_with("#[") {
        item = item.split_once(']').map_or("", |(_, rest)| rest).trim_start();
    }
    item.strip_prefix("pub").is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let workspace = Workspace::sample(&[("a/src/lib.rs", text)]);
        check(&workspace).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(lines("//! A file.\n"), [0; 0]);
        assert_eq!(lines("// A file.\n"), [1]);
        assert_eq!(lines(""), [1]);
    }

    #[test]
    fn sources_are_ascii_in_comments_too() {
        assert_eq!(lines("//! A\n// \u{2192}\nconst A: &str = \"\u{e9}\";\n"), [2, 3]);
    }

    #[test]
    fn leftovers_are_found_in_code() {
        assert_eq!(lines("//! A\nfn f() {\n    dbg!(1);\n    todo!()\n}\n"), [3, 4]);
        assert_eq!(lines("//! A\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), [3]);
        assert_eq!(lines("//! No todo!() here\nconst A: &str = \"dbg!(\"; my_dbg!(1);\n"), [0; 0]);
    }

    #[test]
    fn one_word_is_found_in_comments_too() {
        assert_eq!(lines(&format!("//! A\n// {LEFTOVER_WORD} later\n")), [2]);
        assert_eq!(lines(&format!("//! A\nconst A: &str = {LEFTOVER_WORD:?};\n")), [0; 0]);
    }

    #[test]
    fn public_items_are_documented() {
        assert_eq!(lines("//! A\n#[doc(hidden)]\npub fn f() {}\n"), [2]);
        assert_eq!(lines("//! A\n#[doc(hidden)] #[inline]\npub fn f() {}\n"), [2]);
        assert_eq!(lines("//! A\n#[doc(hidden)]\npub(crate) fn f() {}\n"), [0; 0]);
    }
}
