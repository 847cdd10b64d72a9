//! Whose data was exposed: what the record says of objects, joined to what the catalogue knows of them.

mod found;
mod meaning;
mod objects;
mod places;
mod reach;
mod reaching;
mod request;
#[cfg(test)]
mod tests;
mod timeline;
pub(crate) mod told;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use incidents::exposure::{Category, Exposure, Gathered, Gathering, Holder, Reach, Summed, Tally, Touch};
use lake::{Snapshot, Wanted};
use landscape::Catalogue;
use landscape::queries::Held;
use landscape::subjects::Counts;
use model::event::{self, Activity};
use model::{By, ObjectId, Scope};
use serde_json::Value;

pub use places::{Places, places};
pub use reach::Reachable;
pub use request::{ExposureRequest, Shown};

use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::{Operator, OpsError};

/// Studies whose people are told one by one.
const STUDIES_DRAWN: usize = 8;
/// Bytes of a question that are recorded as it is; of a longer one its beginning and its digest.
const QUESTION_BYTES_MAX: usize = 32 << 10;

fn hex(bytes: &[u8; 16]) -> String {
    ObjectId::from_bytes(*bytes).to_string()
}

/// An answer, and from which entries it was told.
pub(crate) struct Answer {
    pub(crate) exposure: Exposure,
    /// More was within reach than was looked through.
    pub(crate) is_cut: bool,
    /// Entries of the record when it was told.
    pub(crate) end: u64,
    /// Entries that say what was touched.
    wanted: Wanted,
}

impl Guarded {
    /// Whose data was exposed, as an operator asks: a line a jurisdiction, a line an object, and a summary. That it is asked is
    /// recorded.
    ///
    /// # Errors
    /// When something that is named is not there, or something does not answer.
    pub async fn tell_exposure(
        &self,
        operator: &Operator,
        request: ExposureRequest,
        shown: Shown,
    ) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        self.tell_exposure_to(&by, &request, &shown).await
    }

    /// As [`Guarded::tell_exposure`], on behalf of whoever is named.
    ///
    /// # Errors
    /// As there.
    pub async fn tell_exposure_to(
        &self,
        by: &By,
        request: &ExposureRequest,
        shown: &Shown,
    ) -> Result<Vec<Value>, OpsError> {
        let place = shown.place()?;
        let place = place.as_deref();
        let Answer { exposure, is_cut, wanted, .. } = self.exposure(by, request).await?;
        let entries = match shown.entries {
            true => Some(self.entries_of(&wanted, &exposure, shown, place).await?),
            false => None,
        };
        Ok(told::lines(&exposure, is_cut, shown, place, entries))
    }

    /// What was last told for an incident, from the entries of the record that there were then.
    ///
    /// # Errors
    /// As [`Guarded::tell_exposure`].
    pub async fn figure_of_incident(&self, by: &By, id: u32, shown: &Shown) -> Result<Vec<Value>, OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        let end = case.exposure.as_ref().and_then(|summary| summary["end"].as_u64());
        let request = ExposureRequest { incident: Some(id), end, ..ExposureRequest::default() };
        self.tell_exposure_to(by, &request, shown).await
    }

    /// What is told, with what it was told from.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn exposure(&self, by: &By, request: &ExposureRequest) -> Result<Answer, OpsError> {
        let request = &self.as_asked_in(request).await?;
        // What a finding was told from, and what objects that are gone were called, is read from the record.
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let meant = Box::pin(self.meant(request)).await?;
        self.record_asking(by, request).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let end = self.lakeside.snapshot(&self.data_dir)?.manifest.next_index;
        let end = request.end.map_or(end, |asked| asked.min(end));
        let gathered = self.gathered(&meant.wanted).await?;
        let mut reaches = Vec::new();
        for (wanted, why) in &meant.present {
            reaches.extend(only_present(self.gathered(wanted).await?, why));
        }
        reaches.extend(meant.elsewhere);
        let names: HashSet<(&str, &str)> =
            gathered.names().chain(reaches.iter().map(|reach| (&*reach.object, &*reach.version))).collect();
        let places = Box::pin(places(&self.store, &names, &meant.reachable)).await?;
        reaches.extend(meant.reachable.into_iter().map(|Reachable { described, why, form }| Reach {
            object: hex(&described.object),
            study: described.study,
            why,
            form,
            ..Reach::default()
        }));
        if let Some(study) = &request.study {
            reaches.retain(|reach| reach.study == study.as_str());
        }
        let catalogue = self.counting();
        let categories = Category::shipped().map_err(|error| OpsError::Wrong(error.to_string()))?;
        let mut tally = Tally::of(gathered, reaches, |object, version| places.of(object, version));
        let counted = count(&catalogue, &mut tally).await.map_err(OpsError::Catalogue)?;
        let mut exposure = tally.counted(&counted, &categories);
        exposure.notes = meant.notes;
        Ok(Answer { exposure, is_cut: meant.is_cut, end, wanted: meant.wanted })
    }

    /// Entries of the lake as it is, gathered.
    async fn gathered(&self, wanted: &Wanted) -> Result<Gathered, OpsError> {
        // Nothing of the record is asked about.
        let is_nothing = wanted.objects.as_ref().is_some_and(HashSet::is_empty);
        if is_nothing {
            return Ok(Gathered::default());
        }
        let (snapshot, wanted) = (self.lakeside.snapshot(&self.data_dir)?, wanted.clone());
        let reading = tokio::task::spawn_blocking(move || gather(&snapshot, &wanted));
        let gathered = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        Ok(gathered.map_err(LakesideError::Lake)?)
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
        let value = recorded(request);
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
    let takers = std::iter::repeat_with(Gathering::default).take(threads).collect();
    let mut all = Gathered::default();
    for part in snapshot.accesses_numbered(wanted, takers, Gathering::take)? {
        all.merge(part.gathered());
    }
    Ok(all)
}

