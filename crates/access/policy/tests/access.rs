//! Grants, requests, emergencies, reviews and changes of policy from the outside, on both engines.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

#[path = "support/doubles.rs"]
mod doubles;
#[path = "../../../base/store/tests/support/engines.rs"]
mod engines;
#[path = "access/reach.rs"]
mod reach;

use std::collections::HashMap;
use std::sync::Arc;

use doubles::{Clear, Ledger, by};
use engines::on_each_engine;
use model::event::{Activity, Outcome};
use model::{Action, Label, PrincipalId, PrincipalKind, StudyId};
use policy::{Access, AccessError, Circumstances, NewGrant, Rights, Thing};
use store::principals::Principal;
use store::{Store, principals};

const DAY: i64 = 24 * 60 * 60 * 1000;
const ROOT: PrincipalId = PrincipalId::from_bytes([9; 16]);

fn principal(number: u8, kind: PrincipalKind) -> Principal {
    Principal {
        id: PrincipalId::from_bytes([number; 16]),
        kind,
        name: format!("somebody {number}"),
        user_id: None,
        organisation: None,
        training_until: Some(1_000 * DAY),
        agreement_until: Some(1_000 * DAY),
        contained_at: None,
        created_at: 0,
        disabled_at: None,
    }
}

fn at(now_ms: i64) -> Circumstances {
    Circumstances { now_ms, mfa: true, destination: Some("DE".to_owned()), ..Circumstances::default() }
}

fn study() -> StudyId {
    "onc-201".parse().unwrap()
}

fn new(who: &Principal, actions: &[Action], until: Option<i64>) -> NewGrant {
    let rights = Rights::Actions(actions.to_vec());
    NewGrant { principal: who.id, study: Some(study()), rights, labels: None, from: None, until }
}

struct World {
    store: Store,
    ledger: Arc<Ledger>,
    access: Access,
    ada: Principal,
    bob: Principal,
}

async fn world(store: Store) -> World {
    let (ada, bob) = (principal(1, PrincipalKind::Person), principal(2, PrincipalKind::Person));
    let root = principal(9, PrincipalKind::Person);
    for one in [&ada, &bob, &root] {
        principals::create(&store, one).await.unwrap();
    }
    let ledger = Arc::new(Ledger::default());
    let access = Access::open(store.clone(), ledger.clone(), Arc::new(Clear), 0).await.unwrap();
    access.create_study(study(), "A study", None, vec!["DE".to_owned()], &by(ROOT, 1)).await.unwrap();
    World { store, ledger, access, ada, bob }
}

impl World {
    fn may(&self, who: &Principal, action: Action, now: i64) -> bool {
        self.access.decide(who, action, Some(&study()), None, &at(now)).allowed
    }
}

#[tokio::test]
async fn a_grant_allows_until_it_is_taken_back() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada) = (&world.access, &world.ada);
        assert!(!world.may(ada, Action::Read, 10));
        let denied = access.decide(ada, Action::Read, Some(&study()), None, &at(10));
        assert_eq!(denied.code, "policy:no-grant");
        assert!(denied.hint.contains("grant"), "{denied:?}");
        let grant = access.give(new(ada, &[Action::List, Action::Read], Some(100)), &by(ROOT, 10)).await.unwrap();
        let event = world.ledger.last();
        assert_eq!((event.activity, event.resource.entity.as_deref()), (Activity::Grant, Some("grant:1")));
        assert!(event.new.unwrap().contains("actions=list read"));
        assert!(world.may(ada, Action::Read, 11));
        assert!(!world.may(ada, Action::Write, 11));
        assert!(!world.may(&world.bob, Action::Read, 11));
        assert!(!world.may(ada, Action::Read, 100), "it ends by itself");
        let again = Access::open(world.store.clone(), world.ledger.clone(), Arc::new(Clear), 11).await.unwrap();
        assert!(again.decide(ada, Action::Read, Some(&study()), None, &at(11)).allowed, "it is kept");
        access.revoke(grant.id, &by(ROOT, 12)).await.unwrap();
        assert!(!world.may(ada, Action::Read, 12), "at once");
        let twice = access.revoke(grant.id, &by(ROOT, 13)).await.unwrap_err();
        assert!(matches!(twice, AccessError::State { .. }), "{twice}");
        let nowhere = access.decide(ada, Action::Read, Some(&"no-such".parse().unwrap()), None, &at(11));
        assert_eq!(nowhere.code, "policy:no-study");
    })
    .await;
}

