//! One question, from SQL to rows, within limits.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use lake::Snapshot;
use lake::saved::Parameter;
use store::Store;

use crate::HuntError;
use crate::events::Events;
use crate::question;
use crate::tables::{self, Feed, Finding, SubjectCount};

/// Consumers of memory that an error names.
const TOLD_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN;

/// What a question may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// How long.
    pub timeout: Duration,
    /// Memory for sorting, grouping and joining.
    pub memory_bytes: usize,
    /// Rows of the answer; what lies beyond is left out, and that is told.
    pub rows_max: u64,
    /// Threads.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), memory_bytes: 1 << 30, rows_max: 1_000_000, threads: 2 }
    }
}

/// What can be asked about.
#[derive(Default)]
pub struct Sources {
    /// The lake: table `events`.
    pub lake: Option<Snapshot>,
    /// The catalogue: tables `objects` and `principals`.
    pub store: Option<Store>,
    /// Counts of people: table `subjects`.
    pub subjects: Option<Feed<SubjectCount>>,
    /// Table `findings`.
    pub findings: Option<Feed<Finding>>,
}

/// Takes rows of an answer as they come.
pub trait Sink {
    /// The columns, before any row.
    ///
    /// # Errors
    /// When they cannot be written.
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), HuntError>;
    /// Some rows.
    ///
    /// # Errors
    /// When they cannot be written.
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), HuntError>;
    /// The end.
    ///
    /// # Errors
    /// When what is held back cannot be written.
    fn end(&mut self) -> Result<(), HuntError>;
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Answered {
    /// Rows that were given.
    pub rows: u64,
    /// Whether there were more than the limit.
    pub is_cut: bool,
}

/// Answers one question.
///
/// # Errors
/// When it is refused or wrong, breaks a limit, or what it asks about cannot be read.
pub async fn answer(
    sources: Sources,
    sql: &str,
    parameters: &[Parameter],
    limits: Limits,
    sink: &mut (dyn Sink + Send),
) -> Result<Answered, HuntError> {
    let asked = ask(sources, sql, parameters, limits, sink);
    match tokio::time::timeout(limits.timeout, asked).await {
        Ok(answered) => answered,
        Err(_elapsed) => Err(HuntError::Slow { after: limits.timeout }),
    }
}

async fn ask(
    sources: Sources,
    sql: &str,
    parameters: &[Parameter],
    limits: Limits,
    sink: &mut (dyn Sink + Send),
) -> Result<Answered, HuntError> {
    let context = session(sources, limits).map_err(|error| HuntError::Engine(Box::new(error)))?;
    let plan = question::plan(&context.state(), sql, parameters).await?;
    let failed = |error| HuntError::answering(error, limits.memory_bytes);
    let frame = context.execute_logical_plan(plan).await.map_err(|error| HuntError::planning(&error))?;
    let mut stream = frame.execute_stream().await.map_err(failed)?;
    sink.begin(&stream.schema())?;
    let mut answered = Answered::default();
    while let Some(batch) = stream.next().await {
        let mut batch = batch.map_err(failed)?;
        let left = limits.rows_max - answered.rows;
        if batch.num_rows() as u64 > left {
            answered.is_cut = true;
            batch = batch.slice(0, usize::try_from(left).unwrap_or(usize::MAX));
        }
        if batch.num_rows() > 0 {
            answered.rows += batch.num_rows() as u64;
            sink.rows(&batch)?;
        }
        if answered.is_cut {
            break;
        }
        // A sink that is slow must not hold back the clock of the time-out.
        tokio::task::yield_now().await;
    }
    sink.end()?;
    Ok(answered)
}

/// A session with the tables, within the limits; nothing of it is ever written to a disk.
fn session(sources: Sources, limits: Limits) -> datafusion::error::Result<SessionContext> {
    let mut config = SessionConfig::new().with_target_partitions(limits.threads.max(1)).with_information_schema(true);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.sql_parser.enable_ident_normalization = true;
    let pool = TrackConsumersPool::new(FairSpillPool::new(limits.memory_bytes), TOLD_CONSUMERS);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?;
    let state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    let context = SessionContext::new_with_state(state);
    let mut tables: Vec<(&str, Arc<dyn TableProvider>)> = Vec::new();
    if let Some(lake) = sources.lake {
        tables.push(("events", Arc::new(Events::new(lake))));
    }
    if let Some(store) = sources.store {
        tables.push(("objects", tables::fed(tables::objects(store.clone()))?));
        tables.push(("principals", tables::fed(tables::principals(store))?));
    }
    if let Some(subjects) = sources.subjects {
        tables.push(("subjects", tables::fed(subjects)?));
    }
    if let Some(findings) = sources.findings {
        tables.push(("findings", tables::fed(findings)?));
    }
    for (name, table) in tables {
        context.register_table(name, table)?;
    }
    Ok(context)
}
