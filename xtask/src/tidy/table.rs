//! Markdown tables that tidy reads: the one that follows a marker comment.

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its cells, without white space and backticks at their ends.
    pub(crate) cells: Vec<String>,
    /// The line, from 1.
    pub(crate) line: usize,
}

impl Row {
    /// Returns a cell; empty if the row is too short.
    pub(crate) fn cell(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", String::as_str)
    }
}

/// Returns the rows below the heading of the table that follows `<!-- marker -->`.
pub(crate) fn rows(text: &str, marker: &str) -> Option<Vec<Row>> {
    let marker = format!("<!-- {marker} -->");
    let mut lines = text.lines().enumerate();
    lines.find(|(_, line)| line.trim() == marker)?;
    let table = lines
        .skip_while(|(_, line)| line.trim().is_empty())
        .take_while(|(_, line)| line.trim().starts_with('|'))
        .skip(2);
    Some(table.map(|(index, line)| Row { cells: cells(line), line: index + 1 }).collect())
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|');
    line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_table_is_read() {
        let text = "| a |\n|---|\n| no |\n\n<!-- tidy: x -->\n\n| a | b |\n|---|---|\n| `c` | d e |\n\n| no |";
        let rows = rows(text, "tidy: x").unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].cell(0), rows[0].cell(1), rows[0].cell(2)), ("c", "d e", ""));
        assert_eq!(rows[0].line, 9);
    }

    #[test]
    fn a_missing_marker_is_not_an_empty_table() {
        assert_eq!(rows("| a |\n|---|\n", "tidy: x"), None);
        assert_eq!(rows("<!-- tidy: x -->\n| a |\n|---|\n", "tidy: x"), Some(Vec::new()));
    }
}
