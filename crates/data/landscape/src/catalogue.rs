//! The catalogue: objects with their versions, labels, findings and people, in the store.

mod corrections;
mod ingest;
mod labels;
mod merges;
mod overview;
pub mod risk;
mod rows;
pub(crate) mod terms;

use store::{Store, StoreError, Transaction};
use tokio::sync::{Mutex, RwLock};

pub use corrections::{Action, Correction};
pub use ingest::{Batch, Inspected};
pub use overview::PeopleOverview;
use overview::Unions;
pub(crate) use overview::{PeopleByPath, Sets};
pub(crate) use rows::{GONE, PRESENT, UNREADABLE, unopened};

use crate::subjects::{DamagedBitmap, People};

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
    unions: Mutex<Unions>,
}

/// Everybody known, and the batch at which that was so. `None`: not loaded, or to be loaded again.
#[derive(Default)]
struct Known {
    people: People,
    generation: Option<i64>,
}

impl Catalogue {
    /// Over an open store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default(), unions: Mutex::default() }
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
}
