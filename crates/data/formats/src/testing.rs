//! A sink that remembers everything as strings, and the proof that reported offsets are true.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use model::Format;

use crate::{Budget, Cell, Column, Escape, Field, Halt, Limits, Member, Problem, Raw, Row, Sink, Source, Table, Text};

/// One value with everything that was said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Value {
    /// Generic path, or the column's name; empty for text.
    pub path: String,
    /// Where, as printed: `line 3`, `Patient.name[0].family`, `row 2 column 1`.
    pub place: String,
    pub value: String,
    pub issuer: String,
    pub kind: String,
    /// The file's byte range of the whole value.
    pub span: Option<(u64, u64)>,
    /// Which record it belongs to, counted from 0.
    pub record: usize,
    /// How deep its object is nested.
    pub depth: usize,
}

/// Remembers everything.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// A line per call, in order.
    pub lines: Vec<String>,
    pub fields: Vec<Value>,
    pub cells: Vec<Value>,
    pub texts: Vec<Value>,
    /// Formats in the order they were told; refinements follow what they refine.
    pub formats: Vec<Format>,
    pub problems: Vec<Problem>,
    /// `name` and `label` of each column of the last table.
    pub columns: Vec<(String, String)>,
    pub tables: usize,
    pub rows: usize,
    own_format: Option<Format>,
    record: usize,
    depth: usize,
    /// When set, every value of the top-level object is proved against these bytes.
    file: Option<Vec<u8>>,
}

impl Recorder {
    /// Reads `bytes` as a top-level object.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self::read_with(Source::bytes(bytes), Limits::default(), None)
    }

    /// Reads `bytes` through a stream that cannot seek and gives at most `step` bytes a time.
    pub(crate) fn read_stream(bytes: &[u8], step: usize) -> Self {
        let source = Source::stream(trickle(bytes, step), None).unwrap();
        Self::read_with(source, Limits::default(), None)
    }

    /// Reads `bytes` and proves that each offset reported for the top-level object is true.
    pub(crate) fn proved(bytes: &[u8]) -> Self {
        Self::read_with(Source::bytes(bytes), Limits::default(), Some(bytes.to_vec()))
    }

    /// Reads with limits of one's own.
    pub(crate) fn read_with(source: Source<'_>, limits: Limits, file: Option<Vec<u8>>) -> Self {
        let mut recorder = Self { file, ..Self::default() };
        let cancelled = AtomicBool::new(false);
        let elapsed = || Duration::ZERO;
        let mut budget = Budget::new(limits, &cancelled, &elapsed);
        crate::read(source, &mut recorder, &mut budget).unwrap();
        recorder
    }

    /// The format told last at the top level.
    pub(crate) fn format(&self) -> Format {
        self.own_format.unwrap()
    }

    /// Values of all fields with this generic path.
    pub(crate) fn values(&self, path: &str) -> Vec<&str> {
        self.fields.iter().filter(|f| f.path == path).map(|f| f.value.as_str()).collect()
    }

    /// The first field with this generic path.
    pub(crate) fn field(&self, path: &str) -> &Value {
        self.fields.iter().find(|f| f.path == path).unwrap_or_else(|| panic!("no field {path}: {:#?}", self.lines))
    }

    /// All text, joined.
    pub(crate) fn text(&self) -> String {
        self.texts.iter().map(|t| t.value.as_str()).collect()
    }

    fn prove(&self, text: &str, raw: &Raw<'_>) -> Option<(u64, u64)> {
        if let (Some(file), 0) = (&self.file, self.depth) {
            prove(file, text, raw);
        }
        raw.locate(text, 0, text.len())
    }
}

impl Sink for Recorder {
    fn format(&mut self, format: Format) -> Result<(), Halt> {
        self.lines.push(format!("format {format:?}"));
        self.formats.push(format);
        if self.depth == 0 {
            self.own_format = Some(format);
        }
        Ok(())
    }

    fn enter(&mut self, member: &Member<'_>) -> Result<(), Halt> {
        self.lines.push(format!("enter {}", member.name));
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self, bytes: u64) -> Result<(), Halt> {
        self.lines.push(format!("leave {bytes}"));
        self.depth -= 1;
        Ok(())
    }

    fn text(&mut self, text: &Text<'_>) -> Result<(), Halt> {
        let span = self.prove(text.text, &text.raw);
        let place = match text.place {
            crate::Place::Line(line) => format!("line {line}"),
            crate::Place::Path(path) => path.to_owned(),
        };
        self.lines.push(format!("text {place}: {}", text.text));
        let (record, depth) = (self.record, self.depth);
        self.texts.push(Value { place, value: text.text.to_owned(), span, record, depth, ..Value::default() });
        Ok(())
    }

