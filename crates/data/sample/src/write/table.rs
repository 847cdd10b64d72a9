//! A table, and its delimited form.

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name, at most eight upper-case characters in SAS transport files.
    pub name: &'static str,
    /// What it holds, in words.
    pub label: &'static str,
    /// Whether its values are numbers.
    pub numeric: bool,
}

/// A table: a dataset, a sheet, an export.
#[derive(Debug, Clone)]
pub struct Table {
    /// Dataset or sheet name.
    pub name: &'static str,
    /// What it holds, in words.
    pub label: &'static str,
    /// The columns.
    pub columns: Vec<Column>,
    /// Rows as texts, as many cells as columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of text columns that are named as given.
    pub fn of(name: &'static str, columns: &[&'static str]) -> Self {
        let columns = columns.iter().map(|&name| Column { name, label: name, numeric: false }).collect();
        Self { name, label: name, columns, rows: Vec::new() }
    }

    /// A dataset of `name: label` columns; a `#` before the name marks a number.
    pub fn dataset(name: &'static str, label: &'static str, columns: &[(&'static str, &'static str)]) -> Self {
        let columns = columns
            .iter()
            .map(|&(name, label)| Column { name: name.trim_start_matches('#'), label, numeric: name.starts_with('#') })
            .collect();
        Self { name, label, columns, rows: Vec::new() }
    }

    /// With a separator and a header; cells with separators, quotes or line breaks are quoted (RFC 4180).
    pub fn delimited(&self, separator: char) -> String {
        let mut text = String::new();
        let header: Vec<String> = self.columns.iter().map(|column| column.name.to_owned()).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            for (i, cell) in row.iter().enumerate() {
                if i > 0 {
                    text.push(separator);
                }
                if cell.contains([separator, '"', '\n', '\r']) {
                    text.push('"');
                    text.push_str(&cell.replace('"', "\"\""));
                    text.push('"');
                } else {
                    text.push_str(cell);
                }
            }
            text.push_str("\r\n");
        }
        text
    }
}
