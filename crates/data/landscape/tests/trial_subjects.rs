//! Trial subjects: which study issued their numbers, and which study an object belongs to.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its table has failed")]

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Limits, Source};
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::report::{ObjectReport, Token};

fn inspect(text: &str) -> ObjectReport {
    let inspector = Inspector::embedded(InspectOptions::default(), TokenKey::new([7; 32])).unwrap();
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
    let mut reports = Vec::new();
    let source = Source::seek(std::io::Cursor::new(text.as_bytes().to_vec())).unwrap();
    inspector
        .inspect("table.csv", source, &mut budget, &mut inspector.scratch(), &mut |report| reports.push(report))
        .unwrap();
    reports.remove(0)
}

fn tokens(report: &ObjectReport) -> Vec<Token> {
    report.subject_records.iter().flat_map(|record| &record.tokens).map(|(_, token)| *token).collect()
}

#[test]
fn a_number_that_names_its_study_is_the_same_without_a_column_for_it() {
    let full = inspect("STUDYID,USUBJID,AESEV\nAUR-101,AUR-101-0001,MILD\nAUR-101,AUR-101-0002,MILD\n");
    let listing = inspect("USUBJID,AESEV\nAUR-101-0001,MILD\nAUR-101-0002,MILD\n");
    assert_eq!(full.study.as_deref(), Some("AUR-101"));
    assert_eq!(full.subjects, 2);
    assert_eq!(tokens(&full), tokens(&listing));
}

#[test]
fn equal_numbers_of_two_studies_are_two_people() {
    let first = inspect("STUDYID,USUBJID,AESEV\nAUR-101,0001,MILD\nAUR-101,0002,MILD\n");
    let second = inspect("STUDYID,USUBJID,AESEV\nAUR-202,0001,MILD\nAUR-202,0002,MILD\n");
    assert_eq!((first.subjects, second.subjects), (2, 2));
    assert!(tokens(&first).iter().all(|token| !tokens(&second).contains(token)));
}
