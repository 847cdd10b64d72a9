//! The bytes of a segment: rows as Parquet, in memory.

use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::row::{Row, schema};
use crate::{LakeError, columns};

/// Rows of a row group: what a question reads or leaves out at once.
pub const GROUP_ROWS: usize = 128 << 10;
/// Rows that become columns at a time.
const BATCH_ROWS: usize = 8 << 10;
/// A dictionary may grow to this before a column of a group goes on without one.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;
/// Level 3 packs the columns of the guard to within a few percent of level 9, five times as fast.
const ZSTD_LEVEL: i32 = 3;

fn properties() -> Result<WriterProperties, LakeError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
    let mut properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        // A detail must not lie in clear text in statistics longer than needed to leave a group out.
        .set_statistics_truncate_length(Some(64));
    for rising in ["index", "time"] {
        let path = ColumnPath::from(rising);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    // Ids of requests are never the same twice, and hashes look like noise.
    properties = properties.set_column_dictionary_enabled(ColumnPath::from("request"), false);
    let leaf = ColumnPath::from("leaf");
    properties = properties
        .set_column_dictionary_enabled(leaf.clone(), false)
        .set_column_statistics_enabled(leaf.clone(), EnabledStatistics::None)
        .set_column_compression(leaf, Compression::UNCOMPRESSED);
    Ok(properties.build())
}

/// Rows as Parquet.
pub(crate) fn write(rows: &[Row]) -> Result<Vec<u8>, LakeError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties()?))?;
    for rows in rows.chunks(BATCH_ROWS) {
        writer.write(&columns::to_batch(rows)?)?;
    }
    Ok(writer.into_inner()?)
}

/// The rows of [`write`]'s bytes.
pub(crate) fn read(bytes: Vec<u8>) -> Result<Vec<Row>, LakeError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?.with_batch_size(BATCH_ROWS).build()?;
    let mut rows = Vec::new();
    for batch in reader {
        rows.append(&mut columns::to_rows(&batch?)?);
    }
    Ok(rows)
}
