//! What the console asks of the catalogue: plain structs, every list a page with an upper limit.

mod held;
mod object;
mod ranked;
mod reached;
mod reports;
mod search;
mod treemap;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Format, IdentifierType, Label, LawId};
use store::identifiers::ProblemOfObject;
use store::objects::ObjectRow;
use store::scans::ScanRow;
use store::sources::SourceRow;
use store::{changes, identifiers, objects, postings, scans, sources, totals};

pub use held::{Held, HeldPeople};
pub use object::{MemberPage, ObjectDetails};
pub use reached::{Persons, Reached, Reaching};
pub use reports::ReportPage;
pub use search::{Filter, SearchPage};
pub use store::changes::ChangeRow;
pub use treemap::{Dimension, Node};

use crate::catalogue::terms::Family;
use crate::catalogue::{PeopleOverview, risk};
use crate::{Catalogue, CatalogueError};

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sum {
    /// Objects, members of archives included.
    pub objects: u64,
    /// Bytes. What lies in an archive counts with its expanded size, the archive around it does not.
    pub bytes: u64,
}

impl Sum {
    fn add(&mut self, total: &totals::Total) {
        self.objects += u64::try_from(total.objects).unwrap_or(0);
        self.bytes += u64::try_from(total.bytes).unwrap_or(0);
    }
}

/// A type of identifier over the whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct IdentifierTotal {
    /// The type.
    pub kind: IdentifierType,
    /// Objects that hold it.
    pub objects: u64,
    /// Occurrences.
    pub occurrences: u64,
}

/// The catalogue at a glance. What is gone counts in `gone` alone.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Everything present or unreadable.
    pub all: Sum,
    /// Objects that could not be read.
    pub unreadable: u64,
    /// Objects that are no longer there.
    pub gone: u64,
    /// Problems met while reading.
    pub problems: u64,
    /// By label in force; an object counts under each of its labels.
    pub by_label: BTreeMap<Label, Sum>,
    /// By format.
    pub by_format: BTreeMap<Format, Sum>,
    /// By study; the empty key is objects of no known study.
    pub by_study: BTreeMap<String, Sum>,
    /// By source id.
    pub by_source: BTreeMap<u32, Sum>,
    /// Objects by law.
    pub by_law: BTreeMap<LawId, u64>,
    /// Identifiers by type.
    pub identifiers: Vec<IdentifierTotal>,
    /// Distinct people.
    pub people: Arc<PeopleOverview>,
}

/// One object in a list.
#[derive(Debug, Clone)]
pub struct ObjectSummary {
    /// Its id.
    pub id: u32,
    /// The source it lies in.
    pub source_id: u32,
    /// The top-level object it is a member of.
    pub top_id: Option<u32>,
    /// Its path within the source.
    pub path: String,
    /// Its format; `binary` for one that this version does not know.
    pub format: Format,
    /// Its size; expanded for members.
    pub bytes: u64,
    /// `present`, `gone` or `unreadable`.
    pub state: String,
    /// Owner; empty when unknown.
    pub owner: String,
    /// Study; empty when unknown.
    pub study: String,
    /// Labels in force.
    pub labels: Vec<Label>,
    /// Laws.
    pub laws: Vec<LawId>,
    /// Distinct people in it, as of its last inspection.
    pub subjects: u64,
    /// Rank by risk; see [`risk`].
    pub risk: i64,
    /// Why it ranks there.
    pub risk_why: String,
    /// Problems met while reading it.
    pub problems: u64,
    /// Objects that lie in it.
    pub members: u64,
    /// Counts from 1, up by one with every change of content.
    pub version: u64,
    /// When it was written to, milliseconds since 1970, UTC.
    pub modified_at: Option<i64>,
    /// First seen.
    pub first_seen_at: i64,
    /// When its content, labels or state last changed.
    pub changed_at: i64,
}

