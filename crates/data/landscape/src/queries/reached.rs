//! From people back to where it stands how they are called and where they live: objects whose structure says both, by how many of the
//! people they hold. Nobody is told by name or number.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use model::IdentifierType;
use store::objects;
use store::postings::{self, ChunkSet, Posting};
use store::{StoreError, subjects};

use super::ObjectSummary;
use crate::catalogue::GONE;
use crate::catalogue::terms::Family;
use crate::report::SubjectRecord;
use crate::subjects::{Accumulator, DamagedBitmap, People};
use crate::{Catalogue, CatalogueError};

/// Objects that are looked at together.
const TOGETHER: usize = 1_000;
/// Objects that are told.
const TOLD_MAX: usize = 200;

/// Some people of the catalogue, as a set that names nobody.
pub struct Persons(Accumulator);

impl Persons {
    /// How many they are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An object that says how people are called and where they live.
#[derive(Debug, Clone)]
pub struct Reaching {
    /// The object.
    pub object: ObjectSummary,
    /// How many of the people are in it.
    pub people: u64,
    /// How many of these are in none of the objects before it.
    pub more: u64,
}

/// Where it stands how people are reached.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    /// Objects: each adds the most people to those before it.
    pub objects: Vec<Reaching>,
    /// Objects that hold some of the people and add nobody, or are beyond those that are told.
    pub others: u64,
    /// People who are in none of them.
    pub missing: u64,
}

impl Catalogue {
    /// The distinct people of objects, and of versions behind the guard as each was inspected.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn persons(&self, ids: &[u32], versions: &[[u8; 16]]) -> Result<Persons, CatalogueError> {
        let sets = subjects::people(self.store(), ids).await?;
        let parts = store::guarded::people::of(self.store(), versions).await?;
        let mut all = Accumulator::new();
        for bytes in sets.iter().map(|(_, bytes)| bytes).chain(parts.iter().map(|part| &part.ids)) {
            all.add(bytes)?;
        }
        self.with_people(|people| people.settle_on_people(&mut all)).await?;
        Ok(Persons(all))
    }

    /// Objects in which names stand with postal or e-mail addresses, as far as they hold any of `persons`.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn reaching(&self, persons: &Persons) -> Result<Reached, CatalogueError> {
        let ids = self.with_contacts().await?;
        // Sets of people as they are stored: a hundred thousand of them fit.
        let mut held: HashMap<u32, Vec<u8>> = HashMap::new();
        let mut open: BinaryHeap<(u64, u64, Reverse<u32>)> = BinaryHeap::new();
        for some in ids.chunks(TOGETHER) {
            let sets = subjects::people(self.store(), some).await?;
            for (id, bytes) in self.with_people(|people| meant(people, persons, &sets)).await?? {
                let mut own = Accumulator::new();
                own.add(&bytes)?;
                open.push((own.len(), own.len(), Reverse(id)));
                held.insert(id, bytes);
            }
        }
        let (all, mut left) = (held.len(), persons.len());
        let mut found = Accumulator::new();
        let mut chosen: Vec<(u32, u64, u64)> = Vec::new();
        // An object never adds more than it was last seen to add: only the first has to be looked at again.
        while let Some((most, people, Reverse(id))) = open.pop().filter(|_| chosen.len() < TOLD_MAX) {
            let mut set = Accumulator::new();
            set.add(held.get(&id).map_or(&[][..], Vec::as_slice))?;
            let more = set.len() - set.common(&found);
            if more == most {
                found.union(&set);
                left -= more;
                chosen.push((id, people, more));
            } else if more > 0 {
                open.push((more, people, Reverse(id)));
            }
        }
        let ids: Vec<u32> = chosen.iter().map(|(id, ..)| *id).collect();
        let rows = objects::by_ids(self.store(), &ids).await?;
        let mut rows: HashMap<u32, ObjectSummary> = rows.into_iter().map(|row| (row.id, row.into())).collect();
        let reaching = |(id, people, more)| Some(Reaching { object: rows.remove(&id)?, people, more });
        let objects: Vec<Reaching> = chosen.into_iter().filter_map(reaching).collect();
        Ok(Reached { others: (all - objects.len()) as u64, objects, missing: left })
    }

    /// Which of `persons` each record is about; `None`: none of them, or nobody whom the catalogue knows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn who(&self, persons: &Persons, records: &[SubjectRecord]) -> Result<Vec<Option<u32>>, CatalogueError> {
        let who = |people: &People, record: &SubjectRecord| people.known(record).filter(|one| persons.0.contains(*one));
        self.with_people(|people| records.iter().map(|record| who(people, record)).collect()).await
    }

    /// Objects that are there, and hold names with postal or e-mail addresses.
    async fn with_contacts(&self) -> Result<Vec<u32>, StoreError> {
        let of =
            async |kind: IdentifierType| postings::of_term(self.store(), &Family::Identifier.term(kind.as_str())).await;
        let mut found: Posting = of(IdentifierType::Address).await?;
        for (chunk, set) in of(IdentifierType::Email).await? {
            found.entry(chunk).or_default().union(&set);
        }
        let names = of(IdentifierType::Person).await?;
        let gone = postings::of_term(self.store(), &Family::State.term(GONE)).await?;
        found.retain(|chunk, set| {
            let Some(names) = names.get(chunk) else { return false };
            set.intersect(names);
            if let Some(gone) = gone.get(chunk) {
                set.subtract(gone);
            }
            !set.is_empty()
        });
        Ok(found.iter().flat_map(|(chunk, set): (&u32, &ChunkSet)| set.ids(*chunk).collect::<Vec<_>>()).collect())
    }
}

/// Of objects with their profiles, those that hold some of `persons`, and which.
fn meant(people: &People, persons: &Persons, sets: &[(u32, Vec<u8>)]) -> Result<Vec<(u32, Vec<u8>)>, DamagedBitmap> {
    let mut meant = Vec::new();
    for (id, bytes) in sets {
        let mut own = Accumulator::new();
        own.add(bytes)?;
        people.settle_on_people(&mut own);
        let both = own.common_ids(&persons.0);
        if !both.is_empty() {
            meant.push((*id, crate::subjects::bitmap(both)));
        }
    }
    Ok(meant)
}
