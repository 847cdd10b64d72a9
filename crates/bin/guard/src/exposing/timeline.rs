//! What the record has about those whom an incident concerns: what they did in its time, what was refused them, what was found about them,
//! and what was done about them by others, such as grants and containment.

use std::collections::{BTreeSet, HashSet};

use incidents::case::Case;
use incidents::timeline::{Condensing, EntryLine, Listing, Timeline};
use lake::{Among, Snapshot, Sought};
use model::{Noted, PrincipalId};
use serde_json::Value;
use store::findings::{self, Wanted as WantedFindings};
use store::incidents::Incident;
use store::{grants, principals};

use super::ExposureRequest;
use super::told::ENTRIES_PAGE;
use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::OpsError;

/// Principals whose entries are told; of more, those with most entries about objects.
const CONCERNED_MAX: usize = 2_000;
/// Principals about whom grants and findings are looked for one by one.
const LOOKED_UP_MAX: usize = 200;
/// Findings about one of them.
const FINDINGS_MAX: u32 = 100;
/// How long before the time of the exposure grants, findings and other things about them still matter.
const BEFORE_MS: i64 = 90 * 24 * 60 * 60_000;
/// The class of OCSF of findings: Detection Finding.
const DETECTION_FINDING: u32 = 2004;

/// Whom an incident concerns, and which rows of the record are about that.
#[derive(Debug, Default)]
struct Concerned {
    /// What they did.
    by_them: Option<Sought>,
    /// What was done about them.
    about_them: Option<Sought>,
    /// What was found about them.
    found: Option<Sought>,
    /// Things that stand for them, as `kind:id`.
    about: HashSet<String>,
    /// The incident's own entries, which stand in the timeline already.
    own: String,
    /// Where the question is about those alone.
    studies: Option<HashSet<String>>,
    objects: Option<HashSet<String>>,
    notes: Vec<String>,
}

/// Where a row of a timeline comes from. Every row has one origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Them,
    Others,
    Finding,
}

impl Concerned {
    fn parts(&self) -> impl Iterator<Item = (Origin, &Sought)> {
        let parts = [(Origin::Them, &self.by_them), (Origin::Others, &self.about_them), (Origin::Finding, &self.found)];
        parts.into_iter().filter_map(|(from, sought)| sought.as_ref().map(|sought| (from, sought)))
    }

    fn takes(&self, from: Origin, noted: &Noted<'_>) -> bool {
        if noted.entity == self.own {
            return false;
        }
        let (study, object) = (noted.touched.study, noted.touched.object);
        let is_about = self.about.contains(noted.entity);
        match from {
            Origin::Others => true,
            Origin::Finding => !is_about,
            Origin::Them => {
                let is_in = |set: &Option<HashSet<String>>, text: &str| {
                    text.is_empty() || set.as_ref().is_none_or(|set| set.contains(text))
                };
                !is_about
                    && !noted.entity.starts_with("finding:")
                    && is_in(&self.studies, study)
                    && is_in(&self.objects, object)
            }
        }
    }
}

impl Guarded {
    /// The timeline of an incident as far as the record tells it, condensed where there are thousands of entries.
    ///
    /// # Errors
    /// When there is no such incident, or something does not answer.
    pub async fn timeline(&self, id: u32) -> Result<Timeline, OpsError> {
        let (concerned, snapshot) = self.looked_at(id).await?;
        let notes = concerned.notes.clone();
        let reading = tokio::task::spawn_blocking(move || condensed(&snapshot, &concerned));
        let read = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let (lines, entries) = read.map_err(LakesideError::Lake)?.lines();
        Ok(Timeline { lines, entries, notes })
    }

    /// Entries of the timeline one by one: those of a line, by number, at most a page. Whether there are more.
    ///
    /// # Errors
    /// As [`Guarded::timeline`].
    pub async fn timeline_entries(&self, id: u32, listing: Listing) -> Result<(Vec<EntryLine>, bool), OpsError> {
        let (concerned, snapshot) = self.looked_at(id).await?;
        let reading = tokio::task::spawn_blocking(move || listed(&snapshot, &concerned, &listing));
        let read = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        Ok(read.map_err(LakesideError::Lake)?)
    }

