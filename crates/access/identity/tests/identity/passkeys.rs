//! Passkeys made, shown and refused, with an authenticator in software.

use std::sync::Arc;

use identity::{Asked, Identity, IdentityError, PASSKEYS_PER_PRINCIPAL_MAX, Registering, RelyingParty};
use model::event::{Activity, Outcome};
use model::{PrincipalId, PrincipalKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use store::{Store, StoreError};

use crate::authenticator::{Authenticator, PRESENT, altered};
use crate::doubles::{Ledger, by};
use crate::engines::on_each_engine;
use crate::{ROOT, identity, new};

const ORIGIN: &str = "https://lazaret.example.org";

struct Place {
    identity: Identity,
    ledger: Arc<Ledger>,
    party: RelyingParty,
    ada: PrincipalId,
}

impl Place {
    async fn over(store: &Store) -> Self {
        let (identity, ledger) = identity(store);
        let person = identity::NewPrincipal { kind: PrincipalKind::Person, ..new("ada") };
        let ada = identity.create(person, &by(ROOT, 1)).await.unwrap().id;
        Self { identity, ledger, party: RelyingParty::at(ORIGIN).unwrap(), ada }
    }

    async fn begin(&self) -> (String, Registering) {
        self.identity.begin_passkey(&self.party, self.ada, " laptop ").await.unwrap()
    }

    async fn with_passkey(&self, number: u8) -> Authenticator {
        let mut device = Authenticator::new(number, ORIGIN);
        let (options, begun) = self.begin().await;
        let shown = device.create(&options).to_string();
        self.identity.finish_passkey(&self.party, &begun, &shown, &by(self.ada, 10)).await.unwrap();
        device
    }

    async fn ask(&self, of: Option<PrincipalId>) -> (String, Asked) {
        self.identity.ask_passkey(&self.party, of).await.unwrap()
    }

    /// Whether it is accepted, at a time when nobody is locked.
    async fn check(&self, asked: Asked, shown: &str) -> bool {
        let by = by(ROOT, 20);
        self.identity.unlock(self.ada, &by).await.unwrap();
        let checked = self.identity.check_passkey(&self.party, asked, shown, &by).await.unwrap();
        if let Some(proven) = &checked {
            assert_eq!(proven.principal.id, self.ada);
        }
        checked.is_some()
    }

    fn refusal(&self) -> String {
        match self.ledger.last().outcome {
            Outcome::Failure { code } => code.into_owned(),
            Outcome::Success => String::new(),
        }
    }
}

#[tokio::test]
async fn a_passkey_is_made_and_shown_with_and_without_a_name() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let mut device = Authenticator::new(1, ORIGIN);
        let (options, begun) = place.begin().await;
        assert!(options.contains("\"residentKey\":\"required\"") && options.contains("\"requireResidentKey\":true"));
        assert!(options.contains("\"userVerification\":\"required\""), "{options}");
        let shown = device.create(&options).to_string();
        let (passkey, codes) =
            place.identity.finish_passkey(&place.party, &begun, &shown, &by(place.ada, 10)).await.unwrap();
        assert_eq!((passkey.name.as_str(), &passkey.id[..4], codes.len()), ("laptop", "LZPK", 10));
        let events = place.ledger.events.lock().unwrap().clone();
        let [.., made, recovery] = events.as_slice() else { unreachable!() };
        assert_eq!(
            (made.activity, made.new.as_deref()),
            (Activity::CredentialIssue, Some(&*format!("passkey={}", passkey.id)))
        );
        assert_eq!(made.details[0].value, "laptop", "a name is a sealed detail");
        assert_eq!(recovery.new.as_deref(), Some("recovery-codes=10"));
        assert_eq!(device.handle.as_deref(), Some(place.ada.as_bytes().as_slice()), "an id that says nothing");
        assert!(place.identity.has_second_factor(place.ada).await.unwrap());
        assert!(!place.identity.has_codes(place.ada).await.unwrap());

        let (options, asked) = place.ask(None).await;
        assert!(options.contains("\"allowCredentials\":[]") && !options.contains("mediation"), "{options}");
        let shown = device.get(&options).to_string();
        let proven = place.identity.check_passkey(&place.party, asked, &shown, &by(ROOT, 30)).await.unwrap().unwrap();
        assert_eq!((proven.principal.id, &proven.passkey), (place.ada, &passkey.id));
        let acts = proven.by(&by(ROOT, 31)).actor;
        assert_eq!((acts.id, acts.credential.as_deref()), (place.ada, Some(passkey.id.as_str())));
        place.identity.logged_on(&proven.principal, "passkey", true, &proven.by(&by(ROOT, 31))).await.unwrap();
        assert_eq!(place.ledger.last().actor.unwrap().credential, acts.credential);
        assert_eq!(place.identity.passkeys_of(place.ada).await.unwrap()[0].last_used_at, Some(30));

        // Known by name, the device may say nothing of whose it is.
        let (options, asked) = place.ask(Some(place.ada)).await;
        assert!(options.contains("\"allowCredentials\":[{\"type\":\"public-key\""), "{options}");
        device.handle = None;
        assert!(place.check(asked, &device.get(&options).to_string()).await);

        let mut other = place.with_passkey(2).await;
        assert_eq!(place.identity.recovery_codes_left(place.ada).await.unwrap(), 10, "these are still the first ones");
        let (options, asked) = place.ask(Some(place.ada)).await;
        assert!(place.check(asked, &other.get(&options).to_string()).await);
        place.identity.remove_passkey(place.ada, &passkey.id, &by(place.ada, 40)).await.unwrap();
        assert_eq!(place.ledger.last().old, Some(format!("passkey={}", passkey.id)));
        let gone = place.identity.remove_passkey(place.ada, &passkey.id, &by(place.ada, 41)).await.unwrap_err();
        assert!(matches!(gone, IdentityError::Missing { .. }), "{gone}");
        let (options, asked) = place.ask(None).await;
        assert!(!place.check(asked, &device.get(&options).to_string()).await, "it was taken away");
        assert_eq!(place.identity.remove_passkeys(place.ada, &by(ROOT, 42)).await.unwrap(), 1);
        assert!(!place.identity.has_second_factor(place.ada).await.unwrap());
        assert_eq!(place.identity.recovery_codes_left(place.ada).await.unwrap(), 0);
        let none = place.identity.ask_passkey(&place.party, Some(place.ada)).await.unwrap_err();
        assert!(none.to_string().contains("no passkey"), "{none}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_a_right_passkey_is_not_made() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let finish = async |begun: &Registering, shown: &str| {
            let made = place.identity.finish_passkey(&place.party, begun, shown, &by(place.ada, 10)).await;
            made.map(|_| ()).map_err(|error| error.to_string())
        };
        for name in ["", "  ", "a\u{7}", &"x".repeat(61)] {
            assert!(place.identity.begin_passkey(&place.party, place.ada, name).await.is_err(), "{name:?}");
        }
        let (options, begun) = place.begin().await;
        let honest = || Authenticator::new(1, ORIGIN);
        for (mut device, words) in [
            (Authenticator { flags: PRESENT, ..honest() }, "did not ask who you are"),
            (Authenticator { flags: 0, ..honest() }, "not right"),
            (Authenticator { origin: "https://lazaret.example.com".into(), ..honest() }, "another address"),
            (Authenticator { origin: "http://lazaret.example.org".into(), ..honest() }, "another address"),
            (Authenticator { origin: "https://lazaret.example.org:444".into(), ..honest() }, "another address"),
            (Authenticator { origin: "https://x.lazaret.example.org".into(), ..honest() }, "another address"),
            (Authenticator { party: "example.org".into(), ..honest() }, "another address"),
        ] {
            let error = finish(&begun, &device.create(&options).to_string()).await.unwrap_err();
            assert!(error.contains(words), "{error}");
            assert_eq!(place.ledger.last().activity, Activity::CredentialIssue);
            assert_eq!(place.refusal(), "identity:passkey-refused");
        }
        let right = honest().create(&options);
        let mut shown = honest().get(&options.replace("\"rp\":{", "\"rpId\":\"x\",\"rp\":{"));
        shown["response"]["attestationObject"] = right["response"]["attestationObject"].clone();
        let kind = finish(&begun, &shown.to_string()).await.unwrap_err();
        assert!(kind.contains("not right"), "one is shown in place of made: {kind}");
        let (_, other) = place.begin().await;
        assert!(finish(&other, &right.to_string()).await.is_err(), "it answers another challenge");
        for wrong in ["", "{}", "[]", "null", "\u{0}", &"[".repeat(60_000)] {
            assert!(finish(&begun, wrong).await.unwrap_err().contains("cannot be read"));
        }
        assert!(place.identity.passkeys_of(place.ada).await.unwrap().is_empty());
        finish(&begun, &right.to_string()).await.unwrap();

        let (options, begun) = place.begin().await;
        assert!(options.contains("\"excludeCredentials\":[{"), "{options}");
        assert!(finish(&begun, &honest().create(&options).to_string()).await.is_err(), "the device has one already");
        let person = identity::NewPrincipal { kind: PrincipalKind::Person, ..new("bob") };
        let bob = place.identity.create(person, &by(ROOT, 1)).await.unwrap().id;
        let (options, begun) = place.identity.begin_passkey(&place.party, bob, "theirs").await.unwrap();
        let shown = honest().create(&options).to_string();
        let taken = place.identity.finish_passkey(&place.party, &begun, &shown, &by(bob, 10)).await.unwrap_err();
        assert!(matches!(taken, IdentityError::Store(StoreError::Exists { .. })), "{taken}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_right_is_not_let_in_and_is_recorded() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let mut device = place.with_passkey(1).await;
        let (options, asked) = place.ask(None).await;
        let right = device.get(&options);
        let other = [
            altered(&right, "signature", |bytes| *bytes.last_mut().unwrap() ^= 1),
            altered(&right, "signature", Vec::clear),
            altered(&right, "authenticatorData", |bytes| bytes[36] ^= 1),
            altered(&right, "authenticatorData", |bytes| bytes.truncate(20)),
            altered(&right, "clientDataJSON", |bytes| bytes.push(b' ')),
            altered(&right, "clientDataJSON", |bytes| bytes.truncate(9)),
            altered(&right, "userHandle", |bytes| bytes[0] ^= 1),
        ];
        for shown in other {
            assert!(!place.check(asked.clone(), &shown).await, "{shown}");
            assert_eq!(
                (place.ledger.last().activity, place.refusal().as_str()),
                (Activity::Logon, "identity:wrong-proof")
            );
            assert_eq!(place.ledger.last().resource.entity, Some(format!("principal:{}", place.ada)));
        }
        for wrong in ["", "{}", "null", &"{".repeat(60_000)] {
            assert!(!place.check(asked.clone(), wrong).await);
            assert_eq!(place.ledger.last().resource.entity, None, "nobody is known");
        }
        let (_, another) = place.ask(None).await;
        assert!(!place.check(another, &right.to_string()).await, "it answers another challenge");
        for (flags, origin, party) in [
            (PRESENT, ORIGIN, ""),
            (0, ORIGIN, ""),
            (device.flags, "https://lazaret.example.com", ""),
            (device.flags, "null", ""),
            (device.flags, ORIGIN, "lazaret.example.com"),
        ] {
            let honest = (device.flags, device.origin.clone(), device.party.clone());
            (device.flags, device.origin, device.party) = (flags, origin.into(), party.into());
            assert!(!place.check(asked.clone(), &device.get(&options).to_string()).await, "{flags} {origin} {party}");
            (device.flags, device.origin, device.party) = honest;
        }
        let mut nameless = device.get(&options);
        nameless["response"]["userHandle"] = serde_json::Value::Null;
        assert!(!place.check(asked.clone(), &nameless.to_string()).await, "nobody said whose it is");
        let mut strange = Authenticator::new(9, ORIGIN);
        assert!(!place.check(asked.clone(), &strange.get(&options).to_string()).await, "nobody knows it");
        let person = identity::NewPrincipal { kind: PrincipalKind::Person, ..new("bob") };
        let bob = place.identity.create(person, &by(ROOT, 1)).await.unwrap().id;
        let mut device_of_bob = Authenticator::new(2, ORIGIN);
        let (options_of_bob, begun) = place.identity.begin_passkey(&place.party, bob, "theirs").await.unwrap();
        let shown = device_of_bob.create(&options_of_bob).to_string();
        place.identity.finish_passkey(&place.party, &begun, &shown, &by(bob, 10)).await.unwrap();
        let (options, asked) = place.ask(Some(place.ada)).await;
        assert!(!place.check(asked, &device_of_bob.get(&options).to_string()).await, "it is another's");
        assert_eq!(
            place.ledger.last().resource.entity,
            Some(format!("principal:{}", place.ada)),
            "whoever it was about"
        );
    })
    .await;
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_remembered() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let mut device = place.with_passkey(1).await;
        device.counter = 7;
        let (options, asked) = place.ask(None).await;
        assert!(place.check(asked, &device.get(&options).to_string()).await);
        for back in [7, 3, 0] {
            device.counter = back;
            let (options, asked) = place.ask(None).await;
            assert!(!place.check(asked, &device.get(&options).to_string()).await);
            assert_eq!(place.refusal(), "identity:passkey-counter");
            assert!(place.ledger.last().new.unwrap().starts_with("passkey=LZPK"));
        }
        assert_eq!(place.identity.passkeys_of(place.ada).await.unwrap()[0].suspected_at, Some(20));
        assert_eq!(place.identity.passkeys_of(place.ada).await.unwrap()[0].suspected_at, Some(20));
        device.counter = 8;
        let (options, asked) = place.ask(None).await;
        assert!(place.check(asked, &device.get(&options).to_string()).await, "the one that is ahead is let in");

        // A challenge that was asked for before another use does not bring an older counter in.
        let (options, early) = place.ask(Some(place.ada)).await;
        device.counter = 10;
        let copied = device.get(&options).to_string();
        device.counter = 20;
        let (options, asked) = place.ask(None).await;
        assert!(place.check(asked, &device.get(&options).to_string()).await);
        assert!(!place.check(early, &copied).await);
        assert_eq!(place.refusal(), "identity:passkey-counter");
    })
    .await;
}

