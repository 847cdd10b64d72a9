use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use model::Format;
use proptest::prelude::*;

use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpora are missing");
    println!("skipped: no corpora");
    None
}

#[test]
fn gzip_members_are_one_object_with_the_stored_name() {
    let mut encoder = flate2::GzBuilder::new().filename("notes.txt").write(Vec::new(), Compression::fast());
    encoder.write_all(b"first\n").unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.extend_from_slice(&gzip(b"second\n"));
    bytes.extend_from_slice(&[0; 100]);
    for read in [Recorder::read(&bytes), Recorder::read_stream(&bytes, 1)] {
        assert_eq!(read.text(), "first\nsecond\n");
        assert_eq!(read.problems, []);
        assert_eq!(read.lines[1], "enter notes.txt");
        assert_eq!(read.lines.last().unwrap(), "leave 13");
    }
}

#[test]
fn damage_and_bytes_behind_the_end_are_reported() {
    let mut bytes = gzip(b"some words\n");
    bytes.extend_from_slice(b"behind");
    assert_eq!(Recorder::read(&bytes).problems[0].kind, ProblemKind::Malformed);
    let mut bytes = gzip(b"some words\n");
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    assert_eq!(Recorder::read(&bytes).problems[0].kind, ProblemKind::Malformed);
    let bytes = gzip(b"some words\n");
    for end in 4..bytes.len() {
        assert_eq!(Recorder::read(&bytes[..end]).problems[0].kind, ProblemKind::Truncated, "at {end}");
    }
}

#[test]
fn other_single_streams_are_read() {
    let text = b"the same words again\n".repeat(100);
    let zst = zstd::encode_all(&text[..], 3).unwrap();
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(&text).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&text).unwrap();
    for (bytes, format) in [
        (zst, model::Format::Zstd),
        (bz2.finish().unwrap(), model::Format::Bzip2),
        (xz.finish().unwrap(), model::Format::Xz),
    ] {
        let read = Recorder::read_stream(&bytes, 5);
        assert_eq!(read.formats[0], format);
        assert!(read.text().as_bytes() == text, "{format}: {:#?}", read.lines);
        assert_eq!(read.problems, [], "{format}");
        let half = Recorder::read(&bytes[..bytes.len() / 2]);
        assert_eq!(half.problems.len(), 1, "{format}");
    }
}

#[test]
fn a_nested_bomb_is_stopped_as_a_whole() {
    let mut bytes = b"the same line\n".repeat(4 << 20);
    for _ in 0..3 {
        bytes = gzip(&bytes);
    }
    let limits = Limits { expansion_free_bytes: 4 << 20, ..Limits::default() };
    let read = Recorder::read_with(Source::bytes(&bytes), limits, None);
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::Limit), "{:?}", read.problems);
}

#[test]
fn the_archives_of_others_open() {
    let Some(folder) = corpus("secrets/archives") else { return };
    for name in ["files.tar.zst", "nested.tar.gz", "files.zip", "files.7z", "files.tar.xz", "files.tar"] {
        let file = std::fs::File::open(folder.join(name)).unwrap();
        let read = Recorder::read_with(Source::seek(file).unwrap(), Limits::default(), None);
        assert_eq!(read.problems, [], "{name}");
        let entered = read.lines.iter().filter(|line| line.starts_with("enter ")).count();
        assert!(entered > 1, "{name}: {:#?}", read.lines);
        assert!(read.text().contains("package main"), "{name}: {:#?}", read.lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mutated_archives_neither_panic_nor_hang(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let text = b"a few words and 123 numbers\n".repeat(20);
        let mut bytes = match which {
            0 => gzip(&text),
            1 => zstd::encode_all(&text[..], 1).unwrap(),
            2 => super::zip::tests::archive(&[("a", &text), ("b", &gzip(&text))], zip::CompressionMethod::Deflated),
            3 => super::zip::tests::archive(&[("a", &text), ("b", &text)], zip::CompressionMethod::Stored),
            4 => {
                let mut builder = tar::Builder::new(Vec::new());
                let mut header = tar::Header::new_gnu();
                header.set_size(text.len() as u64);
                builder.append_data(&mut header, "a", &text[..]).unwrap();
                builder.into_inner().unwrap()
            }
            _ => match corpus("secrets/archives/files.7z") {
                Some(path) => std::fs::read(path).unwrap(),
                None => gzip(&text),
            },
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::read(&bytes);
        Recorder::read_stream(&bytes, 11);
    }
}

#[test]
fn seven_zip_headers_that_lead_astray_are_refused() {
    for case in ["property-size-leads-back", "coders-go-round", "header-of-all-the-memory"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus/7z").join(case);
        let read = Recorder::proved(&std::fs::read(path).unwrap());
        assert_eq!((read.format(), read.problems.len()), (Format::SevenZip, 1), "{case}: {:?}", read.problems);
    }
}
