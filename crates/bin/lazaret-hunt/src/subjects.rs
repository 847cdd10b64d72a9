//! How many people the catalogue knows, by study, label and jurisdiction; never who.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use hunt::{Feed, HuntError, SubjectCount};
use landscape::subjects::{Accumulator, People};
use store::Store;

/// The rows of the table `subjects`.
pub(crate) fn feed(store: Store) -> Feed<SubjectCount> {
    Arc::new(move || {
        let store = store.clone();
        futures_util::stream::once(async move { counts(&store).await }).boxed()
    })
}

async fn counts(store: &Store) -> Result<Vec<SubjectCount>, HuntError> {
    let people = People::load(store).await?;
    // Label sets that are in use, by study; a set's people are united once, however many labels it has.
    let mut sets: BTreeMap<(String, String), Accumulator> = BTreeMap::new();
    for (key, _) in store::totals::all(store).await? {
        sets.entry((key.study, key.labels)).or_default();
    }
    let mut unions: BTreeMap<(String, String), Accumulator> = BTreeMap::new();
    for ((study, labels), mut union) in sets {
        for bitmap in store::subjects::unions_of(store, &study, &labels).await? {
            union.add(&bitmap).map_err(|error| HuntError::Question { why: error.to_string() })?;
        }
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            unions.entry((study.clone(), label.to_owned())).or_default().union(&union);
        }
    }
    let mut rows = Vec::new();
    for ((study, label), union) in unions {
        let counts = people.count(union);
        let all = std::iter::once(("all".to_owned(), counts.people));
        let places = counts.jurisdictions.into_iter().map(|(place, people)| (place.to_string(), people));
        rows.extend(all.chain(places).filter(|(_, people)| *people > 0).map(|(jurisdiction, people)| SubjectCount {
            study: study.clone(),
            label: label.clone(),
            jurisdiction,
            people,
        }));
    }
    Ok(rows)
}