#[tokio::test]
async fn nothing_changes_that_cannot_be_recorded() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada) = (&world.access, &world.ada);
        let grant = access.give(new(ada, &[Action::Read], None), &by(ROOT, 10)).await.unwrap();
        let asked =
            access.request(new(ada, &[Action::Write], Some(90)), "for the import", &by(ada.id, 10)).await.unwrap();
        world.ledger.fail(true);
        let refused = |error: AccessError| assert!(matches!(error, AccessError::Record(_)), "{error}");
        refused(access.give(new(ada, &[Action::List], None), &by(ROOT, 11)).await.unwrap_err());
        refused(access.approve(asked.id, &by(ROOT, 11)).await.unwrap_err());
        refused(access.revoke(grant.id, &by(ROOT, 11)).await.unwrap_err());
        refused(access.contain_study(&study(), true, &by(ROOT, 11)).await.unwrap_err());
        refused(access.create_study("new-1".parse().unwrap(), "x", None, vec![], &by(ROOT, 11)).await.unwrap_err());
        assert!(world.may(ada, Action::Read, 12));
        assert!(!world.may(ada, Action::List, 12));
        assert!(!world.may(ada, Action::Write, 12));
        let again = Access::open(world.store.clone(), world.ledger.clone(), Arc::new(Clear), 11).await.unwrap();
        assert!(!again.decide(ada, Action::List, Some(&study()), None, &at(12)).allowed);
        assert!(again.study(&"new-1".parse().unwrap()).is_none());
    })
    .await;
}

#[tokio::test]
async fn what_the_store_refuses_is_recorded_as_not_done() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        world.store.execute("DROP TABLE emergencies", &[]).await.unwrap();
        world.store.execute("ALTER TABLE grants RENAME TO gone", &[]).await.unwrap();
        let failed = world.access.give(new(&world.ada, &[Action::Read], None), &by(ROOT, 10)).await.unwrap_err();
        assert!(matches!(failed, AccessError::Store(_)), "{failed}");
        assert_eq!(world.ledger.last().outcome, Outcome::Failure { code: "access:store".into() });
        assert!(!world.may(&world.ada, Action::Read, 12));
    })
    .await;
}

