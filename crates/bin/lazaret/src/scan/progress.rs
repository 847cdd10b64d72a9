//! Progress on standard error, while somebody watches.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use landscape::scan::ScanHandle;

use super::size;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(250);

/// A line that says how far a scan is; silent when nobody watches.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr_with_hz(4) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Counts objects and bytes that were read.
    pub(crate) fn passed(&self, objects: u64, bytes: u64) {
        self.0.inc(objects);
        // The length carries the bytes; it is never shown as a length.
        self.0.inc_length(bytes);
        if self.0.is_hidden() {
            return;
        }
        let seconds = self.0.elapsed().as_secs_f64().max(0.001);
        let bytes = self.0.length().unwrap_or(0);
        self.0.set_message(format!("{} objects, {}, {}/s", self.0.position(), size(bytes), rate(bytes, seconds)));
    }

    pub(crate) fn message(&self, text: String) {
        self.0.set_message(text);
        self.0.tick();
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shown rounded"
)]
fn rate(bytes: u64, seconds: f64) -> String {
    size((bytes as f64 / seconds) as u64)
}

/// Shows how far a scan is until it ends; to be raced with it.
pub(crate) async fn watch_progress(bar: &Bar, handle: &Arc<ScanHandle>) {
    loop {
        bar.message(line(handle));
        tokio::time::sleep(TICK).await;
    }
}

/// `1,204 of 3,000 objects · 80.1 MB · 12.0 MB/s · 31 s left · a/b.csv`
fn line(handle: &ScanHandle) -> String {
    let progress = handle.progress();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is a small positive number")]
    let rate = progress.rate_bytes_per_second as u64;
    let mut line =
        format!("{} of {} objects · {} · {}/s", progress.finished(), progress.found, size(progress.bytes), size(rate));
    if let Some(seconds) = progress.seconds_left {
        line.push_str(&format!(" · {seconds:.0} s left"));
    }
    if let Some(current) = &progress.current {
        let shown: String =
            super::printable(current).chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
        line.push_str(" · ");
        line.push_str(&shown);
    }
    line
}
