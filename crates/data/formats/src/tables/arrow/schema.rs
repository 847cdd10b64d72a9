//! What a schema says beside names and types.

use arrow_schema::{Field, Schema};

use crate::tables::parquet;
use crate::{ReadError, Reader};

/// Keys under which programs keep what a column means.
const LABELS: [&str; 4] = ["label", "description", "comment", "title"];

/// A schema kept as an IPC message, as Parquet files have it.
pub(in crate::tables) fn from_message(bytes: &[u8]) -> Option<Schema> {
    arrow_ipc::convert::try_schema_from_ipc_buffer(bytes).ok()
}

/// Reports its key-value pairs and those of its columns.
pub(in crate::tables) fn report(schema: &Schema, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    report_pairs(schema.metadata().iter().map(|(key, value)| (key.clone(), value.as_str())).collect(), reader)?;
    report_columns(schema, reader)
}

/// Reports the key-value pairs of the columns.
pub(in crate::tables) fn report_columns(schema: &Schema, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut pairs: Vec<(String, &str)> = Vec::new();
    for field in schema.fields() {
        pairs.extend(field.metadata().iter().map(|(key, value)| (format!("{}.{key}", field.name()), value.as_str())));
    }
    report_pairs(pairs, reader)
}

/// Maps have no order of their own.
fn report_pairs(mut pairs: Vec<(String, &str)>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    pairs.sort();
    pairs.iter().try_for_each(|(key, value)| parquet::field(key, value, reader))
}

/// A label for each leaf column, empty where there is none.
pub(in crate::tables) fn labels(schema: &Schema) -> Vec<String> {
    let mut labels = Vec::new();
    for field in schema.fields() {
        let label = LABELS.iter().find_map(|key| field.metadata().get(*key)).cloned().unwrap_or_default();
        labels.extend(std::iter::repeat_n(label, leaves(field)));
    }
    labels
}

/// How many leaf columns a field becomes: structures are flattened.
fn leaves(field: &Field) -> usize {
    match field.data_type() {
        arrow_schema::DataType::Struct(fields) => fields.iter().map(|field| leaves(field)).sum(),
        _ => 1,
    }
}
