//! Apache Parquet (parquet-format 2.11): row groups in batches of rows, a page a column in memory.
//!
//! Pages are found, bounded and decompressed here; their encodings are the `parquet` crate's. It gives up by
//! panicking on some damage, and takes sizes from the footer on trust: the footer is looked through before.

mod column;
mod footer;
mod page;
mod thrift;
mod value;

use std::io::{Read as _, Seek as _, SeekFrom};

use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::foreign::guarded;
use crate::source::ReadSeek;
use crate::{Field, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

use super::rows::Rows;
use column::Column;

/// Rows of a batch hold about so many bytes.
const BATCH_BYTES: u64 = 4 << 20;
const BATCH_ROWS_MAX: u64 = 4096;
/// A column's page and dictionary are about so large where its chunk is not smaller.
const PAGES_BYTES: u64 = 2 << 20;
/// Columns that are read together have pages of about so many bytes; a wider row group is read in several tables.
const COLUMNS_BYTES: u64 = 96 << 20;
/// What a column's decoder takes beside its pages.
const DECODER_BYTES: u64 = 64 << 10;

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut file = source.into_seek(reader.room_to_hold())?;
    let footer = footer::read(&mut *file)?;
    let (metadata, sealed) = footer::decode(&footer, reader.limits().nesting_max)?;
    let labels = report_metadata(&metadata, reader)?;
    let packed = file.seek(SeekFrom::End(0))?;
    let mut table = File { file, packed, reader, first_row: 1, labels };
    let mut sealed = sealed.into_iter();
    for group in metadata.row_groups() {
        let sealed: Vec<bool> = sealed.by_ref().take(group.num_columns()).collect();
        table.row_group(group, &sealed)?;
    }
    if metadata.num_row_groups() == 0 {
        let columns = metadata.file_metadata().schema_descr().columns();
        Rows::open("", columns.iter().map(|column| column::path(column)).collect(), &table.labels, table.reader)?;
    }
    Ok(())
}

/// Reports the file's own key-value pairs; gives the columns' labels where the Arrow schema among them has some.
fn report_metadata(metadata: &ParquetMetaData, reader: &mut Reader<'_, '_>) -> Result<Vec<String>, ReadError> {
    let file = metadata.file_metadata();
    let mut labels = Vec::new();
    for pair in file.key_value_metadata().into_iter().flatten() {
        let value = pair.value.as_deref().unwrap_or_default();
        if pair.key == "ARROW:schema" {
            let schema = crate::clinical::base64::decode(value)
                .and_then(|bytes| guarded(|| super::arrow::schema::from_message(&bytes)).ok().flatten());
            if let Some(schema) = schema {
                super::arrow::schema::report_columns(&schema, reader)?;
                let described = super::arrow::schema::labels(&schema);
                if described.len() == file.schema_descr().num_columns() {
                    labels = described;
                }
            }
            continue;
        }
        field(&pair.key, value, reader)?;
    }
    field("created_by", file.created_by().unwrap_or_default(), reader)?;
    Ok(labels)
}

/// A property of the file.
pub(super) fn field(key: &str, value: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let place = format!("metadata `{key}`");
    reader.field(&Field {
        vocabulary: Vocabulary::Document,
        path: key,
        place: Place::Path(&place),
        value,
        raw: Raw::None,
        qualifiers: Qualifiers::default(),
    })
}

struct File<'a, 'w, 'r, 'b> {
    file: Box<dyn ReadSeek + 'a>,
    /// The file's length in bytes.
    packed: u64,
    reader: &'w mut Reader<'r, 'b>,
    /// Number of the row group's first row.
    first_row: u64,
    labels: Vec<String>,
}

impl File<'_, '_, '_, '_> {
    fn row_group(&mut self, group: &RowGroupMetaData, sealed: &[bool]) -> Result<(), ReadError> {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let size = |at: usize| group.columns().get(at).and_then(|chunk| u64::try_from(chunk.uncompressed_size()).ok());
        let mut first = 0;
        while first < group.num_columns() {
            let mut end = first;
            let mut bytes = 0;
            while end < group.num_columns() && (end == first || bytes < COLUMNS_BYTES) {
                bytes += size(end).unwrap_or(PAGES_BYTES).min(PAGES_BYTES) + DECODER_BYTES;
                end += 1;
            }
            self.columns(group, first..end, sealed, rows)?;
            first = end;
        }
        self.first_row += rows;
        Ok(())
    }

    /// Reads some columns of a row group, as a table of its own.
    fn columns(
        &mut self,
        group: &RowGroupMetaData,
        range: std::ops::Range<usize>,
        sealed: &[bool],
        rows: u64,
    ) -> Result<(), ReadError> {
        let chunks = group.columns().get(range.clone()).unwrap_or_default();
        let labels = self.labels.get(range.clone()).unwrap_or_default().to_vec();
        let mut columns = Vec::with_capacity(chunks.len());
        for (chunk, at) in chunks.iter().zip(range) {
            let is_sealed = sealed.get(at).copied().unwrap_or_default();
            columns.push(Column::open(chunk, is_sealed, self.packed, self.reader)?);
        }
        let names = chunks.iter().map(|chunk| column::path(chunk.column_descr())).collect();
        let mut table = Rows::open("", names, &labels, self.reader)?;
        let row_bytes = chunks.iter().filter_map(|chunk| u64::try_from(chunk.uncompressed_size()).ok()).sum::<u64>();
        let batch = (BATCH_BYTES / (row_bytes / rows.max(1)).max(1)).clamp(1, BATCH_ROWS_MAX);
        let mut done = 0;
        while done < rows {
            let wanted = batch.min(rows - done);
            // A row group may say that it has more rows than its file could hold.
            self.reader.expanded(wanted.saturating_mul(chunks.len().max(1) as u64), done, None)?;
            let mut held = columns.iter().map(Column::held_bytes).sum();
            let mut read = 0;
            for column in &mut columns {
                read = read.max(column.read(wanted, &mut *self.file, &mut held, self.reader)?);
            }
            if read == 0 {
                if columns.iter().all(|column| !column.has_failed()) {
                    self.reader.problem(Problem::truncated(format!(
                        "a row group holds {done} rows and says that it has {rows}; rows are missing"
                    )))?;
                }
                break;
            }
            for row in 0..read.min(wanted) {
                for column in &mut columns {
                    column.push_row(&mut table);
                    table.end_cell();
                }
                table.end_row(self.first_row + done + row, self.reader)?;
            }
            done += read;
        }
        for problem in columns.iter().filter_map(Column::unset) {
            self.reader.problem(problem)?;
        }
        Ok(())
    }
}

/// Exactly `len` bytes from `at` on.
fn read_at(file: &mut dyn ReadSeek, at: u64, len: usize) -> Result<Vec<u8>, ReadError> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() < len { Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()) } else { Ok(bytes) }
}
