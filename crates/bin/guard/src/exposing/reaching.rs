//! From whose data was exposed back to where it stands how they are called and where they live; and the table of recipients of letters, drawn
//! from there. A drawn table lives in memory alone: the record and the incident hold its SHA-256 and counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use incidents::case::{Case, What};
use incidents::exposure::{Grade, Holder};
use incidents::letters::{self, Common, Kind, Limits, Merged};
use incidents::plan::Plan;
use jiff::civil::Date;
use landscape::inspect::Contact;
use landscape::queries::{ObjectSummary, Persons};
use model::By;
use model::event::Activity;
use serde_json::{Value, json};
use store::guarded::versions;
use store::incidents::Incident;
use zeroize::Zeroizing;

use super::{ExposureRequest, places};
use crate::Guarded;
use crate::inspect::Opened;
use crate::ops::OpsError;

/// The longest table that is drawn, in bytes: it goes through the socket in one piece.
const TABLE_BYTES_MAX: usize = 12 << 20;
/// Objects that a table is drawn from.
const DRAWN_FROM_MAX: usize = 50;
/// The columns of a drawn table.
const HEAD: &str = "id,name,address1,address2,address3,address4,address5,postcode,city,country,email\n";

/// A table of recipients.
struct Drawn {
    csv: Zeroizing<String>,
    /// Exposed people who are in it.
    people: u64,
    /// Exposed people of whom none of the objects says how they are reached.
    missing: u64,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Wrong(why.into()))
}

impl Guarded {
    /// Where it stands how the exposed people of an incident are reached: a line an object, and a summary. Nobody is named.
    pub(crate) async fn reaching(&self, by: &By, id: u32) -> Result<Vec<Value>, OpsError> {
        let persons = self.exposed_persons(by, id).await?;
        let catalogue = self.counting();
        let reached = catalogue.reaching(&persons).await?;
        let sources = store::sources::all(&self.store).await?;
        let mut lines: Vec<Value> = Vec::new();
        for one in &reached.objects {
            let source = sources.iter().find(|source| source.id == one.object.source_id);
            let kind = source.map_or("", |source| source.kind.as_str());
            lines.push(json!({
                "object": one.object.id, "source": kind, "location": source.map(|source| &source.location),
                "path": one.object.path, "study": one.object.study, "format": one.object.format,
                "people": one.people, "more": one.more, "drawn": matches!(kind, "guard" | "folder"),
            }));
        }
        lines.push(json!({ "summary": {
            "people": persons.len(), "missing": reached.missing, "others": reached.others, "objects": reached.objects.len(),
        } }));
        Ok(lines)
    }

    /// Asks for letters to the exposed people whom some objects say how to reach. What is counted is told; no name is.
    pub(crate) async fn ask_letters(
        &self,
        by: &By,
        id: u32,
        kind: &str,
        objects: &[u32],
    ) -> Result<Vec<Value>, OpsError> {
        let Some(of) = Kind::parse(kind) else { return wrong(format!("there are no letters of the kind `{kind}`")) };
        let (row, case) = self.incidents.case(id).await?;
        let drawn = self.drawn(by, &row, objects, "letters-asked").await?;
        let merged = self.merged((id, case.day(by.now_ms)), &case, of, &drawn)?;
        let what = What::Letters {
            kind: of.as_str().to_owned(),
            sha256: incidents::sha256_hex(drawn.csv.as_bytes()),
            recipients: merged.rows,
            by_post: merged.by_post,
            by_email: merged.by_email,
            unreachable: merged.unreachable,
            faults: merged.faults,
            kin: merged.kin,
            kin_unreached: merged.kin_unreached,
            objects: objects.to_vec(),
        };
        let (number, ..) = self.incidents.add_numbered(id, what, by).await?;
        let mut told = json!(merged);
        if let Some(told) = told.as_object_mut() {
            let substitute = letters::substitute(of, merged.unreachable);
            let substitute = substitute.map_err(|error| OpsError::Wrong(error.to_string()))?;
            told.insert("letters".to_owned(), json!(number));
            told.insert("kind".to_owned(), json!(of));
            told.insert("substitute".to_owned(), json!(substitute));
            told.insert("people".to_owned(), json!(drawn.people));
            told.insert("missing".to_owned(), json!(drawn.missing));
        }
        Ok(vec![told])
    }

