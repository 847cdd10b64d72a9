use model::Format;

use super::checked;
use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source};

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &u16::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

fn begin(kind: u16) -> Vec<u8> {
    let mut data = [0x0600_u16, kind, 0, 0].map(u16::to_le_bytes).concat();
    data.resize(16, 0);
    record(0x0809, &data)
}

fn label(row: u16, column: u16, text: &str) -> Vec<u8> {
    let head = [row, column, 0, u16::try_from(text.len()).unwrap()].map(u16::to_le_bytes).concat();
    record(0x0204, &[&head, b"\0".as_slice(), text.as_bytes()].concat())
}

/// A workbook of one sheet per list of records.
fn workbook(sheets: &[Vec<u8>]) -> Vec<u8> {
    let end = record(0x000A, &[]);
    let mut position = begin(5).len() + end.len() + sheets.len() * (4 + 6 + 2 + 2);
    let mut globals = begin(5);
    let mut bodies = Vec::new();
    for (number, sheet) in sheets.iter().enumerate() {
        let mut data = u32::try_from(position).unwrap().to_le_bytes().to_vec();
        data.extend([0, 0, 2, 0, b'S', b'1' + u8::try_from(number).unwrap()]);
        globals.extend(record(0x0085, &data));
        let body = [begin(0x10), sheet.clone(), end.clone()].concat();
        position += body.len();
        bodies.extend(body);
    }
    checked::contained(&[globals, end, bodies].concat()).unwrap()
}

fn dimensions(rows: u32, columns: u16) -> Vec<u8> {
    let mut data = [0, rows].map(u32::to_le_bytes).concat();
    data.extend([0, columns, 0].map(u16::to_le_bytes).concat());
    record(0x0200, &data)
}

fn rows() -> Vec<u8> {
    [dimensions(3, 2), label(0, 0, "Name"), label(0, 1, "MRN"), label(1, 0, "Ann Roe"), label(1, 1, "M-1")].concat()
}

#[test]
fn a_workbook_gives_its_sheets() {
    let read = Recorder::read(&workbook(&[rows(), rows()]));
    assert_eq!(read.formats.last(), Some(&Format::Xls));
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let values: Vec<&str> = read.cells.iter().map(|cell| cell.value.as_str()).filter(|v| !v.is_empty()).collect();
    assert_eq!(values.iter().filter(|value| **value == "Ann Roe").count(), 2, "{:?}", read.lines);
}

#[test]
fn room_that_no_sheet_needs_is_not_made() {
    for sheet in [dimensions(u32::MAX, u16::MAX), dimensions(70_000, 2), label(3, 256, "far out")] {
        let read = Recorder::read(&workbook(&[sheet]));
        assert_eq!(read.problems.first().map(|problem| problem.kind), Some(ProblemKind::Malformed));
    }
    let wide = [label(0, 0, "a"), label(u16::MAX, 255, "b")].concat();
    let file = workbook(&[wide]);
    let read = Recorder::read_with(Source::bytes(&file), Limits::default(), None);
    assert_eq!(read.problems.first().map(|problem| problem.kind), Some(ProblemKind::Limit));
}

#[test]
fn sheets_over_one_another_are_not_read_again_and_again() {
    let mut records = begin(5);
    for _ in 0..200 {
        records.extend(record(0x0085, &[[0; 6].as_slice(), &[1, 0, b'S']].concat()));
    }
    let long: Vec<u8> = (0..200).flat_map(|row| label(row, 0, "text")).collect();
    let file = checked::contained(&[records, long].concat()).unwrap();
    assert_eq!(Recorder::read(&file).problems.first().map(|problem| problem.kind), Some(ProblemKind::Malformed));
}

/// Its directory and its table of sectors lead to nowhere and back.
#[test]
fn cycles_of_sectors_end() {
    let mut file = workbook(&[rows()]);
    // The allocation table is the first sector behind the header, the directory the next.
    file[4096 + 4..4096 + 8].copy_from_slice(&1_u32.to_le_bytes());
    let read = Recorder::read(&file);
    assert!(read.cells.iter().any(|cell| cell.value == "Ann Roe"), "{:?}", read.lines);
    file[4096 + 4..4096 + 8].copy_from_slice(&900_u32.to_le_bytes());
    Recorder::read(&file);
}
