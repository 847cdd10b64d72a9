//! One object with everything known of it.

use std::collections::BTreeMap;

use store::changes::{self, ChangeRow};
use store::corrections::{self, CorrectionRow};
use store::identifiers::{self, Findings};
use store::objects::{self, VersionRow};
use store::sources::{self, SourceRow};
use store::subjects;

use super::{Held, ObjectSummary};
use crate::subjects::{Counts, count};
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
        let held = Held { objects: ids.to_vec(), versions: Vec::new() };
        let known = self.read_held([&held]).await?;
        Ok(self.count_held(&known, &[held]).await?.pop().unwrap_or_default())
    }
}