#[tokio::test]
async fn deletion_takes_two_people() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada, bob) = (&world.access, &world.ada, &world.bob);
        let alone = access.give(new(ada, &[Action::Delete], Some(DAY)), &by(ROOT, 10)).await.unwrap();
        let denied = access.decide(ada, Action::Delete, Some(&study()), None, &at(11));
        assert_eq!(denied.code, "policy:four-eyes");
        assert!(denied.hint.contains("somebody else"));
        for same in [ROOT, ada.id] {
            let error = access.approve(alone.id, &by(same, 12)).await.unwrap_err();
            assert!(matches!(error, AccessError::SamePerson { .. }), "{error}");
        }
        access.approve(alone.id, &by(bob.id, 12)).await.unwrap();
        assert!(world.may(ada, Action::Delete, 13));

        let short = access.request(new(bob, &[Action::Export], None), "to the sponsor", &by(bob.id, 14)).await;
        assert!(matches!(short.unwrap_err(), AccessError::Wrong { .. }), "a request has an end");
        let silent = access.request(new(bob, &[Action::Export], Some(DAY)), " ok ", &by(bob.id, 14)).await;
        assert!(matches!(silent.unwrap_err(), AccessError::Wrong { .. }), "a request has a reason");
        let asked =
            access.request(new(bob, &[Action::Export], Some(DAY)), "to the sponsor", &by(bob.id, 14)).await.unwrap();
        assert_eq!(world.ledger.last().details[0].value, "to the sponsor");
        assert_eq!(access.reason_of(&asked).await.unwrap().as_deref(), Some("to the sponsor"));
        assert!(!world.may(bob, Action::Export, 15));
        assert_eq!(access.requested(0).await.unwrap().len(), 1);
        assert!(access.approve(asked.id, &by(bob.id, 15)).await.is_err(), "nobody approves what they asked for");
        access.approve(asked.id, &by(ada.id, 15)).await.unwrap();
        assert!(world.may(bob, Action::Export, 16));
        assert!(access.approve(asked.id, &by(ROOT, 16)).await.is_err(), "it was decided");
        let refused =
            access.request(new(bob, &[Action::Share], Some(DAY)), "for a partner", &by(bob.id, 17)).await.unwrap();
        access.refuse(refused.id, &by(ada.id, 18)).await.unwrap();
        assert!(access.approve(refused.id, &by(ROOT, 18)).await.is_err());
        let late =
            access.request(new(bob, &[Action::Share], Some(DAY)), "for a partner", &by(bob.id, 17)).await.unwrap();
        assert!(access.approve(late.id, &by(ROOT, DAY)).await.is_err(), "its time is over");
        assert_eq!(access.sweep(&by(ROOT, DAY)).await.unwrap(), 3);
        assert_eq!(access.grant(asked.id).await.unwrap().state.as_str(), "expired");
    })
    .await;
}

#[tokio::test]
async fn the_glass_is_broken_for_a_reason_and_reviewed() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada, bob) = (&world.access, &world.ada, &world.bob);
        let (study, here) = (study(), at(20));
        let why = "patient in intensive care, allocation needed";
        let early = access.break_glass(ada, &study, why, 1_000, &here, &by(ada.id, 20)).await.unwrap_err();
        assert!(matches!(&early, AccessError::Denied { rule, .. } if rule == "policy:no-grant"), "{early}");
        let role = NewGrant { rights: Rights::Role("responder".to_owned()), ..new(ada, &[], None) };
        access.give(role, &by(ROOT, 10)).await.unwrap();
        let blinded = NewGrant { rights: Rights::Role("blinded-reader".to_owned()), ..new(ada, &[], None) };
        access.give(blinded, &by(ROOT, 10)).await.unwrap();
        let thing = Some(Thing { id: None, labels: &[Label::TrialUnblinding] });
        let blind = access.decide(ada, Action::Read, Some(&study), thing, &here);
        assert_eq!(blind.code, "policy:blinding");
        let without = Circumstances { mfa: false, ..here.clone() };
        let error = access.break_glass(ada, &study, why, 1_000, &without, &by(ada.id, 20)).await.unwrap_err();
        assert!(matches!(&error, AccessError::Denied { rule, .. } if rule == "policy:second-factor"), "{error}");
        assert!(access.break_glass(ada, &study, "", 1_000, &here, &by(ada.id, 20)).await.is_err());
        assert!(access.break_glass(ada, &study, why, DAY, &here, &by(ada.id, 20)).await.is_err());
        let emergency = access.break_glass(ada, &study, why, 1_000, &here, &by(ada.id, 20)).await.unwrap();
        let event = world.ledger.last();
        assert_eq!((event.action, event.details[0].value.as_str()), (Some(Action::BreakGlass), why));
        let open = access.decide(ada, Action::Read, Some(&study), thing, &at(21));
        assert!(open.allowed && open.policies.contains(&"emergency".to_owned()), "{open:?}");
        assert!(!access.decide(ada, Action::Write, Some(&study), thing, &at(21)).allowed);
        assert!(!access.decide(ada, Action::Read, Some(&study), thing, &at(1_020)).allowed, "it ends by itself");
        assert_eq!(access.to_review(0).await.unwrap(), std::slice::from_ref(&emergency));
        assert_eq!(access.reason_for(&emergency).await.unwrap(), why);
        assert!(access.review(emergency.id, true, &by(ada.id, 30)).await.is_err(), "not by herself");
        access.review(emergency.id, false, &by(bob.id, 30)).await.unwrap();
        assert!(!access.decide(ada, Action::Read, Some(&study), thing, &at(31)).allowed, "its review ends it");
        assert_eq!(access.to_review(0).await.unwrap(), []);
        assert!(access.review(emergency.id, true, &by(bob.id, 32)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn unused_grants_are_narrowed() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada) = (&world.access, &world.ada);
        let used = access.give(new(ada, &[Action::List, Action::Read], None), &by(ROOT, 10)).await.unwrap();
        let idle = access.give(new(&world.bob, &[Action::Read, Action::Write], None), &by(ROOT, 10)).await.unwrap();
        assert!(world.may(ada, Action::Read, 50 * DAY));
        let unused = access.unused(30, 60 * DAY, 0).await.unwrap();
        assert_eq!(unused.iter().map(|grant| grant.id).collect::<Vec<_>>(), [idle.id]);
        assert_eq!(access.grant(used.id).await.unwrap().last_used_at, Some(50 * DAY));
        let late = by(ROOT, 61 * DAY);
        assert!(access.narrow(idle.id, &[Action::Delete], None, None, &late).await.is_err(), "never more");
        assert!(access.narrow(idle.id, &[], None, None, &late).await.is_err());
        let labels = Some(vec![Label::None]);
        access.narrow(idle.id, &[Action::Read], labels, Some(90 * DAY), &late).await.unwrap();
        let event = world.ledger.last();
        assert!(event.old.unwrap().contains("read write") && event.new.unwrap().contains("labels=none"));
        let wider = Some(vec![Label::None, Label::Secret]);
        assert!(access.narrow(idle.id, &[Action::Read], wider, None, &late).await.is_err());
        assert!(access.narrow(idle.id, &[Action::Read], None, Some(91 * DAY), &late).await.is_err());
        assert!(!world.may(&world.bob, Action::Write, 62 * DAY));
        assert!(world.may(&world.bob, Action::Read, 62 * DAY));
        let thing = |labels| Some(Thing { id: None, labels });
        let decide = |labels| access.decide(&world.bob, Action::Read, Some(&study()), thing(labels), &at(62 * DAY));
        assert!(decide(&[Label::None]).allowed);
        assert_eq!(decide(&[Label::None, Label::Personal]).code, "policy:no-grant");
    })
    .await;
}

