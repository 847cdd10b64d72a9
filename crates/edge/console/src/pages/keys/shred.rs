//! Shredding: what it would destroy, and the destruction itself once the name was typed.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::Scope;
use model::event::Activity;
use serde::Deserialize;
use store::guarded::sums::{self, Sum};

use super::receipts::read;
use super::{HoldRow, effect, hold_rows, known, scope_of, told};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared};

/// Pages of objects of a data subject that are counted, of 1,000 each.
const PAGES_MAX: usize = 10;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    scope: String,
}

#[derive(Template)]
#[template(path = "keys/shred.html")]
struct Page {
    frame: Frame,
    scope: String,
    /// What has to be typed.
    name: String,
    is_study: bool,
    figures: Vec<(&'static str, String)>,
    keys: Vec<(&'static str, String)>,
    holds: Vec<HoldRow>,
    kept: String,
    is_forbidden: bool,
    is_empty: bool,
    /// Whether there is more than was counted.
    is_partial: bool,
    back: String,
}

/// The bare name of a scope, as somebody types it.
fn name(scope: &Scope) -> String {
    let text = scope.to_string();
    text.split_once(':').map_or_else(|| text.clone(), |(_, id)| id.to_owned())
}

/// What the objects of a scope come to, and whether all were counted.
async fn sum(console: &Console, guard: &Guarded, scope: &Scope) -> Result<(Sum, bool), Failure> {
    let (store, now) = (console.catalogue.store(), console.now());
    if let Scope::Study(study) = scope {
        return Ok((sums::of_study(store, study.as_str(), now).await?, true));
    }
    let mut total = Sum::default();
    let mut after = String::new();
    for _ in 0..PAGES_MAX {
        let (objects, last) = guard.view.vault.doomed_objects(scope, &after).await?;
        if last.is_empty() {
            return Ok((total, true));
        }
        for (study, object) in objects {
            let one = sums::of_objects(store, study.as_str(), &[*object.as_bytes()], now).await?;
            total.objects += one.objects;
            total.versions += one.versions;
            total.bytes += one.bytes;
            total.kept += one.kept;
        }
        after = last;
    }
    Ok((total, false))
}

/// `GET /keys/shred`. Nothing is changed.
pub(crate) async fn preview(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let scope = scope_of(&params.scope)?;
    known(&console, &scope).await?;
    let now = console.now();
    let doom = guard.view.vault.doom(&scope).await?;
    let (sum, is_whole) = sum(&console, guard, &scope).await?;
    let kinds = [
        ("study", "the study itself"),
        ("subject", "data subjects"),
        ("data", "objects, each with all its versions"),
        ("detail", "names and reasons in the record"),
    ];
    let count = |kind: &str| doom.keys.iter().find(|(of, _)| of == kind).map_or(0, |(_, keys)| *keys);
    let keys = kinds.map(|(kind, words)| (words, wording::count(count(kind))));
    render(&Page {
        frame: visitor.frame("Shred", Section::Keys),
        name: name(&scope),
        is_study: matches!(scope, Scope::Study(_)),
        figures: vec![
            ("objects", wording::count(sum.objects)),
            ("versions", wording::count(sum.versions)),
            ("sealed", wording::bytes(sum.bytes)),
            ("keys", wording::count(doom.total())),
        ],
        keys: keys.into(),
        is_forbidden: !doom.holds.is_empty() || sum.kept > 0,
        is_empty: doom.total() == 0,
        is_partial: !is_whole,
        kept: if sum.kept == 0 { String::new() } else { wording::counted(sum.kept, "version", "versions") },
        holds: hold_rows(doom.holds, now),
        back: match &scope {
            Scope::Study(study) => format!("/keys/studies/{study}"),
            _ => "/keys".to_owned(),
        },
        scope: scope.to_string(),
    })
}

/// The name typed, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Confirmed {
    scope: String,
    name: String,
}

/// `POST /keys/shred`. A hold or a retention that is not over wins.
pub(crate) async fn destroy(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Confirmed>,
) -> Result<Response, Failure> {
    let scope = scope_of(&form.scope)?;
    known(&console, &scope).await?;
    let name = name(&scope);
    if form.name.trim() != name {
        let what =
            format!("Nothing was destroyed: type `{name}` to confirm that its keys shall be destroyed for good.");
        return Err(Failure::BadInput(what));
    }
    let (guard, by) = console.acting(&visitor).await?;
    let (sum, is_whole) = sum(&console, guard, &scope).await?;
    if sum.kept > 0 {
        let kept = wording::counted(sum.kept, "version is", "versions are");
        let what = format!(
            "Nothing was destroyed: {kept} kept by object lock, a legal hold or a retention that is not over;              lift the holds over S3, or wait for the retention's end."
        );
        return Err(Failure::BadInput(what));
    }
    if !is_whole {
        let what = "It has more objects than are looked through here; shred it with `lazaret keys shred`.";
        return Err(Failure::BadInput(what.to_owned()));
    }
    let mut event = told(Activity::KeyShred, &by, &scope.to_string());
    event.old = Some(format!("objects={} versions={} bytes={}", sum.objects, sum.versions, sum.bytes));
    let vault = &guard.view.vault;
    let receipt = effect(guard, event, async { vault.shred(&scope).await }).await?;
    let id = read(&receipt).map(|receipt| receipt.id).ok_or(Failure::Internal)?;
    Ok(Redirect::to(&format!("/keys/receipts/{id}")).into_response())
}
