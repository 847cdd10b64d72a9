//! The search index and the sums, against slow obvious oracles.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::objects::ObjectRow;
use store::postings::{self, Changes};
use store::totals::{self, Deltas, Total};

use crate::catalogue::object;
use crate::engines::on_each_engine;

type Oracle = BTreeMap<Vec<u8>, BTreeSet<u32>>;

/// Terms that both engines must order by their bytes, whatever the collation.
const TERMS: &[&[u8]] = &[b"l:a", b"l:B", b"l:\xc3\xa4", b"l:\xff\xfe", b"l:", b"m:a", b"\x00", b"l:ab"];

fn ids(posting: &postings::Posting) -> BTreeSet<u32> {
    posting.iter().flat_map(|(chunk, set)| set.ids(*chunk)).collect()
}

/// Numbers of one step, in the order in which [`batches`] draws them.
type Step = (usize, u32, usize, usize, bool);

/// Batches of additions and removals: term, first object, step, how many, whether they are added.
fn batches() -> Vec<Vec<Step>> {
    let one = (0..TERMS.len(), 0_u32..9_000, 1_usize..60, 1_usize..900, prop::bool::weighted(0.7));
    let all = prop::collection::vec(prop::collection::vec(one, 1..12), 8);
    all.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

#[tokio::test]
async fn sets_of_terms_equal_an_oracle_after_any_changes() {
    on_each_engine(|store| async move {
        let mut oracle = Oracle::new();
        for batch in batches() {
            let mut changes = Changes::default();
            for (term, first, step, count, is_added) in batch {
                for id in (first..).step_by(step).take(count) {
                    let set = oracle.entry(TERMS[term].to_vec()).or_default();
                    if is_added {
                        changes.add(TERMS[term], id);
                        set.insert(id);
                    } else {
                        changes.remove(TERMS[term], id);
                        set.remove(&id);
                    }
                }
            }
            let mut transaction = store.begin().await.unwrap();
            changes.run(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
        assert!(oracle.values().any(|set| set.len() > 1_000));
        for term in TERMS {
            let expected = oracle.get(*term).cloned().unwrap_or_default();
            assert_eq!(ids(&postings::of_term(&store, term).await.unwrap()), expected, "{term:?}");
        }
        let below = |prefix: &[u8]| {
            oracle
                .iter()
                .filter(|(term, _)| term.starts_with(prefix))
                .map(|(term, set)| (term.clone(), set.clone()))
                .collect::<Oracle>()
        };
        let listed = postings::terms(&store, b"l:").await.unwrap();
        let listed: Vec<(Vec<u8>, BTreeSet<u32>)> =
            listed.iter().map(|(term, posting)| (term.clone(), ids(posting))).collect();
        // A byte above every one of UTF-8 ends a family; terms are UTF-8 in use.
        let expected: Vec<_> = below(b"l:").into_iter().filter(|(term, _)| std::str::from_utf8(term).is_ok()).collect();
        assert_eq!(listed, expected);
        let united: BTreeSet<u32> = expected.iter().flat_map(|(_, set)| set.iter().copied()).collect();
        assert_eq!(ids(&postings::of_prefix(&store, b"l:").await.unwrap()), united);
        assert!(postings::of_prefix(&store, b"z").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn sums_follow_objects_in_and_out() {
    on_each_engine(|store| async move {
        let one = ObjectRow { bytes: 100, problems: 1, study: "S".to_owned(), ..object(1, "a") };
        let two = ObjectRow { bytes: 7, members: 3, ..one.clone() };
        let three = ObjectRow { labels: "secret".to_owned(), ..one.clone() };
        for (rows, sign) in [(vec![&one, &two, &three], 1), (vec![&one], -1), (vec![&three], -1)] {
            let mut deltas = Deltas::default();
            for row in rows {
                deltas.object(row, sign);
                deltas.identifier("PERSON", 5, sign);
            }
            let mut transaction = store.begin().await.unwrap();
            deltas.run(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let all = totals::all(&store).await.unwrap();
        assert_eq!(all.len(), 1, "what holds nothing any more is not shown");
        assert_eq!((all[0].0.study.as_str(), all[0].0.labels.as_str()), ("S", "none"));
        assert_eq!(all[0].1, Total { objects: 1, bytes: 0, problems: 1 }, "an archive's own bytes do not count");
        assert_eq!(totals::identifiers(&store).await.unwrap(), [("PERSON".to_owned(), 1, 5)]);
    })
    .await;
}

#[tokio::test]
async fn a_new_database_needs_no_index_built() {
    on_each_engine(|store| async move {
        assert!(postings::is_indexed(&store, "ranks").await.unwrap(), "there is nothing to index");
        assert!(!postings::is_indexed(&store, "moods").await.unwrap());
        let mut transaction = store.begin().await.unwrap();
        postings::mark_indexed(&mut transaction, "moods").await.unwrap();
        postings::mark_indexed(&mut transaction, "moods").await.unwrap();
        transaction.commit().await.unwrap();
        assert!(postings::is_indexed(&store, "moods").await.unwrap());
    })
    .await;
}
