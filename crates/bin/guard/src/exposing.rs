//! Whose data was exposed: what the record says of objects, joined to what the catalogue knows of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use incidents::case::What;
use incidents::exposure::{Category, Exposure, Gathered, Place, Summed, Tally};
use lake::{Snapshot, Wanted};
use landscape::Catalogue;
use model::event::{self, Activity};
use model::{By, ObjectId, PrincipalId, Scope, StudyId, VersionId};
use policy::Thing;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::guarded::versions::{self, Described};
use store::principals::{self, Principal};

use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::{Operator, OpsError, time};

/// Objects within reach that are looked through; beyond, that is told.
const REACH_MAX: usize = 200_000;
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

/// What a request means, looked up.
struct Meant {
    wanted: Wanted,
    principals: Vec<Principal>,
    /// Objects within reach, with their studies.
    reachable: Vec<Described>,
    is_cut: bool,
}

/// Where objects lie, looked up at once.
struct Places {
    versions: HashMap<String, Described>,
    objects: HashMap<String, Described>,
    catalogued: HashMap<String, (Vec<u32>, BTreeSet<String>)>,
}

impl Places {
    fn of(&self, object: &str, version: &str) -> Place {
        let described = self.versions.get(version).or_else(|| self.objects.get(object));
        let Some(described) = described else { return Place::default() };
        let mut labels: BTreeSet<String> = described.labels.split_whitespace().map(str::to_owned).collect();
        let path = format!("{}/{}", described.study, described.name);
        let mut ids = Vec::new();
        if let Some((found, more)) = self.catalogued.get(&path) {
            ids.clone_from(found);
            labels.extend(more.iter().cloned());
        }
        labels.remove("none");
        Place {
            // The catalogue describes the newest version: people of an older one may be others.
            catalogued: if described.latest { ids } else { Vec::new() },
            labels: labels.into_iter().collect(),
            subjects: u64::try_from(described.subjects).unwrap_or(0),
        }
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
        let meant = self.meant(request).await?;
        self.record_asking(by, request).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let snapshot = self.lakeside.snapshot(&self.data_dir)?;
        let wanted = meant.wanted.clone();
        let reading = tokio::task::spawn_blocking(move || gather(&snapshot, &wanted));
        let gathered = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let gathered = gathered.map_err(LakesideError::Lake)?;
        let places = self.places(&gathered, &meant.reachable).await?;
        let catalogue = self.counting();
        let categories = Category::shipped().map_err(|error| OpsError::Wrong(error.to_string()))?;
        let reachable =
            meant.reachable.iter().map(|described| (hex(&described.object), described.study.clone())).collect();
        let mut tally = Tally::of(gathered, reachable, |object, version| places.of(object, version));
        let mut counted = Vec::new();
        for ids in tally.sets() {
            counted.push(people_of(&catalogue, &ids).await.map_err(OpsError::Catalogue)?);
        }
        for (study, ids) in tally.by_study(STUDIES_DRAWN) {
            let people = people_of(&catalogue, &ids).await.map_err(OpsError::Catalogue)?;
            tally.tell_study(study, people);
        }
        let exposure = tally.counted(&counted, &categories);
        Ok((exposure, meant.is_cut))
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
            (None, Some(finding)) => ExposureRequest { finding: Some(finding), ..ExposureRequest::default() },
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

    /// The rows of the record that a question means.
    pub(crate) async fn wanted(&self, request: &ExposureRequest) -> Result<Wanted, OpsError> {
        Ok(self.meant(request).await?.wanted)
    }

    async fn meant(&self, request: &ExposureRequest) -> Result<Meant, OpsError> {
        let mut wanted = Wanted { from_ms: request.from, to_ms: request.to, ..Wanted::default() };
        let mut who: Vec<Principal> = Vec::new();
        if let Some(name) = &request.principal {
            who.push(self.somebody(name).await?);
        }
        if let Some(organisation) = &request.partner {
            who.extend(self.of_partner(organisation).await?);
        }
        if let Some(id) = request.finding {
            self.as_found(id, &mut wanted, &mut who).await?;
        }
        if !who.is_empty() {
            wanted.principals = Some(who.iter().map(|principal| principal.id.to_string()).collect());
        }
        let set = |text: &String| HashSet::from([text.clone()]);
        wanted.credentials = request.credential.as_ref().map(set);
        wanted.addresses = request.address.as_ref().map(set);
        if let Some(study) = &request.study {
            wanted.studies = Some(HashSet::from([study.to_string()]));
        }
        let mut reachable = Vec::new();
        if let Some(object) = &request.object {
            let found = self.an_object(object).await?;
            wanted.objects = Some(HashSet::from([hex(&found.object)]));
            if request.reach {
                reachable.push(found);
            }
        }
        let names_nothing = wanted.principals.is_none()
            && wanted.credentials.is_none()
            && wanted.addresses.is_none()
            && wanted.objects.is_none()
            && wanted.studies.is_none()
            && wanted.from_ms.is_none();
        if names_nothing {
            let why =
                "say whose exposure: a principal, partner, credential, address, object, study, finding, or from when";
            return Err(OpsError::Wrong(why.to_owned()));
        }
        let mut is_cut = false;
        if request.reach && request.object.is_none() {
            is_cut = self.within_reach(&who, request, &mut reachable).await?;
        }
        Ok(Meant { wanted, principals: who, reachable, is_cut }.checked())
    }

    pub(crate) async fn somebody(&self, name: &str) -> Result<Principal, OpsError> {
        if let Ok(id) = name.parse::<PrincipalId>()
            && let Some(found) = principals::by_id(&self.store, id).await?
        {
            return Ok(found);
        }
        Ok(self.identity.by_name(name).await?)
    }

    pub(crate) async fn of_partner(&self, organisation: &str) -> Result<Vec<Principal>, OpsError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = principals::page(&self.store, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found.extend(page.into_iter().filter(|one| one.organisation.as_deref() == Some(organisation)));
        }
        if found.is_empty() {
            let why = format!(
                "nobody belongs to the partner organisation `{organisation}`; `lazaret user list` shows who does"
            );
            return Err(OpsError::Wrong(why));
        }
        Ok(found)
    }

