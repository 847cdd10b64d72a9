//! Made-up reports.

use std::collections::BTreeMap;
use std::ops::Range;

use landscape::catalogue::Inspected;
use landscape::report::{IdentifierSummary, MaskedSample, ObjectReport, SubjectRecord, Token, TokenKind};
use model::{Format, IdentifierType, Jurisdiction, Label};

/// A report that found one label and nothing else.
pub fn report(path: &str, label: Label) -> ObjectReport {
    ObjectReport {
        object: path.to_owned(),
        format: Format::Text,
        bytes: 100,
        digest: None,
        labels: vec![label],
        laws: Vec::new(),
        identifiers: Vec::new(),
        subject_records: Vec::new(),
        subjects: 0,
        jurisdictions: BTreeMap::new(),
        spans: Vec::new(),
        samples: Vec::new(),
        errors: Vec::new(),
        study: None,
    }
}

/// A table of patients with these numbers.
pub fn patients(path: &str, numbers: Range<u32>, country: &str) -> ObjectReport {
    let count = u64::from(numbers.end - numbers.start);
    ObjectReport {
        format: Format::Csv,
        bytes: 1_000,
        laws: vec!["gdpr".parse().unwrap(), "hipaa".parse().unwrap()],
        identifiers: vec![IdentifierSummary {
            kind: IdentifierType::Person,
            count,
            confidence: 0.9,
            finer: BTreeMap::from([("given".to_owned(), count)]),
        }],
        subject_records: numbers.map(|number| person(Some(number), None, country)).collect(),
        subjects: count,
        jurisdictions: BTreeMap::from([(Jurisdiction::country(country), count)]),
        samples: vec![MaskedSample {
            kind: IdentifierType::Person,
            masked: "J*** D**".to_owned(),
            place: "line 2, name".to_owned(),
            confidence: 0.9,
            recognizer: "header.name".to_owned(),
            why: "the column is called `name`".to_owned(),
        }],
        study: Some("STUDY-1".to_owned()),
        ..report(path, Label::PhiDirect)
    }
}

/// A record with a hospital number, a name with birth date, or both.
pub fn person(number: Option<u32>, name: Option<u32>, country: &str) -> SubjectRecord {
    let token = |kind: u8, number: u32| {
        let mut bytes = [kind; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Token(bytes)
    };
    let number = number.map(|number| (TokenKind::Strong { domain: 1 }, token(1, number)));
    let name = name.map(|name| (TokenKind::NameAndBirth, token(2, name)));
    SubjectRecord { tokens: number.into_iter().chain(name).collect(), jurisdiction: Jurisdiction::country(country) }
}

/// One top-level object with these reports.
pub fn inspected(path: &str, reports: Vec<ObjectReport>) -> Inspected {
    Inspected {
        path: path.to_owned(),
        stamp: Some("1".to_owned()),
        bytes: reports[0].bytes,
        modified_at: Some(5),
        owner: "someone".to_owned(),
        reports,
        version: None,
    }
}
