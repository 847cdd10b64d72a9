//! Tables and forms inside running text: Markdown and database shells with bars, columns set with tabs or blanks,
//! rows of HTML and C-CDA tables whose tags were blanked, and lines of labels and values.
//!
//! A line is a header when at least two of its cells, and half of them, are names of columns that the structure maps
//! know; a form has labels in every other cell. Nothing else is taken for a table: text that is merely aligned keeps
//! its context.

use model::IdentifierType;
use recognize::structure::Told;

/// A name of a column or a label takes no more bytes than this.
const NAME_BYTES_MAX: usize = 40;
/// A value of a form takes no more bytes than this.
const VALUE_BYTES_MAX: usize = 80;
/// More cells than this in a line are data.
const CELLS_MAX: usize = 64;

/// What a name of a column or a label says, and the type of its values.
pub(super) type Label = Option<(Told, Option<IdentifierType>)>;

/// A line of a table or form.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it lies in the text.
    pub range: (usize, usize),
    /// Values with what the header or label says of them.
    pub values: Vec<(Told, (usize, usize))>,
    /// The next line describes somebody else.
    pub ends_record: bool,
}

/// How cells are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Tabs,
    Blanks,
}

/// A range of bytes of the text.
type Range = (usize, usize);

/// The tables and forms of `text`, in order. `markup`: tags were blanked, so that a row may take several lines.
/// `label` says what a name means.
pub(super) fn lines(text: &str, markup: bool, label: &mut dyn FnMut(&str) -> Label) -> Vec<Line> {
    let bytes = text.as_bytes();
    let parted = memchr::memchr2(b'|', b'\t', bytes).is_some() || memchr::memmem::find(bytes, b"  ").is_some();
    let mut grids = Grids { text, markup, label, header: None, form: Vec::new(), found: Vec::new() };
    if parted {
        let mut start = 0;
        while start < bytes.len() {
            let end = grids.line_end(start);
            grids.line((start, end));
            start = end + 1;
        }
        grids.end();
    }
    grids.found
}

struct Header {
    style: Style,
    columns: Vec<(usize, Label)>,
}

struct Grids<'a> {
    text: &'a str,
    markup: bool,
    label: &'a mut dyn FnMut(&str) -> Label,
    header: Option<Header>,
    /// Lines of labels and values that follow each other.
    form: Vec<Line>,
    found: Vec<Line>,
}

impl Grids<'_> {
    /// The end of the line, or of the row of blanked markup, that begins at `start`.
    fn line_end(&self, start: usize) -> usize {
        let end_of_line = |from: usize| {
            let rest = self.text.as_bytes().get(from..).unwrap_or_default();
            memchr::memchr(b'\n', rest).map_or(self.text.len(), |at| from + at)
        };
        let mut end = end_of_line(start);
        if !self.markup || self.slice((start, end)).trim().is_empty() && !self.slice((start, end)).contains('\t') {
            return end;
        }
        // Cells may stand on lines of their own.
        while end < self.text.len() {
            let next = end_of_line(end + 1);
            if !self.slice((end + 1, next)).trim_start_matches(' ').starts_with('\t') {
                break;
            }
            end = next;
        }
        end
    }

    fn slice(&self, range: Range) -> &str {
        self.text.get(range.0..range.1).unwrap_or_default()
    }

    fn line(&mut self, range: Range) {
        let line = self.slice(range);
        if line.trim().is_empty() {
            // Where elements end nothing stands: a table of markup ends where words do.
            if !self.markup {
                self.end();
            }
            return;
        }
        if line.trim_start().starts_with(['-', '=', '+', '|', ':']) && is_rule(line) {
            return;
        }
        let Some((style, cells)) = cells(self.text, range, self.markup) else {
            self.end();
            return;
        };
        let in_table = self.header.as_ref().is_some_and(|header| header.style == style);
        if in_table && self.markup && self.begins_table(style, &cells) {
            return;
        }
        if in_table && !self.is_labelled(&cells) {
            self.row(range, &cells);
        } else if !self.begins_table(style, &cells) {
            self.pairs(range, &cells);
        }
    }

    /// Whether a form begins below the table.
    fn is_labelled(&mut self, cells: &[Range]) -> bool {
        let name = cells.first().and_then(|cell| self.text.get(cell.0..cell.1)).unwrap_or_default();
        let labelled = name.ends_with(':') && can_name(name) && (self.label)(name).is_some();
        if labelled {
            self.end();
        }
        labelled
    }

    /// Whether the line names columns, which it then is taken for.
    fn begins_table(&mut self, style: Style, cells: &[Range]) -> bool {
        if cells.len() < 2 || !cells.iter().all(|cell| can_name(self.slice(*cell))) {
            return false;
        }
        let text = self.text;
        let name = |cell: &Range| text.get(cell.0..cell.1).unwrap_or_default();
        let columns: Vec<_> = cells.iter().map(|cell| (cell.0, (self.label)(name(cell)))).collect();
        let told = columns.iter().filter(|column| column.1.is_some()).count();
        if told < 2 || told * 2 < cells.len() {
            return false;
        }
        self.end();
        let line = text.get(..cells.first().map_or(0, |cell| cell.0)).and_then(|before| before.rfind('\n'));
        let line = line.map_or(0, |at| at + 1);
        let columns = columns.into_iter().map(|(at, label)| (at - line, label)).collect();
        self.header = Some(Header { style, columns });
        true
    }

    fn row(&mut self, range: Range, cells: &[Range]) {
        let Some(header) = &self.header else { return };
        let by_place;
        let cells = if cells.len() == header.columns.len() || header.style != Style::Blanks {
            cells
        } else {
            by_place = columns_at(self.text, range, &header.columns);
            &by_place
        };
        let mut values = Vec::new();
        for ((_, label), cell) in header.columns.iter().zip(cells) {
            if let Some((told, kind)) = label
                && fits(*kind, self.text.get(cell.0..cell.1).unwrap_or_default())
            {
                values.push((*told, *cell));
            }
        }
        self.found.push(Line { range, values, ends_record: true });
    }

    /// Takes a line of labels and values.
    fn pairs(&mut self, range: Range, cells: &[Range]) {
        let filled: Vec<Range> = cells.iter().copied().filter(|cell| !self.slice(*cell).is_empty()).collect();
        let mut values = Vec::new();
        if filled.len().is_multiple_of(2) && filled.len() <= 8 {
            for pair in filled.chunks_exact(2) {
                let (Some(name), Some(value)) = (pair.first(), pair.last()) else { continue };
                let text = self.text.get(value.0..value.1).unwrap_or_default();
                let label = self.text.get(name.0..name.1).filter(|name| can_name(name));
                match label.and_then(|name| (self.label)(name)) {
                    Some((told, kind)) if text.len() <= VALUE_BYTES_MAX && fits(kind, text) => {
                        values.push((told, *value));
                    }
                    // Another label stands beside it, or it says nothing.
                    _ => {}
                }
            }
        }
        self.form.push(Line { range, values, ends_record: false });
    }

    /// A blank line, or one without cells: what comes after is something else.
    fn end(&mut self) {
        self.header = None;
        let labelled = self.form.iter().map(|line| line.values.len()).sum::<usize>();
        // One line that merely looks like a label and its value is no form.
        if labelled >= if self.markup { 1 } else { 2 } {
            if let Some(last) = self.form.last_mut() {
                last.ends_record = true;
            }
            self.found.append(&mut self.form);
        }
        self.form.clear();
    }
}