    /// The actor of a finding, over the time that its evidence spans.
    async fn as_found(&self, id: u32, wanted: &mut Wanted, who: &mut Vec<Principal>) -> Result<(), OpsError> {
        let missing = || OpsError::Wrong(format!("there is no finding {id}; `lazaret findings list` shows them"));
        let finding = store::findings::by_id(&self.store, id).await?.ok_or_else(missing)?;
        let Some(principal) = finding.principal else {
            let why = format!(
                "finding {id} names nobody whom Lazaret knows; ask by `--object`, `--study` or `--address` with `--from`"
            );
            return Err(OpsError::Wrong(why));
        };
        who.extend(principals::by_id(&self.store, principal).await?);
        wanted.from_ms = wanted.from_ms.or(Some(finding.first_at));
        wanted.to_ms = wanted.to_ms.or(Some(finding.last_at.saturating_add(RELEASED_WITHIN_MS)));
        Ok(())
    }

    async fn an_object(&self, text: &str) -> Result<Described, OpsError> {
        let missing = || OpsError::Wrong(format!("there is no object `{text}`; give its id, or `study/name`"));
        if let Ok(id) = text.parse::<ObjectId>() {
            return versions::describe_objects(&self.store, &[*id.as_bytes()])
                .await?
                .into_iter()
                .next()
                .ok_or_else(missing);
        }
        let (study, name) = text.split_once('/').ok_or_else(missing)?;
        let found = versions::latest(&self.store, study, name).await?.ok_or_else(missing)?;
        versions::describe(&self.store, &[found.version]).await?.into_iter().next().ok_or_else(missing)
    }

