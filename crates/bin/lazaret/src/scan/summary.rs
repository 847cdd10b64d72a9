//! The totals of a scan.

use std::collections::BTreeMap;
use std::time::Duration;

use landscape::report::ObjectReport;
use model::{Format, Label};

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub objects: u64,
    /// Bytes of top-level objects.
    pub bytes: u64,
    pub seconds: f64,
    pub by_label: BTreeMap<Label, u64>,
    pub by_format: BTreeMap<Format, u64>,
    pub unreadable: u64,
    pub bytes_read_by_model: u64,
}

impl Summary {
    pub(crate) fn add(&mut self, report: &ObjectReport) {
        self.objects += 1;
        if !report.object.contains('!') {
            self.bytes += report.bytes;
        }
        for label in &report.labels {
            *self.by_label.entry(*label).or_insert(0) += 1;
        }
        *self.by_format.entry(report.format).or_insert(0) += 1;
        self.unreadable += u64::from(!report.errors.is_empty());
    }

    pub(crate) fn finish(&mut self, elapsed: Duration, model_bytes: u64) {
        self.seconds = elapsed.as_secs_f64();
        self.bytes_read_by_model = model_bytes;
    }
}
