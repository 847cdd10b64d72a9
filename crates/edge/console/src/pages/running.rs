//! Scans under way: a part of the landscape and of the scans' page that renews itself.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use landscape::scan::{Running, State as ScanState};

use crate::failure::{Failure, render};
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared};

/// A scan under way.
pub(crate) struct Run {
    pub(crate) source_id: u32,
    pub(crate) location: String,
    pub(crate) state: &'static str,
    /// 0 to 1000; empty as long as it is not known how much there is.
    pub(crate) done: String,
    /// `1,234 of 5,678 objects, 1.2 of 3.4 GB`.
    pub(crate) amount: String,
    /// `120 MB/s, 2 minutes left`.
    pub(crate) pace: String,
    pub(crate) current: String,
}

/// Scans under way, and whether the visitor may stop them.
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    pub(crate) may_stop: bool,
}

impl Runs {
    /// As of now.
    pub(crate) fn now(console: &Console, visitor: &Visitor) -> Self {
        Self { runs: console.desk.running().iter().map(run).collect(), may_stop: visitor.administers() }
    }
}

#[derive(Template)]
#[template(path = "running/running.html")]
struct Part {
    runs: Runs,
}

/// `GET /scans/running`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    render(&Part { runs: Runs::now(&console, &visitor) })
}

fn run(running: &Running) -> Run {
    let progress = &running.progress;
    let finished = wording::count(progress.finished());
    let amount = match progress.bytes_total {
        Some(total) => format!(
            "{finished} of {}, {} of {}",
            wording::counted(progress.found, "object", "objects"),
            wording::bytes(progress.bytes),
            wording::bytes(total)
        ),
        None => format!(
            "{finished} of {} found so far, {}",
            wording::counted(progress.found, "object", "objects"),
            wording::bytes(progress.bytes)
        ),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate and seconds, both positive")]
    let (rate, left) = (
        progress.rate_bytes_per_second as u64,
        progress.seconds_left.map(|left| wording::duration(left.ceil() as i64)),
    );
    let pace = format!("{}/s{}", wording::bytes(rate), left.map_or_else(String::new, |left| format!(", {left} left")));
    Run {
        source_id: running.source_id,
        location: running.location.clone(),
        state: if progress.state == ScanState::Queued { "waiting for its turn" } else { progress.state.as_str() },
        done: progress.bytes_total.map_or_else(String::new, |total| share(progress.bytes, total)),
        amount,
        pace: if progress.state == ScanState::Running { pace } else { String::new() },
        current: progress.current.clone().unwrap_or_default(),
    }
}

/// Thousandths.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "1000".to_owned();
    }
    (u128::from(part) * 1_000 / u128::from(whole)).min(1_000).to_string()
}
