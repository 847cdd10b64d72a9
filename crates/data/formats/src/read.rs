//! The walk: recognise an object, read it with its reader, open its members, and report to the sink.

use std::ops::Range;

use model::Format;

use crate::clinical::hl7::embedded::{self, Embedded};
use crate::{
    Budget, Field, Limits, Member, Place, Problem, Raw, ReadError, Row, Sink, Source, Table, Text, Vocabulary, archive,
    binary, budget::Meter, chemistry, clinical, delimited, detect, genomics, image, mail, office, tables, text, tree,
    trial,
};

/// What a reader holds: the sink it reports to, the budget it draws on, and how deep it is nested.
pub struct Reader<'r, 'b> {
    sink: &'r mut dyn Sink,
    budget: &'r mut Budget<'b>,
    depth: u8,
    held_bytes: usize,
    part: Option<Part>,
}

/// Where a part of the present object lies that is read as if it were a whole text.
pub(crate) enum Part {
    /// It stands in the file as it is read.
    Verbatim {
        /// File offset of its first byte.
        offset: u64,
        /// 1-based line on which it begins.
        line: u64,
    },
    /// It was decoded from the file's bytes: only its place is known.
    Decoded {
        /// Its place in the format's own terms.
        place: String,
    },
}

/// Reads one top-level object and everything nested in it. What cannot be read is reported to the sink as a
/// problem of the object it belongs to.
///
/// # Errors
/// Only when the walk was stopped, by the sink or by cancellation.
pub fn read(source: Source<'_>, sink: &mut dyn Sink, budget: &mut Budget<'_>) -> Result<(), crate::Halt> {
    budget.begin(source.len());
    let mut reader = Reader { sink, budget, depth: 0, held_bytes: 0, part: None };
    reader.object(source)
}

/// Reads one top-level object whose format is known already, such as by whoever stored it. Nested objects are recognised
/// by content as always.
///
/// # Errors
/// As [`read`].
pub fn read_as(
    format: Format,
    source: Source<'_>,
    sink: &mut dyn Sink,
    budget: &mut Budget<'_>,
) -> Result<(), crate::Halt> {
    budget.begin(source.len());
    let mut reader = Reader { sink, budget, depth: 0, held_bytes: 0, part: None };
    reader.object_as(format, source)
}

/// Lets `read` report to `sink` as a reader does.
#[cfg(test)]
pub(crate) fn with_reader(
    sink: &mut dyn Sink,
    budget: &mut Budget<'_>,
    read: impl FnOnce(&mut Reader<'_, '_>) -> Result<(), ReadError>,
) {
    let mut reader = Reader { sink, budget, depth: 0, held_bytes: 0, part: None };
    read(&mut reader).unwrap();
}