    fn table(&mut self, table: &Table<'_>) -> Result<(), Halt> {
        self.columns = table.columns.iter().map(|Column { name, label }| ((*name).into(), (*label).into())).collect();
        self.tables += 1;
        let names: Vec<_> = table.columns.iter().map(|c| c.name).collect();
        self.lines.push(format!("table {:?} {}", table.name, names.join("|")));
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        self.rows += 1;
        let values: Vec<_> = row.cells.iter().map(|c| c.value).collect();
        self.lines.push(format!("row {} {}", row.number, values.join("|")));
        for (at, Cell { value, raw }) in row.cells.iter().enumerate() {
            let span = self.prove(value, raw);
            let path = self.columns.get(at).map(|c| c.0.clone()).unwrap_or_default();
            let place = format!("row {} column {}", row.number, at + 1);
            let (record, depth) = (self.record, self.depth);
            self.cells.push(Value { path, place, value: (*value).into(), span, record, depth, ..Value::default() });
        }
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), Halt> {
        assert!(!field.value.is_empty(), "empty values are not reported");
        let span = self.prove(field.value, &field.raw);
        let place = match field.place {
            crate::Place::Line(line) => format!("line {line}"),
            crate::Place::Path(path) => path.to_owned(),
        };
        self.lines.push(format!("field {} = {}", field.path, field.value));
        self.fields.push(Value {
            path: field.path.into(),
            place,
            value: field.value.into(),
            issuer: field.qualifiers.issuer.into(),
            kind: field.qualifiers.kind.into(),
            span,
            record: self.record,
            depth: self.depth,
        });
        Ok(())
    }

    fn record(&mut self) -> Result<(), Halt> {
        self.record += 1;
        self.lines.push("record".into());
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        self.lines.push(format!("problem {} {problem}", problem.kind.code()));
        self.problems.push(problem);
        Ok(())
    }
}

/// The bytes at the reported offsets must decode to the value, and so must those of each word in it.
fn prove(file: &[u8], text: &str, raw: &Raw<'_>) {
    let at = |range: Option<(u64, u64)>| {
        let (start, end) = range.unwrap();
        file.get(start as usize..end as usize)
            .unwrap_or_else(|| panic!("{start}..{end} lies outside of the file, value {text:?}"))
    };
    let same = |from: usize, to: usize| {
        let bytes = at(raw.locate(text, from, to));
        let want = &text[from..to];
        match raw {
            Raw::Verbatim { .. } => assert_eq!(String::from_utf8_lossy(bytes), want),
            Raw::Encoded { encoding, .. } if from == 0 || *encoding != encoding_rs::ISO_2022_JP => {
                assert_eq!(encoding.decode_without_bom_handling(bytes).0, want);
            }
            Raw::Escaped { escape, .. } => assert_eq!(unescape(&String::from_utf8_lossy(bytes), *escape), want),
            _ => {}
        }
    };
    if matches!(raw, Raw::None) {
        return;
    }
    // Tags are blanked: the words stay where they are, the whole differs.
    let blanked = at(raw.locate(text, 0, text.len())).contains(&b'<');
    if !blanked {
        same(0, text.len());
    }
    let mut from = 0;
    for word in text.split([' ', '\n', '\t']).take(2000) {
        same(from, from + word.len());
        from += word.len() + 1;
    }
}

fn unescape(raw: &str, escape: Escape) -> String {
    match escape {
        Escape::Csv => raw.replace("\"\"", "\""),
        Escape::Hl7 => [
            ("\\F\\", "|"),
            ("\\S\\", "^"),
            ("\\T\\", "&"),
            ("\\R\\", "~"),
            ("\\.br\\", "\n"),
            ("\\X0D\\", "\r"),
            ("\\X41\\", "A"),
            ("\\H\\", ""),
            ("\\N\\", ""),
            ("\\E\\", "\\"),
        ]
        .iter()
        .fold(raw.to_owned(), |text, (from, to)| text.replace(from, to)),
        Escape::Json => serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|e| panic!("{e}: {raw:?}")),
        Escape::Xml => {
            let mut out = String::new();
            crate::markup::decode(raw, &mut out);
            out
        }
    }
}

/// A stream over `bytes` that gives at most `step` of them a time.
pub(crate) fn trickle(bytes: &[u8], step: usize) -> impl std::io::Read {
    Trickle { bytes, step }
}

struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.step.min(self.bytes.len()).min(into.len());
        into[..n].copy_from_slice(&self.bytes[..n]);
        self.bytes = &self.bytes[n..];
        Ok(n)
    }
}

/// The shared corpora's folder below `corpora`, or `None` (said aloud) where it is missing outside of CI.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus `{folder}` is missing");
    eprintln!("skipped: the corpus `{folder}` is not here");
    None
}

/// Every prefix of `bytes` is read without a panic or a hang; each offset it reports must be true.
pub(crate) fn survives_truncation(bytes: &[u8]) {
    for end in 0..bytes.len() {
        Recorder::proved(&bytes[..end]);
    }
}
