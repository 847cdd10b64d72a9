//! Where the people of objects that were touched are counted: in the catalogue, which describes the newest version, or in what is kept of
//! the version itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use incidents::exposure::{Holder, Place};
use model::{ObjectId, VersionId};
use store::guarded::people;
use store::guarded::versions::{self, Described};
use store::{Store, StoreError};

use super::{Reachable, hex};

/// What is kept of who is in a version.
struct Kept {
    version: [u8; 16],
    labels: BTreeSet<String>,
    /// The most that one part of it is about: a lower bound.
    subjects: u64,
}

/// Where objects lie, looked up at once.
pub struct Places {
    versions: HashMap<String, Described>,
    objects: HashMap<String, Described>,
    catalogued: HashMap<String, (Vec<u32>, BTreeSet<String>)>,
    kept: HashMap<String, Kept>,
}

impl Places {
    /// Where the people of an object are counted, in that version.
    #[must_use]
    pub fn of(&self, object: &str, version: &str) -> Place {
        let own = self.versions.get(version);
        let kept = self.kept.get(version);
        // Of a version that is gone its object tells the study, and nothing of who was in it.
        let is_other = !version.is_empty() && own.is_none();
        let Some(described) = own.or_else(|| self.objects.get(object)) else {
            return kept.map(Kept::place).unwrap_or_default();
        };
        let path = format!("{}/{}", described.study, described.name);
        let is_newest = described.latest && !is_other;
        let mut labels: BTreeSet<String> = described.labels.split_whitespace().map(str::to_owned).collect();
        if is_newest {
            let (ids, more) =
                self.catalogued.get(&path).map_or_else(Default::default, |(ids, more)| (&**ids, Some(more)));
            labels.extend(more.into_iter().flatten().cloned());
            labels.remove("none");
            return Place {
                held: ids.iter().copied().map(Holder::Object).collect(),
                labels: labels.into_iter().collect(),
                subjects: u64::try_from(described.subjects).unwrap_or(0),
                bytes: described.size(),
            };
        }
        // The catalogue describes the newest version: people of another one may be others.
        match kept {
            Some(kept) => {
                let mut place = kept.place();
                if !is_other {
                    labels.extend(place.labels);
                    labels.remove("none");
                    place.labels = labels.into_iter().collect();
                    place.subjects = u64::try_from(described.subjects).unwrap_or(0);
                    place.bytes = described.size();
                }
                place
            }
            None => {
                labels.remove("none");
                let subjects = u64::try_from(described.subjects).unwrap_or(0);
                let bytes = described.size().filter(|_| !is_other);
                Place { held: Vec::new(), labels: labels.into_iter().collect(), subjects, bytes }
            }
        }
    }
}

impl Kept {
    fn place(&self) -> Place {
        Place {
            held: vec![Holder::Version(self.version)],
            labels: self.labels.iter().cloned().collect(),
            subjects: self.subjects,
            bytes: None,
        }
    }
}

/// Where objects in these versions lie; an empty version is the newest.
///
/// # Errors
/// When the store does not answer.
pub async fn places(
    store: &Store,
    names: &HashSet<(&str, &str)>,
    reachable: &[Reachable],
) -> Result<Places, StoreError> {
    let mut ids = Vec::new();
    let mut objects = Vec::new();
    for (object, version) in names {
        match (version.parse::<VersionId>(), object.parse::<ObjectId>()) {
            (Ok(version), _) => ids.push(*version.as_bytes()),
            (Err(_), Ok(object)) => objects.push(*object.as_bytes()),
            (Err(_), Err(_)) => {}
        }
    }
    let described = versions::describe(store, &ids).await?;
    // A version that is gone is told by its object, if that still has one.
    let known: HashSet<[u8; 16]> = described.iter().map(|one| one.version).collect();
    let lost: HashSet<[u8; 16]> = ids.iter().filter(|id| !known.contains(*id)).copied().collect();
    for (object, version) in names {
        if let (Ok(version), Ok(object)) = (version.parse::<VersionId>(), object.parse::<ObjectId>())
            && lost.contains(version.as_bytes())
        {
            objects.push(*object.as_bytes());
        }
    }
    let mut by_object = versions::describe_objects(store, &objects).await?;
    by_object.extend(reachable.iter().map(|one| one.described.clone()));
    let mut paths: HashSet<String> = HashSet::new();
    for one in described.iter().chain(&by_object).filter(|one| one.latest) {
        paths.insert(format!("{}/{}", one.study, one.name));
    }
    let source = store::sources::all(store).await?.into_iter().find(|source| source.kind == "guard");
    let mut catalogued: HashMap<String, (Vec<u32>, BTreeSet<String>)> = HashMap::new();
    if let Some(source) = source {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        for (path, id, labels) in store::objects::lying_at(store, source.id, &paths).await? {
            let (ids, all) = catalogued.entry(path).or_default();
            ids.push(id);
            all.extend(labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned));
        }
    }
    // The newest version is what the catalogue describes.
    let older = described.iter().filter(|one| !one.latest).map(|one| one.version);
    let kept = kept_of(store, &older.chain(lost).collect::<Vec<_>>()).await?;
    Ok(Places {
        kept,
        versions: described.into_iter().map(|one| (hex(&one.version), one)).collect(),
        objects: by_object.into_iter().map(|one| (hex(&one.object), one)).collect(),
        catalogued,
    })
}

/// What is kept of who is in versions.
async fn kept_of(store: &Store, ids: &[[u8; 16]]) -> Result<HashMap<String, Kept>, StoreError> {
    let mut kept: BTreeMap<[u8; 16], Kept> = BTreeMap::new();
    for part in people::of(store, ids).await? {
        let new = || Kept { version: part.version, labels: BTreeSet::new(), subjects: 0 };
        let one = kept.entry(part.version).or_insert_with(new);
        one.subjects = one.subjects.max(part.subjects);
        one.labels.extend(part.labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned));
    }
    Ok(kept.into_iter().map(|(version, kept)| (hex(&version), kept)).collect())
}
