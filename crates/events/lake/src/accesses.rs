//! Who touched which object: the few columns that exposure is told from, read past all others.

use std::collections::HashSet;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, BooleanArray, DictionaryArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use model::Touched;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowFilter,
};
use std::sync::Arc;

use crate::folder::Snapshot;
use crate::manifest::Segment;
use crate::{LakeError, schema};

/// The class of OCSF in which objects go in and out: File Hosting Activity.
const FILE_HOSTING: u32 = 6006;
/// Rows that are looked at together.
const BATCH_ROWS: usize = 32 << 10;
/// Columns that are read.
const COLUMNS: &[&str] = &[
    "index",
    "time",
    "activity",
    "status",
    "principal",
    "credential",
    "ip",
    "study",
    "object",
    "version",
    "action",
    "bytes",
];

/// Which rows are wanted. What is `None` is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// By one of these, by id.
    pub principals: Option<HashSet<String>>,
    /// With one of these credentials.
    pub credentials: Option<HashSet<String>>,
    /// To one of these objects, by id.
    pub objects: Option<HashSet<String>>,
    /// In one of these studies.
    pub studies: Option<HashSet<String>>,
    /// From one of these addresses.
    pub addresses: Option<HashSet<String>>,
    /// Not before this time, in milliseconds since 1970, UTC.
    pub from_ms: Option<i64>,
    /// Not after it.
    pub to_ms: Option<i64>,
}

impl Wanted {
    /// The columns that tell it, with what they have to be one of.
    fn sets(&self) -> impl Iterator<Item = (&'static str, &HashSet<String>)> {
        let sets = [
            ("principal", &self.principals),
            ("credential", &self.credentials),
            ("object", &self.objects),
            ("study", &self.studies),
            ("ip", &self.addresses),
        ];
        sets.into_iter().filter_map(|(name, set)| set.as_ref().map(|set| (name, set)))
    }

    fn may_be_in(&self, segment: &Segment) -> bool {
        segment.classes.contains_key(&FILE_HOSTING)
            && self.from_ms.is_none_or(|from| segment.last_ms >= from)
            && self.to_ms.is_none_or(|to| segment.first_ms <= to)
    }
}

impl Snapshot {
    /// Gives every wanted row to one of the `takers`, each of which runs on a thread of its own and takes whole segments, so
    /// that rows of one taker rise by index within a segment. Gives the takers back.
    ///
    /// # Errors
    /// When a segment is gone, altered, or not what this version writes.
    pub fn accesses<T: Send>(
        &self,
        wanted: &Wanted,
        takers: Vec<T>,
        take: impl Fn(&mut T, Touched<'_>) + Sync,
    ) -> Result<Vec<T>, LakeError> {
        let segments: Vec<&Segment> =
            self.manifest.segments.iter().filter(|segment| wanted.may_be_in(segment)).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let run = |mut taker: T| {
            while let Some(segment) = segments.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                self.accesses_in(segment, wanted, &mut |access| take(&mut taker, access))?;
            }
            Ok(taker)
        };
        std::thread::scope(|scope| {
            let running: Vec<_> = takers.into_iter().map(|taker| scope.spawn(|| run(taker))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }

    fn accesses_in(
        &self,
        segment: &Segment,
        wanted: &Wanted,
        take: &mut dyn FnMut(Touched<'_>),
    ) -> Result<(), LakeError> {
        let bytes = Bytes::from(self.segment(&segment.name)?.read(0..u64::MAX)?);
        let options = ArrowReaderOptions::new().with_schema(dictionaries());
        let metadata = ArrowReaderMetadata::load(&bytes, options)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        let mask = |names: &[&str]| ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let (from, to) = (wanted.from_ms.unwrap_or(i64::MIN), wanted.to_ms.unwrap_or(i64::MAX));
        let mut predicates: Vec<Box<dyn parquet::arrow::arrow_reader::ArrowPredicate>> =
            vec![Box::new(ArrowPredicateFn::new(mask(&["time", "class_uid"]), move |batch| {
                let times = column(&batch, "time")?.as_primitive::<TimestampMillisecondType>().values().iter();
                let classes = column(&batch, "class_uid")?.as_primitive::<UInt32Type>().values().iter();
                let is = times.zip(classes).map(|(time, class)| *class == FILE_HOSTING && (from..=to).contains(time));
                Ok(is.map(Some).collect())
            }))];
        for (name, set) in wanted.sets() {
            let set = set.clone();
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&[name]), move |batch| {
                Ok(among(texts(&batch, name)?, &set))
            })));
        }
        let mask = mask(COLUMNS);
        let reader = builder
            .with_projection(mask)
            .with_row_filter(RowFilter::new(predicates))
            .with_batch_size(BATCH_ROWS)
            .build()?;
        for batch in reader {
            each(&batch?, take)?;
        }
        Ok(())
    }
}

