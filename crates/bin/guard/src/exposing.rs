//! Whose data was exposed: what the record says of objects, joined to what the catalogue knows of them.

mod found;
mod meaning;
mod places;
mod reaching;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use incidents::case::{Case, What};
use incidents::exposure::{Category, Exposure, Gathered, Holder, Reach, Summed, Tally};
use lake::{Snapshot, Wanted};
use landscape::Catalogue;
use model::event::{self, Activity};
use model::{By, ObjectId, Scope, StudyId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::{Operator, OpsError, time};

/// Studies whose people are told one by one.
const STUDIES_DRAWN: usize = 8;
/// Objects that are listed one by one.
const LISTED_MAX: usize = 10_000;

/// Whose exposure is asked for. Parts that are given are asked for together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExposureRequest {
    /// By this principal: a name or an id.
    pub principal: Option<String>,
    /// By this device: a name or an id.
    pub device: Option<String>,
    /// By everybody of this partner organisation.
    pub partner: Option<String>,
    /// With this credential, by its public id.
    pub credential: Option<String>,
    /// From this address.
    pub address: Option<String>,
    /// Of this object: an id, or `study/name`.
    pub object: Option<String>,
    /// Of this study.
    pub study: Option<StudyId>,
    /// As this finding tells.
    pub finding: Option<u32>,
    /// Not before this time, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Not after it.
    pub to: Option<i64>,
    /// With what is within reach and was not touched.
    pub reach: bool,
    /// As it was last asked for this incident, or by its finding; parts that are given narrow that.
    pub incident: Option<u32>,
}

impl ExposureRequest {
    /// Whether it says neither whose exposure nor of what.
    fn names_nothing(&self) -> bool {
        let parts = [&self.principal, &self.device, &self.partner, &self.credential, &self.address, &self.object];
        parts.iter().all(|part| part.is_none()) && self.study.is_none() && self.finding.is_none()
    }

    /// As it is meant in an incident: about its finding, or else its study, where nothing else is named; from when the breach began, where
    /// that is a fact and no other time is given.
    pub(crate) fn in_incident(mut self, case: &Case) -> Self {
        if self.names_nothing() && self.incident.is_none() {
            self.finding = case.finding;
            if self.finding.is_none() && self.from.is_none() && case.breach_began_at().is_some() {
                self.study = case.study.as_ref().and_then(|study| study.parse().ok());
            }
        }
        // A time alone asks about everybody: that is not done unasked.
        if self.from.is_none() && !self.names_nothing() {
            self.from = case.breach_began_at();
        }
        self
    }
}

fn hex(bytes: &[u8; 16]) -> String {
    ObjectId::from_bytes(*bytes).to_string()
}

