//! Watched folders: their listings go into every backup, and show later when somebody encrypted them.

use recovery::burst::{Trail, steps};
use recovery::listing::{LISTING, Seen, look, read, write};
use recovery::{Piece, Problem, Progress, RecoveryError, Repository};
use serde_json::{Value, json};

use super::bring::blocking;
use super::settings::{RecoverySettings, Repositories};
use crate::data::now;
use crate::failure::Failure;

/// Snapshots that are looked through, from the newest back.
const SNAPSHOTS_MAX: usize = 400;
/// Of these so many of the newest are told one by one.
const POINTS_MAX: usize = 100;

/// The listing of watched folders as a piece of the backup, and what became of each folder since the listing before; none when
/// nothing is watched.
pub(super) async fn listing(
    settings: &RecoverySettings,
    repositories: &Repositories,
    progress: &Progress,
    problems: &mut Vec<Problem>,
) -> Result<Option<(Piece, Value)>, Failure> {
    if settings.watch.is_empty() {
        return Ok(None);
    }
    progress.begin("listing watched folders", 0);
    let (main, folders) = (repositories.main.clone(), settings.watch.clone());
    let (seen, told, mut found) = blocking(move || {
        let before = last(&main)?;
        let (listed, mut problems) = (before.as_ref().map_or(&[][..], |(_, seen)| seen), Vec::new());
        let seen: Vec<Seen> = folders.iter().flat_map(|folder| look(folder, listed, &mut problems)).collect();
        // The first listing of all is held against itself.
        let folders = steps(if before.is_some() { listed } else { &seen }, &seen);
        let told = json!({ "before": before.as_ref().map(|(snapshot, _)| snapshot), "folders": folders });
        Ok((seen, told, problems))
    })
    .await?;
    problems.append(&mut found);
    let text = write(&seen).map_err(|error| Failure::failed("backup", error))?;
    Ok(Some((Piece::of_bytes(LISTING, text, now()), told)))
}

/// The newest listing that was kept, with its snapshot.
fn last(main: &Repository) -> Result<Option<(String, Vec<Seen>)>, RecoveryError> {
    if !main.is_there()? {
        return Ok(None);
    }
    let opened = main.open()?;
    let Some(newest) = opened.snapshots()?.pop() else { return Ok(None) };
    Ok(opened.file(&newest.id, LISTING)?.map(|text| (newest.id, read(&text))))
}

/// Looks through the listings of all backups, and at what lies there now.
pub(super) async fn suspect(
    settings: &RecoverySettings,
    repositories: &Repositories,
    progress: &Progress,
) -> Result<Value, Failure> {
    let (main, folders, progress) = (repositories.main.clone(), settings.watch.clone(), progress.clone());
    blocking(move || {
        progress.begin("reading listings", 0);
        let opened = main.open()?;
        let all = opened.snapshots()?;
        let (mut trail, mut listings) = (Trail::default(), 0);
        for snapshot in all.iter().skip(all.len().saturating_sub(SNAPSHOTS_MAX)) {
            if let Some(text) = opened.file(&snapshot.id, LISTING)? {
                trail.add(&snapshot.id, snapshot.made_ms, read(&text));
                listings += 1;
            }
        }
        progress.begin("looking at watched folders", 0);
        let mut problems = Vec::new();
        let now: Vec<Seen> = folders.iter().flat_map(|folder| look(folder, trail.last(), &mut problems)).collect();
        let (points, suspicion) = trail.end(self::now(), &now);
        let points = points.get(points.len().saturating_sub(POINTS_MAX)..).unwrap_or_default();
        Ok(json!({
            "holds": suspicion.is_none(),
            "listings": listings,
            "files": now.len(),
            "suspicion": suspicion,
            "points": points,
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
