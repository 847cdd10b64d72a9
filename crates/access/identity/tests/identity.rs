//! Principals and credentials from the outside, on both engines.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

#[path = "support/authenticator.rs"]
mod authenticator;
#[path = "../../policy/tests/support/doubles.rs"]
mod doubles;
#[path = "../../../base/store/tests/support/engines.rs"]
mod engines;
#[path = "identity/federation.rs"]
mod federation;
#[path = "identity/passkeys.rs"]
mod passkeys;
#[path = "identity/tokens.rs"]
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doubles::{Clear, Ledger, by};
use engines::on_each_engine;
use identity::{
    Algorithm, Attributes, Identity, IdentityError, KEYS_PER_PRINCIPAL_MAX, NewPrincipal, Random, SESSION_IDLE_MS,
    SESSION_LIFE_MS,
};
use model::event::{Activity, Outcome};
use model::{PrincipalId, PrincipalKind};
use secrecy::ExposeSecret;
use store::principals::Principal;
use store::{Store, StoreError, users};

const ROOT: PrincipalId = PrincipalId::from_bytes([9; 16]);

/// Numbers in place of randomness, so that nothing repeats and everything can be replayed.
fn random() -> Random {
    let next = AtomicU64::new(1);
    Arc::new(move || {
        let number = next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        Ok(std::array::from_fn(|at| number[at % 8] ^ at as u8))
    })
}

fn identity(store: &Store) -> (Identity, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::default());
    (Identity::new(store.clone(), ledger.clone(), Arc::new(Clear), random()), ledger)
}

fn new(name: &str) -> NewPrincipal {
    NewPrincipal { kind: PrincipalKind::Service, name: name.to_owned(), organisation: None }
}

async fn service(identity: &Identity) -> Principal {
    identity.create(new("pipeline"), &by(ROOT, 10)).await.unwrap()
}

#[tokio::test]
async fn ids_are_random_and_never_another_s() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let one = service(&identity).await;
        assert_eq!(
            (ledger.last().activity, ledger.last().details[0].value.as_str()),
            (Activity::AccountCreate, "pipeline")
        );
        let taken = identity.create(new(" pipeline "), &by(ROOT, 11)).await.unwrap_err();
        assert!(matches!(taken, IdentityError::Store(StoreError::Exists { .. })), "{taken}");
        identity.disable(one.id, &by(ROOT, 12)).await.unwrap();
        let other = identity.create(new("pipeline"), &by(ROOT, 13)).await.unwrap();
        assert_ne!(one.id, other.id, "a name comes back, an id does not");
        assert!(identity.enable(one.id, &by(ROOT, 14)).await.is_err(), "its name is another's");
        for wrong in ["", "  ", "a\u{7}b", &"x".repeat(129)] {
            assert!(identity.create(new(wrong), &by(ROOT, 15)).await.is_err(), "{wrong:?}");
        }
        let partner = NewPrincipal { kind: PrincipalKind::Partner, ..new("cro") };
        assert!(identity.create(partner, &by(ROOT, 15)).await.is_err(), "a partner has an organisation");
        let user = users::create(&store, "ada", "h", "viewer", 5).await.unwrap();
        let ada = identity.of_user(user, &by(ROOT, 16)).await.unwrap();
        assert_eq!((ada.kind, ada.name.as_str()), (PrincipalKind::Person, "ada"));
        assert_eq!(identity.of_user(user, &by(ROOT, 17)).await.unwrap(), ada);
        identity.disable(ada.id, &by(ROOT, 18)).await.unwrap();
        assert!(users::by_id(&store, user).await.unwrap().unwrap().disabled_at.is_some(), "in the console too");
    })
    .await;
}

