//! Studies, principals, credentials, grants, policies, emergencies and second factors.

use model::{Action, Label, PrincipalId, PrincipalKind, StudyId};
use store::credentials::{AccessKey, PrincipalSession, Temporary};
use store::emergencies::{Emergency, Review};
use store::grants::{Grant, GrantState};
use store::principals::Principal;
use store::studies::Study;
use store::{
    Store, StoreError, credentials, emergencies, factors, grants, passkeys, policies, principals, studies, users,
};

use crate::engines::on_each_engine;

fn principal(number: u8, name: &str) -> Principal {
    Principal {
        id: PrincipalId::from_bytes([number; 16]),
        kind: PrincipalKind::Person,
        name: name.to_owned(),
        user_id: None,
        organisation: None,
        training_until: None,
        agreement_until: None,
        contained_at: None,
        created_at: 10,
        disabled_at: None,
    }
}

fn study(id: &str) -> Study {
    Study {
        id: id.parse().unwrap(),
        title: "A study".to_owned(),
        sponsor: None,
        countries: vec!["DE".to_owned(), "FR".to_owned()],
        created_at: 10,
        contained_at: None,
        closed_at: None,
    }
}

fn grant(of: PrincipalId, study: Option<&str>) -> Grant {
    Grant {
        id: 0,
        principal: of,
        study: study.map(|id| id.parse::<StudyId>().unwrap()),
        role: None,
        actions: vec![Action::List, Action::Read],
        labels: Some(vec![Label::None, Label::TrialSubject]),
        state: GrantState::Requested,
        requested_by: of,
        requested_at: 20,
        reason_sealed: Some(vec![1, 2, 3]),
        approved_by: None,
        valid_from: 20,
        valid_until: Some(200),
        ended_at: None,
        ended_by: None,
        last_used_at: None,
    }
}

async fn two(store: &Store) -> (PrincipalId, PrincipalId) {
    let (ada, bob) = (principal(1, "ada"), principal(2, "bob"));
    principals::create(store, &ada).await.unwrap();
    principals::create(store, &bob).await.unwrap();
    studies::create(store, &study("onc-201")).await.unwrap();
    (ada.id, bob.id)
}

