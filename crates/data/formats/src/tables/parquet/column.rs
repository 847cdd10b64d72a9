//! One column of a row group: its pages decoded into values and those into cells.

use parquet::basic::Type;
use parquet::column::page::Page;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::schema::types::ColumnDescriptor;

use crate::foreign::guarded;
use crate::source::ReadSeek;
use crate::tables::rows::Rows;
use crate::{Problem, ReadError, Reader};

use super::page::{Pages, Queue};
use super::value::{self, Kind};

/// Pages of all columns that are read together, unpacked.
const HELD_BYTES_MAX: usize = 192 << 20;
/// Values of one batch of rows; lists can be long.
const BATCH_VALUES_MAX: usize = 32 << 20;

/// The column's path without the groups that only make lists and maps (LogicalTypes.md, "Nested Types").
pub(super) fn path(column: &ColumnDescriptor) -> String {
    let parts = column.path().parts();
    let mut named: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let next = parts.get(at + 1).map(String::as_str);
        match (part.as_str(), next) {
            ("list", Some("element" | "item")) | ("bag", Some("array_element" | "array")) if at > 0 => at += 2,
            ("key_value" | "map", Some("key" | "value")) if at > 0 => at += 1,
            _ => {
                named.push(part);
                at += 1;
            }
        }
    }
    named.join(".")
}

/// Decoded values by physical type.
enum Values {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A column being read.
pub(super) struct Column {
    path: String,
    /// `None` when it cannot be read any further.
    decoder: Option<ColumnReader>,
    kind: Kind,
    pages: Pages,
    queue: Queue,
    /// All pages were handed to the decoder.
    was_last: bool,
    max_definition: i16,
    is_repeated: bool,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Values,
    /// The next level and value to be shown.
    level: usize,
    value: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
    has_failed: bool,
    /// Values that a damaged page promised and did not give.
    unset: u64,
}

impl Column {
    /// What cannot be read is reported; the column is empty then.
    pub(super) fn open(
        chunk: &ColumnChunkMetaData,
        is_sealed: bool,
        file_bytes: u64,
        reader: &mut Reader<'_, '_>,
    ) -> Result<Self, ReadError> {
        let descriptor = chunk.column_descr();
        let queue = Queue::default();
        let first = |offset: i64| u64::try_from(offset).ok();
        let data = first(chunk.data_page_offset()).unwrap_or(u64::MAX);
        // Some writers put 0 where there is no dictionary.
        let dictionary = chunk.dictionary_page_offset().and_then(first).filter(|at| *at >= 4 && *at < data);
        let start = dictionary.unwrap_or(data);
        let len = u64::try_from(chunk.compressed_size()).unwrap_or(u64::MAX);
        let end = start.saturating_add(len).min(file_bytes);
        let page_bytes_max = reader.limits().whole_bytes_max;
        let decoder = guarded(|| get_column_reader(chunk.column_descr_ptr(), Box::new(queue.clone()))).ok();
        let mut column = Self {
            path: path(descriptor),
            decoder,
            kind: Kind::of(descriptor),
            pages: Pages::new(start, end, chunk.compression(), page_bytes_max),
            queue,
            was_last: false,
            max_definition: descriptor.max_def_level(),
            is_repeated: descriptor.max_rep_level() > 0,
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: Values::of(descriptor.physical_type()),
            level: 0,
            value: 0,
            page_bytes: 0,
            dictionary_bytes: 0,
            has_failed: false,
            unset: 0,
        };
        let problem = if is_sealed {
            Some(Problem::encrypted("is encrypted; decrypt it with its key first"))
        } else if chunk.file_path().is_some_and(|path| !path.is_empty()) {
            Some(Problem::unsupported("lies in another file, which was not opened"))
        } else {
            (start >= file_bytes).then(|| Problem::truncated("lies outside of the file"))
        };
        if let Some(problem) = problem {
            column.fail(problem, reader)?;
        }
        Ok(column)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Bytes of pages that the decoder holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.page_bytes + self.dictionary_bytes
    }

