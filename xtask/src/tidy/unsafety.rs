//! `unsafe` stands only in the files that a table in ARCHITECTURE.md lists, each with a reason.

use super::{
    finding::Finding,
    source::{line_of, words},
    table,
    workspace::{ARCHITECTURE, Workspace},
};

const MARKER: &str = "tidy: unsafe";

/// Compares the table with the files, both ways.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(rows) = table::rows(workspace.text(ARCHITECTURE), MARKER) else {
        let message = format!("no table after `<!-- {MARKER} -->`; write it");
        return vec![Finding::failure(ARCHITECTURE, 1, message)];
    };
    let mut findings = Vec::new();
    for (path, source) in workspace.sources() {
        let code = source.code();
        if rows.iter().any(|row| row.cell(0) == path) {
            continue;
        }
        for at in words(code, "unsafe") {
            let message = format!("`unsafe` here; do without, or list the file in {ARCHITECTURE}");
            findings.push(Finding::failure(path, line_of(code, at), message));
        }
    }
    for row in &rows {
        let path = row.cell(0);
        let source = workspace.source(path);
        if source.is_none_or(|source| words(source.code(), "unsafe").next().is_none()) {
            let message = format!("`{path}` has no `unsafe`; remove the row");
            findings.push(Finding::failure(ARCHITECTURE, row.line, message));
        } else if row.cell(1).is_empty() {
            let message = format!("`{path}` has no reason; write it");
            findings.push(Finding::failure(ARCHITECTURE, row.line, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, rows: &str) -> Vec<String> {
        let table = format!("<!-- {MARKER} -->\n\n| file | why |\n|---|---|\n{rows}");
        let workspace = Workspace::sample(&[("a/src/b.rs", text), (ARCHITECTURE, &table)]);
        check(&workspace).iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
    }

    #[test]
    fn unsafe_code_is_listed() {
        let text = "//! No unsafe\nfn f() {\n    unsafe { g() }\n}\n";
        assert_eq!(found(text, ""), ["a/src/b.rs:3"]);
        assert_eq!(found(text, "| `a/src/b.rs` | an arena |\n"), [""; 0]);
        assert_eq!(found(text, "| `a/src/b.rs` | |\n"), ["ARCHITECTURE.md:5"]);
    }

    #[test]
    fn a_lint_s_name_is_not_unsafe_code() {
        assert_eq!(found("#![forbid(unsafe_code)]\nconst A: &str = \"unsafe\";\n", ""), [""; 0]);
    }

    #[test]
    fn a_row_without_unsafe_code_is_old() {
        assert_eq!(found("", "| `a/src/b.rs` | an arena |\n"), ["ARCHITECTURE.md:5"]);
        assert_eq!(found("", "| `gone.rs` | an arena |\n"), ["ARCHITECTURE.md:5"]);
    }
}