    async fn looked_at(&self, id: u32) -> Result<(Concerned, Snapshot), OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let concerned = Box::pin(self.concerned(&row, &case)).await?;
        Ok((concerned, self.lakeside.snapshot(&self.data_dir)?))
    }

    /// Whom an incident concerns: those whom its question of exposure names, or else those who were let take something.
    async fn concerned(&self, row: &Incident, case: &Case) -> Result<Concerned, OpsError> {
        let mut concerned = Concerned { own: format!("incident:{}", row.uid), ..Concerned::default() };
        let summary = case.exposure.as_ref();
        let mut first_ms = summary.and_then(|summary| summary["first_ms"].as_i64());
        let (mut who, mut any, mut to_ms): (BTreeSet<String>, Vec<Among>, Option<i64>) = Default::default();
        if let Some(question) = ExposureRequest::of_case(case) {
            let question = ExposureRequest { reach: false, ..question };
            match self.meant(&question).await {
                Ok(meant) => {
                    let wanted = meant.wanted;
                    (first_ms, to_ms) = (wanted.from_ms.or(first_ms), wanted.to_ms);
                    who.extend(wanted.principals.into_iter().flatten());
                    any.extend(wanted.credentials.map(|set| ("credential", set)));
                    any.extend(wanted.addresses.map(|set| ("ip", set)));
                    (concerned.studies, concerned.objects) = (wanted.studies, wanted.objects);
                }
                Err(OpsError::Wrong(why)) => {
                    concerned.notes.push(format!("what was asked last cannot be asked any more: {why}"));
                }
                Err(error) => return Err(error),
            }
        }
        if who.is_empty() && any.is_empty() {
            who.extend(most_of(summary, &mut concerned.notes));
        }
        for (kind, name) in &case.contained {
            match kind.as_str() {
                "principal" | "device" => who.extend(self.somebody(name).await.ok().map(|one| one.id.to_string())),
                "access_key" => any.push(("credential", HashSet::from([name.clone()]))),
                "partner" => {
                    who.extend(self.of_partner(name).await.into_iter().flatten().map(|one| one.id.to_string()));
                }
                _ => {}
            }
        }
        self.stand_for(&who, case, &mut concerned).await?;
        let from_ms = Some(first_ms.unwrap_or(row.opened_at.saturating_sub(BEFORE_MS)));
        let before_ms = from_ms.map(|at| at.saturating_sub(BEFORE_MS));
        let who: HashSet<String> = who.into_iter().collect();
        if !who.is_empty() {
            let all = vec![("principal", who.clone())];
            let classes = Some(vec![DETECTION_FINDING]);
            concerned.found = Some(Sought { classes, all, from_ms: before_ms, ..Sought::default() });
            any.push(("principal", who));
        }
        if !any.is_empty() {
            concerned.by_them = Some(Sought { any, from_ms, to_ms, ..Sought::default() });
        }
        if !concerned.about.is_empty() {
            let any = vec![("entity", concerned.about.clone())];
            concerned.about_them = Some(Sought { any, from_ms: before_ms, ..Sought::default() });
        }
        Ok(concerned)
    }

    /// Things of the record that stand for some principals: themselves, their grants, findings about them; and the incident's finding.
    async fn stand_for(&self, who: &BTreeSet<String>, case: &Case, concerned: &mut Concerned) -> Result<(), OpsError> {
        concerned.about.extend(who.iter().map(|id| format!("principal:{id}")));
        if let Some(id) = case.finding
            && let Some(found) = findings::by_id(&self.store, id).await?
        {
            concerned.about.insert(format!("finding:{}", found.uid));
        }
        for id in who.iter().take(LOOKED_UP_MAX) {
            let Ok(id) = id.parse::<PrincipalId>() else { continue };
            let mut after = 0;
            loop {
                let page = grants::of(&self.store, id, after).await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                concerned.about.extend(page.iter().map(|grant| format!("grant:{}", grant.id)));
            }
            let about = WantedFindings { principal: Some(id), any_state: true, ..WantedFindings::default() };
            let found = findings::ranked(&self.store, &about, None, FINDINGS_MAX).await?;
            concerned.about.extend(found.iter().map(|finding| format!("finding:{}", finding.uid)));
        }
        if who.len() > LOOKED_UP_MAX {
            concerned.notes.push(format!(
                "grants and what became of findings are told of {LOOKED_UP_MAX} of the {} who are concerned",
                who.len()
            ));
        }
        Ok(())
    }

    /// Names of principals by id, as far as they are known.
    pub(crate) async fn name_of(&self, id: &str) -> Result<Option<String>, OpsError> {
        match id.parse() {
            Ok(id) => Ok(principals::by_id(&self.store, id).await?.map(|found| found.name)),
            Err(_no_id) => Ok(None),
        }
    }
}

/// Whoever was let take something, those with most entries.
fn most_of(summary: Option<&Value>, notes: &mut Vec<String>) -> Vec<String> {
    let all = summary.and_then(|summary| summary["principals"].as_object()).into_iter().flatten();
    let mut all: Vec<(u64, String)> =
        all.map(|(id, entries)| (entries.as_u64().unwrap_or(0), id.clone())).filter(|(_, id)| !id.is_empty()).collect();
    all.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    if all.len() > CONCERNED_MAX {
        notes.push(format!("told of the {CONCERNED_MAX} with most entries of the {} who took something", all.len()));
        all.truncate(CONCERNED_MAX);
    }
    all.into_iter().map(|(_, id)| id).collect()
}

fn condensed(snapshot: &Snapshot, concerned: &Concerned) -> Result<Condensing, lake::LakeError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Condensing::default();
    for (from, sought) in concerned.parts() {
        let takers = std::iter::repeat_with(Condensing::default).take(threads).collect();
        let take = |taker: &mut Condensing, noted: Noted<'_>| {
            if concerned.takes(from, &noted) {
                taker.take(&noted);
            }
        };
        for part in snapshot.noted(sought, takers, take)? {
            all.merge(part);
        }
    }
    Ok(all)
}

fn listed(
    snapshot: &Snapshot,
    concerned: &Concerned,
    listing: &Listing,
) -> Result<(Vec<EntryLine>, bool), lake::LakeError> {
    let (mut entries, mut has_more) = (Vec::new(), false);
    for (from, sought) in concerned.parts() {
        let mut sought = sought.clone();
        (sought.first, sought.end) = (listing.first, listing.last.map(|last| last.saturating_add(1)));
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let columns = [("principal", some(&listing.principal)), ("study", some(&listing.study))];
        sought.all.extend(columns.into_iter().filter_map(|(name, text)| Some((name, HashSet::from([text?])))));
        let (page, more) = snapshot.page(&sought, ENTRIES_PAGE, |noted| {
            (concerned.takes(from, &noted) && listing.takes(&noted)).then(|| EntryLine::from(noted))
        })?;
        has_more |= more;
        entries.extend(page);
    }
    entries.sort_unstable_by_key(|entry| entry.entry);
    has_more |= entries.len() > ENTRIES_PAGE;
    entries.truncate(ENTRIES_PAGE);
    Ok((entries, has_more))
}
