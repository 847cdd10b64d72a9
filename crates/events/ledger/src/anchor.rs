//! Having a time-stamping authority stamp the latest checkpoint (RFC 3161).

use verify::entry::{self, Kind};
use verify::merkle::sha256;
use verify::names;
use verify::note::{Checkpoint, Note};
use verify::timestamp::{self, REPLY_BYTES_MAX};

use crate::{Ledger, LedgerError, Receipt, http};

/// A request to an authority that waits for its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRequest {
    /// Size of the tree.
    pub size: u64,
    /// The `TimeStampReq`, DER.
    pub request: Vec<u8>,
    imprint: [u8; 32],
    nonce: u64,
}

impl Ledger {
    /// Publishes a checkpoint and builds the request that has it stamped: its imprint is SHA-256 of the checkpoint's text.
    ///
    /// # Errors
    /// When the disk fails or the system gives no randomness.
    pub async fn stamp_request(&self) -> Result<StampRequest, LedgerError> {
        let text = Note::parse(self.publish().await?.as_bytes())?.text;
        let size = Checkpoint::parse(&text)?.size;
        let mut nonce = [0; 8];
        self.sealer.random.fill(&mut nonce).map_err(LedgerError::Random)?;
        let (imprint, nonce) = (sha256(text.as_bytes()), u64::from_be_bytes(nonce));
        Ok(StampRequest { size, request: timestamp::request(&imprint, nonce), imprint, nonce })
    }

    /// Records an authority's reply in the log, and puts a copy below `anchors/`. The authority's own signature is not
    /// looked at here.
    ///
    /// # Errors
    /// When the reply is a refusal or answers another request, or the disk fails.
    pub async fn keep_stamp(&self, request: &StampRequest, reply: &[u8]) -> Result<Receipt, LedgerError> {
        timestamp::check(reply, &request.imprint, request.nonce)?;
        if reply.len() > REPLY_BYTES_MAX {
            let limit = REPLY_BYTES_MAX;
            return Err(entry::EntryError::TooLong { what: "time stamp", length: reply.len(), limit }.into());
        }
        let receipt = self.append_body(Kind::Anchor, entry::anchor(request.size, reply)).await?;
        self.copy(names::ANCHORS, &format!("{}.tsr", receipt.index), reply)?;
        Ok(receipt)
    }

    /// Has the authority at `url` stamp the latest checkpoint (RFC 3161 §3.4). Waits for the network on the calling thread:
    /// call it where that is allowed.
    ///
    /// # Errors
    /// When the authority cannot be reached, refuses, or answers another request.
    pub async fn anchor(&self, url: &str) -> Result<Receipt, LedgerError> {
        let request = self.stamp_request().await?;
        let response = http::post(url, "application/timestamp-query", &request.request)?;
        if response.status != 200 {
            return Err(LedgerError::Remote { url: url.to_owned(), what: format!("status {}", response.status) });
        }
        self.keep_stamp(&request, &response.body).await
    }
}