#[tokio::test]
async fn notice_of_leaving_is_noted_for_people_and_taken_back() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let person = NewPrincipal { kind: PrincipalKind::Person, ..new("ada") };
        let ada = identity.create(person, &by(ROOT, 10)).await.unwrap();
        assert_eq!(identity.last_day_of(ada.id).await.unwrap(), None);
        for last_day in ["2026-03-31", " 2026-04-30 "] {
            identity.note_leaving(ada.id, Some(last_day), &by(ROOT, 11)).await.unwrap();
            let known = identity.last_day_of(ada.id).await.unwrap().unwrap();
            assert_eq!((known.date.as_str(), known.from_directory), (last_day.trim(), false));
        }
        let told = ledger.last();
        assert_eq!((told.activity, told.new.as_deref()), (Activity::Change, Some("notice_of_leaving=given")));
        let detail = &told.details[0];
        assert_eq!((detail.field.as_ref(), detail.value.as_str()), ("leaves_on", "2026-04-30"), "sealed, not in clear");
        assert_eq!(store::leaving::all(&store).await.unwrap().len(), 1);
        for wrong in ["31.3.2026", "2026-02-30", ""] {
            let error = identity.note_leaving(ada.id, Some(wrong), &by(ROOT, 12)).await.unwrap_err().to_string();
            assert!(error.contains("is no date; give the last day"), "{error}");
        }
        identity.note_leaving(ada.id, None, &by(ROOT, 13)).await.unwrap();
        assert_eq!(ledger.last().new.as_deref(), Some("notice_of_leaving=withdrawn"));
        assert_eq!(identity.last_day_of(ada.id).await.unwrap(), None);
        let error = identity.note_leaving(ada.id, None, &by(ROOT, 14)).await.unwrap_err().to_string();
        assert!(error.contains("no notice of leaving of `ada`"), "{error}");
        let pipeline = service(&identity).await;
        let error = identity.note_leaving(pipeline.id, Some("2026-03-31"), &by(ROOT, 15)).await.unwrap_err();
        assert!(error.to_string().contains("people leave"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn access_keys_work_until_something_changes() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let pipeline = service(&identity).await;
        let key = identity.create_key(pipeline.id, Some(1_000), &by(ROOT, 20)).await.unwrap();
        assert_eq!((key.id.len(), key.secret.expose_secret().len(), &key.id[..2]), (20, 40, "LZ"));
        assert!(!format!("{key:?}").contains(key.secret.expose_secret()));
        let kept = &identity.keys_of(pipeline.id).await.unwrap()[0];
        assert!(kept.secret_sealed.starts_with(format!("principal:{}|", pipeline.id).as_bytes()));
        for event in ledger.events.lock().unwrap().iter() {
            assert!(!format!("{event:?}").contains(key.secret.expose_secret()));
        }
        for _ in 0..2 {
            let found = identity.resolve(&key.id, None, 30).await.unwrap().unwrap();
            assert_eq!(found.secret.expose_secret(), key.secret.expose_secret());
            assert_eq!(found.principal.id, pipeline.id);
        }
        assert!(identity.resolve(&key.id, Some("a token"), 30).await.unwrap().is_none());
        assert!(identity.resolve(&key.id, None, 1_000).await.unwrap().is_none(), "it ends");
        for wrong in ["", "LZAK", "AKIAIOSFODNN7EXAMPLE", "LZAK'; DROP TABLE --", &key.id.to_lowercase()] {
            assert!(identity.resolve(wrong, None, 30).await.unwrap().is_none(), "{wrong}");
        }
        identity.flush().await.unwrap();
        assert_eq!(identity.keys_of(pipeline.id).await.unwrap()[0].last_used_at, Some(30));

        let attributes = Attributes { training_until: Some(500), agreement_until: None };
        identity.set_attributes(pipeline.id, &attributes, &by(ROOT, 31)).await.unwrap();
        let found = identity.resolve(&key.id, None, 32).await.unwrap().unwrap();
        assert_eq!(found.principal.training_until, Some(500), "facts are fresh");
        identity.contain(pipeline.id, true, &by(ROOT, 33)).await.unwrap();
        assert!(identity.resolve(&key.id, None, 34).await.unwrap().unwrap().principal.contained_at.is_some());
        identity.disable(pipeline.id, &by(ROOT, 35)).await.unwrap();
        assert!(identity.resolve(&key.id, None, 36).await.unwrap().is_none(), "at once");
        assert!(identity.create_key(pipeline.id, None, &by(ROOT, 37)).await.is_err());
        identity.enable(pipeline.id, &by(ROOT, 38)).await.unwrap();
        assert!(identity.resolve(&key.id, None, 39).await.unwrap().is_some());
        identity.revoke_key(&key.id, &by(ROOT, 40)).await.unwrap();
        assert!(identity.resolve(&key.id, None, 41).await.unwrap().is_none(), "at once");
        for _ in 0..KEYS_PER_PRINCIPAL_MAX {
            identity.create_key(pipeline.id, None, &by(ROOT, 42)).await.unwrap();
        }
        let many = identity.create_key(pipeline.id, None, &by(ROOT, 43)).await.unwrap_err();
        assert!(matches!(many, IdentityError::TooManyKeys { .. }), "{many}");
    })
    .await;
}

#[tokio::test]
async fn nothing_changes_that_cannot_be_recorded() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let pipeline = service(&identity).await;
        let key = identity.create_key(pipeline.id, None, &by(ROOT, 20)).await.unwrap();
        ledger.fail(true);
        let refused = |error: IdentityError| assert!(matches!(error, IdentityError::Record(_)), "{error}");
        refused(identity.create(new("other"), &by(ROOT, 21)).await.unwrap_err());
        refused(identity.create_key(pipeline.id, None, &by(ROOT, 21)).await.unwrap_err());
        refused(identity.revoke_key(&key.id, &by(ROOT, 21)).await.unwrap_err());
        refused(identity.disable(pipeline.id, &by(ROOT, 21)).await.unwrap_err());
        refused(identity.enrol(pipeline.id, &by(ROOT, 21)).await.unwrap_err());
        refused(identity.log_on(pipeline.id, false, &by(ROOT, 21)).await.unwrap_err());
        assert!(identity.resolve(&key.id, None, 22).await.unwrap().is_some());
        assert_eq!(identity.keys_of(pipeline.id).await.unwrap().len(), 1);
        assert!(identity.by_name("other").await.is_err());
    })
    .await;
}

