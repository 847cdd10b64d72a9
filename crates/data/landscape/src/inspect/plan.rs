//! What each column of a table is, decided once from its header.

use formats::{Table, Vocabulary};
use recognize::engine::Hint;
use recognize::structure::Told;

use super::Inspector;

/// How the cells of a column are treated.
pub(super) enum ColumnPlan {
    /// The header says what they are.
    Told(Told),
    /// They are searched, with the header's words as context.
    Search(Hint),
}

/// The plan of a table, with what places need.
pub(super) struct TablePlan {
    pub name: String,
    pub style: formats::TableStyle,
    pub headers: Vec<String>,
    pub columns: Vec<ColumnPlan>,
    /// No header says what a column is, and there are few of them: each row may hold a label and its value.
    pub may_be_form: bool,
    /// Labels of the present record, where this is a form.
    pub labels: Vec<Told>,
}

/// A form has no more columns than two labels and their values take.
const FORM_COLUMNS_MAX: usize = 4;

impl TablePlan {
    pub(super) fn new(inspector: &Inspector, table: &Table<'_>) -> Self {
        let columns: Vec<_> = table.columns.iter().map(|column| plan(inspector, table, column)).collect();
        let told = columns.iter().any(|column| matches!(column, ColumnPlan::Told(_)));
        Self {
            may_be_form: !told && columns.len() <= FORM_COLUMNS_MAX,
            labels: Vec::new(),
            name: table.name.to_owned(),
            style: table.style,
            headers: table.columns.iter().map(|column| column.name.to_owned()).collect(),
            columns,
        }
    }

    /// The place of a cell in the format's own terms.
    pub(super) fn place(&self, row: u64, column: usize) -> String {
        let header = self.headers.get(column).map_or("", String::as_str);
        match self.style {
            formats::TableStyle::Delimited if header.is_empty() => format!("line {row}, column {}", column + 1),
            formats::TableStyle::Delimited => format!("line {row}, {header}"),
            formats::TableStyle::Sheet => format!("{}!{}{row}", self.name, letters(column)),
            formats::TableStyle::Dataset if self.name.is_empty() => format!("{header}[{row}]"),
            formats::TableStyle::Dataset => format!("{}.{header}[{row}]", self.name),
        }
    }
}

fn plan(inspector: &Inspector, table: &Table<'_>, column: &formats::Column<'_>) -> ColumnPlan {
    let structure = &inspector.structure;
    let told = if table.vocabulary == Vocabulary::Cdisc {
        structure.path("cdisc", &format!("{}.{}", table.name, column.name), "", "")
    } else {
        None
    };
    let told = told
        .or_else(|| structure.header(column.name))
        .or_else(|| if column.label.is_empty() { None } else { structure.header(column.label) });
    match told {
        Some(told) => ColumnPlan::Told(told),
        None => ColumnPlan::Search(inspector.engine.hint(&column.name.replace('_', " "))),
    }
}

/// `A`, `B`, …, `Z`, `AA`, …
fn letters(column: usize) -> String {
    let mut number = column + 1;
    let mut letters = Vec::new();
    while number > 0 {
        letters.push(char::from(b'A' + u8::try_from((number - 1) % 26).unwrap_or(0)));
        number = (number - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_lettered_as_in_sheets() {
        assert_eq!(letters(0), "A");
        assert_eq!(letters(25), "Z");
        assert_eq!(letters(26), "AA");
        assert_eq!(letters(701), "ZZ");
        assert_eq!(letters(702), "AAA");
    }
}
