//! SAS transport files, version 5 (SAS technical note TS-140).

use super::table::{Column, Table};

const STAMP: &str = "05MAR26:09:30:00";

/// One dataset.
pub fn v5(table: &Table) -> Vec<u8> {
    let lengths: Vec<usize> = (0..table.columns.len()).map(|i| length(table, i)).collect();
    let mut bytes = Vec::new();
    header(&mut bytes, "LIBRARY", "000000000000000000000000000000");
    record(&mut bytes, &format!("{:8}{:8}{:8}{:8}{:8}{:24}{STAMP}", "SAS", "SAS", "SASLIB", "9.4", "X64", ""));
    record(&mut bytes, STAMP);
    header(&mut bytes, "MEMBER", "000000000000000001600000000140");
    header(&mut bytes, "DSCRPTR", "000000000000000000000000000000");
    record(&mut bytes, &format!("{:8}{:8}{:8}{:8}{:8}{:24}{STAMP}", "SAS", table.name, "SASDATA", "9.4", "X64", ""));
    record(&mut bytes, &format!("{STAMP}{:16}{:40}{:8}", "", table.label, ""));
    header(&mut bytes, "NAMESTR", &format!("000000{:04}00000000000000000000", table.columns.len()));
    let mut position = 0;
    for (i, (column, &length)) in table.columns.iter().zip(&lengths).enumerate() {
        namestr(&mut bytes, column, i + 1, length, position);
        position += length;
    }
    fill(&mut bytes);
    header(&mut bytes, "OBS", "000000000000000000000000000000");
    for row in &table.rows {
        for ((column, &length), cell) in table.columns.iter().zip(&lengths).zip(row) {
            if column.numeric {
                bytes.extend(cell.parse().map_or([b'.', 0, 0, 0, 0, 0, 0, 0], ibm_double));
            } else {
                padded(&mut bytes, cell, length);
            }
        }
    }
    fill(&mut bytes);
    bytes
}

/// Bytes that a column takes: 8 for numbers, otherwise its longest value, up to the format's 200.
fn length(table: &Table, column: usize) -> usize {
    if table.columns.get(column).is_some_and(|column| column.numeric) {
        return 8;
    }
    table.rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(1).clamp(1, 200)
}

fn header(bytes: &mut Vec<u8>, kind: &str, tail: &str) {
    record(bytes, &format!("HEADER RECORD*******{kind:8}HEADER RECORD!!!!!!!{tail}"));
}

fn record(bytes: &mut Vec<u8>, text: &str) {
    padded(bytes, text, 80);
}

/// The text cut or filled with blanks to so many bytes.
fn padded(bytes: &mut Vec<u8>, text: &str, length: usize) {
    let end = (0..=length.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    bytes.extend_from_slice(text.as_bytes().get(..end).unwrap_or_default());
    bytes.resize(bytes.len() + length - end, b' ');
}

fn fill(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(80), b' ');
}

fn short(bytes: &mut Vec<u8>, value: usize) {
    bytes.extend(u16::try_from(value).unwrap_or(0).to_be_bytes());
}

/// The 140 bytes that describe a variable.
fn namestr(bytes: &mut Vec<u8>, column: &Column, number: usize, length: usize, position: usize) {
    short(bytes, if column.numeric { 1 } else { 2 });
    short(bytes, 0);
    short(bytes, length);
    short(bytes, number);
    padded(bytes, column.name, 8);
    padded(bytes, column.label, 40);
    padded(bytes, "", 8);
    bytes.extend([0; 8]);
    padded(bytes, "", 8);
    bytes.extend([0; 4]);
    bytes.extend(u32::try_from(position).unwrap_or(0).to_be_bytes());
    bytes.extend([0; 52]);
}

/// A number as an IBM System/360 double: sign, exponent of 16 in excess 64, 56 bits of fraction.
fn ibm_double(value: f64) -> [u8; 8] {
    if value == 0.0 || !value.is_finite() {
        return [0; 8];
    }
    let bits = value.to_bits();
    let sign = bits >> 63 << 63;
    let exponent = i64::try_from(bits >> 52 & 0x7FF).unwrap_or(0) - 1022;
    let fraction = (bits & 0xF_FFFF_FFFF_FFFF) | 0x10_0000_0000_0000;
    // value = fraction / 2^53 * 2^exponent; the exponent is raised to a multiple of four.
    let sixteens = exponent.div_euclid(4) + i64::from(exponent.rem_euclid(4) != 0);
    let shift = u32::try_from(sixteens * 4 - exponent).unwrap_or(0);
    let fraction = (fraction << 3) >> shift;
    let exponent = u64::try_from(sixteens + 64).unwrap_or(0) & 0x7F;
    (sign | exponent << 56 | fraction).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::{ibm_double, v5};
    use crate::write::table::Table;

    #[test]
    fn numbers_are_ibm_doubles() {
        assert_eq!(ibm_double(1.0), [0x41, 0x10, 0, 0, 0, 0, 0, 0]);
        assert_eq!(ibm_double(-118.625), [0xC2, 0x76, 0xA0, 0, 0, 0, 0, 0]);
        assert_eq!(ibm_double(0.15625), [0x40, 0x28, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn records_are_eighty_bytes() {
        let mut table = Table::dataset("DM", "Demographics", &[("USUBJID", "Subject"), ("#AGE", "Age")]);
        table.rows.push(vec!["AUR-101-0001".to_owned(), "61".to_owned()]);
        assert_eq!(v5(&table).len() % 80, 0);
    }
}
