//! Watched folders: their listings go into every backup, and show later when somebody encrypted them.

use recovery::burst::{PAST, Past, Trail, steps};
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

/// The listing of watched folders and their past as pieces of the backup, and what became of each folder since the listing before; none when
/// nothing is watched.
pub(super) async fn listing(
    settings: &RecoverySettings,
    repositories: &Repositories,
    progress: &Progress,
    problems: &mut Vec<Problem>,
) -> Result<Option<(Vec<Piece>, Value)>, Failure> {
    if settings.watch.is_empty() {
        return Ok(None);
    }
    progress.begin("listing watched folders", 0);
    let (main, folders) = (repositories.main.clone(), settings.watch.clone());
    let (seen, past, told, mut found) = blocking(move || {
        let before = last(&main)?;
        let (listed, mut problems) = (before.as_ref().map_or(&[][..], |before| &before.seen), Vec::new());
        let mut past = before.as_ref().map(|before| before.past.clone()).unwrap_or_default();
        let seen: Vec<Seen> = folders.iter().flat_map(|folder| look(folder, listed, &mut problems)).collect();
        // The first listing of all is held against itself.
        let folders = steps(if before.is_some() { listed } else { &seen }, &seen, &past);
        if before.is_some() {
            past.add(&folders);
        }
        let told = json!({ "before": before.as_ref().map(|before| &before.snapshot), "folders": folders });
        Ok((seen, past, told, problems))
    })
    .await?;
    problems.append(&mut found);
    let failed = |error: serde_json::Error| Failure::failed("backup", error);
    let (text, past) = (write(&seen).map_err(failed)?, past.write().map_err(failed)?);
    let pieces = vec![Piece::of_bytes(PAST, past, now()), Piece::of_bytes(LISTING, text, now())];
    Ok(Some((pieces, told)))
}

/// What the newest snapshot keeps of watched folders.
struct Before {
    snapshot: String,
    seen: Vec<Seen>,
    past: Past,
}

/// The newest listing that was kept.
fn last(main: &Repository) -> Result<Option<Before>, RecoveryError> {
    if !main.is_there()? {
        return Ok(None);
    }
    let opened = main.open()?;
    let Some(newest) = opened.snapshots()?.pop() else { return Ok(None) };
    let Some(listing) = opened.file(&newest.id, LISTING)? else { return Ok(None) };
    let past = opened.file(&newest.id, PAST)?.map(|text| Past::read(&text)).unwrap_or_default();
    Ok(Some(Before { snapshot: newest.id, seen: read(&listing), past }))
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
            "{}: of {} files {} look encrypted, {} were renamed ({}), never more than {} at once before, note: {}; such as {}",
            super::text(&burst["folder"]),
            burst["files"],
            burst["risen"],
            burst["renamed"],
            super::text(&burst["ending"]),
            burst["usual"],
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
