//! Tables besides `events`: fed by pages, and only when a question names them.

use std::sync::Arc;

use arrow_array::builder::{StringBuilder, TimestampMillisecondBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use store::Store;

use crate::HuntError;

/// Rows of one kind, page by page.
pub type Pages<T> = BoxStream<'static, std::result::Result<Vec<T>, HuntError>>;

/// Where rows of one kind come from; asked once for each time a question names the table.
pub type Feed<T> = Arc<dyn Fn() -> Pages<T> + Send + Sync>;

/// How many distinct people some objects are about; never who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectCount {
    /// The study; empty when unknown.
    pub study: String,
    /// The label.
    pub label: String,
    /// The jurisdiction, or `all` for everybody once.
    pub jurisdiction: String,
    /// Distinct people.
    pub people: u64,
}

/// Something that was found, as far as it may be shown here: words and names of it lie sealed elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// Its number.
    pub id: u64,
    /// The id under which it is recorded.
    pub uid: String,
    /// The rule that found it.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// `informational`, `low`, `medium`, `high`, `critical`.
    pub level: String,
    /// The rule's tags, joined by commas.
    pub tags: String,
    /// 0 to 100.
    pub rank: u64,
    /// Who did it.
    pub principal: Option<String>,
    /// In which study.
    pub study: Option<String>,
    /// What was touched, joined by commas.
    pub labels: String,
    /// The most data subjects that one touched object is about.
    pub subjects: u64,
    /// Matches so far.
    pub matches: u64,
    /// First match, in milliseconds since 1970, UTC.
    pub first_at: i64,
    /// Last match.
    pub last_at: i64,
    /// When it was found.
    pub found_at: i64,
    /// Where it is in its life.
    pub state: String,
    /// What came of it.
    pub verdict: Option<String>,
}

/// A kind of row that has columns.
pub(crate) trait Tabular: Sized + Send + 'static {
    fn schema() -> SchemaRef;
    fn columns(rows: &[Self]) -> Vec<ArrayRef>;
}

fn text(name: &str, is_nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, is_nullable)
}

fn time(name: &str, is_nullable: bool) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), is_nullable)
}

fn number(name: &str, is_nullable: bool) -> Field {
    Field::new(name, DataType::UInt64, is_nullable)
}

fn texts<'a, T: 'a>(rows: &'a [T], of: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    rows.iter().for_each(|row| builder.append_option(of(row)));
    Arc::new(builder.finish())
}

fn times<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    let mut builder = TimestampMillisecondBuilder::new().with_timezone("UTC");
    rows.iter().for_each(|row| builder.append_option(of(row)));
    Arc::new(builder.finish())
}

fn numbers<T>(rows: &[T], of: impl Fn(&T) -> Option<u64>) -> ArrayRef {
    let mut builder = UInt64Builder::new();
    rows.iter().for_each(|row| builder.append_option(of(row)));
    Arc::new(builder.finish())
}

/// Empty texts say that something is not known.
fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl Tabular for store::objects::ObjectRow {
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            number("id", false),
            text("path", false),
            text("format", false),
            number("bytes", false),
            text("study", true),
            text("labels", true),
            text("laws", true),
            number("subjects", false),
            number("risk", false),
            text("state", false),
            text("owner", true),
            time("modified_at", true),
            time("first_seen_at", false),
            time("changed_at", false),
        ]))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            numbers(rows, |row| Some(u64::from(row.id))),
            texts(rows, |row| Some(&row.path)),
            texts(rows, |row| Some(&row.format)),
            numbers(rows, |row| Some(row.bytes)),
            texts(rows, |row| known(&row.study)),
            texts(rows, |row| known(&row.labels)),
            texts(rows, |row| known(&row.laws)),
            numbers(rows, |row| Some(row.subjects)),
            numbers(rows, |row| u64::try_from(row.risk).ok().or(Some(0))),
            texts(rows, |row| Some(&row.state)),
            texts(rows, |row| known(&row.owner)),
            times(rows, |row| row.modified_at),
            times(rows, |row| Some(row.first_seen_at)),
            times(rows, |row| Some(row.changed_at)),
        ]
    }
}

/// A principal with its id in words.
pub(crate) struct Named {
    id: String,
    row: store::principals::Principal,
}