impl<'b> Reader<'_, 'b> {
    /// The limits in force.
    pub(crate) fn limits(&self) -> &Limits {
        self.budget.limits()
    }

    /// Counts expanded bytes; see [`Budget::expanded`].
    pub(crate) fn expanded(&mut self, bytes: u64, out_so_far: u64, compressed: Option<u64>) -> Result<(), ReadError> {
        Ok(self.budget.expanded(bytes, out_so_far, compressed)?)
    }

    /// A handle on the budget for streams that expand while members are read.
    pub(crate) fn meter(&self) -> Meter<'b> {
        self.budget.meter()
    }

    /// How deep the present object is nested; 0 for the top-level object.
    pub(crate) fn depth(&self) -> u8 {
        self.depth
    }

    /// Checks cancellation and time. To be called about once a megabyte or thousand records.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        self.budget.check()
    }

    /// How many bytes the present object may hold whole, beside what its containers hold already.
    pub(crate) fn room_to_hold(&self) -> usize {
        let each = self.limits().whole_bytes_max;
        each.saturating_mul(2).saturating_sub(self.held_bytes).min(each)
    }

    /// Says that a container holds `bytes` while its members are read.
    pub(crate) fn holds(&mut self, bytes: usize) {
        self.held_bytes += bytes;
    }

    /// Says that it holds them no longer.
    pub(crate) fn releases(&mut self, bytes: usize) {
        self.held_bytes -= bytes;
    }

    /// Refines the format that was detected.
    pub(crate) fn format(&mut self, format: Format) -> Result<(), ReadError> {
        Ok(self.sink.format(format)?)
    }

    /// Lets `read` read a part of the present object: the places of texts and fields it reports become the object's.
    pub(crate) fn part(
        &mut self,
        part: Part,
        read: impl FnOnce(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let outer = self.part.replace(part);
        let outcome = read(self);
        self.part = outer;
        outcome
    }

    /// Reads HL7 messages that stand in `text` as a part of the present object.
    fn messages(&mut self, text: &str, raw: Raw<'_>, messages: &[Range<usize>]) -> Result<(), ReadError> {
        let raw = match &self.part {
            None => raw,
            Some(Part::Verbatim { offset, .. }) => raw.shifted(*offset),
            Some(Part::Decoded { .. }) => Raw::None,
        };
        for range in messages {
            let message = embedded::message(text, range);
            let mut sink = Embedded { sink: &mut *self.sink, text, raw, at: range.start };
            let mut reader = Reader {
                sink: &mut sink,
                budget: &mut *self.budget,
                depth: self.depth,
                held_bytes: self.held_bytes,
                part: None,
            };
            clinical::read(Format::Hl7, Source::bytes(message.as_bytes()), &mut reader)?;
        }
        Ok(())
    }

    pub(crate) fn text(&mut self, text: &Text<'_>) -> Result<(), ReadError> {
        if text.text.is_empty() {
            return Ok(());
        }
        let (place, raw) = located(self.part.as_ref(), text.place, text.raw);
        let messages = embedded::find(text.text);
        if messages.is_empty() {
            return Ok(self.sink.text(&Text { place, raw, ..*text })?);
        }
        let rest = without(text.text, &messages, &raw);
        self.sink.record()?;
        for message in messages {
            self.messages(text.text, text.raw, &[message])?;
            self.sink.record()?;
        }
        let (place, raw) = located(self.part.as_ref(), text.place, text.raw);
        Ok(self.sink.text(&Text { text: &rest, place, raw, last: text.last })?)
    }

    pub(crate) fn table(&mut self, table: &Table<'_>) -> Result<(), ReadError> {
        Ok(self.sink.table(table)?)
    }

    pub(crate) fn row(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let messages: Vec<_> = row.cells.iter().map(|cell| embedded::find(cell.value)).collect();
        if messages.iter().all(Vec::is_empty) {
            return Ok(self.sink.row(row)?);
        }
        let mut cells = row.cells.to_vec();
        for (cell, messages) in cells.iter_mut().zip(&messages).filter(|(_, messages)| !messages.is_empty()) {
            self.messages(cell.value, cell.raw, messages)?;
            cell.value = "";
        }
        // The row's other cells describe whom the message describes.
        Ok(self.sink.row(&Row { number: row.number, cells: &cells })?)
    }

    pub(crate) fn field(&mut self, field: &Field<'_>) -> Result<(), ReadError> {
        if field.value.is_empty() {
            return Ok(());
        }
        let (place, raw) = located(self.part.as_ref(), field.place, field.raw);
        if field.vocabulary != Vocabulary::Hl7
            && let messages = embedded::find(field.value)
            && !messages.is_empty()
        {
            let rest = without(field.value, &messages, &raw);
            self.messages(field.value, field.raw, &messages)?;
            let (place, raw) = located(self.part.as_ref(), field.place, field.raw);
            return Ok(self.sink.field(&Field { place, raw, value: &rest, ..*field })?);
        }
        Ok(self.sink.field(&Field { place, raw, ..*field })?)
    }

    pub(crate) fn record(&mut self) -> Result<(), ReadError> {
        Ok(self.sink.record()?)
    }

    /// Reports a problem of the present object and lets its reader go on.
    pub(crate) fn problem(&mut self, problem: Problem) -> Result<(), ReadError> {
        Ok(self.sink.problem(problem)?)
    }

    /// Opens a nested object. Its own problems are reported as its own; only a stop or a used-up budget comes back.
    pub(crate) fn member(&mut self, member: &Member<'_>, source: Source<'_>) -> Result<(), ReadError> {
        self.budget.member()?;
        self.sink.enter(member)?;
        let tally = source.tally();
        let declared = source.len().or(member.len);
        if self.depth >= self.limits().depth_max {
            let depth = self.limits().depth_max;
            self.sink.format(Format::Binary)?;
            self.sink.problem(Problem::limit(format!(
                "nested deeper than {depth}; unpack it first or raise `limits.depth_max`"
            )))?;
        } else {
            self.depth += 1;
            let part = self.part.take();
            let outcome = self.object(source);
            self.part = part;
            self.depth -= 1;
            outcome?;
        }
        self.sink.leave(tally.len(declared))?;
        Ok(())
    }

    /// Reports a nested object that cannot be opened at all.
    pub(crate) fn unreadable_member(&mut self, member: &Member<'_>, problem: Problem) -> Result<(), ReadError> {
        self.budget.member()?;
        self.sink.enter(member)?;
        self.sink.format(Format::Binary)?;
        self.sink.problem(problem)?;
        self.sink.leave(0)?;
        Ok(())
    }

    fn object(&mut self, source: Source<'_>) -> Result<(), crate::Halt> {
        let format = detect(source.head(), source.is_complete());
        self.object_as(format, source)
    }

    fn object_as(&mut self, format: Format, source: Source<'_>) -> Result<(), crate::Halt> {
        self.sink.format(format)?;
        if source.is_empty() {
            return Ok(());
        }
        match dispatch(format, source, self) {
            Ok(()) => Ok(()),
            Err(error) => match error.into_problem() {
                Some(problem) => self.sink.problem(problem),
                None => Err(crate::Halt),
            },
        }
    }
}