/// What was touched by somebody of whom nothing says that it is who is asked about: no more than possible.
fn only_present(gathered: Gathered, why: &str) -> Vec<Reach> {
    let touched = gathered.touched().into_iter().filter(|(.., touch)| touch.grade().is_some());
    let reach = |(object, version, study, touch): (String, String, String, Touch)| Reach {
        object,
        version,
        study,
        why: why.to_owned(),
        form: touch.form(),
        touch,
        ..Reach::default()
    };
    touched.map(reach).collect()
}

/// Counts who is in what was graded, and tells it to the tally: by study, and where those of each object live. Gives the figures of
/// [`Tally::sets`].
///
/// # Errors
/// When the store does not answer.
pub async fn count(catalogue: &Catalogue, tally: &mut Tally) -> Result<Vec<Summed>, landscape::CatalogueError> {
    let each: Vec<Held> = tally.held().map(held_in).collect();
    let sets: Vec<Held> = tally.sets().iter().map(|set| held_in(set)).collect();
    let (studies, in_studies): (Vec<String>, Vec<Held>) =
        tally.by_study(STUDIES_DRAWN).into_iter().map(|(study, held)| (study, held_in(&held))).unzip();
    let known = catalogue.read_held(&each).await?;
    let counted = catalogue.count_held(&known, &sets).await?.into_iter().map(summed).collect();
    for (study, people) in studies.into_iter().zip(catalogue.count_held(&known, &in_studies).await?) {
        tally.tell_study(study, summed(people));
    }
    let places = catalogue.place_held(&known, &each).await?;
    tally.tell_places(places.into_iter().map(|(place, found)| (place.to_string(), found)));
    Ok(counted)
}

fn summed(by_label: BTreeMap<String, Counts>) -> Summed {
    let mut summed = Summed::default();
    for (label, counts) in by_label {
        let places = counts.jurisdictions.iter().map(|(place, people)| (place.to_string(), *people)).collect();
        if label.is_empty() {
            (summed.people, summed.by_jurisdiction) = (counts.people, places);
        } else {
            summed.by_label.insert(label, places);
        }
    }
    summed
}

/// Objects of the catalogue, and versions behind the guard.
fn held_in(holders: &[Holder]) -> Held {
    let mut held = Held::default();
    for holder in holders {
        match holder {
            Holder::Object(id) => held.objects.push(*id),
            Holder::Version(version) => held.versions.push(*version),
        }
    }
    held
}

/// A question as it is recorded: one that names very many objects by the first of them, their number, and the digest of the whole.
fn recorded(request: &ExposureRequest) -> String {
    let whole = serde_json::to_string(request).unwrap_or_default();
    if whole.len() <= QUESTION_BYTES_MAX {
        return whole;
    }
    let few = |names: &[String]| {
        let room = &mut (QUESTION_BYTES_MAX / 4);
        let fits = |name: &&String| {
            *room = room.saturating_sub(name.len() + 4);
            *room > 0
        };
        names.iter().take_while(fits).cloned().collect()
    };
    let short = ExposureRequest { objects: few(&request.objects), prefixes: few(&request.prefixes), ..request.clone() };
    let mut value = serde_json::to_value(short).unwrap_or_default();
    if let Some(value) = value.as_object_mut() {
        value.insert("names_total".to_owned(), (request.objects.len() + request.prefixes.len()).into());
        value.insert("sha256".to_owned(), incidents::sha256_hex(whole.as_bytes()).into());
    }
    value.to_string()
}