impl Tabular for Named {
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            text("id", false),
            text("kind", false),
            text("name", false),
            text("organisation", true),
            time("training_until", true),
            time("agreement_until", true),
            time("contained_at", true),
            time("created_at", false),
            time("disabled_at", true),
        ]))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            texts(rows, |one| Some(&one.id)),
            texts(rows, |one| Some(one.row.kind.as_str())),
            texts(rows, |one| Some(&one.row.name)),
            texts(rows, |one| one.row.organisation.as_deref()),
            times(rows, |one| one.row.training_until),
            times(rows, |one| one.row.agreement_until),
            times(rows, |one| one.row.contained_at),
            times(rows, |one| Some(one.row.created_at)),
            times(rows, |one| one.row.disabled_at),
        ]
    }
}

impl Tabular for SubjectCount {
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            text("study", true),
            text("label", false),
            text("jurisdiction", false),
            number("people", false),
        ]))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            texts(rows, |row| known(&row.study)),
            texts(rows, |row| Some(&row.label)),
            texts(rows, |row| Some(&row.jurisdiction)),
            numbers(rows, |row| Some(row.people)),
        ]
    }
}

impl Tabular for Finding {
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            number("id", false),
            text("uid", false),
            text("rule", false),
            text("title", false),
            text("level", false),
            text("tags", true),
            number("rank", false),
            text("principal", true),
            text("study", true),
            text("labels", true),
            number("subjects", false),
            number("matches", false),
            time("first_at", false),
            time("last_at", false),
            time("found_at", false),
            text("state", false),
            text("verdict", true),
        ]))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            numbers(rows, |row| Some(row.id)),
            texts(rows, |row| Some(&row.uid)),
            texts(rows, |row| Some(&row.rule)),
            texts(rows, |row| Some(&row.title)),
            texts(rows, |row| Some(&row.level)),
            texts(rows, |row| known(&row.tags)),
            numbers(rows, |row| Some(row.rank)),
            texts(rows, |row| row.principal.as_deref()),
            texts(rows, |row| row.study.as_deref()),
            texts(rows, |row| known(&row.labels)),
            numbers(rows, |row| Some(row.subjects)),
            numbers(rows, |row| Some(row.matches)),
            times(rows, |row| Some(row.first_at)),
            times(rows, |row| Some(row.last_at)),
            times(rows, |row| Some(row.found_at)),
            texts(rows, |row| Some(&row.state)),
            texts(rows, |row| row.verdict.as_deref()),
        ]
    }
}

/// A table over a feed.
pub(crate) fn fed<T: Tabular>(feed: Feed<T>) -> Result<Arc<dyn TableProvider>> {
    let partition = Fed { schema: T::schema(), feed };
    Ok(Arc::new(StreamingTable::try_new(T::schema(), vec![Arc::new(partition)])?))
}

struct Fed<T> {
    schema: SchemaRef,
    feed: Feed<T>,
}

impl<T> std::fmt::Debug for Fed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fed").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl<T: Tabular> PartitionStream for Fed<T> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let batches = (self.feed)().map(move |page| {
            let rows = page.map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(RecordBatch::try_new(Arc::clone(&schema), T::columns(&rows))?)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

/// All objects of the catalogue that are not gone.
pub(crate) fn objects(store: Store) -> Feed<store::objects::ObjectRow> {
    Arc::new(move || {
        let store = store.clone();
        let begin = (store, None::<std::vec::IntoIter<u32>>, None::<(u32, u32)>);
        futures_util::stream::try_unfold(begin, |(store, sources, place)| async move {
            let mut sources = match sources {
                Some(sources) => sources,
                None => store::sources::all(&store).await?.iter().map(|one| one.id).collect::<Vec<_>>().into_iter(),
            };
            let Some((source, after)) = place.or_else(|| sources.next().map(|source| (source, 0))) else {
                return Ok(None);
            };
            let page = store::objects::of_source(&store, source, after, store::PAGE_ROWS_MAX).await?;
            let place = page.last().map(|last| (source, last.id));
            Ok(Some((page, (store, Some(sources), place))))
        })
        .boxed()
    })
}

/// All principals, also those that are shut out.
pub(crate) fn principals(store: Store) -> Feed<Named> {
    Arc::new(move || {
        futures_util::stream::try_unfold((store.clone(), None, false), |(store, after, is_over)| async move {
            if is_over {
                return Ok(None);
            }
            let page = store::principals::page(&store, after).await?;
            let last = page.last().map(|last| last.id);
            let page: Vec<Named> = page.into_iter().map(|row| Named { id: row.id.to_string(), row }).collect();
            Ok(Some((page, (store, last, last.is_none()))))
        })
        .boxed()
    })
}