/// The cells of a line without the white space around them; nothing when it has but one.
fn cells(text: &str, range: Range, markup: bool) -> Option<(Style, Vec<Range>)> {
    let line = text.get(range.0..range.1)?;
    let style = if line.contains('\t') {
        Style::Tabs
    } else if markup {
        return None;
    } else if line.contains('|') {
        Style::Bars
    } else if line.trim().contains("  ") {
        Style::Blanks
    } else {
        return None;
    };
    let mut cells = Vec::new();
    let mut cell = |start: usize, end: usize| {
        let whole = line.get(start..end).unwrap_or_default();
        let from = range.0 + start + (whole.len() - whole.trim_start().len());
        cells.push((from, (from + whole.trim().len()).max(from)));
    };
    let mut start = 0;
    match style {
        Style::Bars | Style::Tabs => {
            let mark = if style == Style::Bars { b'|' } else { b'\t' };
            for at in memchr::memchr_iter(mark, line.as_bytes()) {
                cell(start, at);
                start = at + 1;
            }
        }
        Style::Blanks => {
            start = line.len() - line.trim_start().len();
            while let Some(gap) = line.get(start..).and_then(|rest| rest.trim_end().find("  ")) {
                cell(start, start + gap);
                let rest = line.get(start + gap..).unwrap_or_default();
                start += gap + (rest.len() - rest.trim_start_matches(' ').len());
            }
        }
    }
    cell(start, line.len());
    let is_empty = |cell: Option<&Range>| cell.is_some_and(|cell| cell.0 == cell.1);
    // The bars at the ends of a line, and what stands before the first cell of markup, part nothing.
    if (style == Style::Bars || markup) && is_empty(cells.first()) {
        cells.remove(0);
    }
    if style == Style::Bars && is_empty(cells.last()) {
        cells.pop();
    }
    (cells.len() > 1 && cells.len() <= CELLS_MAX).then_some((style, cells))
}

/// What stands below each column, by its place; nothing when a word runs across a column's beginning.
fn columns_at(text: &str, range: Range, columns: &[(usize, Label)]) -> Vec<Range> {
    let line = text.get(range.0..range.1).unwrap_or_default();
    if !line.is_ascii() {
        return Vec::new();
    }
    let mut cells = Vec::with_capacity(columns.len());
    for (number, (start, _)) in columns.iter().enumerate() {
        let start = (*start).min(line.len());
        let end = columns.get(number + 1).map_or(line.len(), |next| next.0.min(line.len()));
        let runs_across = number > 0 && start < line.len() && line.as_bytes().get(start - 1) != Some(&b' ');
        if runs_across {
            return Vec::new();
        }
        let whole = line.get(start..end).unwrap_or_default();
        let from = range.0 + start + (whole.len() - whole.trim_start().len());
        cells.push((from, from + whole.trim().len()));
    }
    cells
}

/// A line of strokes below a header.
fn is_rule(line: &str) -> bool {
    line.contains(['-', '='])
        && line.bytes().all(|byte| matches!(byte, b'-' | b'=' | b'+' | b'|' | b':' | b' ' | b'\t' | b'\r'))
}

/// Whether a cell may be a name at all.
pub(super) fn can_name(cell: &str) -> bool {
    cell.len() <= NAME_BYTES_MAX && cell.chars().next().is_some_and(char::is_alphabetic)
}

/// Whether a value can be what its column or label says. Text has footers and remarks that a file of rows has not.
pub(super) fn fits(kind: Option<IdentifierType>, value: &str) -> bool {
    use IdentifierType as T;
    match kind {
        Some(
            T::Mrn | T::Date | T::Phone | T::Fax | T::UsSsn | T::Account | T::HealthPlanId | T::SubjectId | T::SampleId,
        ) => value.bytes().any(|byte| byte.is_ascii_digit()) && value.split_whitespace().count() <= 4,
        Some(T::Person) => value.split_whitespace().count() <= 6 && value.chars().any(char::is_alphabetic),
        _ => !value.is_empty(),
    }
}
