//! From what inspection reports to what the store keeps.

use std::collections::{BTreeMap, BTreeSet};

use model::Format;
use store::identifiers::{Findings, IdentifierRow, ProblemRow, SampleRow};
use store::objects::{ObjectRow, VersionRow};

use super::{Inspected, labels, risk};
use crate::report::ObjectReport;

/// `present`: it was read, in part at least.
pub(crate) const PRESENT: &str = "present";
/// `unreadable`: nothing of it could be read.
pub(crate) const UNREADABLE: &str = "unreadable";
/// `gone`: it is no longer in its source.
pub(crate) const GONE: &str = "gone";

/// The row of a report, without its id and without regard to what was known before. Labels in force and risk follow
/// once corrections are known.
pub(super) fn object(
    path: String,
    report: &ObjectReport,
    inspected: &Inspected,
    batch: (u32, u32),
    members: u64,
    now: i64,
) -> ObjectRow {
    let (source_id, scan_id) = batch;
    let found = labels::join(report.labels.iter().copied());
    let laws: BTreeSet<&str> = report.laws.iter().map(model::LawId::as_str).collect();
    let mix: BTreeMap<&str, u64> = report.jurisdictions.iter().map(|(place, count)| (place.as_str(), *count)).collect();
    let is_top = path == inspected.path;
    ObjectRow {
        id: 0,
        source_id,
        top_id: None,
        path,
        format: report.format.as_str().to_owned(),
        bytes: if is_top { report.bytes.max(inspected.bytes) } else { report.bytes },
        modified_at: inspected.modified_at,
        stamp: if is_top { inspected.stamp.clone() } else { None },
        digest: report.digest.map(|digest| digest.to_vec()),
        version: 1,
        state: if report.is_unreadable() { UNREADABLE } else { PRESENT }.to_owned(),
        owner: inspected.owner.clone(),
        study: report.study.clone().unwrap_or_default(),
        labels: found.clone(),
        found,
        laws: laws.into_iter().collect::<Vec<_>>().join(","),
        jurisdictions: serde_json::to_string(&mix).unwrap_or_default(),
        subjects: report.subjects,
        risk: 0,
        problems: report.errors.len() as u64,
        members,
        first_seen_at: now,
        last_seen_at: now,
        changed_at: now,
        scan_id,
    }
}

/// Puts risk where the labels in force say.
pub(super) fn rank(object: &mut ObjectRow) {
    object.risk = risk::rank(&labels::split(&object.labels), object.subjects);
}

/// What was found in an object, for the store.
pub(super) fn findings(object_id: u32, report: &ObjectReport, findings: &mut Findings) {
    findings.identifiers.extend(report.identifiers.iter().map(|summary| IdentifierRow {
        object_id,
        kind: summary.kind.as_str().to_owned(),
        occurrences: summary.count,
        confidence: f64::from(summary.confidence),
        finer: serde_json::to_string(&summary.finer).unwrap_or_default(),
    }));
    findings.samples.extend(report.samples.iter().map(|sample| SampleRow {
        object_id,
        kind: sample.kind.as_str().to_owned(),
        masked: sample.masked.clone(),
        place: sample.place.clone(),
        confidence: f64::from(sample.confidence),
        recognizer: sample.recognizer.clone(),
        why: sample.why.clone(),
    }));
    findings.problems.extend(report.errors.iter().map(|problem| ProblemRow {
        object_id,
        kind: problem.kind.code().to_owned(),
        message: problem.message.clone(),
    }));
}

/// The version row of an object as it is.
pub(super) fn version(object: &ObjectRow, identifiers: u64) -> VersionRow {
    VersionRow {
        object_id: object.id,
        version: object.version,
        seen_at: object.changed_at,
        format: object.format.clone(),
        bytes: object.bytes,
        modified_at: object.modified_at,
        digest: object.digest.clone(),
        labels: object.found.clone(),
        subjects: object.subjects,
        identifiers,
    }
}

/// Whether the content of an object differs from what was known: by digest where both are known, else by size, time
/// and findings.
pub(super) fn content_differs(old: &ObjectRow, new: &ObjectRow) -> bool {
    match (&old.digest, &new.digest) {
        (Some(old), Some(new)) => old != new,
        _ => {
            old.bytes != new.bytes
                || old.format != new.format
                || old.subjects != new.subjects
                || (new.stamp.is_some() && old.modified_at != new.modified_at)
        }
    }
}

/// The report of something that could not be opened at all.
pub(crate) fn unopened(path: &str, bytes: u64, problem: formats::Problem) -> ObjectReport {
    ObjectReport {
        object: path.to_owned(),
        format: Format::Binary,
        bytes,
        digest: None,
        labels: vec![model::Label::None],
        laws: Vec::new(),
        identifiers: Vec::new(),
        subject_records: Vec::new(),
        subjects: 0,
        jurisdictions: BTreeMap::new(),
        spans: Vec::new(),
        samples: Vec::new(),
        errors: vec![problem],
        study: None,
    }
}
