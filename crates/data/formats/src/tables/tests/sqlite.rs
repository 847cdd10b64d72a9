use model::Format;

use crate::testing::Recorder;
use crate::{ProblemKind, Source};

/// Made by sqlite 3.40 with page size 512: a table by row id with an interior page, one without row ids, one with a
/// generated column, and an index.
pub(super) fn database() -> Vec<u8> {
    packed(include_bytes!("patients.sqlite.zst"))
}

/// The same program, page size 1024, UTF-16: texts longer than a page, and a PNG in a BLOB.
pub(super) fn with_overflow() -> Vec<u8> {
    packed(include_bytes!("overflow.sqlite.zst"))
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(bytes).unwrap()
}

#[test]
fn tables_by_row_id_and_without() {
    let read = Recorder::read(&database());
    assert_eq!(read.formats, [Format::Sqlite]);
    assert_eq!(read.problems, []);
    let lines: Vec<&str> = read.lines.iter().map(String::as_str).collect();
    assert!(lines.contains(&"table \"patients\" id|name|born|note"));
    assert!(lines.contains(&"row 1 1|Patient 1|1960-01-01|"));
    assert!(lines.contains(&"row 200 1000|Patient 200|1960-01-01|last"), "{lines:#?}");
    assert!(lines.contains(&"table \"visits\" day|site|code|weight"));
    assert!(lines.contains(&"row 1 2026-01-01|Köln|A1|-2.5"), "{lines:#?}");
    assert!(lines.contains(&"table \"totals\" a|doubled|kept|d"));
    assert!(lines.contains(&"row 1 4||8|end"), "{lines:#?}");
    let visits = lines.iter().skip_while(|line| !line.starts_with("table \"visits\"")).skip(1);
    assert_eq!(visits.take_while(|line| line.starts_with("row ")).count(), 60);
}

#[test]
fn long_texts_and_documents_in_columns() {
    let bytes = with_overflow();
    for read in [Recorder::read(&bytes), Recorder::read_stream(&bytes, 700)] {
        assert_eq!(read.problems, []);
        let note = read.cells.iter().find(|cell| cell.path == "note").unwrap();
        assert_eq!(note.value, "Frau Müller と 山田 ".repeat(400));
        assert!(read.lines.iter().any(|line| line == "enter files.content[1]"), "{:?}", read.formats);
        assert!(read.formats.contains(&Format::Image));
    }
}

#[test]
fn damage_is_told_and_what_can_be_reached_is_read() {
    let whole = database();
    // The right-most child of the root on page 2 becomes a page behind the end, or the root itself.
    for (child, kind) in [(9_999_u32, ProblemKind::Truncated), (2, ProblemKind::Malformed)] {
        let mut damaged = whole.clone();
        damaged[512 + 8..512 + 12].copy_from_slice(&child.to_be_bytes());
        let read = Recorder::read(&damaged);
        assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [kind]);
        assert!(read.lines.iter().any(|line| line.starts_with("row 198 198|Patient 198|")), "{:#?}", read.lines);
    }
    let read = Recorder::read(&whole[..60]);
    assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::Truncated]);
    let read = Recorder::read_with(
        Source::stream(&whole[..], None).unwrap(),
        crate::Limits { whole_bytes_max: 4096, ..crate::Limits::default() },
        None,
    );
    assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::Limit]);
}
