//! Distinct people of the whole catalogue: worked out once a batch, from unions by study and labels that are read again
//! only where the batch changed them. Answers are kept in the store too, so that a server that starts over an unchanged catalogue has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::MutexGuard;

use super::{Catalogue, CatalogueError};
use crate::queries::Dimension;
use crate::subjects::{Accumulator, Counts, DamagedBitmap, People};

/// Distinct people of the whole catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleOverview {
    /// All of them.
    pub total: Counts,
    /// By label in force; a person counts under every label of every object they are in.
    pub by_label: BTreeMap<String, Counts>,
    /// By study; the empty key is objects of no known study.
    pub by_study: BTreeMap<String, Counts>,
    /// By study and label in force.
    #[serde(with = "pairs")]
    pub by_study_and_label: BTreeMap<(String, String), Counts>,
}

/// Distinct people by area: the values by which areas are divided, outermost first.
pub(crate) type PeopleByPath = BTreeMap<Vec<String>, u64>;

/// Stored sets of people by study and joined labels.
pub(crate) type Sets = BTreeMap<(String, String), Vec<u8>>;

/// What was read and worked out.
#[derive(Default)]
pub(super) struct Unions {
    /// The batch that `sets` were read after; `None`: nothing yet.
    read_at: Option<i64>,
    sets: Sets,
    /// The batch that the answers are for.
    answered_at: Option<i64>,
    overview: Option<Arc<PeopleOverview>>,
    areas: BTreeMap<Vec<Dimension>, Arc<PeopleByPath>>,
}

/// A map whose keys are no texts, as pairs.
mod pairs {
    use super::{BTreeMap, Deserialize, Serialize};

    pub(super) fn serialize<S: serde::Serializer, K: Serialize, V: Serialize>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: serde::Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl Catalogue {
    /// Distinct people of the whole catalogue by jurisdiction, label and study: exact, and cached until a batch changes
    /// something.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn people(&self) -> Result<Arc<PeopleOverview>, CatalogueError> {
        let (mut unions, generation) = self.answers().await?;
        if let Some(overview) = &unions.overview {
            return Ok(Arc::clone(overview));
        }
        let name = answer_of("people", &[]);
        let kept = store::answers::kept(&self.store, &name, generation).await?;
        let found = match kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(kept) => kept,
            None => {
                self.read(&mut unions).await?;
                let found = self.with_people(|people| overview(people, &unions.sets)).await??;
                self.keep(&unions, generation, name, &found);
                found
            }
        };
        let found = Arc::new(found);
        unions.overview = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Has ready what pages ask for: the overview, and who is who.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn warm(&self) -> Result<(), CatalogueError> {
        self.people().await?;
        self.with_people(|_people| ()).await
    }

    /// Distinct people by areas that are divided by `dimensions`, as `count` works them out; cached likewise.
    pub(crate) async fn people_by_area(
        &self,
        dimensions: &[Dimension],
        count: impl FnOnce(&People, &Sets) -> Result<PeopleByPath, DamagedBitmap>,
    ) -> Result<Arc<PeopleByPath>, CatalogueError> {
        let (mut unions, generation) = self.answers().await?;
        if let Some(known) = unions.areas.get(dimensions) {
            return Ok(Arc::clone(known));
        }
        let name = answer_of("areas", dimensions);
        let kept = store::answers::kept(&self.store, &name, generation).await?;
        let kept: Option<Vec<(Vec<String>, u64)>> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let found = match kept {
            Some(kept) => kept.into_iter().collect(),
            None => {
                self.read(&mut unions).await?;
                let found = self.with_people(|people| count(people, &unions.sets)).await??;
                self.keep(&unions, generation, name, &found.iter().collect::<Vec<_>>());
                found
            }
        };
        let found = Arc::new(found);
        unions.areas.insert(dimensions.to_vec(), Arc::clone(&found));
        Ok(found)
    }

    /// The answers for the catalogue as it is now, without those that were for an older one, and the number of its last batch.
    async fn answers(&self) -> Result<(MutexGuard<'_, Unions>, i64), CatalogueError> {
        let mut unions = self.unions.lock().await;
        let generation = store::subjects::generation(&self.store).await?;
        if unions.answered_at != Some(generation) {
            unions.answered_at = Some(generation);
            unions.overview = None;
            unions.areas.clear();
        }
        Ok((unions, generation))
    }

    /// Keeps an answer for the next start, beside what goes on: whoever asked does not wait while a scan writes.
    fn keep(&self, unions: &Unions, generation: i64, name: String, answer: &impl Serialize) {
        let Ok(bytes) = serde_json::to_vec(answer) else { return };
        if unions.read_at != Some(generation) {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            // Where a batch has been written meanwhile the answer is nobody's any more.
            let kept = match store::subjects::generation(&store).await {
                Ok(now) if now == generation => store::answers::keep(&store, &name, generation, bytes).await,
                other => other.map(drop),
            };
            if let Err(error) = kept {
                tracing::warn!("the count of people could not be kept for the next start: {error}");
            }
        });
    }

    /// Reads the unions that changed since they were last read.
    async fn read(&self, unions: &mut Unions) -> Result<(), CatalogueError> {
        let generation = store::subjects::generation(&self.store).await?;
        if unions.read_at == Some(generation) {
            return Ok(());
        }
        // Until everything is read, what is there belongs to no batch.
        let after = unions.read_at.take().unwrap_or(-1);
        for (study, labels) in store::subjects::unions_changed(&self.store, after).await? {
            let mut set = Accumulator::new();
            for bytes in store::subjects::unions_of(&self.store, &study, &labels).await? {
                set.add(&bytes)?;
            }
            unions.sets.insert((study, labels), set.to_bitmap());
        }
        unions.read_at = Some(generation);
        Ok(())
    }
}

/// What an answer is kept under: another version of the program may divide otherwise.
fn answer_of(question: &str, dimensions: &[Dimension]) -> String {
    let by: Vec<&str> = dimensions.iter().map(|one| one.as_str()).collect();
    format!("{question} {} {}", by.join(","), env!("CARGO_PKG_VERSION"))
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
