//! Choosing colours.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::failure::Failure;
use crate::frame::Theme;
use crate::{Shared, address, session};

/// A choice, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    theme: String,
    #[serde(default)]
    next: String,
}

/// `POST /theme`.
pub(crate) async fn choose(State(console): State<Shared>, Form(form): Form<Chosen>) -> Result<Response, Failure> {
    let cookie = session::keep_theme(&console, Theme::named(&form.theme))?;
    Ok(session::with_cookie(Redirect::to(address::within(&form.next)).into_response(), cookie))
}
