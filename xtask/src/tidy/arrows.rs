//! Crates depend on each other exactly as the table in ARCHITECTURE.md says.

use std::collections::BTreeMap;

use super::{
    finding::Finding,
    manifest, table,
    workspace::{ARCHITECTURE, Workspace},
};

const MARKER: &str = "tidy: arrows";

/// Compares the table with the manifests, both ways.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(rows) = table::rows(workspace.text(ARCHITECTURE), MARKER) else {
        let message = format!("no table after `<!-- {MARKER} -->`; write it");
        return vec![Finding::failure(ARCHITECTURE, 1, message)];
    };
    let mut findings = Vec::new();
    let mut table = BTreeMap::new();
    for row in &rows {
        let name = row.cell(0);
        if !workspace.crates().iter().any(|member| member.name == name) {
            let message = format!("`{name}` is not a member of the workspace; remove the row");
            findings.push(Finding::failure(ARCHITECTURE, row.line, message));
        }
        if table.insert(name, (row.line, arrows(row.cell(1)))).is_some() {
            let message = format!("`{name}` has two rows; make them one");
            findings.push(Finding::failure(ARCHITECTURE, row.line, message));
        }
    }
    for member in workspace.crates() {
        let manifest = member.manifest();
        let Some((line, allowed)) = table.get(member.name.as_str()) else {
            let message = format!("`{}` has no row in the table of arrows; add it", member.name);
            findings.push(Finding::failure(ARCHITECTURE, 1, message));
            continue;
        };
        let actual = manifest::dependencies(workspace.text(&manifest));
        for found in &actual {
            if !allowed.contains(&found.name.as_str()) {
                let message = format!(
                    "`{}` may not depend on `{}`; remove it, or change the table in {ARCHITECTURE}",
                    member.name, found.name
                );
                findings.push(Finding::failure(&manifest, found.line, message));
            }
        }
        for name in allowed {
            if !actual.iter().any(|found| found.name == *name) {
                let message =
                    format!("`{}` does not depend on `{name}`; remove the arrow", member.name);
                findings.push(Finding::failure(ARCHITECTURE, *line, message));
            }
        }
    }
    findings
}

/// Returns the names in a cell such as `` `lsmer-core`, `lsmer-sync` ``; `-` is none.
fn arrows(cell: &str) -> Vec<&str> {
    let names = cell.split(',').map(|name| name.trim().trim_matches('`'));
    names.filter(|name| !name.is_empty() && *name != "-").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: (&str, &str) = ("lsmer-core/Cargo.toml", "[package]\nname = \"lsmer-core\"\n");

    fn messages(table: &str, wal: &str) -> Vec<String> {
        let table = format!("<!-- {MARKER} -->\n\n| crate | may depend on |\n|---|---|\n{table}");
        let wal = format!("[package]\nname = \"lsmer-wal\"\n{wal}");
        let files = [CORE, ("lsmer-wal/Cargo.toml", wal.as_str()), (ARCHITECTURE, &table)];
        check(&Workspace::sample(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_tables_and_manifests_pass() {
        let table = "| `lsmer-core` | - |\n| `lsmer-wal` | `lsmer-core` |\n";
        let none: [&str; 0] = [];
        assert_eq!(messages(table, "[dependencies]\nlsmer-core.workspace = true\n"), none);
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_fails() {
        let table = "| `lsmer-core` | |\n| `lsmer-wal` | - |\n";
        let found = messages(table, "[dependencies]\nlsmer-core.workspace = true\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("lsmer-wal/Cargo.toml:4: error: `lsmer-wal` may not"));
    }

    #[test]
    fn an_arrow_that_is_not_in_the_manifest_fails() {
        let table = "| `lsmer-core` | - |\n| `lsmer-wal` | `lsmer-core` |\n";
        let found = messages(table, "[dev-dependencies]\nlsmer-core.workspace = true\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("ARCHITECTURE.md:6: error: `lsmer-wal` does not depend"));
    }

    #[test]
    fn rows_and_members_are_the_same() {
        let found = messages("| `lsmer-wal` | - |\n| `lsmer-gone` | - |\n", "");
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_missing_table_fails() {
        assert_eq!(check(&Workspace::sample(&[CORE])).len(), 1);
    }
}
