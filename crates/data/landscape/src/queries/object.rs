//! One object with everything known of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::Jurisdiction;
use store::changes::{self, ChangeRow};
use store::corrections::{self, CorrectionRow};
use store::identifiers::{self, Findings};
use store::objects::{self, VersionRow};
use store::sources::{self, SourceRow};
use store::subjects;

use super::ObjectSummary;
use crate::subjects::{Counts, count, count_by_labels};
use crate::{Catalogue, CatalogueError};

/// Changes of one object that its page shows.
const CHANGES_SHOWN: u32 = 50;

/// One object with everything known of it.
#[derive(Debug, Clone)]
pub struct ObjectDetails {
    /// The object.
    pub object: ObjectSummary,
    /// Where it lies.
    pub source: Option<SourceRow>,
    /// The object it is a member of.
    pub top: Option<ObjectSummary>,
    /// Labels that recognition found, whatever people corrected.
    pub found: Vec<model::Label>,
    /// When a scan last saw it there, milliseconds since 1970, UTC.
    pub last_seen_at: i64,
    /// BLAKE3 of its bytes, in hexadecimal digits.
    pub digest: Option<String>,
    /// Identifiers by type, masked samples, problems.
    pub findings: Findings,
    /// Distinct people in it, by jurisdiction as everything known of them tells.
    pub people: Counts,
    /// Versions, newest first.
    pub versions: Vec<VersionRow>,
    /// Corrections, newest first; withdrawn ones too.
    pub corrections: Vec<CorrectionRow>,
    /// Its latest changes, newest first.
    pub changes: Vec<ChangeRow>,
}

/// Objects that lie in another.
#[derive(Debug, Clone, Default)]
pub struct MemberPage {
    /// In the order in which they were first seen.
    pub members: Vec<ObjectSummary>,
    /// Ask for the next page with this; `None` at the end.
    pub next: Option<u32>,
}

impl Catalogue {
    /// One object with everything known of it.
    ///
    /// # Errors
    /// When there is no such object, or the store fails.
    pub async fn object(&self, id: u32) -> Result<ObjectDetails, CatalogueError> {
        let store = self.store();
        let row = objects::by_ids(store, &[id]).await?.into_iter().next().ok_or(CatalogueError::NoObject { id })?;
        let source = sources::by_id(store, row.source_id).await?;
        let top = match row.top_id {
            Some(top) => objects::by_ids(store, &[top]).await?.into_iter().next().map(ObjectSummary::from),
            None => None,
        };
        let scanned_at = source.as_ref().and_then(|source| source.scanned_at);
        let is_gone = row.state == crate::catalogue::GONE;
        let last_seen_at = if is_gone { row.last_seen_at } else { row.last_seen_at.max(scanned_at.unwrap_or(0)) };
        Ok(ObjectDetails {
            source,
            top,
            found: row.found.split(',').filter_map(|name| name.parse().ok()).collect(),
            last_seen_at,
            digest: row.digest.as_ref().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            findings: identifiers::findings(store, id).await?,
            people: self.people_in(&[id]).await?,
            versions: objects::versions(store, id).await?,
            corrections: corrections::of_object(store, id).await?,
            changes: changes::of_object(store, id, CHANGES_SHOWN).await?,
            object: row.into(),
        })
    }

    /// Objects that lie in a top-level object, after the member with id `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn members(&self, top_id: u32, after: u32, limit: u32) -> Result<MemberPage, CatalogueError> {
        let rows = objects::members_page(self.store(), top_id, after, limit).await?;
        let next = rows.last().map(|row| row.id).filter(|_| rows.len() >= limit as usize);
        Ok(MemberPage { members: rows.into_iter().map(ObjectSummary::from).collect(), next })
    }

    /// Distinct people in the union of some objects, by jurisdiction.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn people_in(&self, objects: &[u32]) -> Result<Counts, CatalogueError> {
        let sets = subjects::people(self.store(), objects).await?;
        Ok(self.with_people(|people| count(people, sets.iter().map(|(_, bytes)| bytes.as_slice()))).await??)
    }

    /// As [`Catalogue::people_in`], by label in force; the empty key is the total.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn people_in_by_label(&self, ids: &[u32]) -> Result<BTreeMap<String, Counts>, CatalogueError> {
        self.people_held_by_label(ids, &[]).await
    }

    /// As [`Catalogue::people_in_by_label`], together with the people of versions behind the guard as each was inspected.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn people_held_by_label(
        &self,
        ids: &[u32],
        versions: &[[u8; 16]],
    ) -> Result<BTreeMap<String, Counts>, CatalogueError> {
        let sets = subjects::people(self.store(), ids).await?;
        let parts = store::guarded::people::of(self.store(), versions).await?;
        let rows = objects::by_ids(self.store(), ids).await?;
        let labels: BTreeMap<u32, String> = rows.into_iter().map(|row| (row.id, row.labels)).collect();
        let named = sets.iter().map(|(id, bytes)| (labels.get(id).map_or("", String::as_str), bytes.as_slice()));
        let named = named.chain(parts.iter().map(|part| (part.labels.as_str(), part.ids.as_slice())));
        Ok(self.with_people(|people| count_by_labels(people, named)).await??)
    }

    /// Of each group of objects of the catalogue and versions behind the guard how many distinct people live where: by jurisdiction, the
    /// groups in which somebody is, by their place in what is given, and how many.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn people_held_by_each(
        &self,
        groups: &[(Vec<u32>, Vec<[u8; 16]>)],
    ) -> Result<BTreeMap<Jurisdiction, Vec<(usize, u64)>>, CatalogueError> {
        let ids: BTreeSet<u32> = groups.iter().flat_map(|(ids, _)| ids).copied().collect();
        let versions: BTreeSet<[u8; 16]> = groups.iter().flat_map(|(_, versions)| versions).copied().collect();
        let (ids, versions): (Vec<u32>, Vec<[u8; 16]>) = (ids.into_iter().collect(), versions.into_iter().collect());
        let sets: HashMap<u32, Vec<u8>> = subjects::people(self.store(), &ids).await?.into_iter().collect();
        let mut parts: HashMap<[u8; 16], Vec<Vec<u8>>> = HashMap::new();
        for part in store::guarded::people::of(self.store(), &versions).await? {
            parts.entry(part.version).or_default().push(part.ids);
        }
        let of = |(ids, versions): &(Vec<u32>, Vec<[u8; 16]>)| -> Vec<&[u8]> {
            let sets = ids.iter().filter_map(|id| sets.get(id)).map(Vec::as_slice);
            sets.chain(versions.iter().filter_map(|id| parts.get(id)).flatten().map(Vec::as_slice)).collect()
        };
        Ok(self.with_people(|people| people.count_each(groups.iter().map(of))).await??)
    }
}
