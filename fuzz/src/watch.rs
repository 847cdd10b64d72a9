//! A sink that keeps nothing and checks what every reader promises.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Field, Halt, Limits, Member, Problem, Raw, Row, Sink, Source, Table, Text};
use model::Format;

/// Text arrives in windows of about 1 MiB; nothing may be far larger.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Checks that members nest, that offsets lie in the file, and that rows follow a table.
pub struct Watch {
    file_bytes: u64,
    depth: usize,
    formats_told: Vec<bool>,
    in_table: Vec<bool>,
}

impl Watch {
    fn new(file_bytes: u64) -> Self {
        Self { file_bytes, depth: 0, formats_told: vec![false], in_table: vec![false] }
    }

    fn check(&self, value: &str, raw: &Raw<'_>) {
        assert!(value.len() <= TEXT_BYTES_MAX, "a value of {} bytes", value.len());
        if self.depth > 0 {
            return;
        }
        if let Some((start, end)) = raw.locate(value, 0, value.len()) {
            assert!(start <= end && end <= self.file_bytes, "{start}..{end} of {} bytes", self.file_bytes);
        }
    }
}

impl Sink for Watch {
    fn format(&mut self, _format: Format) -> Result<(), Halt> {
        if let Some(told) = self.formats_told.last_mut() {
            *told = true;
        }
        Ok(())
    }

    fn enter(&mut self, _member: &Member<'_>) -> Result<(), Halt> {
        self.depth += 1;
        self.formats_told.push(false);
        self.in_table.push(false);
        Ok(())
    }

    fn leave(&mut self, _bytes: u64) -> Result<(), Halt> {
        assert!(self.depth > 0, "a member ends that did not begin");
        self.depth -= 1;
        assert_eq!(self.formats_told.pop(), Some(true), "a member without a format");
        self.in_table.pop();
        Ok(())
    }

    fn text(&mut self, text: &Text<'_>) -> Result<(), Halt> {
        self.check(text.text, &text.raw);
        Ok(())
    }

    fn table(&mut self, _table: &Table<'_>) -> Result<(), Halt> {
        if let Some(in_table) = self.in_table.last_mut() {
            *in_table = true;
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        assert_eq!(self.in_table.last(), Some(&true), "a row before its table");
        for cell in row.cells {
            self.check(cell.value, &cell.raw);
        }
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), Halt> {
        self.check(field.value, &field.raw);
        Ok(())
    }

    fn record(&mut self) -> Result<(), Halt> {
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        assert!(!problem.to_string().is_empty(), "a problem without a message");
        Ok(())
    }
}

/// Limits small enough that a hostile input of a few kilobytes meets every one of them.
pub fn limits() -> Limits {
    Limits {
        depth_max: 4,
        members_max: 1_000,
        expanded_bytes_max: 32 << 20,
        expansion_free_bytes: 4 << 20,
        whole_bytes_max: 8 << 20,
        value_bytes_max: 1 << 20,
        ..Limits::default()
    }
}

/// Reads `bytes` as `format`, or as what they look like.
pub fn read(format: Option<Format>, bytes: &[u8]) {
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(limits(), &cancelled, &elapsed);
    let mut watch = Watch::new(bytes.len() as u64);
    let source = Source::bytes(bytes);
    let outcome = match format {
        Some(format) => formats::read_as(format, source, &mut watch, &mut budget),
        None => formats::read(source, &mut watch, &mut budget),
    };
    assert!(outcome.is_ok(), "the walk stopped although nobody stopped it");
    assert_eq!(watch.depth, 0, "a member that does not end");
}