impl Guarded {
    /// Whose data was exposed, as an operator asks: a line a jurisdiction, a line an object, and a summary. That it is asked is
    /// recorded.
    ///
    /// # Errors
    /// When something that is named is not there, or something does not answer.
    pub async fn tell_exposure(&self, operator: &Operator, request: ExposureRequest) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        let (exposure, is_cut) = self.exposure(&by, &request).await?;
        Ok(lines(&exposure, is_cut))
    }

    /// As [`Guarded::tell_exposure`], on behalf of whoever is named; whether more was within reach than was looked through.
    ///
    /// # Errors
    /// As there.
    pub async fn exposure(&self, by: &By, request: &ExposureRequest) -> Result<(Exposure, bool), OpsError> {
        let request = &self.as_asked_in(request).await?;
        // What a finding was told from is read from the record.
        self.ledger.publish().await?;
        let meant = Box::pin(self.meant(request)).await?;
        self.record_asking(by, request).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let gathered = self.gathered(&meant.wanted).await?;
        let mut reaches = Vec::new();
        for (wanted, why) in &meant.present {
            reaches.extend(only_present(self.gathered(wanted).await?, why));
        }
        reaches.extend(meant.elsewhere);
        let names: HashSet<(&str, &str)> =
            gathered.names().chain(reaches.iter().map(|reach| (&*reach.object, &*reach.version))).collect();
        let places = Box::pin(self.places(&names, &meant.reachable)).await?;
        reaches.extend(meant.reachable.into_iter().map(|(described, why)| Reach {
            object: hex(&described.object),
            study: described.study,
            why,
            ..Reach::default()
        }));
        if let Some(study) = &request.study {
            reaches.retain(|reach| reach.study == study.as_str());
        }
        let catalogue = self.counting();
        let categories = Category::shipped().map_err(|error| OpsError::Wrong(error.to_string()))?;
        let mut tally = Tally::of(gathered, reaches, |object, version| places.of(object, version));
        let mut counted = Vec::new();
        for held in tally.sets() {
            counted.push(people_of(&catalogue, &held).await.map_err(OpsError::Catalogue)?);
        }
        for (study, held) in tally.by_study(STUDIES_DRAWN) {
            let people = people_of(&catalogue, &held).await.map_err(OpsError::Catalogue)?;
            tally.tell_study(study, people);
        }
        let mut exposure = tally.counted(&counted, &categories);
        exposure.notes = meant.notes;
        Ok((exposure, meant.is_cut))
    }

    /// Entries of the lake as it is, gathered.
    async fn gathered(&self, wanted: &Wanted) -> Result<Gathered, OpsError> {
        let is_nothing = wanted.objects.as_ref().is_some_and(HashSet::is_empty);
        if is_nothing {
            return Ok(Gathered::default());
        }
        let (snapshot, wanted) = (self.lakeside.snapshot(&self.data_dir)?, wanted.clone());
        let reading = tokio::task::spawn_blocking(move || gather(&snapshot, &wanted));
        let gathered = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        Ok(gathered.map_err(LakesideError::Lake)?)
    }

    /// What an incident asks about, where one is named: what was last asked for it, or else its finding. What is given besides goes
    /// before that.
    async fn as_asked_in(&self, request: &ExposureRequest) -> Result<ExposureRequest, OpsError> {
        let Some(id) = request.incident else { return Ok(request.clone()) };
        let (_, case) = self.incidents.case(id).await?;
        let asked = case.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Exposure { question, .. } => serde_json::from_value::<ExposureRequest>(question.clone()).ok(),
            _ => None,
        });
        let before = match (asked, case.finding) {
            (Some(asked), _) => asked,
            (None, Some(finding)) => {
                ExposureRequest { finding: Some(finding), from: case.breach_began_at(), ..ExposureRequest::default() }
            }
            (None, None) => {
                let why = format!(
                    "incident {id} has no finding, and nobody has told its exposure yet; say whose: `lazaret incidents expose {id} \
                     --principal NAME`, or `--study`, `--object`, `--from`"
                );
                return Err(OpsError::Wrong(why));
            }
        };
        Ok(ExposureRequest {
            principal: request.principal.clone().or(before.principal),
            device: request.device.clone().or(before.device),
            partner: request.partner.clone().or(before.partner),
            credential: request.credential.clone().or(before.credential),
            address: request.address.clone().or(before.address),
            object: request.object.clone().or(before.object),
            study: request.study.clone().or(before.study),
            finding: request.finding.or(before.finding),
            from: request.from.or(before.from),
            to: request.to.or(before.to),
            reach: request.reach || before.reach,
            incident: None,
        })
    }

    /// The catalogue that counts people.
    fn counting(&self) -> Arc<Catalogue> {
        match &self.flows {
            Some(flows) => Arc::clone(flows.catalogue()),
            None => Arc::new(Catalogue::new(self.store.clone())),
        }
    }

    /// A question about exposure may name somebody: it is kept sealed.
    async fn record_asking(&self, by: &By, request: &ExposureRequest) -> Result<(), OpsError> {
        let day = jiff::Timestamp::from_millisecond(by.now_ms).map_err(|error| OpsError::Wrong(error.to_string()))?;
        let day = day.to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut event = by.event(Activity::Look);
        event.resource.entity = Some("exposure:asked".to_owned());
        event.resource.study.clone_from(&request.study);
        let value = serde_json::to_string(request).unwrap_or_default();
        event.details.push(event::Detail { field: "question".into(), scope: Scope::Day(day), value });
        self.recorder.record(event).await?;
        Ok(())
    }
}

