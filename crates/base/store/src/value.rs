//! Values and rows, the same for both engines. Only four types cross the border: integers of 64 bits, floating
//! point, text and bytes; each may be null, and a null keeps its type because PostgreSQL wants to know it.

use sqlx::{Column, Row as _, TypeInfo, ValueRef};

use crate::StoreError;

/// One value to bind, or one that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Integer.
    Int(Option<i64>),
    /// Floating point.
    Real(Option<f64>),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $convert:expr;)+) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$variant(Some($convert(value))) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$variant(value.map($convert)) }
        }
    )+};
}

value_from! {
    i64 => Int, std::convert::identity;
    i32 => Int, i64::from;
    u32 => Int, i64::from;
    bool => Int, i64::from;
    f64 => Real, std::convert::identity;
    f32 => Real, f64::from;
    String => Text, std::convert::identity;
    &str => Text, str::to_owned;
    Vec<u8> => Bytes, std::convert::identity;
    &[u8] => Bytes, <[u8]>::to_vec;
}

impl From<u64> for Value {
    /// Sizes and counts beyond 2^63 do not occur; they are cut to the largest value that a column holds.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Int(Some(_)) => "an integer",
            Self::Real(Some(_)) => "a number",
            Self::Text(Some(_)) => "text",
            Self::Bytes(Some(_)) => "bytes",
            _ => "nothing",
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Int(None) | Self::Real(None) | Self::Text(None) | Self::Bytes(None))
    }
}

/// One row that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    fn shape(&self, column: usize, wanted: &'static str) -> StoreError {
        StoreError::Shape { column, found: self.0.get(column).map_or("nothing", Value::kind), wanted }
    }

    /// The integer in `column`, counted from 0.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.int_opt(column)?.ok_or_else(|| self.shape(column, "an integer"))
    }

    /// The integer in `column`, or `None` where it is null.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn int_opt(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            Some(other) if other.is_null() => Ok(None),
            _ => Err(self.shape(column, "an integer")),
        }
    }

    /// The integer in `column` as an id, count or size.
    ///
    /// # Errors
    /// When it holds something else or is negative.
    pub fn unsigned(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_negative| self.shape(column, "a count"))
    }

    /// The integer in `column` as a 32-bit id.
    ///
    /// # Errors
    /// When it holds something else or is out of range.
    pub fn id(&self, column: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(column)?).map_err(|_range| self.shape(column, "an id"))
    }

    /// The 32-bit id in `column`, or `None` where it is null.
    ///
    /// # Errors
    /// When it holds something else or is out of range.
    pub fn id_opt(&self, column: usize) -> Result<Option<u32>, StoreError> {
        self.int_opt(column)?.map(u32::try_from).transpose().map_err(|_range| self.shape(column, "an id"))
    }

    /// The number in `column`.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn real(&self, column: usize) -> Result<f64, StoreError> {
        match self.0.get(column) {
            Some(Value::Real(Some(value))) => Ok(*value),
            #[expect(clippy::cast_precision_loss, reason = "SQLite gives whole numbers of a REAL column as integers")]
            Some(Value::Int(Some(value))) => Ok(*value as f64),
            _ => Err(self.shape(column, "a number")),
        }
    }

    /// The text in `column`.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.text_opt(column)?.ok_or_else(|| self.shape(column, "text"))
    }

    /// The text in `column`, or `None` where it is null.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn text_opt(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value.clone()),
            Some(other) if other.is_null() => Ok(None),
            _ => Err(self.shape(column, "text")),
        }
    }

    /// The bytes in `column`.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        self.bytes_opt(column)?.ok_or_else(|| self.shape(column, "bytes"))
    }

    /// The bytes in `column`, or `None` where it is null.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn bytes_opt(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value.clone()),
            Some(other) if other.is_null() => Ok(None),
            _ => Err(self.shape(column, "bytes")),
        }
    }
}

pub(crate) fn sqlite_row(row: &sqlx::sqlite::SqliteRow) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for column in 0..row.len() {
        let raw = row.try_get_raw(column)?;
        let value = if raw.is_null() {
            Value::Int(None)
        } else {
            let info = raw.type_info();
            match info.name() {
                "INTEGER" | "INT4" | "BOOLEAN" => Value::Int(Some(row.try_get_unchecked(column)?)),
                "REAL" => Value::Real(Some(row.try_get_unchecked(column)?)),
                "TEXT" => Value::Text(Some(row.try_get_unchecked(column)?)),
                "BLOB" => Value::Bytes(Some(row.try_get_unchecked(column)?)),
                other => return Err(StoreError::Type { type_name: other.to_owned() }),
            }
        };
        values.push(value);
    }
    Ok(Row(values))
}

pub(crate) fn postgres_row(row: &sqlx::postgres::PgRow) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for (column, described) in row.columns().iter().enumerate() {
        let value = match described.type_info().name() {
            "INT8" => Value::Int(row.try_get(column)?),
            "INT4" => Value::Int(row.try_get::<Option<i32>, _>(column)?.map(i64::from)),
            "BOOL" => Value::Int(row.try_get::<Option<bool>, _>(column)?.map(i64::from)),
            "FLOAT8" => Value::Real(row.try_get(column)?),
            "TEXT" | "VARCHAR" | "NAME" => Value::Text(row.try_get(column)?),
            "BYTEA" => Value::Bytes(row.try_get(column)?),
            other => return Err(StoreError::Type { type_name: other.to_owned() }),
        };
        values.push(value);
    }
    Ok(Row(values))
}
