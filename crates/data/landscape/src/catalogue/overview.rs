//! Distinct people of the whole catalogue: worked out once a batch, from unions by study and labels that are read again
//! only where the batch changed them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::{Catalogue, CatalogueError};
use crate::queries::Dimension;
use crate::subjects::{Accumulator, Counts, DamagedBitmap, People};

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

/// Distinct people by area: the values by which areas are divided, outermost first.
pub(crate) type PeopleByPath = BTreeMap<Vec<String>, u64>;

/// Stored sets of people by study and joined labels.
pub(crate) type Sets = BTreeMap<(String, String), Vec<u8>>;

/// What was read and worked out at `generation`; `None`: nothing yet.
#[derive(Default)]
pub(super) struct Unions {
    generation: Option<i64>,
    sets: Sets,
    overview: Option<Arc<PeopleOverview>>,
    areas: BTreeMap<Vec<Dimension>, Arc<PeopleByPath>>,
}

impl Catalogue {
    /// Distinct people of the whole catalogue by jurisdiction, label and study: exact, and cached until a batch changes
    /// something.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn people(&self) -> Result<Arc<PeopleOverview>, CatalogueError> {
        let mut unions = self.unions().await?;
        if let Some(overview) = &unions.overview {
            return Ok(Arc::clone(overview));
        }
        let found = Arc::new(self.with_people(|people| overview(people, &unions.sets)).await??);
        unions.overview = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Distinct people by areas that are divided by `dimensions`, as `count` works them out; cached likewise.
    pub(crate) async fn people_by_area(
        &self,
        dimensions: &[Dimension],
        count: impl FnOnce(&People, &Sets) -> Result<PeopleByPath, DamagedBitmap>,
    ) -> Result<Arc<PeopleByPath>, CatalogueError> {
        let mut unions = self.unions().await?;
        if let Some(known) = unions.areas.get(dimensions) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.with_people(|people| count(people, &unions.sets)).await??);
        unions.areas.insert(dimensions.to_vec(), Arc::clone(&found));
        Ok(found)
    }

    /// The unions as the store has them, read where they changed since they were last asked for.
    async fn unions(&self) -> Result<MutexGuard<'_, Unions>, CatalogueError> {
        let mut unions = self.unions.lock().await;
        let generation = store::subjects::generation(&self.store).await?;
        if unions.generation == Some(generation) {
            return Ok(unions);
        }
        let after = unions.generation.unwrap_or(-1);
        // Until everything is read, what is there belongs to no generation.
        *unions = Unions { sets: std::mem::take(&mut unions.sets), ..Unions::default() };
        for (study, labels) in store::subjects::unions_changed(&self.store, after).await? {
            let mut set = Accumulator::new();
            for bytes in store::subjects::unions_of(&self.store, &study, &labels).await? {
                set.add(&bytes)?;
            }
            unions.sets.insert((study, labels), set.to_bitmap());
        }
        unions.generation = Some(generation);
        Ok(unions)
    }
}

fn overview(people: &People, unions: &Sets) -> Result<PeopleOverview, DamagedBitmap> {
    let mut total = Accumulator::new();
    let mut by_label: BTreeMap<String, Accumulator> = BTreeMap::new();
    let mut by_study: BTreeMap<String, Accumulator> = BTreeMap::new();
    let mut by_both: BTreeMap<(String, String), Accumulator> = BTreeMap::new();
    for ((study, labels), set) in unions.iter().filter(|(_, set)| !set.is_empty()) {
        total.add(set)?;
        by_study.entry(study.clone()).or_default().add(set)?;
        for label in labels.split(',') {
            by_label.entry(label.to_owned()).or_default().add(set)?;
            by_both.entry((study.clone(), label.to_owned())).or_default().add(set)?;
        }
    }
    Ok(PeopleOverview {
        total: people.count(total),
        by_label: by_label.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
        by_study: by_study.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
        by_study_and_label: by_both.into_iter().map(|(key, set)| (key, people.count(set))).collect(),
    })
}