    fn fail(&mut self, problem: Problem, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.has_failed = true;
        self.decoder = None;
        (self.page_bytes, self.dictionary_bytes) = (0, 0);
        reader.problem(Problem::new(problem.kind, format!("column `{}`: {}", self.path, problem.message)))
    }

    /// Makes up to `wanted` rows ready and says how many are. `held`: what all columns hold of pages, in bytes.
    pub(super) fn read(
        &mut self,
        wanted: u64,
        file: &mut dyn ReadSeek,
        held: &mut usize,
        reader: &mut Reader<'_, '_>,
    ) -> Result<u64, ReadError> {
        self.forget_shown();
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        while self.decoder.is_some() && self.ready(wanted) < wanted {
            reader.check()?;
            if let Err(error) = self.advance(wanted, file, held) {
                let problem = error.into_problem().ok_or(crate::Halt)?;
                self.fail(problem, reader)?;
            }
        }
        Ok(self.ready(wanted) as u64)
    }

    fn advance(&mut self, wanted: usize, file: &mut dyn ReadSeek, held: &mut usize) -> Result<(), ReadError> {
        if self.queue.is_empty() && !self.was_last {
            match self.pages.next(file)? {
                Some((page, bytes)) => {
                    let own = match page {
                        Page::DictionaryPage { .. } => &mut self.dictionary_bytes,
                        _ => &mut self.page_bytes,
                    };
                    *held = *held - (*own).min(*held) + bytes;
                    *own = bytes;
                    if *held > HELD_BYTES_MAX {
                        return Err(Problem::limit(format!(
                            "the pages of a row group take more than {HELD_BYTES_MAX} bytes at once; write the file with smaller pages to have it read"
                        ))
                        .into());
                    }
                    self.queue.push(page);
                }
                None => {
                    self.was_last = true;
                    self.queue.end();
                }
            }
        }
        let before = self.definitions.len() + self.repetitions.len() + self.values.len();
        let rows = wanted - self.ready(wanted);
        let outcome = guarded(|| self.decode(rows))?;
        outcome.map_err(|_error| Problem::malformed("its pages are damaged"))?;
        if self.values.len().max(self.definitions.len()) > BATCH_VALUES_MAX {
            return Err(Problem::limit(format!("its rows hold more than {BATCH_VALUES_MAX} values at once")).into());
        }
        let after = self.definitions.len() + self.repetitions.len() + self.values.len();
        if self.was_last && before == after && self.queue.is_empty() {
            self.decoder = None;
        }
        Ok(())
    }

