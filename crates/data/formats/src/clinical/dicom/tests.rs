use std::io::Read;
use std::path::PathBuf;

use flate2::Compression;
use flate2::read::DeflateEncoder;
use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, corpus, survives_truncation};
use crate::{Limits, ProblemKind, Source};

/// An explicit little-endian element; odd values are padded.
fn element(tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" || vr == b"OB" { 0 } else { b' ' });
    }
    let mut out = Vec::new();
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    out.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT") {
        out.extend([0, 0]);
        out.extend((value.len() as u32).to_le_bytes());
    } else {
        out.extend((value.len() as u16).to_le_bytes());
    }
    out.extend(value);
    out
}

fn item(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(content);
    out
}

fn file(syntax: &str, dataset: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    out.extend(element((0x0002, 0x0010), b"UI", syntax.as_bytes()));
    out.extend(dataset);
    out
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn corpus_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<_> = ["dicom", "dicom-deid"].into_iter().filter_map(corpus).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sample(name: &str) -> Option<Recorder> {
    corpus("dicom").map(|folder| Recorder::read(&std::fs::read(folder.join(name)).unwrap()))
}

#[test]
fn every_corpus_file_is_dicom_and_only_the_broken_ones_have_problems() {
    for path in corpus_files() {
        let bytes = std::fs::read(&path).unwrap();
        let seen = Recorder::read(&bytes);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(seen.formats.first(), Some(&Format::Dicom), "{name}");
        let broken = ["rtplan_truncated.dcm", "MR_truncated.dcm"].contains(&name.as_str());
        let problems: Vec<_> = seen.problems.iter().filter(|p| p.kind != ProblemKind::Unsupported).collect();
        assert_eq!(!problems.is_empty(), broken, "{name}: {problems:?}");
        assert!(!seen.fields.is_empty(), "{name}");
        let streamed = Recorder::read_stream(&bytes, 1000);
        assert_eq!(streamed.lines, seen.lines, "{name}");
    }
}

#[test]
fn names_in_the_character_sets_of_the_world() {
    let expected = [
        ("chrArab.dcm", "لنزار قباني"),
        ("chrGreek.dcm", "Διονυσιος"),
        ("chrRuss.dcm", "Люкceмбypг"),
        ("chrHbrw.dcm", "דבורה שרון"),
        ("chrX2.dcm", "王 小东"),
    ];
    for (name, person) in expected {
        let Some(seen) = sample(name) else { return };
        assert!(seen.values("00100010").iter().any(|v| v.contains(person)), "{name}: {:?}", seen.values("00100010"));
    }
    for name in ["chrH31.dcm", "chrH32.dcm"] {
        let Some(seen) = sample(name) else { return };
        let ideographic = seen.fields.iter().find(|f| f.path == "00100010" && f.kind == "ideographic").unwrap();
        assert_eq!(ideographic.value, "山田 太郎", "{name}");
    }
}

#[test]
fn nested_values_have_their_place_issuer_and_concept() {
    let concept = element((0x0040, 0xA043), b"SQ", &item(&element((0x0008, 0x0104), b"LO", b"Person Observer Name")));
    let inner = [concept, element((0x0040, 0xA123), b"PN", b"Example^Reader")].concat();
    let content = element((0x0040, 0xA730), b"SQ", &[item(&[]), item(&inner)].concat());
    let dataset = [
        element((0x0009, 0x0010), b"LO", b"ACME 1.1"),
        element((0x0009, 0x1042), b"SH", b"secret"),
        element((0x0010, 0x0020), b"LO", b"A\\B"),
        element((0x0010, 0x0021), b"LO", b"SITE"),
        content,
    ];
    let seen = Recorder::read(&file(EXPLICIT, &dataset.concat()));
    assert_eq!(seen.problems, []);
    assert_eq!((seen.field("00090042").issuer.as_str(), seen.field("00090042").value.as_str()), ("ACME 1.1", "secret"));
    assert_eq!(seen.values("00100020"), ["A", "B"]);
    assert_eq!(seen.field("00100020").issuer, "SITE");
    let name = seen.field("0040A123");
    assert_eq!(name.place, "(0040,A730)[2]/(0040,A123)");
    assert_eq!((name.value.as_str(), name.kind.as_str()), ("Reader Example", "Person Observer Name"));
}

#[test]
fn an_encapsulated_document_opens_as_a_member() {
    let dataset = [
        element((0x0042, 0x0010), b"ST", b"Report"),
        element((0x0042, 0x0011), b"OB", b"%PDF-1.4\n%%EOF"),
        element((0x0042, 0x0012), b"LO", b"application/pdf"),
    ];
    let seen = Recorder::read(&file(EXPLICIT, &dataset.concat()));
    assert!(seen.lines.contains(&"enter (0042,0011)".to_owned()), "{:?}", seen.lines);
    assert_eq!(seen.values("00420012"), ["application/pdf"]);
}

#[test]
fn private_bytes_show_their_strings() {
    let bytes = [&[0, 1, 2, 3, 0xFF], b"Sample Patient".as_slice(), &[0; 40], b"short"].concat();
    let dataset = [element((0x0029, 0x0010), b"LO", b"CSA"), element((0x0029, 0x1010), b"OB", &bytes)];
    let seen = Recorder::read(&file(EXPLICIT, &dataset.concat()));
    assert_eq!((seen.text().as_str(), seen.texts[0].place.as_str()), ("Sample Patient\n", "(0029,1010)"));
}

#[test]
fn deflated_and_wrongly_declared_data_sets_are_read() {
    let dataset = element((0x0010, 0x0010), b"PN", b"Sample^Pat");
    let mut deflated = Vec::new();
    DeflateEncoder::new(dataset.as_slice(), Compression::default()).read_to_end(&mut deflated).unwrap();
    for bytes in [file("1.2.840.10008.1.2.1.99", &deflated), file("1.2.840.10008.1.2", &dataset), file("", &dataset)] {
        assert_eq!(Recorder::read(&bytes).values("00100010"), ["Pat Sample"]);
    }
}

#[test]
fn endless_nesting_and_hostile_lengths_are_problems() {
    let mut nested = Vec::new();
    for _ in 0..2000 {
        nested.extend([0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        nested.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    let seen = Recorder::read(&file(EXPLICIT, &nested));
    assert_eq!(seen.problems.first().map(|p| p.kind), Some(ProblemKind::Limit));
    let mut long = file(EXPLICIT, &[]);
    long.extend([0x10, 0, 0x00, 0x40, b'U', b'T', 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, b'x']);
    assert_eq!(Recorder::read(&long).problems.first().map(|p| p.kind), Some(ProblemKind::Truncated));
}

/// Five gigabytes of pixels behind a small header, which nobody may load.
struct Frames {
    head: Vec<u8>,
    at: u64,
    len: u64,
    read: std::rc::Rc<std::cell::Cell<u64>>,
}

impl Read for Frames {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = (into.len() as u64).min(self.len - self.at) as usize;
        for (offset, byte) in into[..n].iter_mut().enumerate() {
            *byte = self.head.get(self.at as usize + offset).copied().unwrap_or(0);
        }
        self.at += n as u64;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

impl std::io::Seek for Frames {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            std::io::SeekFrom::Start(at) => at,
            std::io::SeekFrom::End(back) => self.len.strict_add_signed(back),
            std::io::SeekFrom::Current(by) => self.at.strict_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn multi_frame_pixels_are_never_read() {
    let mut head = file(EXPLICIT, &element((0x0010, 0x0010), b"PN", b"Sample^Pat"));
    head.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
    head.extend(4_000_000_000_u32.to_le_bytes());
    let len = head.len() as u64 + 4_000_000_000;
    let read = std::rc::Rc::new(std::cell::Cell::new(0));
    let source = Source::seek(Frames { head, at: 0, len, read: read.clone() }).unwrap();
    let seen = Recorder::read_with(source, Limits::default(), None);
    assert_eq!((seen.values("00100010"), seen.problems.len()), (vec!["Pat Sample"], 0));
    assert!(read.get() < 1 << 20, "{} bytes were read", read.get());
}

#[test]
fn every_truncation_is_survived() {
    for name in ["priv_SQ.dcm", "UN_sequence.dcm", "chrSQEncoding.dcm"] {
        let Some(folder) = corpus("dicom") else { return };
        let bytes = std::fs::read(folder.join(name)).unwrap();
        survives_truncation(&bytes[..bytes.len().min(3000)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_data_sets_are_survived(dataset in prop::collection::vec(any::<u8>(), 0..400)) {
        Recorder::read(&file(EXPLICIT, &dataset));
        Recorder::read(&file("1.2.840.10008.1.2", &dataset));
    }

    #[test]
    fn mutated_files_are_survived(choice in 0_usize..200, at in 0_usize..4000, bytes in prop::array::uniform4(any::<u8>())) {
        let files = corpus_files();
        if !files.is_empty() {
            let mut file = std::fs::read(&files[choice % files.len()]).unwrap();
            for (offset, byte) in bytes.into_iter().enumerate() {
                let at = (at * 3 + offset) % file.len();
                file[at] ^= byte;
            }
            Recorder::read(&file);
        }
    }
}
