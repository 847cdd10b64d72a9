//! Every file of the shared corpora, and of the made-up organisation, is read: as what it is, without a panic, and
//! without a problem that it does not have.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot read its files has failed")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Field, Halt, Limits, Member, Problem, Row, Sink, Source, Table, Text};
use model::Format;

/// What was seen of one top-level object.
#[derive(Default)]
struct Seen {
    depth: usize,
    format: Option<Format>,
    /// Formats of members, in order.
    members: Vec<Format>,
    problems: Vec<String>,
    values: usize,
}

impl Sink for Seen {
    fn format(&mut self, format: Format) -> Result<(), Halt> {
        if self.depth == 0 {
            self.format = Some(format);
        } else {
            self.members.push(format);
        }
        Ok(())
    }
    fn enter(&mut self, _: &Member<'_>) -> Result<(), Halt> {
        self.depth += 1;
        Ok(())
    }
    fn leave(&mut self, _: u64) -> Result<(), Halt> {
        self.depth -= 1;
        Ok(())
    }
    fn text(&mut self, _: &Text<'_>) -> Result<(), Halt> {
        self.values += 1;
        Ok(())
    }
    fn table(&mut self, _: &Table<'_>) -> Result<(), Halt> {
        Ok(())
    }
    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        self.values += row.cells.len();
        Ok(())
    }
    fn field(&mut self, _: &Field<'_>) -> Result<(), Halt> {
        self.values += 1;
        Ok(())
    }
    fn record(&mut self) -> Result<(), Halt> {
        Ok(())
    }
    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        self.problems.push(format!("{}: {problem}", problem.kind.code()));
        Ok(())
    }
}

fn read(path: &Path) -> Seen {
    let mut seen = Seen::default();
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
    formats::read(Source::seek(File::open(path).unwrap()).unwrap(), &mut seen, &mut budget).unwrap();
    assert_eq!(seen.depth, 0, "{}", path.display());
    seen
}

/// All files below the shared folder's `name`, or none (said aloud) where it is missing outside of CI.
fn files(name: &str) -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(name);
    if !root.is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the folder `shared/{name}` is missing");
        eprintln!("skipped: the folder `shared/{name}` is not here");
        return Vec::new();
    }
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// What the files of a corpus are, by folder and extension, and what is inside of those that hold one thing.
const CORPORA: [(&str, &str, Format, Option<Format>); 30] = [
    ("corpora/text", "json", Format::Json, None),
    ("corpora/dicom", "dcm", Format::Dicom, None),
    ("corpora/dicom-deid", "dcm", Format::Dicom, None),
    ("corpora/fhir", "json", Format::Fhir, None),
    ("corpora/hl7", "hl7", Format::Hl7, None),
    ("corpora/cdisc/sdtm", "xpt", Format::Xpt, None),
    ("corpora/cdisc/sdtm", "json", Format::DatasetJson, None),
    ("corpora/cdisc/sdtm", "ndjson", Format::DatasetJson, None),
    ("corpora/cdisc/sdtm", "xml", Format::Odm, None),
    ("corpora/cdisc/i18n", "json", Format::DatasetJson, None),
    ("corpora/genomics", "bam", Format::Bam, None),
    ("corpora/genomics", "sam", Format::Sam, None),
    ("corpora/genomics", "vcf", Format::Vcf, None),
    ("corpora/genomics", "fa", Format::Fasta, None),
    ("corpora/genomics", "gz", Format::Gzip, Some(Format::Vcf)),
    ("corpora/secrets", "go", Format::Text, None),
    ("corpora/secrets", "toml", Format::Text, None),
    ("corpora/secrets/archives/files", "gz", Format::Gzip, Some(Format::Text)),
    ("corpora/secrets/archives", "7z", Format::SevenZip, Some(Format::Text)),
    ("corpora/secrets/archives", "tar", Format::Tar, Some(Format::Text)),
    ("corpora/secrets/archives", "zip", Format::Zip, Some(Format::Text)),
    ("logs/zeek/json", "gz", Format::Gzip, Some(Format::Ndjson)),
    ("logs/zeek/tsv", "gz", Format::Gzip, Some(Format::Csv)),
    ("logs/cloudtrail", "json", Format::Json, None),
    ("logs/evtx", "evtx", Format::Binary, None),
    ("csaf-medical", "json", Format::Json, None),
    ("cloud-plans", "json", Format::Json, None),
    ("oscal", "json", Format::Json, None),
    ("playbooks", "md", Format::Text, None),
    ("prompts", "json", Format::Json, None),
];

