//! Arrays as cells. Calls here may panic on arrays that contradict themselves: callers guard them.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use crate::tables::rows::Rows;
use crate::tables::value::{date, decimal, time, timestamp};

/// Milliseconds of a day.
const DAY_MILLISECONDS: i64 = 86_400_000;
/// Lists in lists and structures in lists, at most.
const DEPTH_MAX: usize = 16;

/// One column after structures were flattened.
pub(super) struct Leaf {
    pub(super) path: String,
    array: ArrayRef,
    /// The structures it lies in: where one is null, so is the leaf.
    within: Vec<ArrayRef>,
}

/// The leaf columns of a batch, with dotted paths.
pub(super) fn leaves(batch: &RecordBatch) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        flatten(field.name().clone(), array, &[], &mut leaves);
    }
    leaves
}

fn flatten(path: String, array: &ArrayRef, within: &[ArrayRef], leaves: &mut Vec<Leaf>) {
    let DataType::Struct(fields) = array.data_type() else {
        leaves.push(Leaf { path, array: Arc::clone(array), within: within.to_vec() });
        return;
    };
    let within: Vec<ArrayRef> = within.iter().chain([array]).map(Arc::clone).collect();
    for (field, array) in fields.iter().zip(array.as_struct().columns()) {
        flatten(format!("{path}.{}", field.name()), array, &within, leaves);
    }
}

impl Leaf {
    /// Adds the values of a row to the present cell.
    pub(super) fn push(&self, row: usize, rows: &mut Rows) {
        if self.within.iter().all(|array| array.is_valid(row)) {
            push(&*self.array, row, rows, 0);
        }
    }
}

fn push(array: &dyn Array, row: usize, rows: &mut Rows, depth: usize) {
    if array.is_null(row) || depth > DEPTH_MAX {
        return;
    }
    let each = |values: ArrayRef, rows: &mut Rows| (0..values.len()).for_each(|at| push(&*values, at, rows, depth + 1));
    match array.data_type() {
        DataType::Utf8 => rows.value(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => rows.value(array.as_string::<i64>().value(row)),
        DataType::Utf8View => rows.value(array.as_string_view().value(row)),
        DataType::Binary => rows.bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => rows.bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => rows.bytes(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => rows.bytes(array.as_fixed_size_binary().value(row)),
        DataType::Boolean => rows.value(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::List(_) => each(array.as_list::<i32>().value(row), rows),
        DataType::LargeList(_) => each(array.as_list::<i64>().value(row), rows),
        DataType::ListView(_) => each(array.as_list_view::<i32>().value(row), rows),
        DataType::LargeListView(_) => each(array.as_list_view::<i64>().value(row), rows),
        DataType::FixedSizeList(..) => each(array.as_fixed_size_list().value(row), rows),
        DataType::Map(..) => each(Arc::new(array.as_map().value(row)), rows),
        DataType::Struct(_) => {
            array.as_struct().columns().iter().for_each(|column| push(&**column, row, rows, depth + 1));
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = number(dictionary.keys(), row).parse().ok();
            if let Some(key) = key.filter(|key| *key < dictionary.values().len()) {
                push(&**dictionary.values(), key, rows, depth + 1);
            }
        }
        DataType::RunEndEncoded(..) => run(array, row, rows, depth),
        DataType::Union(..) => {
            let union = array.as_union();
            let child = union.child(union.type_id(row));
            push(&**child, union.value_offset(row), rows, depth + 1);
        }
        _ => rows.value(&number(array, row)),
    }
}

/// A value of runs: the first run that ends behind the row.
fn run(array: &dyn Array, row: usize, rows: &mut Rows, depth: usize) {
    use arrow_array::types::RunEndIndexType;
    use arrow_array::{ArrowNativeTypeOp as _, RunArray};
    use arrow_buffer::ArrowNativeType as _;

    fn physical<K: RunEndIndexType>(array: &dyn Array, row: usize) -> Option<(usize, ArrayRef)> {
        let runs: &RunArray<K> = array.as_any().downcast_ref()?;
        let ends = runs.run_ends().values();
        let at = ends.partition_point(|end| end.is_le(K::Native::usize_as(row + runs.offset())));
        Some((at, Arc::clone(runs.values())))
    }
    let found = physical::<Int32Type>(array, row)
        .or_else(|| physical::<Int16Type>(array, row))
        .or_else(|| physical::<Int64Type>(array, row));
    if let Some((at, values)) = found.filter(|(at, values)| *at < values.len()) {
        push(&*values, at, rows, depth + 1);
    }
}

/// Numbers and times; nothing for what is neither.
fn number(array: &dyn Array, row: usize) -> String {
    macro_rules! value {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    match array.data_type() {
        DataType::Int8 => value!(Int8Type).to_string(),
        DataType::Int16 => value!(Int16Type).to_string(),
        DataType::Int32 => value!(Int32Type).to_string(),
        DataType::Int64 => value!(Int64Type).to_string(),
        DataType::UInt8 => value!(UInt8Type).to_string(),
        DataType::UInt16 => value!(UInt16Type).to_string(),
        DataType::UInt32 => value!(UInt32Type).to_string(),
        DataType::UInt64 => value!(UInt64Type).to_string(),
        DataType::Float16 => value!(Float16Type).to_string(),
        DataType::Float32 => value!(Float32Type).to_string(),
        DataType::Float64 => value!(Float64Type).to_string(),
        DataType::Date32 => date(i64::from(value!(Date32Type))),
        DataType::Date64 => date(value!(Date64Type).div_euclid(DAY_MILLISECONDS)),
        DataType::Time32(TimeUnit::Second) => time(i64::from(value!(Time32SecondType)), 1),
        DataType::Time32(_) => time(i64::from(value!(Time32MillisecondType)), 1_000),
        DataType::Time64(TimeUnit::Microsecond) => time(value!(Time64MicrosecondType), 1_000_000),
        DataType::Time64(_) => time(value!(Time64NanosecondType), 1_000_000_000),
        DataType::Timestamp(TimeUnit::Second, _) => timestamp(value!(TimestampSecondType), 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => timestamp(value!(TimestampMillisecondType), 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => timestamp(value!(TimestampMicrosecondType), 1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => timestamp(value!(TimestampNanosecondType), 1_000_000_000),
        DataType::Duration(TimeUnit::Second) => value!(DurationSecondType).to_string(),
        DataType::Duration(TimeUnit::Millisecond) => value!(DurationMillisecondType).to_string(),
        DataType::Duration(TimeUnit::Microsecond) => value!(DurationMicrosecondType).to_string(),
        DataType::Duration(TimeUnit::Nanosecond) => value!(DurationNanosecondType).to_string(),
        DataType::Decimal128(_, scale) => decimal(&value!(Decimal128Type).to_be_bytes(), i32::from(*scale)),
        DataType::Decimal256(_, scale) => decimal(&value!(Decimal256Type).to_be_bytes(), i32::from(*scale)),
        _ => String::new(),
    }
}
