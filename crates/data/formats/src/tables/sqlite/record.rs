//! Records (sqlite.org/fileformat2.html, section 2.1).

use encoding_rs::Encoding;

/// Columns of a table, at most (sqlite.org/limits.html, `SQLITE_MAX_COLUMN`'s upper bound).
const COLUMNS_MAX: usize = 32_767;

/// A variable-length integer and its length (section 1.6).
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for at in 0..8 {
        let byte = *bytes.get(at)?;
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?), 9))
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Blob(&'a [u8]),
    Text(&'a [u8]),
}

impl Value<'_> {
    /// As text; of a blob nothing.
    pub(super) fn text(&self, encoding: &'static Encoding) -> String {
        match self {
            Self::Null | Self::Blob(_) => String::new(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(bytes) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }
}

/// A record's values by position.
pub(super) struct Record<'a> {
    payload: &'a [u8],
    /// Serial type and offset of each value.
    values: Vec<(u64, usize)>,
}

impl<'a> Record<'a> {
    /// A damaged record has as many values as can be told.
    pub(super) fn new(payload: &'a [u8]) -> Self {
        let mut values = Vec::new();
        let Some((header_bytes, mut at)) = varint(payload) else { return Self { payload, values } };
        let header_bytes = usize::try_from(header_bytes).unwrap_or(usize::MAX).min(payload.len());
        let mut offset = header_bytes;
        while at < header_bytes && values.len() < COLUMNS_MAX {
            let Some((kind, len)) = payload.get(at..header_bytes).and_then(varint) else { break };
            values.push((kind, offset));
            offset = offset.saturating_add(value_bytes(kind));
            at += len;
        }
        Self { payload, values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value at `position`; of one that the payload cuts off what is there.
    pub(super) fn value(&self, position: usize) -> Option<Value<'a>> {
        let (kind, offset) = *self.values.get(position)?;
        let rest = self.payload.get(offset..).unwrap_or_default();
        let len = value_bytes(kind);
        let bytes = rest.get(..len).unwrap_or(rest);
        Some(match kind {
            1..=7 if bytes.len() < len => Value::Null,
            1..=6 => Value::Integer(integer(bytes)),
            7 => Value::Real(f64::from_bits(integer(bytes).cast_unsigned())),
            8 | 9 => Value::Integer(if kind == 8 { 0 } else { 1 }),
            12.. if kind.is_multiple_of(2) => Value::Blob(bytes),
            13.. => Value::Text(bytes),
            _ => Value::Null,
        })
    }
}

/// How many bytes a value of this serial type takes.
fn value_bytes(kind: u64) -> usize {
    match kind {
        1..=4 => usize::try_from(kind).unwrap_or(0),
        5 => 6,
        6 | 7 => 8,
        12.. => usize::try_from((kind - 12) / 2).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// Big-endian two's complement.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{Record, Value, varint};

    #[test]
    fn integers_of_variable_length() {
        assert_eq!(varint(&[0x7F]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xFF; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xFF; 8]), None);
    }

    #[test]
    fn values_of_every_type() {
        let record =
            [9, 0, 1, 2, 7, 9, 8, 17, 16, 0xFF, 0xFF, 0x00, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, b'A', b'n', b'x', b'y'];
        let record = Record::new(&record);
        let values: Vec<_> = (0..record.len()).filter_map(|at| record.value(at)).collect();
        let want = [
            Value::Null,
            Value::Integer(-1),
            Value::Integer(-256),
            Value::Real(1.0),
            Value::Integer(1),
            Value::Integer(0),
            Value::Text(b"An"),
            Value::Blob(b"xy"),
        ];
        assert_eq!(values, want);
    }
}
