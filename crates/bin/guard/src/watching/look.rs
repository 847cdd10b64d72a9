//! What is looked up of an entry before it is watched.

use std::borrow::Cow;
use std::collections::HashMap;

use ledger::Revealed;
use ledger::verify::entry::{self, Body};
use model::{Label, PrincipalId, StudyId, VersionId};
use store::grants::{self, Grant, GrantState};
use store::guarded::versions;
use store::principals::{self, Principal};
use store::sources::SourceRow;
use store::studies::{self, Study};
use store::{Store, StoreError};
use watch::document::{Recorded, extension};
use watch::{Context, Standing};

use super::places;

/// How long what was looked up holds, in milliseconds.
const FRESH_MS: i64 = 5_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// How many principals and studies are remembered.
const KNOWN_MAX: usize = 10_000;

/// The event of an entry, if it is one that this version can read.
pub(super) fn recorded(bytes: &[u8]) -> Option<Recorded> {
    serde_json::from_str(json(bytes)?).ok()
}

/// The event of an entry as it is kept.
pub(super) fn json(bytes: &[u8]) -> Option<&str> {
    match entry::parse(bytes).ok()?.body {
        Body::Event { json, .. } => Some(json),
        _ => None,
    }
}

/// A record of another system, in clear.
pub(super) struct Raw {
    pub family: String,
    pub json: String,
    pub time_ms: i64,
    pub about: String,
    pub study: Option<StudyId>,
    pub labels: Vec<Label>,
    pub subjects: u64,
    pub object: Option<String>,
    activity: String,
    is_done: bool,
    host: String,
    bytes: u64,
}

impl Raw {
    /// What the watch over behaviour counts: who and what must be known.
    pub fn access(&self) -> Option<behaviour::Event<'_>> {
        let action = act(&self.activity)?;
        if self.about.is_empty() {
            return None;
        }
        Some(behaviour::Event {
            time: self.time_ms.div_euclid(1_000),
            principal: Cow::Borrowed(&self.about),
            action,
            object: Cow::Borrowed(self.object.as_deref().unwrap_or_default()),
            study: Cow::Borrowed(self.study.as_ref().map_or("", StudyId::as_str)),
            labels: self.labels.iter().map(|label| Cow::Borrowed(label.as_str())).collect(),
            bytes: self.bytes,
            subjects: self.subjects,
            host: Cow::Borrowed(&self.host),
            result: if self.is_done { behaviour::Outcome::Ok } else { behaviour::Outcome::Denied },
            role: Cow::Borrowed(""),
            site: Cow::Borrowed(""),
            kind: Cow::Borrowed("person"),
            notice_of_leaving: false,
            leaves_on: None,
            grant_idle_days: 0,
        })
    }
}

/// Names of activities of OCSF 1.5 (classes 1001, 3002, 3005, 6001, 6003, 6006).
fn act(activity: &str) -> Option<behaviour::Action> {
    use behaviour::Action as Act;
    Some(match activity {
        "Read" | "Download" | "Open" | "Preview" | "Get" => Act::Read,
        "Create" | "Update" | "Upload" | "Rename" | "Copy" | "Move" | "Restore" | "Set Attributes" => Act::Write,
        "Delete" => Act::Delete,
        "Share" => Act::Share,
        "Export" => Act::Export,
        "Logon" => Act::Login,
        "List" | "Enumerate" => Act::List,
        "Assign Privileges" | "Revoke Privileges" | "Attach Policy" | "Set Security" => Act::Admin,
        _ => return None,
    })
}

/// The record of another system that an entry keeps, if it does.
pub(super) fn raw(recorded: &Recorded, revealed: &[Revealed]) -> Option<Raw> {
    let outside = recorded.unmapped.outside.as_ref()?;
    let detail = |field: &str| {
        let found = revealed.iter().find(|detail| detail.field == field)?;
        found.value.as_ref().ok().cloned()
    };
    let ip = recorded.src_endpoint.as_ref().map(|endpoint| endpoint.ip.clone()).unwrap_or_default();
    Some(Raw {
        family: outside.family.clone(),
        json: detail("raw").unwrap_or_else(|| "{}".to_owned()),
        time_ms: outside.logged_ms.unwrap_or(recorded.time),
        about: detail("actor.name").filter(|name| !name.is_empty()).unwrap_or_else(|| ip.clone()),
        study: recorded.study(),
        labels: recorded.labels(),
        subjects: recorded.unmapped.subject_count.unwrap_or_default(),
        object: detail("object.name"),
        activity: recorded.activity_name.clone(),
        is_done: recorded.status_id != 2,
        host: detail("host.name").unwrap_or(ip),
        bytes: recorded.unmapped.bytes.unwrap_or_default(),
    })
}

/// Whole days before `at`, in milliseconds since 1970, in which none of the grants was used or given; 0 where there is none. The
/// use that is watched may be noted already: then nothing is said, and the watch remembers by itself.
fn idle_days<'a>(grants: impl Iterator<Item = &'a Grant>, at: i64) -> u32 {
    let last = grants.map(|grant| grant.last_used_at.unwrap_or(i64::MIN).max(grant.valid_from)).max();
    last.map_or(0, |last| u32::try_from(at.saturating_sub(last) / DAY_MS).unwrap_or_default())
}