/// `text` with the messages in it blanked, unless its places are worked out from its characters.
fn without(text: &str, messages: &[Range<usize>], raw: &Raw<'_>) -> String {
    if matches!(raw, Raw::Encoded { .. }) {
        return text.to_owned();
    }
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for message in messages {
        rest.push_str(text.get(from..message.start).unwrap_or_default());
        let blank = |byte: u8| if matches!(byte, b'\r' | b'\n') { char::from(byte) } else { ' ' };
        rest.extend(text.as_bytes().get(message.clone()).unwrap_or_default().iter().map(|byte| blank(*byte)));
        from = message.end;
    }
    rest.push_str(text.get(from..).unwrap_or_default());
    rest
}

/// The place in the object of what lies at `place` in a part of it.
fn located<'t>(part: Option<&'t Part>, place: Place<'t>, raw: Raw<'t>) -> (Place<'t>, Raw<'t>) {
    match (part, place) {
        (None, _) => (place, raw),
        (Some(Part::Verbatim { offset, line }), Place::Line(inner)) => {
            (Place::Line(inner + line.saturating_sub(1)), raw.shifted(*offset))
        }
        (Some(Part::Verbatim { offset, .. }), Place::Path(_)) => (place, raw.shifted(*offset)),
        (Some(Part::Decoded { place }), _) => (Place::Path(place), Raw::None),
    }
}

fn dispatch(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    use Format as F;
    match format {
        F::Text => text::read(source, reader),
        F::Csv => delimited::read(source, reader),
        F::Json | F::Ndjson | F::Xml | F::Html => tree::read(format, source, reader),
        F::Hl7 | F::Fhir | F::Ccda | F::Dicom => clinical::read(format, source, reader),
        F::Xpt | F::DatasetJson | F::Odm => trial::read(format, source, reader),
        F::Vcf | F::Bcf | F::Sam | F::Bam | F::Cram | F::Fasta | F::Fastq | F::Gff | F::Bed => {
            genomics::read(format, source, reader)
        }
        F::Sdf | F::Smiles | F::Pdb => chemistry::read(format, source, reader),
        F::Xlsx | F::Xls | F::Ods | F::Docx | F::Pptx | F::Odt | F::Pdf | F::Rtf => {
            office::read(format, source, reader)
        }
        F::Eml | F::Mbox => mail::read(format, source, reader),
        F::Parquet | F::Arrow | F::Sqlite => tables::read(format, source, reader),
        F::Image => image::read(source, reader),
        F::Zip | F::Tar | F::Gzip | F::Zstd | F::Xz | F::Bzip2 | F::SevenZip => archive::read(format, source, reader),
        F::Binary => binary::read(source, reader),
    }
}
