//! What is found in one object, and where: cases that were missed once, each with a near miss.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

#[path = "inspect/contacts.rs"]
mod contacts;
#[path = "inspect/markup.rs"]
mod markup;
#[path = "inspect/messages.rs"]
mod messages;
#[path = "inspect/people.rs"]
mod people;
#[path = "inspect/tables.rs"]
mod tables;

use std::sync::atomic::AtomicBool;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use formats::{Budget, Limits, Source};
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::report::{ObjectReport, Span};
use recognize::engine::Scratch;

static INSPECTOR: LazyLock<(Inspector, Mutex<Scratch>)> = LazyLock::new(|| {
    let options = InspectOptions { spans: true, ..InspectOptions::default() };
    let inspector = Inspector::embedded(options, TokenKey::new([7; 32])).unwrap();
    let scratch = Mutex::new(inspector.scratch());
    (inspector, scratch)
});

/// Every report on one object, the top-level one last.
pub fn inspect_all(bytes: &[u8]) -> Vec<ObjectReport> {
    let (inspector, scratch) = &*INSPECTOR;
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
    let mut reports = Vec::new();
    let source = Source::seek(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut scratch = scratch.lock().unwrap();
    inspector.inspect("object", source, &mut budget, &mut scratch, &mut |report| reports.push(report)).unwrap();
    reports
}

/// The report on a text without members.
pub fn inspect(text: &str) -> ObjectReport {
    inspect_all(text.as_bytes()).pop().unwrap()
}

fn value<'a>(text: &'a str, span: &Span) -> &'a str {
    let Some((start, end)) = span.offsets else { return "" };
    &text[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]
}

/// The values that were found in `text`, with their types.
pub fn found(text: &str) -> Vec<(&'static str, String)> {
    let report = inspect(text);
    report.spans.iter().map(|span| (span.kind.as_str(), value(text, span).to_owned())).collect()
}

/// Fails unless each of `wanted` is found in `text` as that type and `unwanted` is not.
#[track_caller]
pub fn expect(text: &str, wanted: &[(&str, &str)], unwanted: &[(&str, &str)]) {
    let found = found(text);
    let has = |(kind, value): &(&str, &str)| found.iter().any(|(k, v)| k == kind && v == value);
    for want in wanted {
        assert!(has(want), "{want:?} is missed in {text:?}: {found:?}");
    }
    for other in unwanted {
        assert!(!has(other), "{other:?} is reported in {text:?}: {found:?}");
    }
}
