//! A document in `docs/format` carries a hash of the code it specifies, so that it is read again
//! when the code changes.
//!
//! ```text
//! <!-- specifies: lsmer-wal/src/record.rs lsmer-wal/src/segment.rs hash: 0123456789abcdef -->
//! ```
//!
//! The hash is FNV-1a, 64 bits, of the files' bytes one after the other, without comments and
//! without white space outside of literals.

use super::{
    finding::Finding,
    workspace::{Workspace, has_extension},
};

const FOLDER: &str = "docs/format/";
const BEGIN: &str = "<!-- specifies:";

/// What a document specifies.
struct Stamp<'a> {
    paths: Vec<&'a str>,
    hash: &'a str,
    line: usize,
}

/// Compares the hashes in all documents with the code.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    documents(workspace).filter_map(|(path, text)| check_document(workspace, path, text)).collect()
}

fn check_document(workspace: &Workspace, path: &str, text: &str) -> Option<Finding> {
    let Some(stamp) = stamp(text) else {
        let message = format!("no line `{BEGIN} <files> hash: <hash> -->`; write it");
        return Some(Finding::failure(path, 1, message));
    };
    match hash(workspace, &stamp.paths) {
        Ok(hash) if hash == stamp.hash => None,
        Ok(hash) => {
            let message = format!(
                "the code has hash {hash}, not {}; re-read the document, then update the hash",
                stamp.hash
            );
            Some(Finding::failure(path, stamp.line, message))
        }
        Err(missing) => {
            let message = format!("specifies `{missing}`, which is not there; name the files");
            Some(Finding::failure(path, stamp.line, message))
        }
    }
}

/// Returns the documents whose hash is wrong, with texts in which it is right.
pub(crate) fn blessed(workspace: &Workspace) -> Vec<(String, String)> {
    let mut blessed = Vec::new();
    for (path, text) in documents(workspace) {
        let Some(stamp) = stamp(text) else { continue };
        let Ok(hash) = hash(workspace, &stamp.paths) else { continue };
        if hash != stamp.hash {
            let right = format!("{BEGIN} {} hash: {hash} -->", stamp.paths.join(" "));
            let lines = text.split('\n').enumerate();
            let lines = lines.map(|(at, line)| if at + 1 == stamp.line { &right } else { line });
            blessed.push((path.to_owned(), lines.collect::<Vec<_>>().join("\n")));
        }
    }
    blessed
}

fn documents(workspace: &Workspace) -> impl Iterator<Item = (&str, &str)> {
    workspace.texts_under(FOLDER).filter(|(path, _)| has_extension(path, "md"))
}

fn stamp(text: &str) -> Option<Stamp<'_>> {
    let mut lines = text.lines().enumerate();
    lines.find_map(|(index, line)| {
        let inside = line.trim().strip_prefix(BEGIN)?.strip_suffix("-->")?;
        let (paths, hash) = inside.split_once("hash:")?;
        let paths: Vec<&str> = paths.split_whitespace().collect();
        (!paths.is_empty()).then(|| Stamp { paths, hash: hash.trim(), line: index + 1 })
    })
}

/// Returns the hash of the files, or the path of one that is not there.
fn hash<'a>(workspace: &Workspace, paths: &[&'a str]) -> Result<String, &'a str> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend(workspace.source(path).ok_or(*path)?.substance());
    }
    Ok(format!("{:016x}", fnv1a(&bytes)))
}

fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "docs/format/wal.md";

    fn sample(code: &str, document: &str) -> Workspace {
        Workspace::sample(&[("a/src/b.rs", code), ("a/src/c.rs", ""), (DOCUMENT, document)])
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn blessing_makes_a_document_right_until_the_code_changes() {
        let old = "# Log\n<!-- specifies: a/src/b.rs a/src/c.rs hash: 00 -->\nText.\n";
        let workspace = sample("fn f() {}", old);
        assert!(check(&workspace)[0].message.contains("re-read the document"));
        let blessed = blessed(&workspace);
        assert_eq!(blessed.len(), 1);
        let (path, text) = &blessed[0];
        assert_eq!(path, DOCUMENT);
        assert!(text.starts_with("# Log\n<!-- specifies: a/src/b.rs a/src/c.rs hash: "));
        assert!(text.ends_with(" -->\nText.\n"));
        assert_eq!(check(&sample("fn f() {\n} // done", text)), []);
        assert_eq!(check(&sample("fn g() {}", text)).len(), 1);
    }

    #[test]
    fn a_document_names_files_that_are_there() {
        assert_eq!(check(&sample("", "# Log\n"))[0].line, 1);
        let found = check(&sample("", "<!-- specifies: a/src/gone.rs hash: 00 -->\n"));
        assert!(found[0].message.contains("a/src/gone.rs"));
    }
}