/// The columns of the lake with texts as numbers into a list of texts, as Parquet keeps them.
fn dictionaries() -> SchemaRef {
    let of = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => {
            let keyed = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(Field::new(field.name(), keyed, field.is_nullable()))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema().fields().iter().map(of).collect::<Vec<_>>()))
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b dyn Array, ArrowError> {
    let found = batch.column_by_name(name).map(AsRef::as_ref);
    found.ok_or_else(|| ArrowError::SchemaError(format!("column `{name}` is missing")))
}

fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b DictionaryArray<Int32Type>, ArrowError> {
    let column = column(batch, name)?.as_dictionary_opt::<Int32Type>();
    column.ok_or_else(|| ArrowError::SchemaError(format!("column `{name}` holds no texts")))
}

fn among(column: &DictionaryArray<Int32Type>, set: &HashSet<String>) -> BooleanArray {
    let values = column.values().as_string_opt::<i32>();
    let is: Vec<bool> = values
        .map(|values| values.iter().map(|text| text.is_some_and(|text| set.contains(text))).collect())
        .unwrap_or_default();
    column
        .keys()
        .iter()
        .map(|key| {
            key.and_then(|key| usize::try_from(key).ok()).is_some_and(|key| is.get(key).copied().unwrap_or(false))
        })
        .map(Some)
        .collect()
}

/// Texts of a column by row; empty where there is none.
struct Texts<'b> {
    keys: &'b arrow_array::PrimitiveArray<Int32Type>,
    values: &'b StringArray,
}

impl<'b> Texts<'b> {
    fn of(batch: &'b RecordBatch, name: &str) -> Result<Self, ArrowError> {
        let column = texts(batch, name)?;
        let wrong = || ArrowError::SchemaError(format!("column `{name}` holds no texts"));
        Ok(Self { keys: column.keys(), values: column.values().as_string_opt::<i32>().ok_or_else(wrong)? })
    }

    fn at(&self, row: usize) -> &'b str {
        if self.keys.is_null(row) {
            return "";
        }
        match usize::try_from(self.keys.value(row)) {
            Ok(key) if key < self.values.len() => self.values.value(key),
            _ => "",
        }
    }
}

fn each(batch: &RecordBatch, take: &mut dyn FnMut(Touched<'_>)) -> Result<(), ArrowError> {
    let text = |name| Texts::of(batch, name);
    let (activity, status) = (text("activity")?, text("status")?);
    let (principal, study) = (text("principal")?, text("study")?);
    let (object, version, action) = (text("object")?, text("version")?, text("action")?);
    let index = column(batch, "index")?.as_primitive::<UInt64Type>();
    let time = column(batch, "time")?.as_primitive::<TimestampMillisecondType>();
    let bytes = column(batch, "bytes")?.as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        take(Touched {
            entry: index.value(row),
            time_ms: time.value(row),
            activity: activity.at(row),
            is_success: status.at(row) == "success",
            principal: principal.at(row),
            study: study.at(row),
            object: object.at(row),
            version: version.at(row),
            action: action.at(row),
            bytes: bytes.is_valid(row).then(|| u64::try_from(bytes.value(row)).unwrap_or(0)),
        });
    }
    Ok(())
}
