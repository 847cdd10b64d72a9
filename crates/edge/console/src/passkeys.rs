//! Passkeys as the console sees them: where they are good, and what waits for a browser to come back with one.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use identity::{Asked, IdentityError, PASSKEY_WAIT_MS, Registering, RelyingParty};
use serde_json::json;

use crate::assets;
use crate::failure::{Failure, sentence};
use crate::pages::second::locked;
use crate::pending::Pending;
use crate::throttle::Rate;

/// Where passkeys are good, and what waits. What waits is taken once.
pub(crate) struct Passkeys {
    party: Result<RelyingParty, String>,
    /// Asked of nobody in particular, under what the browser is known by.
    pub(crate) asked: Pending<Asked>,
    /// Asked of somebody who is known already, so that nobody else can fill what waits.
    pub(crate) asked_known: Pending<Asked>,
    /// Passkeys being made, under the session.
    pub(crate) registering: Pending<Registering>,
    /// How often each address asks.
    pub(crate) rate: Rate,
}

/// What a page says of passkeys, and its script.
pub(crate) struct Offer {
    /// The address whose pages may ask for passkeys; empty where there are none.
    pub(crate) origin: String,
    /// Why there are none; empty where there are.
    pub(crate) why: String,
    pub(crate) script: &'static str,
}

impl Offer {
    /// None, and nothing to say of it.
    pub(crate) const fn none() -> Self {
        Self { origin: String::new(), why: String::new(), script: "" }
    }
}

impl Passkeys {
    /// For a console that people reach at `address`.
    pub(crate) fn at(address: &str) -> Self {
        Self::of(RelyingParty::at(address).map_err(|error| sentence(&error)))
    }

    /// For a console that does not know where people reach it.
    pub(crate) fn nowhere() -> Self {
        Self::of(Err("This server was not told the address that people reach it at.".to_owned()))
    }

    fn of(party: Result<RelyingParty, String>) -> Self {
        Self {
            party,
            asked: Pending::new(PASSKEY_WAIT_MS),
            asked_known: Pending::new(PASSKEY_WAIT_MS),
            registering: Pending::new(PASSKEY_WAIT_MS),
            rate: Rate::default(),
        }
    }

    /// Where they are good, or the page that says that they are good nowhere.
    pub(crate) fn party(&self) -> Result<&RelyingParty, Failure> {
        self.party.as_ref().map_err(|why| Failure::NotFound(why.clone()))
    }

    /// What a page says of them.
    pub(crate) fn offer(&self) -> Offer {
        let (origin, why) = match &self.party {
            Ok(party) => (party.origin().to_owned(), String::new()),
            Err(why) => (String::new(), why.clone()),
        };
        Offer { origin, why, script: assets::address("passkey.js") }
    }
}

/// What the script is to give the browser.
pub(crate) fn options(options: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], options).into_response()
}

/// What the script is to tell the person instead.
pub(crate) fn fault(status: StatusCode, fault: String) -> Response {
    (status, Json(json!({ "fault": fault }))).into_response()
}

/// What a refusal is to a person: a status and words; a fault of ours is a page.
pub(crate) fn told(error: IdentityError) -> Result<(StatusCode, String), Failure> {
    match error {
        IdentityError::Locked { wait_s } => Ok((StatusCode::TOO_MANY_REQUESTS, locked(wait_s))),
        error @ (IdentityError::Wrong { .. } | IdentityError::Store(store::StoreError::Exists { .. })) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, sentence(&error)))
        }
        error => Err(error.into()),
    }
}
