//! Rows as columns, and back.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray, UInt32Array, UInt64Array};
use arrow_schema::ArrowError;

use crate::row::{Row, TEXTS, schema};

/// Rows as a batch of columns, in the order of [`schema`].
pub(crate) fn to_batch(rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let small = |of: fn(&Row) -> u32| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<UInt32Array>()) };
    let number = |of: fn(&Row) -> u64| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<UInt64Array>()) };
    let count = |of: fn(&Row) -> Option<i64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Int64Array>()) };
    let time: TimestampMillisecondArray = rows.iter().map(|row| Some(row.time_ms)).collect();
    let mut columns = vec![number(|row| row.index), Arc::new(time.with_timezone("UTC")) as ArrayRef];
    columns.extend([
        small(|row| row.class_uid),
        small(|row| row.category_uid),
        small(|row| row.activity_id),
        small(|row| row.severity_id),
    ]);
    let mut texts: Vec<StringBuilder> = TEXTS.iter().map(|_| StringBuilder::new()).collect();
    for row in rows {
        for (builder, text) in texts.iter_mut().zip(row.texts()) {
            builder.append_option(text);
        }
    }
    columns.extend(texts.into_iter().map(|mut builder| Arc::new(builder.finish()) as ArrayRef));
    columns.extend([count(|row| row.bytes), count(|row| row.first_byte), count(|row| row.subject_count)]);
    columns.push(number(|row| row.checkpoint));
    RecordBatch::try_new(schema(), columns)
}

/// The rows of a batch that has the columns of [`schema`].
pub(crate) fn to_rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    if batch.schema().fields() != schema().fields() {
        return Err(ArrowError::SchemaError("the columns are not those of the lake".to_owned()));
    }
    let mut rows = vec![Row::default(); batch.num_rows()];
    let column = |name: &str| {
        let missing = || ArrowError::SchemaError(format!("column `{name}` is missing"));
        batch.column_by_name(name).ok_or_else(missing)
    };
    let small = |name: &str| column(name).map(|column| column.as_primitive::<UInt32Type>().clone());
    let number = |name: &str| column(name).map(|column| column.as_primitive::<UInt64Type>().clone());
    let count = |name: &str| column(name).map(|column| column.as_primitive::<Int64Type>().clone());
    let (index, checkpoint) = (number("index")?, number("checkpoint")?);
    let time = column("time")?.as_primitive::<TimestampMillisecondType>().clone();
    let (class, category) = (small("class_uid")?, small("category_uid")?);
    let (activity, severity) = (small("activity_id")?, small("severity_id")?);
    let (bytes, first, subjects) = (count("bytes")?, count("first_byte")?, count("subject_count")?);
    let texts: Vec<_> = TEXTS
        .iter()
        .map(|name| column(name).map(|column| column.as_string::<i32>().clone()))
        .collect::<Result<_, _>>()?;
    for (at, row) in rows.iter_mut().enumerate() {
        row.index = index.value(at);
        row.time_ms = time.value(at);
        row.class_uid = class.value(at);
        row.category_uid = category.value(at);
        row.activity_id = activity.value(at);
        row.severity_id = severity.value(at);
        row.bytes = bytes.is_valid(at).then(|| bytes.value(at));
        row.first_byte = first.is_valid(at).then(|| first.value(at));
        row.subject_count = subjects.is_valid(at).then(|| subjects.value(at));
        row.checkpoint = checkpoint.value(at);
        for (text, column) in row.texts_mut().into_iter().zip(&texts) {
            *text = column.is_valid(at).then(|| column.value(at).to_owned());
        }
    }
    Ok(rows)
}
