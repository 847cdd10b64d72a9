//! Values whose column or label in running text says what they are.

use formats::{Raw, Row, Text};
use model::Format;
use recognize::structure::Told;

use super::{HINTS_MAX, LineCounter, Walk};
use crate::inspect::plan::TablePlan;
use crate::inspect::{Inspector, grid};

/// Ranges of bytes of a text, in order.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<(usize, usize)>);

impl Ranges {
    /// Whether `start..end` meets one of them.
    pub(super) fn meet(&self, start: usize, end: usize) -> bool {
        let next = self.0.partition_point(|range| range.1 <= start);
        self.0.get(next).is_some_and(|range| range.0 < end)
    }

    fn push(&mut self, range: (usize, usize)) {
        self.0.push(range);
    }
}

/// What was read of tables and forms in a text.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Values that are settled: nothing else is to be found in them.
    pub values: Ranges,
    /// Lines whose values are of the records of their own.
    pub lines: Ranges,
}

impl Walk<'_> {
    /// Takes the values of tables and forms in `text`.
    pub(super) fn grids(&mut self, text: &Text<'_>, counter: &LineCounter<'_>) -> Read {
        let (inspector, labels) = (self.inspector, &mut self.labels);
        let format = self.stack.last().map_or(Format::Binary, |object| object.format);
        let markup = matches!(format, Format::Html | Format::Xml | Format::Ccda | Format::Fhir);
        let found = grid::lines(text.text, markup, &mut |name| {
            let told = remembered(labels, inspector, name)?;
            Some((told, kind(inspector, told)))
        });
        let mut read = Read::default();
        if found.iter().any(|line| !line.values.is_empty()) {
            self.end_record();
        }
        for line in found {
            if line.values.is_empty() {
                continue;
            }
            read.lines.push(line.range);
            for (told, range) in line.values {
                let value = text.text.get(range.0..range.1).unwrap_or_default();
                let place = |_: &str, _: usize| counter.place(text.text, range.0);
                // Places cost a walk through an encoded text.
                let raw = if inspector.options.spans { whole(text, range) } else { Raw::None };
                if self.told_value(told, value, &raw, "", &place) {
                    read.values.push(range);
                }
            }
            if line.ends_record {
                self.end_record();
            }
        }
        read
    }

    /// Takes the values that stand beside their labels in a row of a form. Returns which cells are settled, a bit each.
    pub(super) fn form_row(&mut self, row: &Row<'_>, table: &mut TablePlan) -> u64 {
        let mut settled = 0;
        for (pair, cells) in row.cells.chunks_exact(2).take(2).enumerate() {
            let [name, value] = cells else { continue };
            let label = grid::can_name(name.value.trim()).then(|| self.label(name.value.trim())).flatten();
            let Some(told) = label.filter(|told| grid::fits(kind(self.inspector, *told), value.value)) else {
                continue;
            };
            if table.labels.contains(&told) {
                // A label comes again: the next one's form.
                self.end_record();
                table.labels.clear();
            }
            table.labels.push(told);
            let column = pair * 2 + 1;
            if self.told_value(told, value.value, &value.raw, "", &|_, _| table.place(row.number, column)) {
                settled |= 0b11 << (pair * 2);
            }
        }
        settled
    }

    fn label(&mut self, name: &str) -> Option<Told> {
        remembered(&mut self.labels, self.inspector, name)
    }
}

fn remembered(
    labels: &mut std::collections::HashMap<String, Option<Told>>,
    inspector: &Inspector,
    name: &str,
) -> Option<Told> {
    if let Some(told) = labels.get(name) {
        return *told;
    }
    let told = inspector.structure.header(name);
    if labels.len() >= HINTS_MAX {
        labels.clear();
    }
    labels.insert(name.to_owned(), told);
    told
}

fn kind(inspector: &Inspector, told: Told) -> Option<model::IdentifierType> {
    match told {
        Told::Meaning(index) | Told::Either { meaning: index, .. } => inspector.structure.meaning(index)?.identifier,
        Told::Recognizer(index) => inspector.engine.recognizer(index).map(|spec| spec.kind),
    }
}

fn whole(text: &Text<'_>, range: (usize, usize)) -> Raw<'static> {
    text.raw.locate(text.text, range.0, range.1).map_or(Raw::None, |(start, end)| Raw::Whole { start, end })
}
