//! Notices that leave by e-mail: announced before, and what came of it after.

use serde::Serialize;

use super::{Case, CaseError, Entry, What, wrong};
use crate::brief::is_statement;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is on its way, or whoever sent it was stopped before they could say more.
    Open,
    /// The mail server took it.
    Sent,
    /// It did not leave.
    Failed,
    /// It was handed over, and no answer came: it may have left.
    Uncertain,
}

/// A notice on its way by e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    /// For which obligation.
    pub obligation: String,
    /// In which language.
    pub language: String,
    /// To which address.
    pub to: String,
    /// The SHA-256 of its text, in hexadecimal digits.
    pub sha256: String,
    /// The `Message-ID` that it bears.
    pub message_id: String,
    /// When it was announced, in milliseconds since 1970, UTC.
    pub at: i64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Case {
    /// Whether a notice may be sent, or what came of it told.
    pub(super) fn check_dispatch(&self, what: &What) -> Result<(), CaseError> {
        match what {
            What::Sending { .. } if self.is_exercise => {
                wrong("an exercise sends nothing to anybody; say with `sent` that it was sent")
            }
            What::Sending { obligation, language, to, sha256, .. } => {
                let Some(notice) = self.notice(obligation, language) else {
                    return wrong(format!("there is no draft for {obligation} in `{language}`"));
                };
                if notice.approved_by.is_none() {
                    return wrong(format!(
                        "the draft for {obligation} in `{language}` is not approved as it stands; somebody approves it first"
                    ));
                }
                if *sha256 != crate::sha256_hex(notice.text.as_bytes()) {
                    return wrong(format!(
                        "the draft for {obligation} in `{language}` was changed meanwhile; look at it again"
                    ));
                }
                let is_same = |one: &&Dispatch| {
                    (&one.obligation, &one.to, &one.sha256, one.outcome) == (obligation, to, sha256, Outcome::Sent)
                };
                match self.dispatches.values().find(is_same) {
                    Some(before) => wrong(format!(
                        "this very text went to {to} already, as {}; a supplement is another text, approved anew",
                        before.message_id
                    )),
                    None => Ok(()),
                }
            }
            What::Sent { sending: Some(sending), .. } | What::SendFailed { sending, .. } => {
                match self.dispatches.get(sending) {
                    Some(Dispatch { outcome: Outcome::Open, .. }) => Ok(()),
                    Some(_) => wrong(format!("what became of the message of entry {sending} is told already")),
                    None => wrong(format!("nothing was sent under {sending}")),
                }
            }
            What::Sent { obligation, at, .. } => super::sent_is_sound(obligation, at),
            _ => Ok(()),
        }
    }

    pub(super) fn apply_dispatch(&mut self, entry: &Entry) {
        match &entry.what {
            What::Sending { obligation, language, to, sha256, message_id } => {
                let dispatch = Dispatch {
                    obligation: obligation.clone(),
                    language: language.clone(),
                    to: to.clone(),
                    sha256: sha256.clone(),
                    message_id: message_id.clone(),
                    at: entry.at,
                    outcome: Outcome::Open,
                };
                self.dispatches.insert(entry.number, dispatch);
            }
            What::SendFailed { sending, uncertain, .. } => {
                if let Some(dispatch) = self.dispatches.get_mut(sending) {
                    dispatch.outcome = if *uncertain { Outcome::Uncertain } else { Outcome::Failed };
                }
            }
            What::Sent { obligation, at, sending, .. } => {
                if !is_statement(obligation) {
                    let sent = serde_json::json!({"obligation": obligation, "submitted_at": at});
                    match self.facts.get_mut("notifications") {
                        Some(serde_json::Value::Array(all)) => all.push(sent),
                        _ => {
                            self.facts.insert("notifications".to_owned(), serde_json::Value::Array(vec![sent]));
                        }
                    }
                }
                if let Some(dispatch) = sending.and_then(|sending| self.dispatches.get_mut(&sending)) {
                    dispatch.outcome = Outcome::Sent;
                }
            }
            _ => {}
        }
    }
}
