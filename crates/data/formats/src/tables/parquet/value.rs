//! What a column's numbers and bytes stand for (parquet-format, LogicalTypes.md).

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::schema::types::ColumnDescriptor;

use crate::tables::rows::Rows;
use crate::tables::value::{date, decimal, time, timestamp, uuid};

/// Noon of 1970-01-01 belongs to this Julian day.
const EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// What a value stands for beyond its physical type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Unsigned,
    Date,
    /// Units in a second.
    Time(i64),
    /// Units in a second.
    Timestamp(i64),
    /// Digits behind the point.
    Decimal(i32),
    Uuid,
    Half,
}

impl Kind {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        match column.logical_type_ref() {
            Some(LogicalType::Date) => Self::Date,
            Some(LogicalType::Time(kind)) => Self::Time(per_second(kind.unit)),
            Some(LogicalType::Timestamp(kind)) => Self::Timestamp(per_second(kind.unit)),
            Some(LogicalType::Decimal(kind)) => Self::Decimal(kind.scale),
            Some(LogicalType::Integer(kind)) if !kind.is_signed => Self::Unsigned,
            Some(LogicalType::Uuid) => Self::Uuid,
            Some(LogicalType::Float16) => Self::Half,
            Some(_) => Self::Plain,
            None => Self::converted(column),
        }
    }

    /// By the older annotation.
    fn converted(column: &ColumnDescriptor) -> Self {
        match column.converted_type() {
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIME_MILLIS => Self::Time(1_000),
            ConvertedType::TIME_MICROS => Self::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp(1_000),
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp(1_000_000),
            ConvertedType::DECIMAL => Self::Decimal(column.type_scale()),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Self::Unsigned
            }
            _ => Self::Plain,
        }
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

/// Adds an integer of `bits` bits.
pub(super) fn integer(value: i64, bits: u32, kind: &Kind, rows: &mut Rows) {
    let text = match *kind {
        Kind::Date => date(value),
        Kind::Time(per_second) => time(value, per_second),
        Kind::Timestamp(per_second) => timestamp(value, per_second),
        Kind::Decimal(scale) => decimal(&value.to_be_bytes(), scale),
        Kind::Unsigned if bits == 32 => (value & 0xFFFF_FFFF).to_string(),
        Kind::Unsigned => value.cast_unsigned().to_string(),
        _ => value.to_string(),
    };
    rows.value(&text);
}

/// A moment as Impala and old Spark write it: nanoseconds of the day, and the Julian day.
pub(super) fn int96(words: &[u32]) -> String {
    let [low, high, day] = *words else { return String::new() };
    let nanoseconds = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let of_day = time(nanoseconds.rem_euclid(86_400_000_000_000), 1_000_000_000);
    format!("{}T{of_day}", date(i64::from(day) - EPOCH_JULIAN_DAY))
}

/// Adds bytes, of variable or fixed length.
pub(super) fn bytes(value: &[u8], kind: &Kind, rows: &mut Rows) {
    match (*kind, value) {
        (Kind::Decimal(scale), _) if value.len() <= 64 => rows.value(&decimal(value, scale)),
        (Kind::Uuid, _) if value.len() == 16 => rows.value(&uuid(value)),
        (Kind::Half, [a, b]) => rows.value(&half(u16::from_le_bytes([*a, *b])).to_string()),
        _ => rows.bytes(value),
    }
}

/// A number of half precision (IEEE 754-2008 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x03FF);
    sign * match bits >> 10 & 0x1F {
        0 => fraction * (-24_f32).exp2(),
        0x1F if fraction == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        exponent => (fraction / 1024.0 + 1.0) * (f32::from(exponent) - 15.0).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::{half, int96};

    #[test]
    fn half_precision() {
        assert_eq!([0x3C00, 0xC000, 0x7BFF, 0x0001].map(half), [1.0, -2.0, 65_504.0, 5.960_464_5e-8]);
    }

    #[test]
    fn moments_of_ninety_six_bits() {
        assert_eq!(int96(&[0, 0, 2_440_588]), "1970-01-01T00:00:00");
        assert_eq!(
            int96(&[3_600_000_000_000_u64 as u32, (3_600_000_000_000_u64 >> 32) as u32, 2_440_589]),
            "1970-01-02T01:00:00"
        );
    }
}
