//! For those who run it: health, readiness, numbers.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::Shared;
use crate::failure::Failure;

/// What the console counts about itself.
#[derive(Default)]
pub(crate) struct Meter {
    /// By first digit of the status.
    answers: [AtomicU64; 6],
    logins: AtomicU64,
    logins_refused: AtomicU64,
}

impl Meter {
    /// Counts a response.
    pub(crate) fn answered(&self, status: StatusCode) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a login.
    pub(crate) fn logged_in(&self, is_right: bool) {
        if is_right { &self.logins } else { &self.logins_refused }.fetch_add(1, Ordering::Relaxed);
    }
}

/// `GET /healthz`: the process answers.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store answers too.
pub(crate) async fn ready(State(console): State<Shared>) -> Response {
    match store::users::count(console.catalogue.store()).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(error = %error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer; see the server's log\n").into_response()
        }
    }
}

/// `GET /metrics`: Prometheus's text format 0.0.4.
pub(crate) async fn metrics(State(console): State<Shared>) -> Result<Response, Failure> {
    let totals = console.catalogue.totals().await?;
    let mut text = String::new();
    let gauge = |text: &mut String, name: &str, help: &str, value: u64| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    gauge(&mut text, "lazaret_objects", "Objects in the catalogue that are not gone.", totals.all.objects);
    gauge(&mut text, "lazaret_object_bytes", "Their bytes.", totals.all.bytes);
    gauge(&mut text, "lazaret_objects_unreadable", "Objects that could not be read.", totals.unreadable);
    gauge(&mut text, "lazaret_objects_gone", "Objects that are no longer there.", totals.gone);
    gauge(&mut text, "lazaret_problems", "Problems met while reading.", totals.problems);
    gauge(&mut text, "lazaret_subjects", "Distinct data subjects.", totals.people.total.people);
    let name = "lazaret_objects_by_label";
    let _ = write!(text, "# HELP {name} Objects by label in force.\n# TYPE {name} gauge\n");
    for (label, sum) in &totals.by_label {
        let _ = writeln!(text, "{name}{{label=\"{label}\"}} {}", sum.objects);
    }
    let running = console.desk.running().len() as u64;
    gauge(&mut text, "lazaret_scans_running", "Scans under way or waiting for their turn.", running);
    let name = "lazaret_http_responses_total";
    let _ = write!(text, "# HELP {name} Responses of the console.\n# TYPE {name} counter\n");
    for (class, counter) in console.meter.answers.iter().enumerate().skip(1) {
        let _ = writeln!(text, "{name}{{class=\"{class}xx\"}} {}", counter.load(Ordering::Relaxed));
    }
    let name = "lazaret_logins_total";
    let _ = write!(text, "# HELP {name} Logins by result.\n# TYPE {name} counter\n");
    for (result, counter) in [("right", &console.meter.logins), ("refused", &console.meter.logins_refused)] {
        let _ = writeln!(text, "{name}{{result=\"{result}\"}} {}", counter.load(Ordering::Relaxed));
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