/// What the store says of actors and studies, for a moment.
pub(super) struct Lookup {
    store: Store,
    looked_at: i64,
    principals: HashMap<PrincipalId, Option<Actor>>,
    studies: HashMap<StudyId, Option<Study>>,
    names: HashMap<VersionId, Option<String>>,
    sources: Option<Vec<SourceRow>>,
    objects: HashMap<String, Option<Touched>>,
}

/// What the store says of who acts.
struct Actor {
    principal: Principal,
    grants: Vec<Grant>,
    /// The last day, in days since 1970, where there is notice of it.
    leaves_on: Option<i64>,
}

/// What the catalogue says of an object that another system named.
#[derive(Clone)]
struct Touched {
    study: Option<StudyId>,
    labels: Vec<Label>,
    subjects: u64,
}

impl Lookup {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            looked_at: i64::MIN,
            principals: HashMap::new(),
            studies: HashMap::new(),
            names: HashMap::new(),
            sources: None,
            objects: HashMap::new(),
        }
    }

    /// Forgets what was looked up some moments before `now`.
    fn refresh(&mut self, now: i64) {
        let known = [self.principals.len(), self.studies.len(), self.names.len(), self.objects.len()];
        if known.iter().any(|known| *known >= KNOWN_MAX) || now.saturating_sub(self.looked_at) > FRESH_MS {
            self.principals.clear();
            self.studies.clear();
            self.names.clear();
            self.objects.clear();
            self.sources = None;
            self.looked_at = now;
        }
    }

    /// Gives a record of another system the labels and people of the object that it names, if that is in the catalogue.
    pub async fn join(&mut self, raw: &mut Raw, now: i64) -> Result<(), StoreError> {
        self.refresh(now);
        let Some(name) = raw.object.as_deref().filter(|name| !name.is_empty()) else { return Ok(()) };
        if !self.objects.contains_key(name) {
            let sources = match self.sources.take() {
                Some(sources) => sources,
                None => places::all(&self.store).await?,
            };
            let found = places::find(&self.store, &sources, name).await?;
            self.sources = Some(sources);
            let touched = found.map(|found| Touched {
                study: found.study.parse().ok(),
                labels: found.labels.split(',').filter_map(|label| label.parse().ok()).collect(),
                subjects: found.subjects,
            });
            self.objects.insert(name.to_owned(), touched);
        }
        if let Some(Some(touched)) = self.objects.get(name) {
            raw.study = raw.study.take().or_else(|| touched.study.clone());
            raw.labels.clone_from(&touched.labels);
            raw.subjects = touched.subjects;
        }
        Ok(())
    }

    /// The name of the version that was touched: a download is recorded without it.
    async fn name_of(&mut self, recorded: &Recorded) -> Result<Option<String>, StoreError> {
        let version = recorded.unmapped.version.as_deref().and_then(|version| version.parse::<VersionId>().ok());
        let Some(version) = version else { return Ok(None) };
        if !self.names.contains_key(&version) {
            let found = versions::by_id(&self.store, *version.as_bytes()).await?;
            self.names.insert(version, found.map(|found| found.name));
        }
        Ok(self.names.get(&version).cloned().flatten())
    }

    /// What is known of the actor and the study of an entry at `now`.
    pub async fn context(
        &mut self,
        recorded: &Recorded,
        revealed: &[Revealed],
        now: i64,
    ) -> Result<Context, StoreError> {
        self.refresh(now);
        let name = revealed.iter().find(|detail| detail.field == "object.name");
        let mut name = name.and_then(|detail| detail.value.as_ref().ok()).cloned();
        if name.is_none() {
            name = self.name_of(recorded).await?;
        }
        let mut context =
            Context { extension: name.as_deref().and_then(extension), object_name: name, ..Context::default() };
        let study = recorded.study();
        if let Some(id) = &study {
            if !self.studies.contains_key(id) {
                let found = studies::by_id(&self.store, id).await?;
                self.studies.insert(id.clone(), found);
            }
            if let Some(Some(study)) = self.studies.get(id) {
                context.study_countries.clone_from(&study.countries);
                context.study_state = Some(match (study.contained_at, study.closed_at) {
                    (Some(_), _) => "contained",
                    (None, Some(_)) => "closed",
                    (None, None) => "open",
                });
            }
        }
        if let Some(id) = recorded.principal() {
            if !self.principals.contains_key(&id) {
                let found = match principals::by_id(&self.store, id).await? {
                    Some(principal) => {
                        let grants = grants::of(&self.store, id, 0).await?;
                        let last_day = identity::last_day_of(&self.store, id).await?;
                        let leaves_on = last_day.and_then(|last_day| behaviour::time::parse_date(&last_day.date));
                        Some(Actor { principal, grants, leaves_on })
                    }
                    None => None,
                };
                self.principals.insert(id, found);
            }
            if let Some(Some(Actor { principal, grants, leaves_on })) = self.principals.get(&id) {
                context.leaves_on = *leaves_on;
                let at = recorded.time;
                context.organisation.clone_from(&principal.organisation);
                context.agreement = Standing::of(principal.agreement_until, at);
                context.training = Standing::of(principal.training_until, at);
                let active = grants.iter().filter(|grant| grant.state == GrantState::Active && grant.study == study);
                context.grant_idle_days = idle_days(active.clone(), at);
                context.roles = active.filter_map(|grant| grant.role.clone()).collect();
                context.roles.sort_unstable();
                context.roles.dedup();
                context.blinded =
                    context.roles.iter().any(|role| policy::Role::named(role).is_some_and(|role| role.blinded));
            }
        }
        Ok(context)
    }
}