fn secret_of(address: &str) -> Vec<u8> {
    let text = address.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for character in text.bytes() {
        let digit = if character.is_ascii_uppercase() { character - b'A' } else { character - b'2' + 26 };
        (buffer, bits) = ((buffer << 5 | u32::from(digit)) & 0xFFFF, bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn a_code_is_taken_once_and_guessing_is_slow() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let who = service(&identity).await.id;
        let enrolment = identity.enrol(who, &by(ROOT, 1_000)).await.unwrap();
        let secret = secret_of(enrolment.address.expose_secret());
        assert_eq!(secret.len(), 20);
        let at = |step: u64| identity::code(Algorithm::Sha1, &secret, step, 6);
        let when = |step: i64| by(who, step * 30_000 + 5);
        assert!(!identity.has_second_factor(who).await.unwrap());
        assert!(!identity.check_code(who, &at(10), &when(10)).await.unwrap(), "it is not confirmed");
        assert!(identity.confirm(who, "000000", &when(10)).await.is_err());
        let codes = identity.confirm(who, &at(10), &when(10)).await.unwrap();
        assert!(identity.has_second_factor(who).await.unwrap());
        assert!(!identity.check_code(who, &at(10), &when(10)).await.unwrap(), "replayed");
        assert!(identity.check_code(who, &at(11), &when(12)).await.unwrap(), "a clock that is slow");
        assert!(!identity.check_code(who, &at(11), &when(12)).await.unwrap(), "replayed");
        assert!(!identity.check_code(who, &at(9), &when(12)).await.unwrap(), "too old");
        assert!(identity.check_code(who, &at(13), &when(12)).await.unwrap(), "a clock that is fast");
        assert!(!identity.check_code(who, &at(12), &when(12)).await.unwrap(), "older than one that was taken");

        assert_eq!(codes.len(), 10);
        let shown = format!(" {} ", codes[0].expose_secret().to_lowercase());
        assert!(identity.recover(who, &shown, &when(13)).await.unwrap());
        assert!(!identity.recover(who, &shown, &when(13)).await.unwrap(), "used up");
        for _ in 0..4 {
            assert!(!identity.check_code(who, "123456", &when(20)).await.unwrap());
        }
        assert_eq!(ledger.last().activity, Activity::AccountLock);
        let locked = identity.check_code(who, &at(20), &when(20)).await.unwrap_err();
        assert!(matches!(locked, IdentityError::Locked { wait_s: 60..=61 }), "{locked}");
        assert!(identity.recover(who, codes[1].expose_secret(), &when(20)).await.is_err());
        identity.unlock(who, &by(ROOT, 600_100)).await.unwrap();
        assert!(identity.check_code(who, &at(20), &when(20)).await.unwrap());
        identity.remove_second_factor(who, &when(21)).await.unwrap();
        assert!(!identity.has_second_factor(who).await.unwrap());
        assert!(!identity.recover(who, codes[1].expose_secret(), &when(21)).await.unwrap());
        let failed = ledger.events.lock().unwrap().iter().filter(|e| e.outcome != Outcome::Success).count();
        assert!(failed >= 10, "every failure is recorded");
    })
    .await;
}

#[tokio::test]
async fn sessions_end_by_themselves() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let who = service(&identity).await.id;
        let token = identity.log_on(who, true, &by(who, 1_000)).await.unwrap();
        let token = token.expose_secret();
        let session = identity.session(token, 2_000).await.unwrap().unwrap();
        assert!(session.principal == who && session.with_second_factor);
        assert!(identity.session("another", 2_000).await.unwrap().is_none());
        assert!(identity.session(token, 1_000 + SESSION_IDLE_MS).await.unwrap().is_none(), "idle");
        let mut now = 1_000;
        while now < 1_000 + SESSION_LIFE_MS {
            assert!(identity.session(token, now).await.unwrap().is_some());
            now += SESSION_IDLE_MS - 1;
        }
        assert!(identity.session(token, 1_000 + SESSION_LIFE_MS).await.unwrap().is_none(), "over");
        let other = identity.log_on(who, false, &by(who, 1_000)).await.unwrap();
        identity.log_off(other.expose_secret(), &by(who, 1_500)).await.unwrap();
        assert_eq!(ledger.last().activity, Activity::Logoff);
        assert!(identity.session(other.expose_secret(), 2_000).await.unwrap().is_none());
        let third = identity.log_on(who, false, &by(who, 1_000)).await.unwrap();
        identity.disable(who, &by(ROOT, 1_600)).await.unwrap();
        assert!(identity.session(third.expose_secret(), 2_000).await.unwrap().is_none(), "at once");
    })
    .await;
}
