//! Which rows are looked for, and how few columns they are read from.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, BooleanArray, DictionaryArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
    RowFilter,
};

use crate::folder::Snapshot;
use crate::manifest::Segment;
use crate::pieces::Pieces;
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

    /// Columns that [`Sought::predicates`] may read.
    fn columns(&self) -> Vec<&'static str> {
        let named = self.all.iter().chain(&self.any).map(|(name, _)| *name);
        ["class_uid", "time", "index"].into_iter().chain(named).collect()
    }

    /// What has to be asked of each row of a segment. What is true of the whole segment is not.
    fn predicates(&self, segment: &Segment, mask: impl Fn(&[&str]) -> ProjectionMask) -> Vec<Box<dyn ArrowPredicate>> {
        let mut predicates: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        let is_wanted = |class: &u32| self.classes.as_ref().is_none_or(|classes| classes.contains(class));
        if !segment.classes.keys().all(is_wanted) {
            let classes = self.classes.clone();
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&["class_uid"]), move |batch| {
                let of = column(&batch, "class_uid")?.as_primitive::<UInt32Type>().values().iter();
                let is_of = |class: &u32| classes.as_ref().is_none_or(|classes| classes.contains(class));
                Ok(of.map(|class| Some(is_of(class))).collect())
            })));
        }
        let (from, to) = (self.from_ms.unwrap_or(i64::MIN), self.to_ms.unwrap_or(i64::MAX));
        if segment.first_ms < from || segment.last_ms > to {
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&["time"]), move |batch| {
                let times = column(&batch, "time")?.as_primitive::<TimestampMillisecondType>().values().iter();
                Ok(times.map(|time| Some((from..=to).contains(time))).collect())
            })));
        }
        let wanted = self.first..self.end.unwrap_or(u64::MAX);
        if !(wanted.contains(&segment.first) && wanted.contains(&segment.last)) {
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&["index"]), move |batch| {
                let entries = column(&batch, "index")?.as_primitive::<UInt64Type>().values().iter();
                Ok(entries.map(|entry| Some(wanted.contains(entry))).collect())
            })));
        }
        for (name, set) in self.all.clone() {
            let mut asked = Asked::default();
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&[name]), move |batch| {
                Ok(asked.among(texts(&batch, name)?, &set).map(Some).collect())
            })));
        }
        if !self.any.is_empty() {
            let mut any: Vec<(Among, Asked)> = self.any.iter().cloned().map(|any| (any, Asked::default())).collect();
            let names: Vec<&str> = self.any.iter().map(|(name, _)| *name).collect();
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&names), move |batch| {
                let mut is = vec![false; batch.num_rows()];
                for ((name, set), asked) in &mut any {
                    is.iter_mut().zip(asked.among(texts(&batch, name)?, set)).for_each(|(is, one)| *is |= one);
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
        let whole = Pieces::end_of(self.segment(&segment.name)?)?;
        let options = ArrowReaderOptions::new().with_schema(dictionaries());
        let metadata = ArrowReaderMetadata::load(&whole, options)?;
        let parquet = metadata.metadata();
        let mask =
            |names: &[&str]| ProjectionMask::columns(parquet.file_metadata().schema_descr(), names.iter().copied());
        let read = mask(&[columns, &sought.columns()].concat());
        // A group at a time: each has lists of texts of its own, and a batch over two of them would make a third.
        for group in 0..parquet.num_row_groups() {
            let pieces = whole.columns(parquet, group, |column| read.leaf_included(column))?;
            let predicates = sought.predicates(segment, mask);
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pieces, metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask(columns))
                .with_batch_size(BATCH_ROWS);
            if !predicates.is_empty() {
                builder = builder.with_row_filter(RowFilter::new(predicates));
            }
            for batch in builder.build()? {
                if !take(&batch?)? {
                    return Ok(());
                }
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

/// Which texts of a column were asked about already: those of one group of rows are asked about once.
#[derive(Default)]
struct Asked {
    /// Kept, so that others can not lie where they lie.
    texts: Option<StringArray>,
    /// By place in the texts.
    is_in: Vec<Option<bool>>,
}

impl Asked {
    /// Of each row, whether its text is in the set, which is the same every time.
    fn among(&mut self, column: &DictionaryArray<Int32Type>, set: &HashSet<String>) -> impl Iterator<Item = bool> {
        let values = column.values().as_string_opt::<i32>();
        if let Some(values) = values
            && !self.texts.as_ref().is_some_and(|texts| are_same(texts, values))
        {
            self.texts = Some(values.clone());
            self.is_in.clear();
            self.is_in.resize(values.len(), None);
        }
        column.keys().iter().map(move |key| {
            let place = key.and_then(|key| usize::try_from(key).ok());
            let Some((place, is_in)) = place.and_then(|place| Some((place, self.is_in.get_mut(place)?))) else {
                return false;
            };
            *is_in.get_or_insert_with(|| {
                values.is_some_and(|values| values.is_valid(place) && set.contains(values.value(place)))
            })
        })
    }
}

/// Whether two lists of texts are one and lie in one place.
pub(crate) fn are_same(one: &StringArray, other: &StringArray) -> bool {
    one.len() == other.len()
        && one.values().as_ptr() == other.values().as_ptr()
        && one.offsets().as_ptr() == other.offsets().as_ptr()
}