    fn decode(&mut self, rows: usize) -> ParquetResult<()> {
        let definitions = (self.max_definition > 0).then_some(&mut self.definitions);
        let repetitions = self.is_repeated.then_some(&mut self.repetitions);
        match (self.decoder.as_mut(), &mut self.values) {
            (Some(ColumnReader::BoolColumnReader(decoder)), Values::Boolean(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::Int32ColumnReader(decoder)), Values::Int32(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::Int64ColumnReader(decoder)), Values::Int64(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::Int96ColumnReader(decoder)), Values::Int96(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::FloatColumnReader(decoder)), Values::Float(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::DoubleColumnReader(decoder)), Values::Double(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::ByteArrayColumnReader(decoder)), Values::Bytes(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            (Some(ColumnReader::FixedLenByteArrayColumnReader(decoder)), Values::Fixed(values)) => {
                decoder.read_records(rows, definitions, repetitions, values)
            }
            _ => Ok((0, 0, 0)),
        }
        .map(drop)
    }

    /// How many rows are whole, counted up to `wanted`.
    fn ready(&self, wanted: usize) -> usize {
        if !self.is_repeated {
            let levels = if self.max_definition > 0 { self.definitions.len() } else { self.values.len() };
            return levels.min(wanted);
        }
        let begun = self.repetitions.iter().filter(|level| **level == 0).take(wanted.saturating_add(1)).count();
        // The last row may go on, unless nothing follows.
        if self.decoder.is_none() { begun.min(wanted) } else { begun.saturating_sub(1) }
    }

    fn forget_shown(&mut self) {
        if self.max_definition > 0 {
            self.definitions.drain(..self.level.min(self.definitions.len()));
        }
        if self.is_repeated {
            self.repetitions.drain(..self.level.min(self.repetitions.len()));
        }
        self.values.forget(self.value);
        (self.level, self.value) = (0, 0);
    }

    /// The problem of values that a damaged page promised and did not give, if there are any.
    pub(super) fn unset(&self) -> Option<Problem> {
        let (count, path) = (self.unset, &self.path);
        (count > 0)
            .then(|| Problem::malformed(format!("{count} values of the column `{path}` are damaged and were left out")))
    }

    /// Adds the next row's values to the present cell.
    pub(super) fn push_row(&mut self, rows: &mut Rows) {
        loop {
            let is_there = if self.max_definition > 0 {
                match self.definitions.get(self.level) {
                    Some(level) => *level == self.max_definition,
                    None => return,
                }
            } else {
                self.value < self.values.len()
            };
            if is_there {
                if self.values.push(self.value, &self.kind, rows).is_none() {
                    self.unset += 1;
                }
                self.value += 1;
            }
            self.level += 1;
            if !self.is_repeated || self.repetitions.get(self.level).is_none_or(|level| *level == 0) {
                return;
            }
        }
    }
}

impl Values {
    fn of(kind: Type) -> Self {
        match kind {
            Type::BOOLEAN => Self::Boolean(Vec::new()),
            Type::INT32 => Self::Int32(Vec::new()),
            Type::INT64 => Self::Int64(Vec::new()),
            Type::INT96 => Self::Int96(Vec::new()),
            Type::FLOAT => Self::Float(Vec::new()),
            Type::DOUBLE => Self::Double(Vec::new()),
            Type::BYTE_ARRAY => Self::Bytes(Vec::new()),
            Type::FIXED_LEN_BYTE_ARRAY => Self::Fixed(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Boolean(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Int96(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Fixed(values) => values.len(),
        }
    }

    fn forget(&mut self, count: usize) {
        match self {
            Self::Boolean(values) => drop(values.drain(..count.min(values.len()))),
            Self::Int32(values) => drop(values.drain(..count.min(values.len()))),
            Self::Int64(values) => drop(values.drain(..count.min(values.len()))),
            Self::Int96(values) => drop(values.drain(..count.min(values.len()))),
            Self::Float(values) => drop(values.drain(..count.min(values.len()))),
            Self::Double(values) => drop(values.drain(..count.min(values.len()))),
            Self::Bytes(values) => drop(values.drain(..count.min(values.len()))),
            Self::Fixed(values) => drop(values.drain(..count.min(values.len()))),
        }
    }

    fn push(&self, at: usize, kind: &Kind, rows: &mut Rows) -> Option<()> {
        match self {
            Self::Boolean(values) => values.get(at).map(|value| rows.value(if *value { "true" } else { "false" })),
            Self::Int32(values) => values.get(at).map(|value| value::integer(i64::from(*value), 32, kind, rows)),
            Self::Int64(values) => values.get(at).map(|value| value::integer(*value, 64, kind, rows)),
            Self::Int96(values) => {
                set(values.get(at), |value| value.data()).map(|data| rows.value(&value::int96(data)))
            }
            Self::Float(values) => values.get(at).map(|value| rows.value(&value.to_string())),
            Self::Double(values) => values.get(at).map(|value| rows.value(&value.to_string())),
            Self::Bytes(values) => set(values.get(at), |value| value.data()).map(|data| value::bytes(data, kind, rows)),
            Self::Fixed(values) => set(values.get(at), |value| value.data()).map(|data| value::bytes(data, kind, rows)),
        }
    }
}

/// What a value holds. The crate leaves values that a damaged page promised and did not give unset, and panics when they
/// are asked.
fn set<'v, V, D: ?Sized>(value: Option<&'v V>, data: impl FnOnce(&'v V) -> &'v D) -> Option<&'v D> {
    value.and_then(|value| guarded(|| data(value)).ok())
}
