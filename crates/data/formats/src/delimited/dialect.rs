//! Which delimiter, if any, turns a text into a table.

use super::header;
use super::split::{self, Found, Row};

/// How a delimited file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub delimiter: u8,
    /// `\n`, or `\r` in files of old Macs.
    pub line_end: u8,
    /// Lines that begin with `#` are comments.
    pub comments: bool,
    /// So many lines stand above the table: `sep=`, a title.
    pub aside_lines: u64,
    /// The first row names the columns.
    pub header: bool,
}

/// Delimiters, the most usual first. The last three are those of exports from hospital systems and of Hive, whose
/// values may hold any printable sign.
const DELIMITERS: [u8; 7] = [b',', b'\t', b';', b'|', b'^', b'~', 1];
/// Rows that are looked at.
const ROWS_MAX: usize = 300;
/// A title or note above the header takes no more lines than this.
const ASIDE_LINES_MAX: usize = 6;

/// The dialect, if `head` (an object's first bytes, decoded) is a table. `complete`: it is the whole object.
pub(super) fn detect(head: &str, complete: bool) -> Option<Dialect> {
    let line_end = if head.contains('\n') || !head.contains('\r') { b'\n' } else { b'\r' };
    let comments = head.starts_with('#');
    if let Some(delimiter) = told_separator(head) {
        let dialect = Dialect { delimiter, line_end, comments: false, aside_lines: 1, header: false };
        let sample = Sample::new(head, dialect, complete);
        return Some(Dialect {
            header: header::is_header(&sample.rows),
            aside_lines: sample.aside_lines.max(1),
            ..dialect
        });
    }
    let try_one = |delimiter| {
        let dialect = Dialect { delimiter, line_end, comments, aside_lines: 0, header: false };
        let sample = Sample::new(head, dialect, complete);
        sample.judge().map(|(score, header)| (score, Dialect { aside_lines: sample.aside_lines, header, ..dialect }))
    };
    DELIMITERS.into_iter().filter_map(try_one).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, dialect)| dialect)
}

/// Excel's `sep=;` line.
fn told_separator(head: &str) -> Option<u8> {
    let line = head.lines().next()?;
    let rest =
        line.strip_prefix("sep=").or_else(|| line.strip_prefix("\"sep=").map(|rest| rest.trim_end_matches('"')))?;
    match rest.as_bytes() {
        [delimiter] if delimiter.is_ascii_punctuation() || *delimiter == b'\t' => Some(*delimiter),
        _ => None,
    }
}

/// The first rows, split by one delimiter.
struct Sample<'a> {
    delimiter: u8,
    /// Rows from the header on.
    rows: Vec<Vec<&'a str>>,
    aside_lines: u64,
    /// The number of cells that most rows have.
    width: usize,
    /// The share of rows that have it.
    even: f64,
}

impl<'a> Sample<'a> {
    fn new(head: &'a str, dialect: Dialect, complete: bool) -> Self {
        let mut all: Vec<(u64, Vec<&str>)> = Vec::new();
        let mut comment_above = None;
        let (mut rest, mut line, mut found) = (head, 1, Vec::<Found>::new());
        while all.len() < ROWS_MAX
            && let Row::Complete { end, lines } = split::next_row(rest.as_bytes(), &dialect, complete, &mut found)
            && end > 0
        {
            let cells = || found.iter().map(|cell| rest.get(cell.start..cell.end).unwrap_or("")).collect();
            if dialect.comments && rest.starts_with('#') {
                comment_above = all.is_empty().then(|| (line, cells())).or(comment_above);
            } else if !found.is_empty() && line > dialect.aside_lines {
                all.push((line, cells()));
            }
            rest = rest.get(end..).unwrap_or("");
            line += lines;
        }
        let width = usual_width(&all);
        let first = |test: &dyn Fn(&[&str]) -> bool| all.iter().take(ASIDE_LINES_MAX).position(|row| test(&row.1));
        // A spreadsheet fills up the row of a title with empty cells.
        let filled = |row: &[&str]| row.iter().filter(|cell| !cell.trim().is_empty()).count();
        let above = first(&|row| row.len() == width && filled(row) > 1)
            .or_else(|| first(&|row| row.len() == width))
            .unwrap_or(0);
        all.drain(..above);
        // `#chrom⇥start⇥end`: the last comment names the columns.
        if let Some(names) = comment_above
            && names.1.len() == width
            && above == 0
        {
            all.insert(0, names);
        }
        let aside_lines = all.first().map_or(0, |row| row.0 - 1);
        let rows: Vec<_> = all.into_iter().map(|row| row.1).collect();
        let same = rows.iter().filter(|row| row.len() == width).count();
        let even = same as f64 / rows.len().max(1) as f64;
        Self { delimiter: dialect.delimiter, rows, aside_lines, width, even }
    }