    /// The table of letters that somebody asked for and somebody else agreed to, drawn anew from the same objects. That it is drawn is recorded
    /// before anybody has it.
    pub(crate) async fn draw_letters(&self, by: &By, id: u32, number: u64) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        let Some(letters) = case.letters.get(&number) else {
            return wrong(format!("nobody asked for letters under {number} in incident {id}"));
        };
        if letters.agreed_by.is_none() {
            return wrong("nobody else has agreed yet; somebody else than who asked agrees in the incident's room");
        }
        if letters.objects.is_empty() {
            return wrong(format!(
                "letters {number} were asked for with a table; give the same table with `--recipients`"
            ));
        }
        let drawn = self.drawn(by, &row, &letters.objects, "letters-drawn").await?;
        if incidents::sha256_hex(drawn.csv.as_bytes()) != letters.sha256 {
            return wrong(
                "what the objects say, or whom the exposure finds, changed since it was agreed to; ask for the letters anew",
            );
        }
        Ok(vec![json!({ "table": drawn.csv.as_str() })])
    }

    /// Everybody whose data certainly or likely was exposed, as it was last asked for the incident.
    async fn exposed_persons(&self, by: &By, id: u32) -> Result<Persons, OpsError> {
        let request = ExposureRequest { incident: Some(id), ..ExposureRequest::default() };
        let exposure = Box::pin(self.exposure(by, &request)).await?.exposure;
        let sure = exposure.objects.iter().filter(|known| known.grade != Grade::Possible);
        let names: HashSet<(&str, &str)> = sure.clone().map(|known| (&*known.object, &*known.version)).collect();
        let places = Box::pin(places(&self.store, &names, &[])).await?;
        let (mut ids, mut versions) = (Vec::new(), Vec::new());
        for known in sure {
            for holder in places.of(&known.object, &known.version).held {
                match holder {
                    Holder::Object(id) => ids.push(id),
                    Holder::Version(version) => versions.push(version),
                }
            }
        }
        Ok(self.counting().persons(&ids, &versions).await?)
    }

    /// Draws a table from objects. That it is done is recorded first.
    async fn drawn(&self, by: &By, row: &Incident, objects: &[u32], reason: &str) -> Result<Drawn, OpsError> {
        if objects.is_empty() || objects.len() > DRAWN_FROM_MAX {
            return wrong(format!(
                "name 1 to {DRAWN_FROM_MAX} objects; `lazaret incidents letters sources` lists them"
            ));
        }
        let Some(flows) = &self.flows else {
            return wrong("inspection is switched off, and nothing can be drawn from objects; give a table instead");
        };
        let persons = self.exposed_persons(by, row.id).await?;
        let mut event = by.event(Activity::Look);
        event.resource.entity = Some(format!("incident:{}", row.uid));
        event.resource.study.clone_from(&row.study);
        event.reason = Some(reason.to_owned());
        event.new = Some(format!("objects={objects:?} people={}", persons.len()));
        self.recorder.record(event).await?;
        // The fullest contact of each person, under the place at which they were first met.
        let mut found: BTreeMap<(usize, usize), Contact> = BTreeMap::new();
        let mut met: HashMap<u32, (usize, usize)> = HashMap::new();
        for (at, id) in objects.iter().enumerate() {
            let rows = store::objects::by_ids(&self.store, &[*id]).await?;
            let none = || OpsError::Wrong(format!("there is no object {id} in the catalogue"));
            let object = ObjectSummary::from(rows.into_iter().next().ok_or_else(none)?);
            let (name, file) = self.opened_object(&object).await?;
            let contacts = flows.contacts(&name, file).await?;
            let records: Vec<_> = contacts.iter().map(|(record, _)| record.clone()).collect();
            let who = self.counting().who(&persons, &records).await?;
            for (number, (person, (_, contact))) in who.into_iter().zip(contacts).enumerate() {
                let Some(person) = person else { continue };
                let place = *met.entry(person).or_insert((at, number));
                if found.get(&place).is_none_or(|known| known.parts() < contact.parts()) {
                    found.insert(place, contact);
                }
            }
        }
        let mut csv = Zeroizing::new(String::with_capacity(HEAD.len() + found.len() * 128));
        csv.push_str(HEAD);
        for ((at, number), contact) in &found {
            line(&mut csv, &format!("{}-{}", objects.get(*at).copied().unwrap_or(0), number + 1), contact);
            if csv.len() > TABLE_BYTES_MAX {
                return wrong(format!(
                    "the table has more than {TABLE_BYTES_MAX} bytes; ask for letters from fewer objects at a time"
                ));
            }
        }
        let people = found.len() as u64;
        Ok(Drawn { csv, people, missing: persons.len().saturating_sub(people) })
    }

    /// An object of the catalogue, opened where it lies: behind the guard, or in a folder that was scanned.
    async fn opened_object(
        &self,
        object: &ObjectSummary,
    ) -> Result<(String, Box<dyn formats::ReadSeek + Send>), OpsError> {
        let sources = store::sources::all(&self.store).await?;
        let source = sources.iter().find(|source| source.id == object.source_id);
        // A member is read within the object that it lies in.
        let path = object.path.split('!').next().unwrap_or(&object.path).to_owned();
        let unreadable = |why: String| OpsError::Wrong(format!("object {} cannot be read: {why}", object.id));
        match source.map(|source| (source.kind.as_str(), &source.location)) {
            Some(("guard", _)) => {
                let none = || unreadable("it is no longer behind the guard".to_owned());
                let (study, name) = path.split_once('/').ok_or_else(none)?;
                let version = versions::latest(&self.store, study, name).await?.ok_or_else(none)?;
                let sealed =
                    crate::storage::read_object(&version.sealed).map_err(|error| unreadable(error.to_string()))?;
                Ok((path.clone(), Box::new(Opened::new(self.vault.clone(), sealed))))
            }
            Some(("folder", location)) => {
                let (root, below) = (Path::new(location).to_owned(), path.clone());
                let opening = tokio::task::spawn_blocking(move || within(&root, &below));
                let opened = opening.await.map_err(|_ended: tokio::task::JoinError| crate::LakesideError::Stopped)?;
                Ok((path, Box::new(opened.map_err(|error| unreadable(error.to_string()))?)))
            }
            _ => Err(unreadable(
                "a table is drawn from objects behind the guard and in folders alone; export it by hand".to_owned(),
            )),
        }
    }

    /// Merges a drawn table, for its counts alone.
    fn merged(&self, (id, date): (u32, Date), case: &Case, kind: Kind, drawn: &Drawn) -> Result<Merged, OpsError> {
        let said = |error: &dyn std::fmt::Display| OpsError::Wrong(error.to_string());
        let text = self.plan_text().map_err(|error| said(&error))?;
        let Some(text) = text else { return wrong("there is no plan; `lazaret plan init` makes a skeleton of one") };
        let Ok(plan) = Plan::parse(&text) else {
            return wrong("the plan is wrong; `lazaret plan check` tells where");
        };
        let reference = format!("INC-{id}");
        let common = Common { facts: &case.facts, plan: &plan, reference: &reference, date, breached_on: None };
        let prepared = letters::prepare(kind, &common).map_err(|error| said(&error))?;
        let mut merge =
            letters::merge(&prepared, drawn.csv.as_bytes(), Limits::default()).map_err(|error| said(&error))?;
        for letter in merge.by_ref() {
            letter.map_err(|error| said(&error))?;
        }
        Ok(merge.into_merged())
    }
}

