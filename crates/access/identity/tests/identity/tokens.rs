//! Tokens of identity providers: what is taken, and everything that is not.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Identity, IdentityError, Issuer, JwtError, Keys, NewTemporary};
use model::Event;
use model::event::{Activity, Outcome};
use secrecy::ExposeSecret;

use crate::doubles::by;
use crate::engines::on_each_engine;
use crate::{ROOT, identity, service};

pub(crate) const ISSUER: &str = "https://idp.example";
pub(crate) const NOW_S: i64 = 1_800_000_000;

pub(crate) struct Signers {
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    random: SystemRandom,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signers {
    pub(crate) fn new() -> Self {
        Self {
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            random: SystemRandom::new(),
        }
    }

    pub(crate) fn jwks(&self) -> String {
        let point = self.ec.public_key().as_ref();
        // RSAPublicKey of RFC 8017 for 2,048 bits: the modulus after nine bytes, the exponent 65,537 at the end.
        let rsa = self.rsa.public_key().as_ref();
        let (n, e) = (&rsa[9..265], &rsa[rsa.len() - 3..]);
        serde_json::json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "e1", "x": encode(&point[1..33]), "y": encode(&point[33..])},
            {"kty": "RSA", "kid": "r1", "use": "sig", "n": encode(n),
             "e": encode(e)},
            {"kty": "RSA", "kid": "r2", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "oct", "kid": "o1", "k": "c2VjcmV0"}
        ]})
        .to_string()
    }

    pub(crate) fn token(&self, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = match header["alg"].as_str().unwrap() {
            "ES256" => self.ec.sign(&self.random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            // Algorithm confusion: the public key as the secret of an HMAC.
            "HS256" => {
                let public = self.rsa.public_key().as_ref().to_vec();
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes()).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{signed}.{}", encode(signature))
    }
}

pub(crate) fn claims() -> serde_json::Value {
    serde_json::json!({"iss": ISSUER, "sub": "repo:trial/pipeline", "aud": ["lazaret", "x"], "exp": NOW_S + 300,
                       "iat": NOW_S - 10, "nbf": NOW_S - 10})
}

pub(crate) fn with(key: &str, value: serde_json::Value) -> serde_json::Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

async fn assume(identity: &Identity, token: &str, issuers: &[Issuer]) -> Result<NewTemporary, IdentityError> {
    identity.assume(token, issuers, None, Event::new(Activity::Request, NOW_S * 1000, "s3")).await
}

#[tokio::test]
async fn temporary_credentials_for_a_good_token_alone() {
    on_each_engine(|store| async move {
        let (identity, ledger) = identity(&store);
        let (signers, strangers) = (Signers::new(), Signers::new());
        let keys = Keys::parse(&signers.jwks()).unwrap();
        let issuers = [Issuer { issuer: ISSUER.to_owned(), audiences: vec!["lazaret".to_owned()], keys }];
        let pipeline = service(&identity).await;
        let es = serde_json::json!({"alg": "ES256", "kid": "e1"});
        let rs = serde_json::json!({"alg": "RS256", "kid": "r1"});
        let unknown = assume(&identity, &signers.token(&es, &claims()), &issuers).await.unwrap_err();
        assert!(unknown.to_string().contains("nobody"), "{unknown}");
        identity.link(pipeline.id, ISSUER, "repo:trial/pipeline", &by(ROOT, 20)).await.unwrap();

        for header in [&es, &rs, &serde_json::json!({"alg": "ES256"})] {
            let new = assume(&identity, &signers.token(header, &claims()), &issuers).await.unwrap();
            let event = ledger.last();
            assert_eq!((event.activity, event.actor.unwrap().id), (Activity::CredentialIssue, pipeline.id));
            let (now, token) = (NOW_S * 1000 + 1, new.token.expose_secret());
            assert_eq!((new.id.len(), new.secret.expose_secret().len()), (20, 40));
            for _ in 0..2 {
                assert!(identity.resolve(&new.id, Some(token), now).await.unwrap().is_some());
                assert!(identity.resolve(&new.id, None, now).await.unwrap().is_none(), "the token must come along");
                assert!(identity.resolve(&new.id, Some("wrong"), now).await.unwrap().is_none());
                assert!(identity.resolve(&new.id, Some(token), new.expires_at).await.unwrap().is_none());
            }
        }
        let good = signers.token(&es, &claims());
        let tampered = {
            let parts: Vec<&str> = good.split('.').collect();
            format!("{}.{}.{}", parts[0], encode(with("sub", "root".into()).to_string()), parts[2])
        };
        let bad_header = |alg: &str| serde_json::json!({"alg": alg, "kid": "r1"});
        type Check = fn(&JwtError) -> bool;
        let cases: Vec<(&str, String, Check)> = vec![
            ("none", signers.token(&bad_header("none"), &claims()), |e| matches!(e, JwtError::Algorithm { .. })),
            ("None", signers.token(&bad_header("nOnE"), &claims()), |e| matches!(e, JwtError::Algorithm { .. })),
            ("confusion", signers.token(&bad_header("HS256"), &claims()), |e| matches!(e, JwtError::Algorithm { .. })),
            ("RSA key, ES256", signers.token(&serde_json::json!({"alg": "ES256", "kid": "r1"}), &claims()), |e| {
                *e == JwtError::Key
            }),
            ("EC key, RS256", signers.token(&serde_json::json!({"alg": "RS256", "kid": "e1"}), &claims()), |e| {
                *e == JwtError::Key
            }),
            ("encryption key", signers.token(&serde_json::json!({"alg": "RS256", "kid": "r2"}), &claims()), |e| {
                *e == JwtError::Key
            }),
            ("wrong key", strangers.token(&es, &claims()), |e| *e == JwtError::Signature),
            ("wrong RSA key", strangers.token(&rs, &claims()), |e| *e == JwtError::Signature),
            ("tampered", tampered, |e| *e == JwtError::Signature),
            ("wrong audience", signers.token(&es, &with("aud", "other".into())), |e| *e == JwtError::Audience),
            ("wrong issuer", signers.token(&es, &with("iss", "https://evil.example".into())), |e| {
                matches!(e, JwtError::Issuer { .. })
            }),
            ("expired", signers.token(&es, &with("exp", (NOW_S - 60).into())), |e| *e == JwtError::Expired),
            ("early", signers.token(&es, &with("nbf", (NOW_S + 61).into())), |e| *e == JwtError::Early),
            ("no end", signers.token(&es, &with("exp", serde_json::Value::Null)), |e| {
                matches!(e, JwtError::Shape { .. })
            }),
            ("nobody", signers.token(&es, &with("sub", "".into())), |e| matches!(e, JwtError::Shape { .. })),
            ("critical", signers.token(&serde_json::json!({"alg": "ES256", "crit": ["x"]}), &claims()), |e| {
                matches!(e, JwtError::Shape { .. })
            }),
            ("no signature", good.rsplit_once('.').unwrap().0.to_owned() + ".", |e| *e == JwtError::Signature),
            ("garbage", "a.b.c".to_owned(), |e| matches!(e, JwtError::Shape { .. })),
            ("empty", String::new(), |e| matches!(e, JwtError::Shape { .. })),
            ("long", "x".repeat(20_000), |e| matches!(e, JwtError::Shape { .. })),
        ];
        for (what, token, is_right) in cases {
            match assume(&identity, &token, &issuers).await.unwrap_err() {
                IdentityError::Token(error) => assert!(is_right(&error), "{what}: {error}"),
                other => panic!("{what}: {other}"),
            }
            assert_eq!(ledger.last().outcome, Outcome::Failure { code: "identity:token".into() }, "{what}");
        }
        let short = Event::new(Activity::Request, NOW_S * 1000, "s3");
        assert!(identity.assume(&good, &issuers, Some(60), short).await.is_err());

        let last = assume(&identity, &good, &issuers).await.unwrap();
        let token = last.token.expose_secret();
        assert!(identity.resolve(&last.id, Some(token), NOW_S * 1000).await.unwrap().is_some());
        identity.disable(pipeline.id, &by(ROOT, NOW_S * 1000)).await.unwrap();
        assert!(identity.resolve(&last.id, Some(token), NOW_S * 1000).await.unwrap().is_none(), "at once");
        assert!(assume(&identity, &good, &issuers).await.is_err(), "the disabled get none");
        identity.enable(pipeline.id, &by(ROOT, NOW_S * 1000)).await.unwrap();
        assert!(identity.resolve(&last.id, Some(token), NOW_S * 1000).await.unwrap().is_none(), "they stay revoked");
    })
    .await;
}

#[test]
fn only_keys_for_signatures_are_taken() {
    assert!(Keys::parse("{}").is_err());
    assert!(Keys::parse(r#"{"keys": []}"#).is_err());
    let oct = r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#;
    assert!(Keys::parse(oct).unwrap_err().to_string().contains("none of them"));
}
