//! Writing what workers inspected, batch by batch.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::known::each_known;
use super::ordered::Ordered;
use super::work::{Dealt, Finding, Job, Outcome};
use super::{EachReport, ScanError};
use crate::catalogue::{Batch, Inspected};

/// Gone objects of one batch.
const GONE_MAX: usize = 5_000;

/// Collects what comes in and writes it.
pub(super) struct Writer<'j, 'e> {
    job: &'j Arc<Job>,
    each: Option<EachReport<'e>>,
    ordered: Ordered<Outcome>,
    inspected: Vec<Inspected>,
    gone: Vec<u32>,
    reports: usize,
    records: usize,
    last: Instant,
}

impl<'j, 'e> Writer<'j, 'e> {
    pub(super) fn new(job: &'j Arc<Job>, each: Option<EachReport<'e>>) -> Self {
        Self {
            job,
            each,
            ordered: Ordered::new(),
            inspected: Vec::new(),
            gone: Vec::new(),
            reports: 0,
            records: 0,
            last: Instant::now(),
        }
    }

    /// Writes everything that comes in until the workers are through.
    pub(super) async fn drain(&mut self, mut dealt: mpsc::Receiver<Dealt>) -> Result<(), ScanError> {
        let interval = self.job.scanner.options.batch.interval_max;
        loop {
            match timeout_at(self.last + interval, dealt.recv()).await {
                Ok(Some(Dealt { number, outcome })) => {
                    self.ordered.push(number, outcome);
                    while let Some(outcome) = self.ordered.pop(false) {
                        self.add(outcome).await?;
                    }
                }
                Ok(None) => break,
                Err(_elapsed) => self.flush().await?,
            }
            if self.last.elapsed() >= interval {
                self.flush().await?;
            }
        }
        while let Some(outcome) = self.ordered.pop(true) {
            self.add(outcome).await?;
        }
        self.flush().await
    }

    async fn add(&mut self, outcome: Outcome) -> Result<(), ScanError> {
        match outcome {
            Outcome::Vanished(known) => self.gone.extend(known),
            Outcome::Inspected(inspected) => {
                self.reports += inspected.reports.len();
                self.records += inspected.reports.iter().map(|report| report.subject_records.len()).sum::<usize>();
                self.inspected.push(inspected);
            }
        }
        let limits = &self.job.scanner.options.batch;
        let is_full = self.inspected.len() >= limits.objects_max
            || self.reports >= limits.reports_max
            || self.records >= limits.records_max
            || self.gone.len() >= GONE_MAX;
        if is_full { self.flush().await } else { Ok(()) }
    }

    /// Writes what has come together, with the run's progress; where nothing has, the progress alone.
    async fn flush(&mut self) -> Result<(), ScanError> {
        let job = self.job;
        let catalogue = job.scanner.catalogue();
        let now = (job.scanner.options.clock)();
        let progress = job.handle.row();
        if self.inspected.is_empty() && self.gone.is_empty() {
            if job.scan_id != 0 {
                let mut transaction = catalogue.store().begin().await?;
                store::scans::checkpoint(&mut transaction, job.scan_id, &progress, now).await?;
                transaction.commit().await?;
            }
        } else {
            let batch = Batch {
                source_id: job.source_id,
                scan_id: job.scan_id,
                inspected: std::mem::take(&mut self.inspected),
                gone: std::mem::take(&mut self.gone),
                progress: (job.scan_id != 0).then_some(progress),
            };
            catalogue.ingest(&batch, now).await?;
            job.handle.count_gone(batch.gone.len());
            if let Some(each) = &mut self.each {
                batch.inspected.iter().flat_map(|inspected| &inspected.reports).for_each(each);
            }
            (self.reports, self.records) = (0, 0);
        }
        self.last = Instant::now();
        Ok(())
    }

    /// Marks as gone what was known and not found, save below folders that could not be listed.
    pub(super) async fn sweep(&mut self, finding: &Finding) -> Result<(), ScanError> {
        let job = self.job;
        if finding.seen.len() >= job.known.len() {
            return Ok(());
        }
        let mut missing = Vec::new();
        each_known(job.scanner.catalogue().store(), job.source_id, &job.scope, |object| {
            let is_missing = object.id <= job.known.id_max() && !finding.seen.contains(object.id);
            if is_missing && !finding.unlisted.iter().any(|folder| is_below(&object.path, folder)) {
                missing.push(object.id);
            }
        })
        .await?;
        missing.sort_unstable();
        missing.dedup();
        for ids in missing.chunks(GONE_MAX) {
            if job.handle.is_cancelled() {
                break;
            }
            self.gone.extend(ids);
            self.flush().await?;
        }
        Ok(())
    }
}

/// Whether `path` lies in `folder`; everything lies in the one without a name.
fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
