//! Whom and what a finding means. One that names no actor whom Lazaret knows (a log of another system, a correlation over many, an
//! indicator that matched) is told from the entries that it stands on: objects that they name, and who else was at the addresses, on
//! the devices and under the names in them at that time. That is presence, not proof: it is told as possible, with the reason.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use incidents::exposure::{Holder, Place, Reach, Touch};
use lake::{Row, Wanted};
use model::{PrincipalId, StudyId};
use serde_json::Value;
use store::findings::Finding;
use store::guarded::versions;
use store::principals::{self, Principal};

use super::meaning::{Meant, RELEASED_WITHIN_MS};
use super::{ExposureRequest, hex};
use crate::Guarded;
use crate::lakeside::opened;
use crate::ops::OpsError;

/// How long before the first and after the last entry of a finding presence is looked for.
const PRESENT_WITHIN_MS: i64 = 60 * 60_000;
/// The product whose entries are Lazaret's own.
const OWN: &str = "Lazaret";
/// Names that a reason lists.
const LISTED: usize = 3;

/// An object that entries name.
#[derive(Default)]
struct Seen {
    version: String,
    study: String,
    activities: BTreeSet<String>,
    entries: Vec<(u64, i64)>,
    /// Something else than a refused request names it.
    is_let: bool,
}

/// What the entries of a finding name.
#[derive(Default)]
struct Named {
    objects: BTreeMap<String, Seen>,
    /// Names of objects in logs of other systems, and the entries that have them.
    paths: BTreeMap<String, Vec<(u64, i64)>>,
    /// Principals that touched objects.
    touching: HashSet<String>,
    /// Somebody who is nobody's principal touched an object.
    has_strangers: bool,
    /// Other principals, addresses, names of hosts and of users.
    principals: BTreeSet<String>,
    addresses: BTreeSet<String>,
    hosts: BTreeSet<String>,
    users: BTreeSet<String>,
    studies: BTreeSet<StudyId>,
}

impl Named {
    fn take(&mut self, row: &Row) {
        let at = (row.index, row.time_ms);
        let is_own = row.product.as_deref() == Some(OWN);
        let principal = row.principal.as_ref().filter(|id| is_own && id.parse::<PrincipalId>().is_ok());
        self.studies.extend(row.study.iter().filter_map(|study| study.parse().ok()));
        match (&row.object, principal) {
            (Some(object), principal) => {
                let seen = self.objects.entry(object.clone()).or_default();
                seen.entries.push(at);
                seen.is_let |= row.status.as_deref() != Some("failure") || row.activity.as_deref() == Some("released");
                seen.activities.extend(row.activity.clone());
                seen.version = row.version.clone().unwrap_or_default();
                seen.study = row.study.clone().unwrap_or_default();
                self.touching.extend(principal.cloned());
                self.has_strangers |= principal.is_none();
            }
            (None, principal) => self.principals.extend(principal.cloned()),
        }
        if principal.is_none() {
            self.addresses.extend(row.ip.clone());
        }
        if is_own {
            return;
        }
        if let Some(name) = &row.object_name {
            self.paths.entry(name.clone()).or_default().push(at);
        }
        self.hosts.extend(row.host.clone());
        let details: Option<Value> = row.details.as_ref().and_then(|text| serde_json::from_str(text).ok());
        let detail = |name: &str| details.as_ref()?.get(name)?.as_str().map(str::to_owned);
        self.hosts.extend(detail("host.name"));
        self.users.extend(detail("actor.name"));
    }
}