/// Files that are damaged on purpose, and what is wrong with them.
const DAMAGED: [(&str, &str); 4] = [
    ("MR_truncated.dcm", "truncated"),
    ("rtplan_truncated.dcm", "truncated"),
    ("index.expected1.vcf", "malformed"),
    ("index.expected2.vcf", "malformed"),
];

#[test]
fn the_corpora_are_read_as_what_they_are() {
    for (folder, extended, format, inside) in CORPORA {
        let mut found = files(folder);
        let is_there = !found.is_empty();
        found.retain(|path| extension(path) == extended);
        assert!(!found.is_empty() || !is_there, "no `{extended}` in `{folder}`");
        for path in found {
            let seen = read(&path);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            assert_eq!(seen.format, Some(format), "{}", path.display());
            assert!(seen.values > 0, "nothing in {}", path.display());
            if let Some(inside) = inside {
                assert!(seen.members.iter().all(|member| *member == inside), "{}: {:?}", path.display(), seen.members);
            }
            let expected: Vec<&str> = DAMAGED.iter().filter(|known| known.0 == name).map(|known| known.1).collect();
            let kinds: Vec<&str> = seen.problems.iter().filter_map(|problem| problem.split(':').next()).collect();
            assert_eq!(kinds, expected, "{}: {:?}", path.display(), seen.problems);
        }
    }
}

/// Formats by the extension that the made-up organisation gives its files.
const BY_EXTENSION: [(&str, Format); 27] = [
    ("eml", Format::Eml),
    ("mbox", Format::Mbox),
    ("sqlite", Format::Sqlite),
    ("dcm", Format::Dicom),
    ("hl7", Format::Hl7),
    ("xpt", Format::Xpt),
    ("vcf", Format::Vcf),
    ("bam", Format::Bam),
    ("sam", Format::Sam),
    ("fasta", Format::Fasta),
    ("fastq", Format::Fastq),
    ("gff3", Format::Gff),
    ("bed", Format::Bed),
    ("sdf", Format::Sdf),
    ("smi", Format::Smiles),
    ("pdb", Format::Pdb),
    ("xlsx", Format::Xlsx),
    ("docx", Format::Docx),
    ("pptx", Format::Pptx),
    ("pdf", Format::Pdf),
    ("rtf", Format::Rtf),
    ("png", Format::Image),
    ("jpg", Format::Image),
    ("csv", Format::Csv),
    ("tsv", Format::Csv),
    ("md", Format::Text),
    ("html", Format::Html),
];

#[test]
fn the_made_up_organisation_is_read_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let truth = sample::organisation::write(folder.path(), 1, 1, &mut |_| {}).unwrap();
    let mut wrong = Vec::new();
    for (path, planted) in &truth.files {
        let seen = read(&folder.path().join(path));
        let expected = BY_EXTENSION.iter().find(|known| known.0 == extension(Path::new(path))).map(|known| known.1);
        if expected.is_some_and(|expected| seen.format != Some(expected)) && !planted.unreadable {
            wrong.push(format!("{path} is {:?}", seen.format));
        }
        // Entities are shown where they are defined and never expanded: a bomb of them reads like any other text.
        let is_defused = path.ends_with(".xml");
        if seen.problems.is_empty() == planted.unreadable && !is_defused {
            wrong.push(format!("{path} has the problems {:?}", seen.problems));
        }
        if seen.values == 0 && !planted.unreadable {
            wrong.push(format!("nothing in {path}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
