//! Who reaches what is exactly what deciding for everybody says.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Action, Label, PrincipalId, PrincipalKind, StudyId};
use policy::{Access, Circumstances, Thing};
use proptest::prelude::*;
use store::emergencies::{Emergency, Review};
use store::grants::{Grant, GrantState};
use store::principals::Principal;
use store::studies::Study;
use store::{Store, emergencies, grants, principals, studies};

use crate::doubles::{Clear, Ledger};

const PEOPLE: u8 = 8;
const STUDIES: [&str; 3] = ["study-a", "study-b", "study-c"];
const NOW: i64 = 100;
const SETS: [&[Label]; 6] = [
    &[Label::None],
    &[Label::PhiDirect],
    &[Label::TrialUnblinding, Label::TrialSubject],
    &[Label::Secret],
    &[Label::SpecialGenetic],
    &[],
];

fn person(number: u8) -> Principal {
    let kind = PrincipalKind::ALL[usize::from(number) % PrincipalKind::ALL.len()];
    Principal {
        id: PrincipalId::from_bytes([number; 16]),
        kind,
        name: format!("somebody {number}"),
        user_id: None,
        organisation: None,
        training_until: (!number.is_multiple_of(3)).then_some(200),
        agreement_until: Some(200),
        contained_at: (number == 7).then_some(1),
        created_at: 0,
        disabled_at: (number == 6).then_some(1),
    }
}

fn study(id: &str) -> Study {
    Study {
        id: id.parse().unwrap(),
        title: String::new(),
        sponsor: None,
        countries: vec!["DE".to_owned()],
        created_at: 0,
        contained_at: None,
        closed_at: (id == "study-c").then_some(1),
    }
}

prop_compose! {
    fn any_grant()(
        who in 0..PEOPLE,
        place in 0..=STUDIES.len(),
        actions in proptest::sample::subsequence(Action::ALL, 1..=4),
        labels in proptest::option::of(proptest::sample::subsequence(Label::ALL, 1..=10)),
        role in proptest::option::of(proptest::sample::select(vec!["steward", "blinded-reader", "no-such-role"])),
        approved in proptest::option::of(0..PEOPLE),
        from in 0..150_i64,
        until in proptest::option::of(50..300_i64),
        state in proptest::sample::select(vec![
            GrantState::Active, GrantState::Active, GrantState::Requested, GrantState::Revoked, GrantState::Expired,
        ]),
    ) -> Grant {
        Grant {
            id: 0,
            principal: PrincipalId::from_bytes([who; 16]),
            study: STUDIES.get(place).map(|id| id.parse().unwrap()),
            role: role.map(str::to_owned),
            actions,
            labels,
            state,
            requested_by: PrincipalId::from_bytes([0; 16]),
            requested_at: 0,
            reason_sealed: None,
            approved_by: approved.map(|by| PrincipalId::from_bytes([by; 16])),
            valid_from: from,
            valid_until: until,
            ended_at: None,
            ended_by: None,
            last_used_at: None,
        }
    }
}

/// Whether any grant in force, or an emergency, speaks for it: written once more, without index or Cedar.
fn speaks(who: &Principal, place: Option<&StudyId>, action: Action, labels: &[Label], grants: &[Grant]) -> bool {
    grants.iter().any(|grant| {
        grant.principal == who.id
            && grant.study.as_ref() == place
            && grant.state == GrantState::Active
            && grant.actions.contains(&action)
            && grant.valid_from <= NOW
            && grant.valid_until.is_none_or(|until| NOW < until)
            && grant.labels.as_ref().is_none_or(|limit| labels.iter().all(|label| limit.contains(label)))
    })
}