/// A file of a folder, never one that a link leads to outside of it.
fn within(root: &Path, below: &str) -> std::io::Result<std::fs::File> {
    let root = root.canonicalize()?;
    let path = if root.is_file() { root.clone() } else { root.join(below).canonicalize()? };
    let is_outside = !path.starts_with(&root) || !path.metadata()?.is_file();
    if is_outside {
        return Err(std::io::Error::other("it is no file of the folder; scan the folder again"));
    }
    std::fs::File::open(path)
}

/// A line of the table.
fn line(csv: &mut String, id: &str, contact: &Contact) {
    let name = contact.full_name();
    let mut fields = vec![id, name.as_str()];
    fields.extend((0..5).map(|at| contact.lines.get(at).map_or("", String::as_str)));
    fields.extend([&contact.postcode, &contact.city, &contact.country, &contact.email].map(String::as_str));
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            csv.push(',');
        }
        csv.push('"');
        csv.extend(field.chars().flat_map(|c| if c == '"' { vec!['"', '"'] } else { vec![c] }));
        csv.push('"');
    }
    csv.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{Contact, line, within};

    #[test]
    fn fields_are_quoted_and_links_lead_nowhere() {
        let mut contact = Contact::default();
        contact.given.push_str("Anna");
        contact.family.push_str("O\"Neill, Dr.");
        contact.lines.push("Street 1".to_owned());
        contact.city.push_str("Town");
        let mut csv = String::new();
        line(&mut csv, "7-1", &contact);
        assert_eq!(csv, "\"7-1\",\"Anna O\"\"Neill, Dr.\",\"Street 1\",\"\",\"\",\"\",\"\",\"\",\"Town\",\"\",\"\"\n");
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out.csv"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(&outside, "x").unwrap();
        std::fs::write(inside.join("a.csv"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link.csv")).unwrap();
        assert!(within(&inside, "a.csv").is_ok());
        assert!(within(&inside, "link.csv").is_err() && within(&inside, "../out.csv").is_err());
    }
}