    /// Objects that are within reach of `who`, or all of a study where nobody is named. Whether there are more than are looked
    /// through.
    async fn within_reach(
        &self,
        who: &[Principal],
        request: &ExposureRequest,
        reachable: &mut Vec<Described>,
    ) -> Result<bool, OpsError> {
        let mut studies: BTreeSet<StudyId> = request.study.iter().cloned().collect();
        if studies.is_empty() {
            studies.extend(who.iter().flat_map(|one| self.access.places(one.id)).flatten());
        }
        let circumstances = crate::access::asked();
        for study in studies {
            let mut may_read: HashMap<String, bool> = HashMap::new();
            let mut after = Vec::new();
            loop {
                let page = versions::describe_study(&self.store, study.as_str(), &after, store::PAGE_ROWS_MAX).await?;
                let Some(last) = page.last() else { break };
                after = last.name.as_bytes().to_vec();
                for described in page {
                    let is_allowed = who.is_empty()
                        || *may_read.entry(described.labels.clone()).or_insert_with(|| {
                            let labels = crate::access::labels(&described.labels);
                            let thing = Thing { id: None, labels: &labels };
                            who.iter().any(|one| {
                                let told = self.access.tell(
                                    one,
                                    &[model::Action::Read],
                                    Some(&study),
                                    Some(thing),
                                    &circumstances,
                                );
                                told.iter().any(|told| told.decision.allowed)
                            })
                        });
                    if is_allowed {
                        if reachable.len() >= REACH_MAX {
                            return Ok(true);
                        }
                        reachable.push(described);
                    }
                }
            }
        }
        Ok(false)
    }

    async fn places(&self, gathered: &Gathered, reachable: &[Described]) -> Result<Places, OpsError> {
        let mut ids = Vec::new();
        let mut objects = Vec::new();
        for (object, version) in gathered.names() {
            match (version.parse::<VersionId>(), object.parse::<ObjectId>()) {
                (Ok(version), _) => ids.push(*version.as_bytes()),
                (Err(_), Ok(object)) => objects.push(*object.as_bytes()),
                (Err(_), Err(_)) => {}
            }
        }
        let described = versions::describe(&self.store, &ids).await?;
        // A version that is gone is told by its object, if that still has one.
        let known: HashSet<[u8; 16]> = described.iter().map(|one| one.version).collect();
        let lost: HashSet<[u8; 16]> = ids.iter().filter(|id| !known.contains(*id)).copied().collect();
        for (object, version) in gathered.names() {
            if let (Ok(version), Ok(object)) = (version.parse::<VersionId>(), object.parse::<ObjectId>())
                && lost.contains(version.as_bytes())
            {
                objects.push(*object.as_bytes());
            }
        }
        let mut by_object = versions::describe_objects(&self.store, &objects).await?;
        by_object.extend(reachable.iter().cloned());
        let mut paths: HashSet<String> = HashSet::new();
        for one in described.iter().chain(&by_object).filter(|one| one.latest) {
            paths.insert(format!("{}/{}", one.study, one.name));
        }
        let source = store::sources::all(&self.store).await?.into_iter().find(|source| source.kind == "guard");
        let mut catalogued: HashMap<String, (Vec<u32>, BTreeSet<String>)> = HashMap::new();
        if let Some(source) = source {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            for (path, id, labels) in store::objects::lying_at(&self.store, source.id, &paths).await? {
                let (ids, all) = catalogued.entry(path).or_default();
                ids.push(id);
                all.extend(labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned));
            }
        }
        Ok(Places {
            versions: described.into_iter().map(|one| (hex(&one.version), one)).collect(),
            objects: by_object.into_iter().map(|one| (hex(&one.object), one)).collect(),
            catalogued,
        })
    }
}

/// A download that began by the end of a finding may end within this time.
const RELEASED_WITHIN_MS: i64 = 60 * 60_000;

impl Meant {
    fn checked(mut self) -> Self {
        let mut seen = HashSet::new();
        self.reachable.retain(|described| seen.insert(described.object));
        self.principals.dedup_by_key(|principal| principal.id);
        self
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

/// The distinct people of objects of the catalogue.
///
/// # Errors
/// When the store does not answer.
pub async fn people_of(catalogue: &Catalogue, ids: &[u32]) -> Result<Summed, landscape::CatalogueError> {
    let mut summed = Summed::default();
    for (label, counts) in catalogue.people_in_by_label(ids).await? {
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
            "labels": known.labels, "subjects": known.subjects, "downloads": touch.downloads, "released": touch.released,
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
        "deidentified": exposure.deidentified, "reach_cut": is_cut,
        "affected": exposure.affected(incidents::exposure::Grade::Likely),
    } }));
    lines
}