    /// How table-like this is, and whether it has a header; `None` when it is not a table.
    fn judge(&self) -> Option<(f64, bool)> {
        if self.width < 2 || self.rows.len() < 2 {
            return None;
        }
        let header = header::is_header(&self.rows);
        let needed = match (header, self.rows.len()) {
            (true, 5..) => 0.7,
            (true, _) => 0.75,
            (false, 5..) => 0.95,
            (false, _) => 1.0,
        };
        if self.even < needed || self.is_code_or_prose(header) || self.is_messages() {
            return None;
        }
        let typed = header::typed_columns(self.rows.get(usize::from(header)..)?, self.width);
        let needed = if self.width == 2 { 2 } else { self.width.div_ceil(2) };
        if !header && typed < needed && !header::is_form(&self.rows) {
            return None;
        }
        let score = self.even * (1.0 + (self.width as f64).ln()) * if header { 1.5 } else { 1.0 };
        Some((score, header))
    }

    /// Whether the rows are segments of HL7 v2 without their message, such as in a log.
    fn is_messages(&self) -> bool {
        let segment = |row: &Vec<&str>| {
            let first = row.first().copied().unwrap_or_default();
            let bars = self.delimiter == b'|' && (first.ends_with("PID") || first.ends_with("MSH"));
            bars || first.contains("PID|") || first.contains("MSH|")
        };
        self.rows.iter().filter(|row| segment(row)).count() * 3 >= self.rows.len()
    }

    fn is_code_or_prose(&self, header: bool) -> bool {
        let rows = self.rows.len() as f64;
        let share = |test: &dyn Fn(&Vec<&str>) -> bool| self.rows.iter().filter(|row| test(row)).count() as f64 / rows;
        // Statements end with their delimiter; Markdown tables begin and end with it; indentation begins with it.
        let ends_empty = share(&|row| row.last().is_some_and(|cell| cell.trim().is_empty()));
        let begins_empty = share(&|row| row.first().is_some_and(|cell| cell.trim().is_empty()));
        if ends_empty > 0.5 && (self.width == 2 || begins_empty > 0.5 || !header) {
            return true;
        }
        if begins_empty > 0.5 && !header {
            return true;
        }
        if share(&|row| looks_like_code(row)) > 0.1 {
            return true;
        }
        // In prose a space follows most commas; in tables hardly any.
        let spaced = share(&|row| row.iter().skip(1).filter(|cell| cell.starts_with(' ')).count() * 2 >= row.len());
        let strict = self.delimiter == b',' || self.delimiter == b';';
        strict && spaced > 0.4 && !(header && self.rows.len() >= 3 && self.even > 0.95)
    }
}

/// Rows with brackets or operators at their ends are code.
fn looks_like_code(row: &[&str]) -> bool {
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return false };
    let (first, last) = (first.trim_start(), last.trim_end());
    last.ends_with(['{', '(', ';', '}', '[', '\\'])
        || first.starts_with(['{', '}', '(', '<', '[', '*'])
        || ["//", "/*", "import ", "from ", "def ", "fn ", "let ", "return ", "if ", "for ", "use ", "pub ", "- "]
            .iter()
            .any(|word| first.starts_with(word))
}

/// The number of cells that most rows have; of equal ones the larger.
fn usual_width(rows: &[(u64, Vec<&str>)]) -> usize {
    let mut widths: Vec<_> = rows.iter().map(|row| row.1.len()).collect();
    widths.sort_unstable();
    widths.chunk_by(|a, b| a == b).max_by_key(|run| run.len()).and_then(|run| run.first().copied()).unwrap_or(0)
}
