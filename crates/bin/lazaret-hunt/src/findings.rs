//! Findings as the table shows them, from the catalogue, page by page.

use std::sync::Arc;

use futures_util::StreamExt as _;
use hunt::{Feed, Finding, HuntError};
use store::Store;
use store::findings as table;

/// The rows of the table `findings`.
pub(crate) fn feed(store: Store) -> Feed<Finding> {
    Arc::new(move || {
        let store = store.clone();
        let pages = futures_util::stream::try_unfold((store, 0_u64), |(store, after)| async move {
            let page = table::after(&store, after).await.map_err(HuntError::from)?;
            let Some(last) = page.last().map(|last| u64::from(last.id)) else { return Ok(None) };
            Ok(Some((page.iter().map(row).collect::<Vec<Finding>>(), (store, last))))
        });
        pages.boxed()
    })
}

fn row(one: &table::Finding) -> Finding {
    Finding {
        id: u64::from(one.id),
        uid: one.uid.clone(),
        rule: one.rule.clone(),
        title: one.title.clone(),
        level: one.level.clone(),
        tags: one.tags.join(","),
        rank: u64::from(one.rank),
        principal: one.principal.map(|principal| principal.to_string()),
        study: one.study.as_ref().map(ToString::to_string),
        labels: one.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(","),
        subjects: one.subjects,
        matches: one.matches,
        first_at: one.first_at,
        last_at: one.last_at,
        found_at: one.found_at,
        state: one.state.to_string(),
        verdict: one.verdict.map(|verdict| verdict.to_string()),
    }
}