#[tokio::test]
async fn failures_lock_and_who_is_shut_out_is_not_let_in() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let mut device = place.with_passkey(1).await;
        for attempt in 0..5 {
            let (options, asked) = place.ask(None).await;
            let shown = altered(&device.get(&options), "signature", Vec::clear);
            let checked = place.identity.check_passkey(&place.party, asked, &shown, &by(ROOT, 20 + attempt)).await;
            assert!(checked.unwrap().is_none());
        }
        assert_eq!(place.ledger.last().activity, Activity::AccountLock);
        let (options, asked) = place.ask(None).await;
        let shown = device.get(&options).to_string();
        let checked = place.identity.check_passkey(&place.party, asked.clone(), &shown, &by(ROOT, 30)).await;
        assert!(matches!(checked, Err(IdentityError::Locked { .. })));
        let checked = place.identity.check_passkey(&place.party, asked, &shown, &by(ROOT, 70_000)).await.unwrap();
        assert!(checked.is_some(), "the wait is over");
        assert_eq!(place.ledger.last().activity, Activity::AccountEnable, "and forgotten");

        place.identity.disable(place.ada, &by(ROOT, 70_001)).await.unwrap();
        let (options, asked) = place.ask(None).await;
        let shown = device.get(&options).to_string();
        let checked = place.identity.check_passkey(&place.party, asked, &shown, &by(ROOT, 70_002)).await.unwrap();
        assert!(checked.is_none());
        assert_eq!(place.refusal(), "identity:disabled");
        assert!(place.identity.begin_passkey(&place.party, place.ada, "more").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn nothing_is_made_that_cannot_be_recorded_and_there_is_an_end_to_it() {
    on_each_engine(|store| async move {
        let place = Place::over(&store).await;
        let (options, begun) = place.begin().await;
        let shown = Authenticator::new(1, ORIGIN).create(&options).to_string();
        place.ledger.fail(true);
        let made = place.identity.finish_passkey(&place.party, &begun, &shown, &by(place.ada, 10)).await;
        assert!(matches!(made, Err(IdentityError::Record(_))));
        place.ledger.fail(false);
        assert!(place.identity.passkeys_of(place.ada).await.unwrap().is_empty());
        for number in 0..PASSKEYS_PER_PRINCIPAL_MAX {
            place.with_passkey(u8::try_from(number).unwrap()).await;
        }
        let full = place.identity.finish_passkey(&place.party, &begun, &shown, &by(place.ada, 10)).await.unwrap_err();
        assert!(full.to_string().contains("remove one"), "{full}");
        assert!(place.identity.begin_passkey(&place.party, place.ada, "more").await.is_err());
    })
    .await;
}

/// Whatever a browser sends, it is refused and nothing panics: bytes cut off, changed or added anywhere.
#[tokio::test]
async fn broken_answers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
    let place = Place::over(&store).await;
    let (options, begun) = place.begin().await;
    let right = Authenticator::new(1, ORIGIN).create(&options);
    let whole = right["response"]["attestationObject"].as_str().unwrap().len() * 3 / 4;
    for length in 0..whole {
        let shown = altered(&right, "attestationObject", |bytes| bytes.truncate(length));
        let made = place.identity.finish_passkey(&place.party, &begun, &shown, &by(place.ada, 10)).await;
        assert!(made.is_err(), "cut off after {length}");
    }
    let mut device = place.with_passkey(2).await;
    let (options, asked) = place.ask(None).await;
    let right = device.get(&options);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let change = (
            prop::sample::select(vec!["authenticatorData", "clientDataJSON", "signature"]),
            any::<prop::sample::Index>(),
            1..=u8::MAX,
        );
        let (field, at, by) = change.new_tree(&mut runner).unwrap().current();
        let shown = altered(&right, field, |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
        });
        assert!(!place.check(asked.clone(), &shown).await, "{field}: {shown}");
    }
    assert!(place.check(asked, &right.to_string()).await);
}
