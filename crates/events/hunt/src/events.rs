//! The table `events`: the segments of the lake, opened as they are read.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DataFusionError, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lake::{SealedFile, Segment, Snapshot};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// The columns of `events`. Texts are read as views, which share what a dictionary holds.
#[must_use]
pub fn schema() -> SchemaRef {
    let kept = lake::schema();
    let fields = kept.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(Field::new(field.name(), DataType::Utf8View, true)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The lake as a table.
#[derive(Debug)]
pub(crate) struct Events {
    snapshot: Arc<Snapshot>,
    schema: SchemaRef,
}

impl Events {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot: Arc::new(snapshot), schema: schema() }
    }

    /// What the manifest knows of a segment, so that it need not be opened where it cannot hold anything that is asked for.
    fn statistics(&self, segment: &Segment) -> Statistics {
        let range = |least: ScalarValue, most: ScalarValue| ColumnStatistics {
            null_count: Precision::Exact(0),
            min_value: Precision::Exact(least),
            max_value: Precision::Exact(most),
            ..ColumnStatistics::new_unknown()
        };
        let time = |ms| ScalarValue::TimestampMillisecond(Some(ms), Some("UTC".into()));
        let of_column = |field: &Arc<Field>| match field.name().as_str() {
            // What it covers may be more than what it still holds.
            "index" => ColumnStatistics {
                min_value: Precision::Inexact(ScalarValue::UInt64(Some(segment.first))),
                max_value: Precision::Inexact(ScalarValue::UInt64(Some(segment.last))),
                ..ColumnStatistics::new_unknown()
            },
            "time" => range(time(segment.first_ms), time(segment.last_ms)),
            _ => ColumnStatistics::new_unknown(),
        };
        Statistics {
            num_rows: Precision::Exact(usize::try_from(segment.rows).unwrap_or(usize::MAX)),
            total_byte_size: Precision::Absent,
            column_statistics: self.schema.fields().iter().map(of_column).collect(),
        }
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let segments = &self.snapshot.manifest.segments;
        if segments.is_empty() {
            let schema = datafusion::physical_plan::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let files: Vec<PartitionedFile> = segments
            .iter()
            .map(|segment| {
                PartitionedFile::new(segment.name.clone(), segment.plain_bytes())
                    .with_statistics(Arc::new(self.statistics(segment)))
            })
            .collect();
        let statistics = Statistics::try_merge_iter(
            files.iter().filter_map(|file| file.statistics.as_deref()),
            self.schema.as_ref(),
        )?;
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(Arc::new(Segments(Arc::clone(&self.snapshot))))
            .with_pushdown_filters(true)
            .with_reorder_filters(true);
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_group(files.into())
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Opens segments for the reader of Parquet.
#[derive(Debug)]
struct Segments(Arc<Snapshot>);

impl ParquetFileReaderFactory for Segments {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let opened = self.0.segment(file.path().as_ref());
        let file = opened.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Box::new(Reader(Arc::new(file))))
    }
}

struct Reader(Arc<SealedFile>);

fn broken(error: lake::LakeError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        // A local file whose chunks are opened at some GB/s: handing that to another thread would take longer.
        let read = self.0.read(range).map(Bytes::from).map_err(broken);
        std::future::ready(read).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let length = self.0.plain_bytes();
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, length).await?))
        }
        .boxed()
    }
}
