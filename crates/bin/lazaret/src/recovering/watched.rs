//! Watched folders: their listings go into every backup, and show later when somebody encrypted them.

use recovery::burst::{Point, clean_point};
use recovery::listing::{LISTING, Seen, look, read, write};
use recovery::{Opened, Piece, Problem, RecoveryError};
use serde_json::{Value, json};

use super::bring::blocking;
use super::settings::{RecoverySettings, Repositories};
use crate::data::now;
use crate::failure::Failure;

/// Snapshots that are looked through, from the newest back.
const SNAPSHOTS_MAX: usize = 400;

/// The listing of watched folders as a piece of the backup; none when nothing is watched.
pub(super) async fn listing(
    settings: &RecoverySettings,
    repositories: &Repositories,
    problems: &mut Vec<Problem>,
) -> Result<Option<Piece>, Failure> {
    if settings.watch.is_empty() {
        return Ok(None);
    }
    let (main, folders) = (repositories.main.clone(), settings.watch.clone());
    let (seen, mut found) = blocking(move || {
        let before = if main.is_there()? { last(&main.open()?)? } else { Vec::new() };
        let mut problems = Vec::new();
        let seen: Vec<Seen> = folders.iter().flat_map(|folder| look(folder, &before, &mut problems)).collect();
        Ok((seen, problems))
    })
    .await?;
    problems.append(&mut found);
    let text = write(&seen).map_err(|error| Failure::failed("backup", error))?;
    Ok(Some(Piece::of_bytes(LISTING, text, now())))
}

/// The newest listing that was kept.
fn last(main: &Opened) -> Result<Vec<Seen>, RecoveryError> {
    match main.snapshots()?.last() {
        Some(newest) => Ok(main.file(&newest.id, LISTING)?.map(|text| read(&text)).unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

/// Looks through the listings of all backups, and at what lies there now.
pub(super) async fn suspect(settings: &RecoverySettings, repositories: &Repositories) -> Result<Value, Failure> {
    let (main, folders) = (repositories.main.clone(), settings.watch.clone());
    blocking(move || {
        let opened = main.open()?;
        let all = opened.snapshots()?;
        let mut series = Vec::new();
        for snapshot in all.iter().skip(all.len().saturating_sub(SNAPSHOTS_MAX)) {
            if let Some(text) = opened.file(&snapshot.id, LISTING)? {
                series.push(Point { snapshot: snapshot.id.clone(), made_ms: snapshot.made_ms, seen: read(&text) });
            }
        }
        let before = series.last().map_or(&[][..], |point| point.seen.as_slice());
        let mut problems = Vec::new();
        let now: Vec<Seen> = folders.iter().flat_map(|folder| look(folder, before, &mut problems)).collect();
        let suspicion = clean_point(&series, &now);
        Ok(json!({
            "listings": series.len(),
            "files": now.len(),
            "suspicion": suspicion,
            "problems": problems,
        }))
    })
    .await
}

pub(super) fn lines(value: &Value) -> Vec<String> {
    let suspicion = &value["suspicion"];
    if suspicion.is_null() {
        return vec![format!("nothing amiss in {} listings and {} files", value["listings"], value["files"])];
    }
    let mut lines = vec![match suspicion["first"].as_str() {
        Some(first) => format!("encrypted between two backups: snapshot {first} shows it first"),
        None => "encrypted since the newest backup".to_owned(),
    }];
    for burst in suspicion["bursts"].as_array().into_iter().flatten() {
        let line = format!(
            "{}: of {} files {} look encrypted, {} were renamed ({}), note: {}; such as {}",
            super::text(&burst["folder"]),
            burst["files"],
            burst["risen"],
            burst["renamed"],
            super::text(&burst["ending"]),
            super::text(&burst["note"]),
            burst["examples"]
        );
        lines.push(crate::scan::printable(&line));
    }
    match suspicion["clean"].as_str() {
        Some(clean) => {
            lines.push(format!("the last clean backup is {clean}: `lazaret backup restore {clean} --into DIR`"))
        }
        None => lines.push("no backup is known to be clean".to_owned()),
    }
    lines
}
