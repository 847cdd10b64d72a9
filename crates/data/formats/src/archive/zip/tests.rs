use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source};

pub(crate) fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn members_are_read_alike_by_directory_and_by_stream() {
    let methods =
        [CompressionMethod::Stored, CompressionMethod::Deflated, CompressionMethod::Bzip2, CompressionMethod::Zstd];
    for method in methods {
        let bytes = archive(&[("a/../../b.txt", b"first words here\n"), ("b.txt", b"second words\n")], method);
        let sought = Recorder::read(&bytes);
        assert_eq!(sought.text(), "first words here\nsecond words\n", "{method:?}");
        assert!(sought.lines.iter().any(|line| line == "enter a/../../b.txt"));
        let limits = Limits { whole_bytes_max: 8, ..Limits::default() };
        let streamed = Recorder::read_with(Source::stream(&bytes[..], None).unwrap(), limits, None);
        assert_eq!(streamed.lines, sought.lines, "{method:?}");
    }
}

#[test]
fn members_without_lengths_are_read_from_a_stream() {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for name in ["one", "two"] {
        writer.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        writer.write_all(format!("content of member {name}\n").as_bytes()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let limits = Limits { whole_bytes_max: 8, ..Limits::default() };
    let streamed = Recorder::read_with(Source::stream(&bytes[..], None).unwrap(), limits, None);
    assert_eq!(streamed.text(), "content of member one\ncontent of member two\n", "{:#?}", streamed.lines);
    assert_eq!(streamed.problems, []);
}

#[test]
fn a_lost_directory_is_made_up_for_by_the_local_headers() {
    let mut bytes = archive(&[("a", b"first\n"), ("b", b"second\n")], CompressionMethod::Deflated);
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    bytes.truncate(directory);
    let read = Recorder::read(&bytes);
    assert_eq!(read.text(), "first\nsecond\n");
    assert_eq!(read.problems[0].kind, ProblemKind::Truncated);
}

#[test]
fn an_encrypted_member_is_one_problem_and_the_others_are_read() {
    let mut bytes = archive(&[("secret", b"hidden\n"), ("open", b"visible\n")], CompressionMethod::Stored);
    for signature in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
        let at = memchr::memmem::find(&bytes, signature).unwrap();
        bytes[at + if signature[2] == 3 { 6 } else { 8 }] |= 1;
    }
    for read in [Recorder::read(&bytes), Recorder::read_stream(&bytes, 7)] {
        assert_eq!(read.text(), "visible\n");
        assert_eq!(read.problems.len(), 1);
        assert_eq!(read.problems[0].kind, ProblemKind::Encrypted);
    }
}

#[test]
fn members_that_share_bytes_are_read_once() {
    let bytes = archive(&[("a", b"only once\n")], CompressionMethod::Stored);
    let at = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&bytes, b"PK\x05\x06").unwrap();
    let entry = bytes[at..end].to_vec();
    let mut bomb = bytes[..at].to_vec();
    (0..50).for_each(|_| bomb.extend_from_slice(&entry));
    let mut record = bytes[end..].to_vec();
    record[8..10].copy_from_slice(&50u16.to_le_bytes());
    record[10..12].copy_from_slice(&50u16.to_le_bytes());
    record[12..16].copy_from_slice(&(50 * entry.len() as u32).to_le_bytes());
    bomb.extend_from_slice(&record);
    let read = Recorder::read(&bomb);
    assert_eq!(read.text(), "only once\n");
    assert_eq!(read.problems.len(), 1);
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let bytes = archive(&[("words", &b"the same line\n".repeat(2 << 20))], CompressionMethod::Deflated);
    let limits = Limits { expansion_free_bytes: 1 << 20, expansion_ratio_max: 100, ..Limits::default() };
    let read = Recorder::read_with(Source::bytes(&bytes), limits, None);
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::Limit), "{:?}", read.problems);
}

#[test]
fn nesting_ends_at_its_limit() {
    let mut bytes = b"innermost\n".to_vec();
    for _ in 0..14 {
        bytes = archive(&[("inner.zip", &bytes)], CompressionMethod::Deflated);
    }
    let read = Recorder::read(&bytes);
    assert_eq!(read.problems.len(), 1);
    assert_eq!(read.problems[0].kind, ProblemKind::Limit);
}

#[test]
fn cut_anywhere_it_says_so_and_goes_on() {
    let bytes = archive(&[("a", b"some words\n"), ("b", b"more words\n")], CompressionMethod::Deflated);
    for end in 4..bytes.len() {
        let read = Recorder::read(&bytes[..end]);
        assert!(!read.problems.is_empty(), "silent at {end}: {:#?}", read.lines);
        Recorder::read_stream(&bytes[..end], 3);
    }
}

#[test]
fn names_are_decoded_from_the_code_pages_in_use() {
    let name = |bytes: &[u8]| super::directory::entry_name(bytes, &[], 0).into_string();
    assert_eq!(name(b"M\x81ller"), "Müller");
    assert_eq!(name(&encoding_rs::SHIFT_JIS.encode("患者一覧.csv").0), "患者一覧.csv");
    assert_eq!(name("患者".as_bytes()), "患者");
}