#[tokio::test]
async fn names_are_unique_among_the_living_and_ids_for_ever() {
    on_each_engine(|store| async move {
        let user = users::create(&store, "ada", "h", "viewer", 5).await.unwrap();
        let mut ada = Principal { user_id: Some(user), training_until: Some(90), ..principal(1, "ada") };
        principals::create(&store, &ada).await.unwrap();
        assert_eq!(principals::of_user(&store, user).await.unwrap().as_ref(), Some(&ada));
        let taken = principals::create(&store, &principal(2, "ada")).await.unwrap_err();
        assert!(matches!(&taken, StoreError::Exists { what: "principal", name } if name == "ada"), "{taken}");
        ada.disabled_at = Some(30);
        principals::change(&store, &ada).await.unwrap();
        assert_eq!(principals::by_name(&store, "ada").await.unwrap(), None);
        assert_eq!(principals::by_id(&store, ada.id).await.unwrap().as_ref(), Some(&ada));
        principals::create(&store, &principal(2, "ada")).await.unwrap();
        assert!(principals::create(&store, &principal(1, "eve")).await.is_err(), "an id is never used again");
        ada.disabled_at = None;
        assert!(principals::change(&store, &ada).await.is_err(), "its name is taken meanwhile");
        let ids: Vec<_> = principals::page(&store, None).await.unwrap().iter().map(|p| p.id).collect();
        assert_eq!(ids, [[1; 16], [2; 16]].map(PrincipalId::from_bytes));
        assert_eq!(principals::page(&store, Some(ada.id)).await.unwrap().len(), 1);

        principals::link(&store, ada.id, "https://idp.example", "s-1", 40).await.unwrap();
        assert!(principals::link(&store, ada.id, "https://idp.example", "s-1", 41).await.is_err());
        let found = principals::of_external(&store, "https://idp.example", "s-1").await.unwrap().unwrap();
        assert_eq!(found.id, ada.id);
        assert_eq!(principals::of_external(&store, "https://other.example", "s-1").await.unwrap(), None);
        assert!(principals::unlink(&store, "https://idp.example", "s-1").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn studies_are_kept() {
    on_each_engine(|store| async move {
        let mut one = study("onc-201");
        studies::create(&store, &one).await.unwrap();
        let taken = studies::create(&store, &one).await.unwrap_err();
        assert!(matches!(taken, StoreError::Exists { what: "study", .. }), "{taken}");
        one.sponsor = Some("Sponsor".to_owned());
        one.closed_at = Some(50);
        one.contained_at = Some(40);
        studies::change(&store, &one).await.unwrap();
        assert_eq!(studies::by_id(&store, &one.id).await.unwrap().as_ref(), Some(&one));
        assert_eq!(studies::page(&store, "").await.unwrap(), [one]);
        assert_eq!(studies::page(&store, "onc-201").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn credentials_end() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        let key = AccessKey {
            id: "LZAAAA".to_owned(),
            principal: ada,
            secret_sealed: vec![9, 9],
            created_at: 20,
            expires_at: Some(100),
            disabled_at: None,
            last_used_at: None,
        };
        credentials::create_key(&store, &key).await.unwrap();
        assert!(credentials::create_key(&store, &key).await.unwrap_err().is_unique_violation());
        credentials::touch_keys(&store, &[("LZAAAA".to_owned(), 30), ("LZAAAA".to_owned(), 25)]).await.unwrap();
        assert_eq!(credentials::key(&store, "LZAAAA").await.unwrap().unwrap().last_used_at, Some(30));
        assert!(credentials::revoke_key(&store, "LZAAAA", 40).await.unwrap());
        assert!(!credentials::revoke_key(&store, "LZAAAA", 50).await.unwrap());
        assert_eq!(credentials::keys_of(&store, ada).await.unwrap()[0].disabled_at, Some(40));
        assert_eq!(credentials::keys_of(&store, bob).await.unwrap(), []);

        let temporary = Temporary {
            id: "LZTAAA".to_owned(),
            principal: bob,
            secret_sealed: vec![8],
            token_hash: [7; 32],
            issuer: "https://idp.example".to_owned(),
            created_at: 20,
            expires_at: 100,
            revoked_at: None,
        };
        credentials::create_temporary(&store, &temporary).await.unwrap();
        assert_eq!(credentials::temporary(&store, "LZTAAA").await.unwrap().as_ref(), Some(&temporary));
        assert_eq!(credentials::revoke_temporary_of(&store, bob, 50).await.unwrap(), 1);
        assert_eq!(credentials::temporary(&store, "LZTAAA").await.unwrap().unwrap().revoked_at, Some(50));
        assert_eq!(credentials::sweep_temporary(&store, 101).await.unwrap(), 1);

        let session = PrincipalSession {
            principal: ada,
            through: "sftp".to_owned(),
            with_second_factor: true,
            created_at: 20,
            last_seen_at: 20,
            expires_at: 100,
        };
        credentials::begin_session(&store, &[3; 32], &session).await.unwrap();
        assert_eq!(credentials::session(&store, &[3; 32], 30, 0).await.unwrap(), Some(session));
        assert_eq!(credentials::session(&store, &[3; 32], 30, 20).await.unwrap(), None, "idle for too long");
        credentials::touch_session(&store, &[3; 32], 25).await.unwrap();
        assert!(credentials::session(&store, &[3; 32], 30, 20).await.unwrap().is_some());
        assert_eq!(credentials::session(&store, &[3; 32], 100, 0).await.unwrap(), None);
        assert_eq!(credentials::end_sessions_of(&store, ada).await.unwrap(), 1);
        assert!(!credentials::end_session(&store, &[3; 32]).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn grants_go_through_their_states_once() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        let mut first = grant(ada, Some("onc-201"));
        first.id = grants::reserve(&store).await.unwrap();
        grants::create(&store, &first).await.unwrap();
        let organisation = grants::reserve(&store).await.unwrap();
        grants::create(&store, &Grant { id: organisation, ..grant(bob, None) }).await.unwrap();
        assert!(grants::create(&store, &Grant { id: 99, ..grant(ada, Some("no-such-study")) }).await.is_err());
        assert_eq!(grants::by_id(&store, first.id).await.unwrap().as_ref(), Some(&first));
        first.state = GrantState::Active;
        first.approved_by = Some(bob);
        first.actions = vec![Action::List];
        first.labels = None;
        assert!(grants::change(&store, &first, GrantState::Requested).await.unwrap());
        assert!(!grants::change(&store, &first, GrantState::Requested).await.unwrap(), "it was decided before");
        assert_eq!(grants::in_state(&store, GrantState::Active, 0).await.unwrap(), [first.clone()]);
        assert_eq!(grants::in_state(&store, GrantState::Requested, 0).await.unwrap()[0].id, organisation);
        assert_eq!(grants::unused(&store, 100, 0).await.unwrap()[0].id, first.id);
        grants::touch(&store, &[(first.id, 150)]).await.unwrap();
        assert_eq!(grants::unused(&store, 100, 0).await.unwrap(), []);
        assert_eq!(grants::of(&store, ada, 0).await.unwrap().len(), 1);
        assert_eq!(grants::of(&store, ada, first.id).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn policies_have_versions() {
    on_each_engine(|store| async move {
        let (ada, _) = two(&store).await;
        policies::put(&store, "local-night", 1, "forbid one", ada, 20).await.unwrap();
        policies::put(&store, "local-night", 2, "forbid two", ada, 30).await.unwrap();
        assert!(policies::put(&store, "local-night", 2, "forbid three", ada, 40).await.is_err());
        let active = policies::active(&store).await.unwrap();
        assert_eq!((active.len(), active[0].version, active[0].text.as_str()), (1, 2, "forbid two"));
        assert!(policies::withdraw(&store, "local-night").await.unwrap());
        assert!(!policies::withdraw(&store, "local-night").await.unwrap());
        assert_eq!(policies::active(&store).await.unwrap(), []);
        assert_eq!(policies::versions(&store, "local-night").await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn emergencies_are_reviewed_once() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        let mut use_of = Emergency {
            id: 0,
            principal: ada,
            study: "onc-201".parse().unwrap(),
            reason_sealed: vec![5],
            began_at: 20,
            until: 100,
            review: Review::Pending,
            reviewed_by: None,
            reviewed_at: None,
        };
        use_of.id = emergencies::reserve(&store).await.unwrap();
        emergencies::create(&store, &use_of).await.unwrap();
        assert_eq!(emergencies::running(&store, 50, 0).await.unwrap(), [use_of.clone()]);
        assert_eq!(emergencies::running(&store, 100, 0).await.unwrap(), []);
        assert_eq!(emergencies::pending(&store, 0).await.unwrap().len(), 1);
        assert!(emergencies::review(&store, use_of.id, Review::Unjustified, bob, 60).await.unwrap());
        assert!(!emergencies::review(&store, use_of.id, Review::Justified, bob, 70).await.unwrap());
        let after = emergencies::by_id(&store, use_of.id).await.unwrap().unwrap();
        assert_eq!((after.review, after.until, after.reviewed_by), (Review::Unjustified, 60, Some(bob)));
        assert_eq!(emergencies::running(&store, 60, 0).await.unwrap(), []);
        assert_eq!(emergencies::pending(&store, 0).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn codes_are_used_once_and_failures_counted() {
    on_each_engine(|store| async move {
        let (ada, _) = two(&store).await;
        factors::enrol(&store, ada, &[1], 20).await.unwrap();
        assert_eq!(factors::totp(&store, ada).await.unwrap().unwrap().confirmed_at, None);
        assert!(factors::use_step(&store, ada, 7, 30).await.unwrap());
        assert!(!factors::use_step(&store, ada, 7, 31).await.unwrap());
        assert!(!factors::use_step(&store, ada, 6, 31).await.unwrap());
        let totp = factors::totp(&store, ada).await.unwrap().unwrap();
        assert_eq!((totp.confirmed_at, totp.last_step), (Some(30), 7));
        factors::put_recovery_codes(&store, ada, &[[1; 32], [2; 32]]).await.unwrap();
        assert!(factors::use_recovery_code(&store, ada, &[1; 32], 40).await.unwrap());
        assert!(!factors::use_recovery_code(&store, ada, &[1; 32], 41).await.unwrap());
        assert_eq!(factors::recovery_codes_left(&store, ada).await.unwrap(), 1);
        assert!(factors::remove(&store, ada).await.unwrap());
        assert_eq!(factors::recovery_codes_left(&store, ada).await.unwrap(), 0);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            tasks.spawn(async move {
                let next = |before: factors::Failures| factors::Failures {
                    failures: before.failures + 1,
                    last_at: 50,
                    locked_until: 60,
                };
                factors::fail(&store, &[9; 32], next).await.unwrap()
            });
        }
        tasks.join_all().await;
        assert_eq!(factors::failures(&store, &[9; 32]).await.unwrap().failures, 8);
        assert_eq!(factors::sweep_failures(&store, 51, 59).await.unwrap(), 0, "still locked");
        assert_eq!(factors::sweep_failures(&store, 51, 60).await.unwrap(), 1);
        factors::forgive(&store, &[9; 32]).await.unwrap();
    })
    .await;
}

fn passkey(id: &str, of: PrincipalId, credential_id: &[u8]) -> passkeys::Passkey {
    passkeys::Passkey {
        id: id.to_owned(),
        principal: of,
        credential_id: credential_id.to_vec(),
        credential: "{\"counter\":1}".to_owned(),
        name: format!("the one called {id}"),
        created_at: 20,
        last_used_at: None,
        suspected_at: None,
    }
}

#[tokio::test]
async fn passkeys_are_one_person_s_and_used_by_one_at_a_time() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        for (id, of, credential_id) in [("one", ada, [1; 64]), ("two", ada, [2; 64]), ("three", bob, [3; 64])] {
            passkeys::create(&store, &passkey(id, of, &credential_id)).await.unwrap();
        }
        let twice = passkeys::create(&store, &passkey("four", bob, &[1; 64])).await.unwrap_err();
        assert!(matches!(twice, StoreError::Exists { what: "passkey", .. }), "{twice}");
        let found = passkeys::of(&store, ada).await.unwrap();
        assert_eq!(found, [passkey("one", ada, &[1; 64]), passkey("two", ada, &[2; 64])]);
        assert_eq!(passkeys::by_credential(&store, &[2; 64]).await.unwrap().as_ref(), found.get(1));
        assert_eq!(passkeys::by_credential(&store, &[9; 64]).await.unwrap(), None);

        let (before, after) = ("{\"counter\":1}", "{\"counter\":2}");
        assert!(passkeys::used(&store, "one", before, after, 30).await.unwrap());
        assert!(!passkeys::used(&store, "one", before, "{\"counter\":3}", 31).await.unwrap(), "of two, one is refused");
        assert!(passkeys::used(&store, "one", after, after, 32).await.unwrap(), "not every authenticator counts");
        passkeys::suspect(&store, "one", 33).await.unwrap();
        let one = passkeys::by_credential(&store, &[1; 64]).await.unwrap().unwrap();
        assert_eq!((one.credential.as_str(), one.last_used_at, one.suspected_at), (after, Some(32), Some(33)));

        assert!(!passkeys::remove(&store, bob, "one").await.unwrap(), "it is another's");
        assert!(passkeys::remove(&store, ada, "one").await.unwrap());
        assert!(!passkeys::remove(&store, ada, "one").await.unwrap());
        assert_eq!(passkeys::remove_all(&store, ada).await.unwrap(), 1);
        assert_eq!(passkeys::of(&store, bob).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn recovery_codes_go_with_the_last_second_factor() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        for who in [ada, bob] {
            factors::put_recovery_codes(&store, who, &[[1; 32], [2; 32]]).await.unwrap();
        }
        let left = async |who| factors::recovery_codes_left(&store, who).await.unwrap();
        for (id, number) in [("one", 1), ("two", 2)] {
            passkeys::create(&store, &passkey(id, ada, &[number; 16])).await.unwrap();
        }
        factors::enrol(&store, ada, &[1], 20).await.unwrap();
        assert!(factors::use_step(&store, ada, 7, 30).await.unwrap());
        assert!(passkeys::remove(&store, ada, "one").await.unwrap());
        assert!(factors::remove(&store, ada).await.unwrap());
        assert_eq!(left(ada).await, 2, "a passkey is left");
        factors::enrol(&store, ada, &[1], 20).await.unwrap();
        assert!(passkeys::remove(&store, ada, "two").await.unwrap());
        assert_eq!(left(ada).await, 0, "a generator that nobody confirmed is none");
        assert_eq!(left(bob).await, 2);
    })
    .await;
}

#[tokio::test]
async fn lists_of_access_are_filtered_and_counted() {
    on_each_engine(|store| async move {
        let (ada, bob) = two(&store).await;
        let gone = Principal { disabled_at: Some(5), ..principal(3, "Adam") };
        let robot = Principal { kind: PrincipalKind::Service, ..principal(4, "robot_1%") };
        principals::create(&store, &gone).await.unwrap();
        principals::create(&store, &robot).await.unwrap();
        let named = async |text: &str, kind, skip, limit| -> Vec<String> {
            let found = principals::named_like(&store, text, kind, skip, limit).await.unwrap();
            found.into_iter().map(|principal| principal.name).collect()
        };
        assert_eq!(named("", None, 0, 10).await, ["ada", "bob", "robot_1%", "Adam"], "the disabled last");
        assert_eq!(named("AD", None, 0, 10).await, ["ada", "Adam"]);
        assert_eq!(named("", None, 1, 2).await, ["bob", "robot_1%"]);
        assert_eq!(named("", Some(PrincipalKind::Service), 0, 10).await, ["robot_1%"]);
        assert_eq!(
            (named("_1%", None, 0, 10).await.len(), named("a_a", None, 0, 10).await.len()),
            (1, 0),
            "no wildcards"
        );
        assert_eq!((principals::count(&store).await.unwrap(), studies::count(&store).await.unwrap()), (3, 1));

        let active = |id, actions: Vec<Action>, valid_from| Grant {
            id,
            actions,
            state: GrantState::Active,
            requested_by: bob,
            valid_from,
            valid_until: None,
            ..grant(ada, Some("onc-201"))
        };
        let signed = Grant { approved_by: Some(bob), ..active(2, vec![Action::Export], 20) };
        let over = Grant { valid_until: Some(30), ..active(3, vec![Action::Delete], 20) };
        let requested = Grant { id: 4, ..grant(ada, Some("onc-201")) };
        for new in [active(1, vec![Action::Read, Action::Administer], 20), signed, over, requested] {
            grants::create(&store, &new).await.unwrap();
        }
        let ids = grants::countersignable(&store, 40, 0).await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids, [1]);
        assert!(grants::countersignable(&store, 40, 1).await.unwrap().is_empty());
        assert_eq!(grants::waiting(&store, 100).await.unwrap(), (1, 3));
        assert_eq!(grants::waiting(&store, 20).await.unwrap(), (1, 0));

        policies::put(&store, "local", 1, "one", ada, 10).await.unwrap();
        policies::put(&store, "local", 2, "two", ada, 11).await.unwrap();
        policies::put(&store, "other", 1, "three", ada, 12).await.unwrap();
        policies::withdraw(&store, "other").await.unwrap();
        let newest = policies::newest(&store, "").await.unwrap();
        let told: Vec<_> = newest.iter().map(|one| (one.id.as_str(), one.version, one.is_active)).collect();
        assert_eq!(told, [("local", 2, true), ("other", 1, false)]);
        assert_eq!(policies::newest(&store, "local").await.unwrap().len(), 1);
        for id in 1..=3 {
            let new = Emergency {
                id,
                principal: ada,
                study: "onc-201".parse().unwrap(),
                reason_sealed: vec![],
                began_at: 1,
                until: 2,
                review: Review::Pending,
                reviewed_by: None,
                reviewed_at: None,
            };
            emergencies::create(&store, &new).await.unwrap();
        }
        let newest = emergencies::newest(&store, 3, 1).await.unwrap();
        assert_eq!(newest.iter().map(|one| one.id).collect::<Vec<_>>(), [2]);
    })
    .await;
}
