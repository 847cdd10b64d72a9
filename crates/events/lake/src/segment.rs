//! The bytes of a segment: rows as Parquet, in memory, a few thousand at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch, UInt64Array};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::row::{Row, schema};
use crate::{LakeError, columns};

/// Rows of a row group: what a question reads or leaves out at once.
///
/// Ids of objects and versions are kept once a group, so that large groups are small; what a page holds is known besides.
pub const GROUP_ROWS: usize = 512 << 10;
/// Rows that are worked on at a time.
const BATCH_ROWS: usize = 2 << 10;
/// Bytes that are worked on at a time: a row with the record of another product may have 64 KiB.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of a row group while it is written.
const GROUP_BYTES: usize = 48 << 20;
/// A dictionary may grow to this before a column of a group goes on without one.
const DICTIONARY_BYTES_MAX: usize = 16 << 20;
/// Higher levels take several times as long for a few percent.
const ZSTD_LEVEL: i32 = 3;

fn properties() -> Result<WriterProperties, LakeError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
    let mut properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(64));
    for rising in ["index", "time"] {
        let path = ColumnPath::from(rising);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}

/// What is known of the rows of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub rows: u64,
    pub first_ms: i64,
    pub last_ms: i64,
    pub classes: BTreeMap<u32, i64>,
    pub has_details: bool,
}

/// Writes one segment.
pub(crate) struct Writer {
    inner: ArrowWriter<Vec<u8>>,
    facts: Facts,
}

impl Writer {
    pub fn new() -> Result<Self, LakeError> {
        let inner = ArrowWriter::try_new(Vec::new(), schema(), Some(properties()?))?;
        Ok(Self { inner, facts: Facts { first_ms: i64::MAX, last_ms: i64::MIN, ..Facts::default() } })
    }

    /// About how many bytes it has by now.
    pub fn bytes(&self) -> usize {
        self.inner.bytes_written() + self.inner.in_progress_size()
    }

    pub const fn rows(&self) -> u64 {
        self.facts.rows
    }

    /// Adds rows, bound to the checkpoint over `size` entries.
    pub fn push(&mut self, batch: &RecordBatch, size: u64) -> Result<(), LakeError> {
        let mut columns = batch.columns().to_vec();
        let at = schema().index_of("checkpoint")?;
        if let Some(column) = columns.get_mut(at) {
            *column = Arc::new(UInt64Array::from_value(size, batch.num_rows())) as ArrayRef;
        }
        let batch = RecordBatch::try_new(schema(), columns)?;
        self.note(&batch);
        self.inner.write(&batch)?;
        if self.inner.in_progress_size() > GROUP_BYTES {
            self.inner.flush()?;
        }
        Ok(())
    }

    fn note(&mut self, batch: &RecordBatch) {
        let facts = &mut self.facts;
        facts.rows += batch.num_rows() as u64;
        let (Some(times), Some(classes)) = (batch.column_by_name("time"), batch.column_by_name("class_uid")) else {
            return;
        };
        let times = times.as_primitive::<TimestampMillisecondType>().values().iter().copied();
        for (time, class) in times.zip(classes.as_primitive::<UInt32Type>().values().iter().copied()) {
            facts.first_ms = facts.first_ms.min(time);
            facts.last_ms = facts.last_ms.max(time);
            let first = facts.classes.entry(class).or_insert(time);
            *first = time.min(*first);
        }
        facts.has_details |= batch.column_by_name("scope").is_some_and(|scopes| scopes.null_count() < scopes.len());
    }

    pub fn finish(self) -> Result<(Vec<u8>, Facts), LakeError> {
        Ok((self.inner.into_inner()?, self.facts))
    }
}

/// The index of the first row.
pub(crate) fn first_index(batch: &RecordBatch) -> Option<u64> {
    batch.column_by_name("index")?.as_primitive::<UInt64Type>().values().first().copied()
}

/// Rows as batches of a bounded size.
pub(crate) fn batches_of(rows: &[Row]) -> impl Iterator<Item = Result<RecordBatch, LakeError>> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let few = rest.iter().take(BATCH_ROWS).take_while(|row| {
            let is_first = bytes == 0;
            bytes += 1 + row.texts().into_iter().flatten().map(str::len).sum::<usize>();
            is_first || bytes <= BATCH_BYTES
        });
        let (batch, left) = rest.split_at_checked(few.count())?;
        rest = left;
        (!batch.is_empty()).then(|| Ok(columns::to_batch(batch)?))
    })
}

/// The batches of a segment's bytes, of a bounded size.
pub(crate) struct Batches {
    reader: ParquetRecordBatchReader,
    /// What is left of a batch that was too large.
    left: Option<RecordBatch>,
    /// Rows of it that are given at a time.
    few: usize,
}

impl Batches {
    pub fn of(bytes: Vec<u8>) -> Result<Self, LakeError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?;
        Ok(Self { reader: builder.with_batch_size(BATCH_ROWS).build()?, left: None, few: BATCH_ROWS })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = match self.left.take() {
            Some(left) => left,
            None => match self.reader.next()? {
                Ok(batch) => {
                    let bytes = batch.get_array_memory_size().max(1);
                    self.few = (batch.num_rows() * BATCH_BYTES / bytes).clamp(1, BATCH_ROWS);
                    batch
                }
                Err(error) => return Some(Err(error.into())),
            },
        };
        let few = self.few.min(whole.num_rows());
        if few < whole.num_rows() {
            self.left = Some(whole.slice(few, whole.num_rows() - few));
        }
        Some(Ok(whole.slice(0, few)))
    }
}