/// The first names of a list, and how many more there are.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<&str> = names.map(String::as_str).collect();
    let shown: Vec<String> = all.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = all.len().saturating_sub(LISTED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

impl Guarded {
    /// A finding and its actor, over the time that its evidence spans; no actor where it names nobody whom Lazaret knows.
    pub(super) async fn as_found(
        &self,
        id: u32,
        wanted: &mut Wanted,
    ) -> Result<(Finding, Option<Principal>), OpsError> {
        let missing = || OpsError::Wrong(format!("there is no finding {id}; `lazaret findings list` shows them"));
        let finding = store::findings::by_id(&self.store, id).await?.ok_or_else(missing)?;
        wanted.from_ms = wanted.from_ms.or(Some(finding.first_at));
        wanted.to_ms = wanted.to_ms.or(Some(finding.last_at.saturating_add(RELEASED_WITHIN_MS)));
        let Some(principal) = finding.principal else { return Ok((finding, None)) };
        let gone = || {
            OpsError::Wrong(format!("whom finding {id} is about is not known any more; ask by `--study` or `--object`"))
        };
        let actor = principals::by_id(&self.store, principal).await?.ok_or_else(gone)?;
        Ok((finding, Some(actor)))
    }

    /// What the entries of a finding name goes into what is meant. Gives studies of which everything may be exposed: where nothing in
    /// them is named, or where reach is asked for.
    pub(super) async fn as_evidence_names(
        &self,
        finding: &Finding,
        request: &ExposureRequest,
        who: &[Principal],
        meant: &mut Meant,
    ) -> Result<BTreeSet<StudyId>, OpsError> {
        let evidence = store::findings::evidence(&self.store, finding.id).await?;
        let mut named = Named::default();
        named.studies.extend(finding.study.clone());
        for (entry, _) in &evidence {
            let read = opened(&self.ledger, *entry..entry.saturating_add(1)).await?;
            lake::rows_of(&read).iter().for_each(|row| named.take(row));
        }
        meant.wanted.objects = Some(named.objects.keys().cloned().collect());
        if who.is_empty() && !named.has_strangers && !named.touching.is_empty() {
            meant.wanted.principals = Some(named.touching.clone());
        }
        meant.elsewhere = named.objects.iter().filter(|(_, seen)| seen.is_let).map(of_evidence).collect();
        for (path, entries) in &named.paths {
            meant.elsewhere.extend(self.by_path(path, entries).await?);
        }
        meant.present = self.presence(&named, finding, request, who).await?;
        let is_named = !named.objects.is_empty() || !meant.elsewhere.is_empty();
        meant.notes.push(format!(
            "finding {} names no actor whom Lazaret knows: this is told from the {} entries that it stands on",
            finding.id,
            evidence.len()
        ));
        let studies = if is_named && !request.reach { BTreeSet::new() } else { named.studies };
        if !is_named && meant.present.is_empty() && studies.is_empty() {
            meant.notes.push(
                "those entries name no object, study, device, user or address that Lazaret knows; ask by `--object`, `--study` or \
                 `--address` with `--from`"
                    .to_owned(),
            );
        }
        Ok(studies)
    }

    /// Whose entries are looked at because somebody was there: at an address, on a device, under a name that the evidence has.
    async fn presence(
        &self,
        named: &Named,
        finding: &Finding,
        request: &ExposureRequest,
        who: &[Principal],
    ) -> Result<Vec<(Wanted, String)>, OpsError> {
        let times = Wanted {
            from_ms: request.from.or(Some(finding.first_at.saturating_sub(PRESENT_WITHIN_MS))),
            to_ms: request.to.or(Some(finding.last_at.saturating_add(PRESENT_WITHIN_MS))),
            credentials: request.credential.clone().map(|id| HashSet::from([id])),
            ..Wanted::default()
        };
        let mut present = Vec::new();
        if !named.addresses.is_empty() {
            let why = format!(
                "touched from {}, which the finding's evidence names, within an hour of it; nothing says that it was the same",
                listed(named.addresses.iter())
            );
            let addresses = Some(named.addresses.iter().cloned().collect());
            let principals = (!who.is_empty()).then(|| who.iter().map(|one| one.id.to_string()).collect());
            present.push((Wanted { addresses, principals, ..times.clone() }, why));
        }
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for name in named.hosts.iter().chain(&named.users) {
            // What other systems call somebody may be nobody here.
            if let Ok(found) = self.identity.by_name(name).await {
                ids.insert(found.id.to_string(), found.name);
            }
        }
        for id in named.principals.difference(&named.touching.iter().cloned().collect()) {
            let found = match id.parse() {
                Ok(id) => principals::by_id(&self.store, id).await?,
                Err(_no_id) => None,
            };
            ids.extend(found.map(|found| (id.clone(), found.name)));
        }
        ids.retain(|id, _| who.is_empty() || who.iter().any(|one| one.id.to_string() == *id));
        if !ids.is_empty() {
            let why = format!(
                "touched by {}, whom the finding's evidence names, within an hour of it; nothing says that it belongs to it",
                listed(ids.values())
            );
            present.push((Wanted { principals: Some(ids.into_keys().collect()), ..times }, why));
        }
        Ok(present)
    }

    /// Objects that another system's log names: behind the guard as `study/name`, or in a source that was scanned.
    async fn by_path(&self, path: &str, entries: &[(u64, i64)]) -> Result<Vec<Reach>, OpsError> {
        let why =
            "named by a log of another system that the finding stands on; Lazaret's record does not say that it left";
        let touch = Touch::named(entries.to_vec());
        let name = plain(path);
        if let Some((study, key)) = name.split_once('/')
            && let Some(found) = versions::latest(&self.store, study, key).await?.filter(|found| !found.marker)
        {
            let (object, study) = (hex(&found.object), found.study);
            return Ok(vec![Reach { object, study, why: why.to_owned(), touch, ..Reach::default() }]);
        }
        for source in store::sources::all(&self.store).await? {
            let location = source.location.trim_end_matches('/');
            let below = [path, name.as_str()].into_iter().find_map(|name| {
                let rest = name.strip_prefix(location).or_else(|| name.strip_prefix(plain(location).as_str()))?;
                rest.strip_prefix('/').map(str::to_owned)
            });
            let Some(below) = below.filter(|below| !below.is_empty()) else { continue };
            let found = store::objects::lying_at(&self.store, source.id, &[below.as_str()]).await?;
            let ids: Vec<u32> = found.iter().map(|(_, id, _)| *id).collect();
            let rows = store::objects::by_ids(&self.store, &ids).await?;
            let Some(top) = rows.iter().find(|row| row.path == below) else { continue };
            let mut labels: BTreeSet<String> = BTreeSet::new();
            for (_, _, joined) in &found {
                labels.extend(joined.split(',').filter(|label| !matches!(*label, "" | "none")).map(str::to_owned));
            }
            let at = Place {
                held: ids.into_iter().map(Holder::Object).collect(),
                labels: labels.into_iter().collect(),
                subjects: rows.iter().map(|row| row.subjects).max().unwrap_or(0),
                bytes: Some(top.bytes),
            };
            let (object, study) = (format!("{location}/{below}"), top.study.clone());
            let (why, version) = (why.to_owned(), String::new());
            return Ok(vec![Reach { object, version, study, why, touch, at: Some(at), ..Reach::default() }]);
        }
        Ok(Vec::new())
    }
}

/// An object that entries of the record itself name.
fn of_evidence((object, seen): (&String, &Seen)) -> Reach {
    let activities: Vec<&str> = seen.activities.iter().map(String::as_str).collect();
    Reach {
        object: object.clone(),
        version: seen.version.clone(),
        study: seen.study.clone(),
        why: format!("named by the finding's evidence ({}); nothing says that it left", activities.join(", ")),
        touch: Touch::named(seen.entries.clone()),
        ..Reach::default()
    }
}

/// The bucket and key, or the path, in what clouds and browsers write before it.
pub(super) fn plain(path: &str) -> String {
    let name = ["arn:aws:s3:::", "s3://", "gs://", "file://", "projects/_/buckets/"]
        .into_iter()
        .find_map(|start| path.strip_prefix(start))
        .unwrap_or(path);
    if path.starts_with("projects/_/buckets/") { name.replacen("/objects/", "/", 1) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{listed, plain};

    #[test]
    fn names_of_clouds_become_bucket_and_key() {
        for (given, is) in [
            ("arn:aws:s3:::onc-201/visits/dm.csv", "onc-201/visits/dm.csv"),
            ("s3://onc-201/visits/dm.csv", "onc-201/visits/dm.csv"),
            ("projects/_/buckets/onc-201/objects/a/objects/b", "onc-201/a/objects/b"),
            ("/srv/data/dm.csv", "/srv/data/dm.csv"),
        ] {
            assert_eq!(plain(given), is);
        }
    }

    #[test]
    fn a_reason_lists_a_few_names_and_counts_the_rest() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(listed(names.iter().take(1)), "`a`");
        assert_eq!(listed(names.iter()), "`a`, `b`, `c` and 2 more");
    }
}
