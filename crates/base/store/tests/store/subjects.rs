//! Data subjects as rows.

use store::subjects::{self, Delta, MergeRow, ProfileRow, SeparationRow, TokenRow, UnionKey};
use store::{PAGE_ROWS_MAX, Store};

use crate::catalogue::{object, put};
use crate::engines::on_each_engine;

fn token(id: u32, domain: Option<u32>) -> TokenRow {
    let mut token = [0xAB; 16];
    token[..4].copy_from_slice(&id.to_be_bytes());
    TokenRow { id, token, domain }
}

fn merge(first: u32, second: u32, token_id: u32) -> MergeRow {
    MergeRow { id: 0, first, second, token_id, rule: "strong".to_owned(), merged_at: 5, ended_at: None }
}

async fn apply(store: &Store, delta: &Delta, now: i64) {
    let mut transaction = store.begin().await.unwrap();
    subjects::apply(&mut transaction, delta, now).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn everything_about_people_comes_back() {
    on_each_engine(|store| async move {
        let tokens = vec![token(0, Some(u32::MAX)), token(1, None), token(2, Some(7))];
        let profiles = vec![
            ProfileRow { id: 0, tokens: vec![0, 1], canonical: 0 },
            ProfileRow { id: 1, tokens: vec![1], canonical: 0 },
            ProfileRow { id: 2, tokens: vec![2], canonical: 2 },
        ];
        let mut delta = Delta {
            tokens: tokens.clone(),
            profiles: profiles.clone(),
            jurisdictions: vec![(0, "DE".to_owned()), (0, "US-CA".to_owned()), (2, "JP".to_owned())],
            merges: vec![merge(0, 1, 1)],
            ..Delta::default()
        };
        apply(&store, &delta, 5).await;
        assert_eq!(subjects::tokens(&store).await.unwrap(), tokens);
        assert_eq!(subjects::profiles(&store).await.unwrap(), profiles);
        assert_eq!(subjects::jurisdictions(&store).await.unwrap().len(), 3);
        assert_eq!(subjects::merges_in_force(&store).await.unwrap(), [(0, 1, 1)]);

        delta = Delta {
            canonical: vec![(1, 1)],
            jurisdictions: vec![(0, "DE".to_owned())],
            ended: vec![(0, 1, 1)],
            merges: vec![merge(0, 2, 1)],
            ..Delta::default()
        };
        apply(&store, &delta, 9).await;
        assert_eq!(subjects::profiles(&store).await.unwrap()[1].canonical, 1);
        assert_eq!(subjects::jurisdictions(&store).await.unwrap().len(), 3, "known places are not doubled");
        assert_eq!(subjects::merges_in_force(&store).await.unwrap(), [(0, 2, 1)]);
        let page = subjects::merges_page(&store, None, PAGE_ROWS_MAX * 2).await.unwrap();
        assert_eq!(page.iter().map(|row| (row.second, row.ended_at)).collect::<Vec<_>>(), [(2, None), (1, Some(9))]);
        assert_eq!(subjects::merges_page(&store, Some(page[0].id), 5).await.unwrap().len(), 1);
        assert_eq!(subjects::merges_of(&store, &[0]).await.unwrap().len(), 2);
        assert!(subjects::merges_of(&store, &[2]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_same_token_twice_is_refused() {
    on_each_engine(|store| async move {
        apply(&store, &Delta { tokens: vec![token(0, None)], ..Delta::default() }, 1).await;
        let twice = Delta { tokens: vec![TokenRow { id: 1, ..token(0, None) }], ..Delta::default() };
        let mut transaction = store.begin().await.unwrap();
        assert!(subjects::apply(&mut transaction, &twice, 2).await.unwrap_err().is_unique_violation());
    })
    .await;
}

#[tokio::test]
async fn loading_everybody_goes_through_many_pages() {
    on_each_engine(|store| async move {
        let count = 50_001;
        let delta = Delta {
            tokens: (0..count).map(|id| token(id, Some(id % 3))).collect(),
            profiles: (0..count).map(|id| ProfileRow { id, tokens: vec![id], canonical: id / 2 }).collect(),
            ..Delta::default()
        };
        apply(&store, &delta, 1).await;
        assert_eq!(subjects::tokens(&store).await.unwrap(), delta.tokens);
        assert_eq!(subjects::profiles(&store).await.unwrap(), delta.profiles);
    })
    .await;
}

#[tokio::test]
async fn separations_are_withdrawn_once() {
    on_each_engine(|store| async move {
        let new = SeparationRow {
            id: 0,
            first: 3,
            second: 4,
            reason: "twins".to_owned(),
            person: "ada".to_owned(),
            made_at: 7,
            withdrawn_at: None,
        };
        let mut transaction = store.begin().await.unwrap();
        let id = subjects::separate(&mut transaction, &new).await.unwrap();
        assert!(subjects::withdraw_separation(&mut transaction, id, 8).await.unwrap());
        assert!(!subjects::withdraw_separation(&mut transaction, id, 9).await.unwrap());
        transaction.commit().await.unwrap();
        let expected = SeparationRow { id, withdrawn_at: Some(8), ..new };
        assert_eq!(subjects::separations(&store).await.unwrap(), [expected]);
    })
    .await;
}

#[tokio::test]
async fn sets_of_people_are_replaced_and_united() {
    on_each_engine(|store| async move {
        let labelled = |id, labels: &str, state: &str| store::objects::ObjectRow {
            labels: labels.to_owned(),
            state: state.to_owned(),
            ..object(id, &format!("p{id}"))
        };
        let rows = [
            labelled(1, "phi", "present"),
            labelled(2, "phi", "gone"),
            labelled(3, "none", "present"),
            labelled(4_097, "phi", "present"),
        ];
        put(&store, &rows).await;
        let mut transaction = store.begin().await.unwrap();
        let sets: Vec<(u32, Vec<u8>)> =
            [1, 2, 3, 4_097].map(|id: u32| (id, vec![u8::try_from(id % 251).unwrap()])).to_vec();
        subjects::put_people(&mut transaction, &sets).await.unwrap();
        subjects::put_people(&mut transaction, &[(3, Vec::new()), (1, vec![42])]).await.unwrap();
        let key = UnionKey { study: String::new(), labels: "phi".to_owned(), chunk: 0 };
        assert_eq!(subjects::people_of_union(&mut transaction, &key).await.unwrap(), [vec![42]]);
        assert_eq!(subjects::union(&mut transaction, &key).await.unwrap(), None);
        subjects::put_union(&mut transaction, &key, vec![1, 2]).await.unwrap();
        subjects::put_union(&mut transaction, &key, vec![3]).await.unwrap();
        assert_eq!(subjects::union(&mut transaction, &key).await.unwrap(), Some(vec![3]));
        assert_eq!(subjects::people_within(&mut transaction, &[1, 3]).await.unwrap(), [(1, vec![42])]);
        assert_eq!(subjects::bump(&mut transaction).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        assert_eq!(subjects::people(&store, &[1, 3, 9]).await.unwrap(), [(1, vec![42])]);
        let named = (String::new(), "phi".to_owned());
        assert_eq!(subjects::unions_of(&store, "", "phi").await.unwrap(), [vec![3]]);
        assert!(subjects::unions_of(&store, "", "none").await.unwrap().is_empty());
        assert_eq!(subjects::unions_changed(&store, 0).await.unwrap(), std::slice::from_ref(&named));
        assert!(subjects::unions_changed(&store, 1).await.unwrap().is_empty());
        assert_eq!(subjects::generation(&store).await.unwrap(), 1);
        let mut transaction = store.begin().await.unwrap();
        subjects::put_union(&mut transaction, &key, Vec::new()).await.unwrap();
        subjects::bump(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(subjects::unions_of(&store, "", "phi").await.unwrap(), [vec![]]);
        assert_eq!(subjects::unions_changed(&store, 1).await.unwrap(), [named], "that it is empty now is a change");
    })
    .await;
}
