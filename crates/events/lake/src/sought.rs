//! Which rows are looked for, and how few columns they are read from.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, BooleanArray, DictionaryArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter,
};

use crate::folder::Snapshot;
use crate::manifest::Segment;
use crate::{LakeError, schema};

/// Rows that are looked at together.
const BATCH_ROWS: usize = 32 << 10;

/// A column of texts, and what stands in it.
pub type Among = (&'static str, HashSet<String>);

/// Which rows are looked for. What is left out is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// Of one of these classes of OCSF.
    pub classes: Option<Vec<u32>>,
    /// Each of these columns has one of its texts.
    pub all: Vec<Among>,
    /// At least one of these columns has one of its texts; none are given: nothing is asked.
    pub any: Vec<Among>,
    /// Not before this time, in milliseconds since 1970, UTC.
    pub from_ms: Option<i64>,
    /// Not after it.
    pub to_ms: Option<i64>,
    /// From this entry on.
    pub first: u64,
    /// Before this entry.
    pub end: Option<u64>,
}

impl Sought {
    pub(crate) fn may_be_in(&self, segment: &Segment) -> bool {
        let has_class = |classes: &Vec<u32>| classes.iter().any(|class| segment.classes.contains_key(class));
        self.classes.as_ref().is_none_or(has_class)
            && self.from_ms.is_none_or(|from| segment.last_ms >= from)
            && self.to_ms.is_none_or(|to| segment.first_ms <= to)
            && segment.last >= self.first
            && self.end.is_none_or(|end| segment.first < end)
    }

    fn predicates(&self, mask: impl Fn(&[&str]) -> ProjectionMask) -> Vec<Box<dyn ArrowPredicate>> {
        let mut predicates: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        let (from, to) = (self.from_ms.unwrap_or(i64::MIN), self.to_ms.unwrap_or(i64::MAX));
        let classes = self.classes.clone();
        predicates.push(Box::new(ArrowPredicateFn::new(mask(&["time", "class_uid"]), move |batch| {
            let times = column(&batch, "time")?.as_primitive::<TimestampMillisecondType>().values().iter();
            let of = column(&batch, "class_uid")?.as_primitive::<UInt32Type>().values().iter();
            let is_of = |class: &u32| classes.as_ref().is_none_or(|classes| classes.contains(class));
            Ok(times.zip(of).map(|(time, class)| Some(is_of(class) && (from..=to).contains(time))).collect())
        })));
        if self.first > 0 || self.end.is_some() {
            let wanted = self.first..self.end.unwrap_or(u64::MAX);
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&["index"]), move |batch| {
                let entries = column(&batch, "index")?.as_primitive::<UInt64Type>().values().iter();
                Ok(entries.map(|entry| Some(wanted.contains(entry))).collect())
            })));
        }
        for (name, set) in self.all.clone() {
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&[name]), move |batch| {
                Ok(among(texts(&batch, name)?, &set).into_iter().map(Some).collect())
            })));
        }
        if !self.any.is_empty() {
            let any = self.any.clone();
            let names: Vec<&str> = any.iter().map(|(name, _)| *name).collect();
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&names), move |batch| {
                let mut is = vec![false; batch.num_rows()];
                for (name, set) in &any {
                    is.iter_mut().zip(among(texts(&batch, name)?, set)).for_each(|(is, one)| *is |= one);
                }
                Ok(BooleanArray::from(is))
            })));
        }
        predicates
    }
}

impl Snapshot {
    /// Segments in which sought rows may be, by index.
    pub(crate) fn segments_of(&self, sought: &Sought) -> Vec<&Segment> {
        self.manifest.segments.iter().filter(|segment| sought.may_be_in(segment)).collect()
    }

    /// Gives batches of the sought rows of a segment, with these columns, by index, as long as `take` wants more.
    pub(crate) fn sought_in(
        &self,
        segment: &Segment,
        sought: &Sought,
        columns: &[&str],
        take: &mut dyn FnMut(&RecordBatch) -> Result<bool, ArrowError>,
    ) -> Result<(), LakeError> {
        let bytes = Bytes::from(self.segment(&segment.name)?.read(0..u64::MAX)?);
        let options = ArrowReaderOptions::new().with_schema(dictionaries());
        let metadata = ArrowReaderMetadata::load(&bytes, options)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        let mask = |names: &[&str]| ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let (predicates, mask) = (sought.predicates(mask), mask(columns));
        let reader = builder
            .with_projection(mask)
            .with_row_filter(RowFilter::new(predicates))
            .with_batch_size(BATCH_ROWS)
            .build()?;
        for batch in reader {
            if !take(&batch?)? {
                break;
            }
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

pub(crate) fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b dyn Array, ArrowError> {
    let found = batch.column_by_name(name).map(AsRef::as_ref);
    found.ok_or_else(|| ArrowError::SchemaError(format!("column `{name}` is missing")))
}

pub(crate) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b DictionaryArray<Int32Type>, ArrowError> {
    let column = column(batch, name)?.as_dictionary_opt::<Int32Type>();
    column.ok_or_else(|| ArrowError::SchemaError(format!("column `{name}` holds no texts")))
}

/// Of each row, whether its text is in the set.
fn among(column: &DictionaryArray<Int32Type>, set: &HashSet<String>) -> Vec<bool> {
    let values = column.values().as_string_opt::<i32>();
    let is: Vec<bool> = values
        .map(|values| values.iter().map(|text| text.is_some_and(|text| set.contains(text))).collect())
        .unwrap_or_default();
    let has = |key: Option<i32>| {
        key.and_then(|key| usize::try_from(key).ok()).and_then(|key| is.get(key)).copied() == Some(true)
    };
    column.keys().iter().map(has).collect()
}
