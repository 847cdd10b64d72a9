//! The catalogue: objects with their versions, labels, findings and people, in the store.

mod corrections;
mod ingest;
mod labels;
mod merges;
pub mod risk;
mod rows;
pub(crate) mod terms;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use store::{Store, StoreError, Transaction};
use tokio::sync::RwLock;

pub use corrections::{Action, Correction};
pub use ingest::{Batch, Inspected};
pub(crate) use rows::{GONE, PRESENT, UNREADABLE, unopened};

use crate::subjects::{Counts, DamagedBitmap, People};

/// Why the catalogue could not answer or write.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored set of people is damaged.
    #[error(transparent)]
    Damaged(#[from] DamagedBitmap),
    /// No such object.
    #[error("there is no object {id} in the catalogue; it may have been a mistyped address")]
    NoObject {
        /// The id asked for.
        id: u32,
    },
    /// No such merge, or it no longer holds.
    #[error("there is no merge {id} in force; reload the page to see the present ones")]
    NoMerge {
        /// The id asked for.
        id: u32,
    },
    /// A person must say why.
    #[error("a reason is needed; say in a few words why")]
    NoReason,
}

/// The catalogue over a store. Share it by reference or `Arc`; all methods take `&self`.
pub struct Catalogue {
    store: Store,
    known: RwLock<Known>,
    overview: Mutex<Option<(i64, Arc<PeopleOverview>)>>,
}

/// Everybody known, and the batch at which that was so. `None`: not loaded, or to be loaded again.
#[derive(Default)]
struct Known {
    people: People,
    generation: Option<i64>,
}

/// Distinct people of the whole catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleOverview {
    /// All of them.
    pub total: Counts,
    /// By label in force; a person counts under every label of every object they are in.
    pub by_label: BTreeMap<String, Counts>,
    /// By study; the empty key is objects of no known study.
    pub by_study: BTreeMap<String, Counts>,
    /// By study and label in force.
    pub by_study_and_label: BTreeMap<(String, String), Counts>,
}

impl Catalogue {
    /// Over an open store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default(), overview: Mutex::new(None) }
    }

    /// The store beneath, for aggregates that are none of the catalogue's business (users, sessions).
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs `question` over everybody known, loaded first if need be.
    pub(crate) async fn with_people<T>(&self, question: impl FnOnce(&People) -> T) -> Result<T, CatalogueError> {
        let generation = store::subjects::generation(&self.store).await?;
        {
            let known = self.known.read().await;
            if known.generation == Some(generation) {
                return Ok(question(&known.people));
            }
        }
        let mut known = self.known.write().await;
        self.refresh(&mut known).await?;
        Ok(question(&known.people))
    }

    /// Loads everybody if another process has written since, or nothing is loaded.
    async fn refresh(&self, known: &mut Known) -> Result<(), CatalogueError> {
        let generation = store::subjects::generation(&self.store).await?;
        if known.generation != Some(generation) {
            known.people = People::load(&self.store).await?;
            known.generation = Some(generation);
        }
        Ok(())
    }

    /// Begins a transaction in which everybody known is as the store has it: no other process writes until it ends.
    async fn begin(&self, known: &mut Known) -> Result<Transaction, CatalogueError> {
        loop {
            self.refresh(known).await?;
            let mut transaction = self.store.begin().await?;
            let generation = store::subjects::generation_within(&mut transaction).await?;
            if known.generation == Some(generation) {
                return Ok(transaction);
            }
        }
    }

    /// Distinct people of the whole catalogue by jurisdiction, label and study: exact, and cached until a batch changes
    /// something.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn people(&self) -> Result<Arc<PeopleOverview>, CatalogueError> {
        let generation = store::subjects::generation(&self.store).await?;
        if let Some((at, overview)) = &*self.overview.lock().unwrap_or_else(PoisonError::into_inner)
            && *at == generation
        {
            return Ok(Arc::clone(overview));
        }
        let unions = store::subjects::unions(&self.store).await?;
        let overview = Arc::new(self.with_people(|people| overview(people, &unions)).await??);
        *self.overview.lock().unwrap_or_else(PoisonError::into_inner) = Some((generation, Arc::clone(&overview)));
        Ok(overview)
    }
}

fn overview(people: &People, unions: &[(store::subjects::UnionKey, Vec<u8>)]) -> Result<PeopleOverview, DamagedBitmap> {
    use crate::subjects::Accumulator;
    let mut total = Accumulator::new();
    let mut sets: BTreeMap<(&str, &str), Accumulator> = BTreeMap::new();
    for (key, bytes) in unions {
        sets.entry((&key.study, &key.labels)).or_default().add(bytes)?;
    }
    let mut by_label: BTreeMap<String, Accumulator> = BTreeMap::new();
    let mut by_study: BTreeMap<String, Accumulator> = BTreeMap::new();
    let mut by_both: BTreeMap<(String, String), Accumulator> = BTreeMap::new();
    for ((study, labels), set) in &sets {
        total.union(set);
        by_study.entry((*study).to_owned()).or_default().union(set);
        for label in labels.split(',') {
            by_label.entry(label.to_owned()).or_default().union(set);
            by_both.entry(((*study).to_owned(), label.to_owned())).or_default().union(set);
        }
    }
    Ok(PeopleOverview {
        total: people.count(total),
        by_label: by_label.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
        by_study: by_study.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
        by_study_and_label: by_both.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
    })
}
