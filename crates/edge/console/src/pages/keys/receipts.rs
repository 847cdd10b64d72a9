//! Receipts of destroyed keys.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use vault::Receipt;

use super::{Tab, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::download as file;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// What a receipt's text says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) id: String,
    scope: String,
    issued_at: String,
    keys: u64,
    keys_blake3: String,
}

/// Reads a receipt's text; `None` where it is none.
pub(super) fn read(receipt: &Receipt) -> Option<Body> {
    serde_json::from_str(&receipt.body).ok()
}

/// A receipt in a list.
pub(super) struct ReceiptRow {
    pub(super) id: String,
    pub(super) scope: String,
    pub(super) when: Moment,
    pub(super) keys: String,
}

pub(super) fn row(receipt: &Receipt, now: i64) -> ReceiptRow {
    let body = read(receipt).unwrap_or_default();
    ReceiptRow {
        when: wording::moment(at(&body), now),
        keys: wording::count(body.keys),
        id: body.id,
        scope: body.scope,
    }
}

fn at(body: &Body) -> i64 {
    let at: Option<jiff::Timestamp> = body.issued_at.parse().ok();
    at.map_or(0, jiff::Timestamp::as_millisecond)
}

#[derive(Template)]
#[template(path = "keys/receipts.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<ReceiptRow>,
}

/// `GET /keys/receipts`: the newest thousand.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let receipts = console.guard()?.view.vault.receipts(None).await?;
    let now = console.now();
    render(&Page {
        frame: visitor.frame("Receipts", Section::Keys),
        tabs: tabs("/keys/receipts"),
        rows: receipts.iter().map(|receipt| row(receipt, now)).collect(),
    })
}

#[derive(Template)]
#[template(path = "keys/receipt.html")]
struct OnePage {
    frame: Frame,
    row: ReceiptRow,
    digest: String,
    receipt: Receipt,
    holds: bool,
}

/// `GET /keys/receipts/{id}`.
pub(crate) async fn one(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let receipt = find(&console, &id).await?;
    render(&OnePage {
        frame: visitor.frame("Receipt", Section::Keys),
        row: row(&receipt, console.now()),
        digest: read(&receipt).unwrap_or_default().keys_blake3,
        holds: receipt.check().is_ok(),
        receipt,
    })
}

/// `GET /keys/receipts/{id}/download`.
pub(crate) async fn download(State(console): State<Shared>, Path(id): Path<String>) -> Result<Response, Failure> {
    let receipt = find(&console, &id).await?;
    let text = serde_json::to_string_pretty(&receipt).map_err(|error| {
        tracing::error!(error = %error, "a receipt cannot be written");
        Failure::Internal
    })?;
    // Found under this id, so that it is hexadecimal digits and nothing that a header could trip over.
    Ok(file("application/json", &format!("receipt-{id}.json"), format!("{text}\n")))
}

async fn find(console: &Console, id: &str) -> Result<Receipt, Failure> {
    let none = || Failure::NotFound("There is no such receipt; choose one from the list.".to_owned());
    console.guard()?.view.vault.receipt(id).await?.ok_or_else(none)
}
