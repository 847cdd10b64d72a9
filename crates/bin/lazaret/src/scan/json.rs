//! JSON lines: one object a line, the summary last.

use std::collections::BTreeMap;
use std::io::Write;

use landscape::report::{ObjectReport, Span};
use serde::Serialize;

use super::{Output, Summary};

pub(super) struct Lines;

impl Output for Lines {
    fn object(&mut self, report: &ObjectReport, out: &mut dyn Write) -> std::io::Result<()> {
        line(&Object::of(report), out)
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
        line(
            &serde_json::json!({ "summary": {
                "objects": summary.objects,
                "bytes": summary.bytes,
                "seconds": (summary.seconds * 1000.0).round() / 1000.0,
                "by_label": names(&summary.by_label),
                "by_format": names(&summary.by_format),
                "unreadable": summary.unreadable,
                "bytes_read_by_model": summary.bytes_read_by_model,
            }}),
            out,
        )
    }
}

fn line(value: &impl Serialize, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn names<K: ToString>(counts: &BTreeMap<K, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, count)| (name.to_string(), *count)).collect()
}

#[derive(Serialize)]
struct Object<'a> {
    object: &'a str,
    format: model::Format,
    bytes: u64,
    labels: &'a [model::Label],
    laws: &'a [model::LawId],
    identifiers: Vec<Identifier<'a>>,
    subjects: u64,
    /// By country.
    jurisdictions: BTreeMap<String, u64>,
    /// By State where it is told: `US-CA`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    regions: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    study: Option<&'a str>,
    spans: Vec<SpanLine<'a>>,
    errors: Vec<ErrorLine<'a>>,
}

#[derive(Serialize)]
struct Identifier<'a> {
    r#type: model::IdentifierType,
    count: u64,
    confidence: f64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    finer: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct SpanLine<'a> {
    r#type: model::IdentifierType,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    r#where: &'a str,
    confidence: f64,
    recognizer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    code: &'static str,
    message: &'a str,
}

impl<'a> Object<'a> {
    fn of(report: &'a ObjectReport) -> Self {
        let mut jurisdictions = BTreeMap::new();
        let mut regions = BTreeMap::new();
        for (jurisdiction, count) in &report.jurisdictions {
            *jurisdictions.entry(jurisdiction.country_part().to_owned()).or_insert(0) += count;
            if jurisdiction.country_part() != jurisdiction.as_str() {
                regions.insert(jurisdiction.to_string(), *count);
            }
        }
        let identifiers = report.identifiers.iter().map(|found| Identifier {
            r#type: found.kind,
            count: found.count,
            confidence: hundredths(found.confidence),
            finer: &found.finer,
        });
        Self {
            object: &report.object,
            format: report.format,
            bytes: report.bytes,
            labels: &report.labels,
            laws: &report.laws,
            identifiers: identifiers.collect(),
            subjects: report.subjects,
            jurisdictions,
            regions,
            study: report.study.as_deref(),
            spans: report.spans.iter().map(span).collect(),
            errors: report.errors.iter().map(|e| ErrorLine { code: e.kind.code(), message: &e.message }).collect(),
        }
    }
}

fn span(span: &Span) -> SpanLine<'_> {
    SpanLine {
        r#type: span.kind,
        subtype: span.subtype.as_deref(),
        country: span.country.as_deref(),
        start: span.offsets.map(|(start, _)| start),
        end: span.offsets.map(|(_, end)| end),
        r#where: &span.place,
        confidence: hundredths(span.confidence),
        recognizer: &span.recognizer,
        why: span.why.as_deref(),
    }
}

fn hundredths(confidence: f32) -> f64 {
    (f64::from(confidence) * 100.0).round() / 100.0
}