/// Entries that are wanted, gathered on all processors.
///
/// # Errors
/// When a segment of the lake is gone, altered, or not what this version writes.
pub fn gather(snapshot: &Snapshot, wanted: &Wanted) -> Result<Gathered, lake::LakeError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let takers = std::iter::repeat_with(Gathered::default).take(threads).collect();
    let mut all = Gathered::default();
    for part in snapshot.accesses(wanted, takers, Gathered::take)? {
        all.merge(part);
    }
    Ok(all)
}

/// What was touched by somebody of whom nothing says that it is who is asked about: no more than possible.
fn only_present(gathered: Gathered, why: &str) -> Vec<Reach> {
    let touched = gathered.touched().into_iter().filter(|(.., touch)| touch.grade().is_some());
    let reach =
        |(object, version, study, touch)| Reach { object, version, study, why: why.to_owned(), touch, at: None };
    touched.map(reach).collect()
}

/// The distinct people of objects of the catalogue and of versions behind the guard.
///
/// # Errors
/// When the store does not answer.
pub async fn people_of(catalogue: &Catalogue, held: &[Holder]) -> Result<Summed, landscape::CatalogueError> {
    let (mut ids, mut versions) = (Vec::new(), Vec::new());
    for holder in held {
        match holder {
            Holder::Object(id) => ids.push(*id),
            Holder::Version(version) => versions.push(*version),
        }
    }
    let mut summed = Summed::default();
    for (label, counts) in catalogue.people_held_by_label(&ids, &versions).await? {
        let places = counts.jurisdictions.iter().map(|(place, people)| (place.to_string(), *people)).collect();
        if label.is_empty() {
            (summed.people, summed.by_jurisdiction) = (counts.people, places);
        } else {
            summed.by_label.insert(label, places);
        }
    }
    Ok(summed)
}

fn lines(exposure: &Exposure, is_cut: bool) -> Vec<Value> {
    let mut lines = Vec::new();
    let places: BTreeSet<&String> =
        exposure.figures.iter().flat_map(|figures| figures.by_jurisdiction.keys()).collect();
    for place in places {
        let mut line = serde_json::Map::new();
        line.insert("jurisdiction".to_owned(), json!(place));
        let mut categories: BTreeSet<&String> = BTreeSet::new();
        for figures in &exposure.figures {
            let subjects = figures.by_jurisdiction.get(place).copied().unwrap_or(0);
            line.insert(figures.grade.as_str().to_owned(), json!({ "subjects": subjects, "objects": figures.objects }));
            categories.extend(figures.categories.get(place).into_iter().flatten());
        }
        line.insert("categories".to_owned(), json!(categories));
        lines.push(Value::Object(line));
    }
    for known in exposure.objects.iter().take(LISTED_MAX) {
        let touch = &known.touch;
        lines.push(json!({
            "object": known.object, "version": known.version, "study": known.study, "grade": known.grade,
            "why": (!known.why.is_empty()).then_some(&known.why), "labels": known.labels, "subjects": known.subjects, "downloads": touch.downloads, "released": touch.released,
            "bytes": touch.bytes, "bytes_unended": touch.bytes_unended, "previews": touch.previews, "refused": touch.refused,
            "deidentified": touch.deidentified,
            "first": (touch.entries_total > 0).then(|| time(touch.first_ms)),
            "last": (touch.entries_total > 0).then(|| time(touch.last_ms)),
            "entries": touch.entries, "entries_total": touch.entries_total,
        }));
    }
    lines.push(json!({ "summary": {
        "figures": exposure.figures, "objects": exposure.objects.len(), "listed": exposure.objects.len().min(LISTED_MAX),
        "principals": exposure.principals, "flows": exposure.flows.iter().take(LISTED_MAX).collect::<Vec<_>>(), "whom": exposure.whom, "entries": exposure.entries, "refused": exposure.refused,
        "uncounted_objects": exposure.uncounted, "uncounted_subjects": exposure.uncounted_subjects,
        "deidentified": exposure.deidentified, "reach_cut": is_cut, "notes": exposure.notes,
        "affected": exposure.affected(incidents::exposure::Grade::Likely),
    } }));
    lines
}