const NIGHT: &str = r#"@id("local") @title("Partners only list") @why("our own rule 7") @hint("ask the data office")
forbid (principal is Partner, action, resource) unless { action == Action::"list" };"#;

#[tokio::test]
async fn policies_change_with_their_effect_shown() {
    // On SQLite alone: every effect takes some 170,000 decisions; the store's own tests hold both engines to the rest.
    {
        let folder = tempfile::tempdir().unwrap();
        let world = world(Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap()).await;
        let access = &world.access;
        let partner = principal(3, PrincipalKind::Partner);
        principals::create(&world.store, &partner).await.unwrap();
        access.give(new(&partner, &[Action::List, Action::Read], None), &by(ROOT, 10)).await.unwrap();
        assert!(world.may(&partner, Action::Read, 11));
        let preview = access.preview("local", Some(NIGHT)).await.unwrap();
        assert_eq!((preview.version, preview.allowed), (1, 0));
        assert!(preview.denied > 50 && preview.differences.iter().all(|d| d.case.kind == PrincipalKind::Partner));
        assert!(world.may(&partner, Action::Read, 12), "a preview changes nothing");
        let effects = access.effects("local", Some(NIGHT), &HashMap::new(), &at(12)).await.unwrap();
        assert_eq!((effects.losing, effects.gaining, effects.compared), (1, 0, effects.pairs));
        let told: Vec<_> = effects.told.iter().map(|one| (one.principal, one.action)).collect();
        assert_eq!(told, [(partner.id, Action::Read)], "what a preview tells of people is what is decided then");
        assert_eq!(policy::id_of(NIGHT).unwrap(), "local");
        assert!(policy::id_of("permit").is_err() && policy::id_of(&format!("{NIGHT}{NIGHT}")).is_err());
        access.change_policy("local", Some(NIGHT), 1, &by(ROOT, 13)).await.unwrap();
        assert!(world.ledger.last().new.unwrap().starts_with("version=1 denied="));
        let denied = access.decide(&partner, Action::Read, Some(&study()), None, &at(14));
        assert_eq!((denied.code.as_str(), denied.hint.as_str()), ("policy:local", "ask the data office"));
        assert!(world.may(&partner, Action::List, 14));
        let stale = access.change_policy("local", Some(NIGHT), 1, &by(ROOT, 15)).await;
        assert!(stale.is_err(), "somebody changed it meanwhile");
        let again = Access::open(world.store.clone(), world.ledger.clone(), Arc::new(Clear), 14).await.unwrap();
        assert!(!again.decide(&partner, Action::Read, Some(&study()), None, &at(14)).allowed, "it is kept");
        world.ledger.fail(true);
        let unrecorded = access.change_policy("local", None, 2, &by(ROOT, 16)).await.map(|_| ()).unwrap_err();
        assert!(matches!(unrecorded, AccessError::Record(_)), "{unrecorded}");
        assert!(!world.may(&partner, Action::Read, 16));
        world.ledger.fail(false);
        access.change_policy("local", None, 2, &by(ROOT, 16)).await.unwrap();
        assert!(world.may(&partner, Action::Read, 17));

        let head = r#"@id("local") @title("t") @why("w") @hint("h") "#;
        for (text, why) in [
            (format!("{head} permit (principal, action, resource);"), "may only forbid"),
            (format!("{head} forbid (principal, action, resource) when {{ resource.size > 3 }};"), "size"),
            (format!("{head} forbid (principal, action, resource) when {{ context.mfa == \"x\" }};"), "local"),
            (format!("{head} forbid (principal, action"), "unexpected"),
            ("forbid (principal, action, resource);".to_owned(), "@id"),
            (NIGHT.replace("local", "other"), "@id"),
            (format!("{NIGHT}{NIGHT}"), "2 policies"),
            (format!("{head} forbid (principal == ?principal, action, resource);"), "templates"),
        ] {
            let error = access.preview("local", Some(&text)).await.unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
        assert!(access.preview("Local", Some(NIGHT)).await.is_err());
        assert!(access.preview("local", None).await.is_err(), "there is none to take out of force");
        let grant = r#"@id("grant") @title("t") @why("w") @hint("h") forbid (principal, action, resource);"#;
        assert!(access.preview("grant", Some(grant)).await.is_err(), "what opens doors stays");
    }
}

#[tokio::test]
async fn what_is_contained_or_closed_stays_so() {
    on_each_engine(|store| async move {
        let world = world(store).await;
        let (access, ada) = (&world.access, &world.ada);
        access.give(new(ada, &[Action::Read, Action::Write], None), &by(ROOT, 10)).await.unwrap();
        access.close_study(&study(), true, &by(ROOT, 11)).await.unwrap();
        assert!(world.may(ada, Action::Read, 12));
        assert!(!world.may(ada, Action::Write, 12));
        access.contain_study(&study(), true, &by(ROOT, 13)).await.unwrap();
        assert!(!world.may(ada, Action::Read, 14));
        access.contain_study(&study(), false, &by(ROOT, 15)).await.unwrap();
        assert!(world.may(ada, Action::Read, 16));
        let contained = Principal { contained_at: Some(1), ..ada.clone() };
        assert!(!world.may(&contained, Action::Read, 16));
        assert!(access.set_countries(&study(), vec!["Germany".to_owned()], &by(ROOT, 17)).await.is_err());
        assert_eq!(
            access.set_countries(&study(), vec!["FR".into(), "DE".into()], &by(ROOT, 17)).await.unwrap().countries,
            ["DE", "FR"]
        );
    })
    .await;
}