impl From<ObjectRow> for ObjectSummary {
    fn from(row: ObjectRow) -> Self {
        let labels: Vec<Label> = row.labels.split(',').filter_map(|name| name.parse().ok()).collect();
        Self {
            id: row.id,
            source_id: row.source_id,
            top_id: row.top_id,
            path: row.path,
            format: row.format.parse().unwrap_or(Format::Binary),
            bytes: row.bytes,
            state: row.state,
            owner: row.owner,
            study: row.study,
            risk_why: risk::explain(&labels, row.subjects),
            labels,
            laws: row.laws.split(',').filter_map(|name| name.parse().ok()).collect(),
            subjects: row.subjects,
            risk: row.risk,
            problems: row.problems,
            members: row.members,
            version: row.version,
            modified_at: row.modified_at,
            first_seen_at: row.first_seen_at,
            changed_at: row.changed_at,
        }
    }
}

impl Catalogue {
    /// The catalogue at a glance.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn totals(&self) -> Result<Totals, CatalogueError> {
        let mut sums = Totals { people: self.people().await?, ..Totals::default() };
        for (key, total) in totals::all(self.store()).await? {
            if key.state == crate::catalogue::GONE {
                sums.gone += u64::try_from(total.objects).unwrap_or(0);
                continue;
            }
            sums.all.add(&total);
            sums.problems += u64::try_from(total.problems).unwrap_or(0);
            if key.state == crate::catalogue::UNREADABLE {
                sums.unreadable += u64::try_from(total.objects).unwrap_or(0);
            }
            for label in key.labels.split(',').filter_map(|name| name.parse().ok()) {
                sums.by_label.entry(label).or_default().add(&total);
            }
            sums.by_format.entry(key.format.parse().unwrap_or(Format::Binary)).or_default().add(&total);
            sums.by_study.entry(key.study).or_default().add(&total);
            sums.by_source.entry(key.source_id).or_default().add(&total);
        }
        for (kind, objects, occurrences) in totals::identifiers(self.store()).await? {
            if let Ok(kind) = kind.parse() {
                sums.identifiers.push(IdentifierTotal { kind, objects, occurrences });
            }
        }
        sums.by_law = self.by_law().await?;
        Ok(sums)
    }

    async fn by_law(&self) -> Result<BTreeMap<LawId, u64>, CatalogueError> {
        let gone = postings::of_term(self.store(), &Family::State.term(crate::catalogue::GONE)).await?;
        let mut by_law = BTreeMap::new();
        for (term, posting) in postings::terms(self.store(), &Family::Law.term("")).await? {
            let Some(law) = Family::Law.value(&term).and_then(|name| name.parse::<LawId>().ok()) else { continue };
            let mut objects = 0;
            for (chunk, mut set) in posting {
                if let Some(gone) = gone.get(&chunk) {
                    set.subtract(gone);
                }
                objects += set.len();
            }
            if objects > 0 {
                by_law.insert(law, objects);
            }
        }
        Ok(by_law)
    }

    /// Objects by falling risk, after the one with this rank and id. The rule stands in [`risk`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn riskiest(&self, after: Option<(i64, u32)>, limit: u32) -> Result<Vec<ObjectSummary>, CatalogueError> {
        Ok(objects::riskiest(self.store(), after, limit).await?.into_iter().map(ObjectSummary::from).collect())
    }

    /// What is new, changed, gone, returned, relabelled or unreadable at or after `since` (milliseconds since 1970, UTC),
    /// newest first, before the change with this time and id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changes(
        &self,
        since: i64,
        before: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<Vec<ChangeRow>, CatalogueError> {
        Ok(changes::page(self.store(), since, before, limit).await?)
    }

    /// How many changes of each kind there were at or after `since`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn change_counts(&self, since: i64) -> Result<BTreeMap<String, u64>, CatalogueError> {
        Ok(changes::counts(self.store(), since).await?.into_iter().collect())
    }

    /// Runs, newest first, before the run `before`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scans(&self, before: Option<u32>, limit: u32) -> Result<Vec<ScanRow>, CatalogueError> {
        Ok(scans::page(self.store(), before, limit).await?)
    }

    /// Every source, at most a page.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sources(&self) -> Result<Vec<SourceRow>, CatalogueError> {
        Ok(sources::all(self.store()).await?)
    }

    /// What could not be read and why, newest objects first, before the one with this object id and ordinal.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn problems(
        &self,
        before: Option<(u32, u32)>,
        limit: u32,
    ) -> Result<Vec<ProblemOfObject>, CatalogueError> {
        Ok(identifiers::problems_page(self.store(), before, limit).await?)
    }
}