async fn check(given: Vec<Grant>, emergency: Option<(u8, usize)>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
    for number in 0..PEOPLE {
        principals::create(&store, &person(number)).await.unwrap();
    }
    for id in STUDIES {
        studies::create(&store, &study(id)).await.unwrap();
    }
    for (id, grant) in (1..).zip(&given) {
        grants::create(&store, &Grant { id, ..grant.clone() }).await.unwrap();
    }
    if let Some((who, at)) = emergency {
        let emergency = Emergency {
            id: 1,
            principal: PrincipalId::from_bytes([who; 16]),
            study: STUDIES[at].parse().unwrap(),
            reason_sealed: vec![],
            began_at: 0,
            until: 200,
            review: Review::Pending,
            reviewed_by: None,
            reviewed_at: None,
        };
        emergencies::create(&store, &emergency).await.unwrap();
    }
    let access = Access::open(store.clone(), Arc::new(Ledger::default()), Arc::new(Clear), NOW).await.unwrap();
    let here = Circumstances { now_ms: NOW, mfa: true, destination: Some("DE".into()), ..Circumstances::default() };
    let places: Vec<Option<StudyId>> =
        STUDIES.iter().map(|id| Some(id.parse().unwrap())).chain(std::iter::once(None)).collect();
    for place in &places {
        for labels in std::iter::once(None).chain(SETS.into_iter().map(Some)) {
            let thing = labels.map(|labels| Thing { id: None, labels });
            let mut brute = BTreeSet::new();
            for number in 0..PEOPLE {
                for action in Action::ALL {
                    let who = person(number);
                    let decision = access.decide(&who, *action, place.as_ref(), thing, &here);
                    let broke = emergency.is_some_and(|(one, at)| {
                        one == number && place.as_ref().map(StudyId::as_str) == Some(STUDIES[at])
                    });
                    let spoken = speaks(&who, place.as_ref(), *action, labels.unwrap_or_default(), &given);
                    assert!(!decision.allowed || spoken || broke, "{decision:?} without a grant");
                    assert_eq!(!broke && !spoken, decision.code == "policy:no-grant" && !broke, "{decision:?}");
                    if decision.allowed {
                        brute.insert((who.id, *action));
                    }
                }
            }
            let (candidates, _) = access.candidates(place.as_ref(), None, usize::MAX);
            for number in 0..PEOPLE {
                let who = person(number);
                for told in access.tell(&who, Action::ALL, place.as_ref(), thing, &here) {
                    assert_eq!(told.decision.allowed, brute.contains(&(who.id, told.action)));
                    let is_candidate = candidates.contains(&who.id);
                    assert!(is_candidate || !(told.granted || told.decision.allowed), "nobody else reaches it");
                    let spoken = speaks(&who, place.as_ref(), told.action, labels.unwrap_or_default(), &given);
                    assert_eq!(told.granted, spoken);
                    assert!(told.granted || !told.unlimited);
                }
            }
            let who = access.who(place.as_ref(), thing, &here).await.unwrap();
            assert_eq!(who.len(), brute.len());
            assert_eq!(who.iter().map(|reach| (reach.principal, reach.action)).collect::<BTreeSet<_>>(), brute);
        }
    }
    for number in 0..PEOPLE {
        let who = person(number);
        let mut brute = Vec::new();
        for place in places.iter().rev().take(1).chain(places.iter().take(STUDIES.len())) {
            let sets = SETS.into_iter().filter(|_| place.is_some());
            for labels in std::iter::once(None).chain(sets.map(Some)) {
                let thing = labels.map(|labels| Thing { id: None, labels });
                for action in Action::ALL {
                    if access.decide(&who, *action, place.as_ref(), thing, &here).allowed {
                        brute.push((place.clone(), labels.map(<[Label]>::to_vec), *action));
                    }
                }
            }
        }
        let sets = |_: &StudyId| SETS.iter().map(|labels| labels.to_vec()).collect();
        let what = access.what(&who, sets, &here);
        let what: Vec<_> = what.into_iter().map(|one| (one.study, one.labels, one.action)).collect();
        assert_eq!(what, brute);
    }
    store.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn reach_is_exact(
        given in proptest::collection::vec(any_grant(), 0..24),
        emergency in proptest::option::of((0..PEOPLE, 0..STUDIES.len())),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(given, emergency));
    }
}
