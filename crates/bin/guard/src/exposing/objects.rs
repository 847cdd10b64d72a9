//! Sets of objects that a question names: by id, by name, by what names begin with. Also of those that are gone, as far as the record
//! still says how they were called.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lake::Sought;
use model::ObjectId;
use store::guarded::versions::{self, Described};

use super::found::{listed, plain};
use super::{ExposureRequest, hex};
use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::OpsError;

/// Names and beginnings of names that one question has.
pub(super) const NAMES_MAX: usize = 10_000;
/// Bytes of all of them.
const NAMES_BYTES_MAX: usize = 4 << 20;
/// Objects that they may mean.
const OBJECTS_MAX: usize = 200_000;

/// What a question names.
#[derive(Default)]
pub(super) struct Set {
    /// By id.
    pub(super) objects: HashSet<String>,
    /// What else has to be known, in words.
    pub(super) notes: Vec<String>,
}

/// Names of one study, and beginnings of names.
#[derive(Default)]
struct Names {
    exact: BTreeSet<String>,
    beginnings: Vec<String>,
}

impl Names {
    fn mean(&self, name: &str) -> bool {
        self.exact.contains(name) || self.beginnings.iter().any(|beginning| name.starts_with(beginning))
    }
}

impl Guarded {
    /// The newest version of one object, by its id or as `study/name`.
    pub(crate) async fn an_object(&self, text: &str) -> Result<Described, OpsError> {
        let missing = || OpsError::Wrong(format!("there is no object `{text}`; give its id, or `study/name`"));
        let found = if let Ok(id) = text.parse::<ObjectId>() {
            versions::describe_objects(&self.store, &[*id.as_bytes()]).await?
        } else {
            let (study, name) = text.split_once('/').ok_or_else(missing)?;
            let newest = versions::latest(&self.store, study, name).await?.ok_or_else(missing)?;
            versions::describe(&self.store, &[newest.version]).await?
        };
        found.into_iter().next().ok_or_else(missing)
    }

    /// Objects that a question names; `None`: it names none.
    pub(super) async fn objects_of(&self, request: &ExposureRequest) -> Result<Option<Set>, OpsError> {
        if request.objects.is_empty() && request.prefixes.is_empty() {
            return Ok(None);
        }
        check_size(request)?;
        let mut set = Set::default();
        let mut unknown: BTreeSet<String> = BTreeSet::new();
        let mut gone: BTreeMap<String, Names> = BTreeMap::new();
        let mut ids: HashSet<String> = HashSet::new();
        for text in &request.objects {
            let text = plain(text);
            if text.parse::<ObjectId>().is_ok() {
                ids.insert(text);
                continue;
            }
            let Some((study, name)) = text.split_once('/') else {
                unknown.insert(text);
                continue;
            };
            if !self.take_named(study, (name, true), &mut set).await? {
                gone.entry(study.to_owned()).or_default().exact.insert(name.to_owned());
            }
        }
        for text in &request.prefixes {
            let text = plain(text);
            let (study, beginning) = text.split_once('/').unwrap_or((&text, ""));
            self.take_named(study, (beginning, false), &mut set).await?;
            gone.entry(study.to_owned()).or_default().beginnings.push(beginning.to_owned());
        }
        unknown.extend(self.take_ids(ids, &mut set).await?);
        for (study, names) in gone {
            let found = self.named_in_record(study.clone(), names, &mut set).await?;
            unknown.extend(found.into_iter().map(|name| format!("{study}/{name}")));
        }
        if set.objects.len() > OBJECTS_MAX {
            return Err(OpsError::Wrong(format!(
                "that names {} objects, and a question at most {OBJECTS_MAX}; ask by `--study`, or for parts",
                set.objects.len()
            )));
        }
        if set.objects.is_empty() {
            let names = listed(unknown.iter().chain(&request.prefixes));
            return Err(OpsError::Wrong(format!(
                "there is no object {names}, and none is named so in the record; give an id, `study/name`, or what names begin with"
            )));
        }
        if !unknown.is_empty() {
            set.notes.push(format!(
                "{} of the {} objects that were named are not known, and nothing is told of them: {}",
                unknown.len(),
                request.objects.len() + request.prefixes.len(),
                listed(unknown.iter())
            ));
        }
        Ok(Some(set))
    }

    /// Objects that have or had a name, or names that begin so; whether there is one.
    async fn take_named(&self, study: &str, named: (&str, bool), set: &mut Set) -> Result<bool, OpsError> {
        let (mut after, mut is_there) = ((Vec::new(), [0; 16]), false);
        loop {
            let page = versions::objects_named(&self.store, study, named, &after).await?;
            let Some(last) = page.last().cloned() else { break };
            after = last;
            is_there = true;
            set.objects.extend(page.iter().map(|(_, object)| hex(object)));
            if set.objects.len() > OBJECTS_MAX {
                break;
            }
        }
        Ok(is_there)
    }

    /// Objects by id: those that are there, and those that the record has entries about. Gives the others.
    async fn take_ids(&self, mut ids: HashSet<String>, set: &mut Set) -> Result<HashSet<String>, OpsError> {
        let keys: Vec<[u8; 16]> =
            ids.iter().filter_map(|id| id.parse::<ObjectId>().ok()).map(|id| *id.as_bytes()).collect();
        for described in versions::describe_objects(&self.store, &keys).await? {
            let id = hex(&described.object);
            ids.remove(&id);
            set.objects.insert(id);
        }
        if ids.is_empty() {
            return Ok(ids);
        }
        let snapshot = self.lakeside.snapshot(&self.data_dir)?;
        let reading = tokio::task::spawn_blocking(move || {
            let sought = Sought { all: vec![("object", ids.clone())], ..Sought::default() };
            let take = |found: &mut HashSet<String>, noted: model::Noted<'_>| {
                if !found.contains(noted.touched.object) {
                    found.insert(noted.touched.object.to_owned());
                }
            };
            let found = snapshot.noted(&sought, vec![HashSet::new()], take)?.pop().unwrap_or_default();
            Ok::<_, lake::LakeError>((ids, found))
        });
        let read = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let (mut ids, found) = read.map_err(LakesideError::Lake)?;
        ids.retain(|id| !found.contains(id));
        set.objects.extend(found);
        Ok(ids)
    }

    /// Objects that entries of the record name so. Gives the names of which there is none.
    async fn named_in_record(&self, study: String, names: Names, set: &mut Set) -> Result<BTreeSet<String>, OpsError> {
        let snapshot = self.lakeside.snapshot(&self.data_dir)?;
        let reading = tokio::task::spawn_blocking(move || {
            let found = snapshot.objects_named(&study, |name| names.mean(name))?;
            Ok::<_, lake::LakeError>((names, found))
        });
        let read = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let (mut names, found) = read.map_err(LakesideError::Lake)?;
        for (name, object) in found {
            names.exact.remove(&name);
            set.objects.insert(object);
        }
        Ok(names.exact)
    }
}

fn check_size(request: &ExposureRequest) -> Result<(), OpsError> {
    let all = || request.objects.iter().chain(&request.prefixes);
    let (names, bytes) = (all().count(), all().map(String::len).sum::<usize>());
    if names > NAMES_MAX || bytes > NAMES_BYTES_MAX {
        return Err(OpsError::Wrong(format!(
            "that names {names} objects in {bytes} bytes, and a question takes at most {NAMES_MAX} names in {NAMES_BYTES_MAX} bytes; ask by what \
             their names begin with (`--prefix`), by `--study`, or for parts"
        )));
    }
    Ok(())
}
