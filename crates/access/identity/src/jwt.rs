//! Tokens of identity providers: JSON Web Tokens (RFC 7519) signed with RS256 or ES256 (RFC 7518), checked as RFC 8725 asks.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longest token, in bytes.
const TOKEN_MAX: usize = 16 * 1024;
/// Most keys of one issuer.
const KEYS_MAX: usize = 64;
/// How far clocks may differ, in seconds.
const LEEWAY_S: i64 = 60;

/// Why a token is not accepted. Said to the log and the caller, never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It is no token.
    #[error("this is no signed JSON Web Token ({why}); send the one that the identity provider gave")]
    Shape {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Its algorithm is not taken.
    #[error("tokens signed with `{algorithm}` are not accepted; have the identity provider sign with RS256 or ES256")]
    Algorithm {
        /// What it says.
        algorithm: String,
    },
    /// Nobody here trusts its issuer.
    #[error("the issuer `{issuer}` is not one of those that are trusted; add it to the settings if it should be")]
    Issuer {
        /// What it says.
        issuer: String,
    },
    /// It is for somebody else.
    #[error("the token is for another audience; ask for one for this Lazaret")]
    Audience,
    /// No key of the issuer fits.
    #[error("the issuer has no key that fits the token; fetch its keys again")]
    Key,
    /// The signature is wrong.
    #[error("the token's signature is wrong; it was altered, or signed with another key")]
    Signature,
    /// It is over.
    #[error("the token is over; ask for a new one")]
    Expired,
    /// It does not hold yet.
    #[error("the token does not hold yet; check the clocks")]
    Early,
    /// The issuer's keys cannot be read.
    #[error("the issuer's keys cannot be read ({why}); check its JWKS address")]
    Keys {
        /// What is wrong with them.
        why: String,
    },
    /// It is good, and of nobody who is known here.
    #[error(
        "the token vouches for nobody who is known here; have an administrator tie its issuer and subject to somebody \
         with `lazaret user link`"
    )]
    Nobody,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
}

/// The public keys of an issuer.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<(Option<String>, Public)>);

impl Keys {
    /// Reads a JSON Web Key Set (RFC 7517). Keys of other kinds and other uses are left out.
    ///
    /// # Errors
    /// When it is none, or has no key that can be used.
    pub fn parse(json: &str) -> Result<Self, JwtError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        #[derive(Deserialize)]
        struct Key {
            kty: String,
            kid: Option<String>,
            r#use: Option<String>,
            alg: Option<String>,
            crv: Option<String>,
            n: Option<String>,
            e: Option<String>,
            x: Option<String>,
            y: Option<String>,
        }
        let wrong = |why: String| JwtError::Keys { why };
        let set: Set = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let bytes = |text: Option<String>| text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let mut keys = Vec::new();
        for value in set.keys.into_iter().take(KEYS_MAX) {
            let Ok(key) = serde_json::from_value::<Key>(value) else { continue };
            if key.r#use.as_deref().is_some_and(|use_of| use_of != "sig") {
                continue;
            }
            let public = match (key.kty.as_str(), key.alg.as_deref().unwrap_or_default(), key.crv.as_deref()) {
                ("RSA", "" | "RS256", _) => match (bytes(key.n), bytes(key.e)) {
                    (Some(modulus), Some(exponent)) => Public::Rsa { modulus, exponent },
                    _ => continue,
                },
                ("EC", "" | "ES256", Some("P-256")) => match (bytes(key.x), bytes(key.y)) {
                    (Some(x), Some(y)) if x.len() == 32 && y.len() == 32 => Public::P256([vec![4], x, y].concat()),
                    _ => continue,
                },
                _ => continue,
            };
            keys.push((key.kid, public));
        }
        if keys.is_empty() {
            return Err(wrong("none of them is an RSA or P-256 key for signatures".to_owned()));
        }
        Ok(Self(keys))
    }

    /// Whether there is a key that a token with this `kid` could be signed by. A token without one may be signed by any.
    #[must_use]
    pub fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none() || self.0.iter().any(|(known, _)| known.as_deref() == kid)
    }
}

/// Somebody whose word is taken.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its `iss`, letter for letter.
    pub issuer: String,
    /// The `aud`s that are taken.
    pub audiences: Vec<String>,
    /// Its keys, as the caller fetched or configured them.
    pub keys: Keys,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who says it.
    pub issuer: String,
    /// Of whom.
    pub subject: String,
    /// Until when, in seconds since 1970, UTC.
    pub expires_s: i64,
    /// Everything that it says, as it says it.
    pub all: serde_json::Map<String, serde_json::Value>,
}

impl Claims {
    /// The text of a claim, if it is there and a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(serde_json::Value::as_str)
    }
}

/// What a token says before anything of it was checked: enough to know whose keys to look for, and good for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unchecked {
    pub(crate) issuer: String,
    pub(crate) kid: Option<String>,
}

/// Whose keys `token` has to be checked with.
///
/// # Errors
/// When it is no token.
pub(crate) fn unchecked(token: &str) -> Result<Unchecked, JwtError> {
    #[derive(Deserialize)]
    struct Says {
        iss: String,
    }
    let parts = Parts::of(token)?;
    let says: Says = serde_json::from_slice(&parts.payload).ok().ok_or_else(|| shape("no issuer"))?;
    Ok(Unchecked { issuer: says.iss, kid: parts.header.kid })
}

/// A token taken apart.
struct Parts<'t> {
    signed: &'t str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

fn shape(why: &'static str) -> JwtError {
    JwtError::Shape { why }
}

impl<'t> Parts<'t> {
    fn of(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > TOKEN_MAX {
            return Err(shape("too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| shape("not three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| shape("not three parts"))?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header =
            decode(header).and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| shape("no header"))?;
        let payload = decode(payload).ok_or_else(|| shape("no claims"))?;
        let signature = decode(signature).ok_or_else(|| shape("no signature"))?;
        Ok(Self { signed, header, payload, signature })
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    sub: String,
    aud: Option<Audience>,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    iat: Option<serde_json::Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What `token` says, if one of `issuers` signed it for one of its audiences and it holds at `now_ms`, milliseconds since 1970,
/// UTC.
///
/// # Errors
/// When any of this is not so.
pub(crate) fn verify(token: &str, issuers: &[Issuer], now_ms: i64) -> Result<Claims, JwtError> {
    check(token, issuers, true, now_ms)
}

/// As [`verify`], for tokens that are meant for whoever is shown them, such as visas: whom they are for is not looked at.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_for_anybody(token: &str, issuer: &Issuer, now_ms: i64) -> Result<Claims, JwtError> {
    check(token, std::slice::from_ref(issuer), false, now_ms)
}

fn check(token: &str, issuers: &[Issuer], is_for_somebody: bool, now_ms: i64) -> Result<Claims, JwtError> {
    let Parts { signed, header, payload, signature } = Parts::of(token)?;
    let says: Payload = serde_json::from_slice(&payload).ok().ok_or_else(|| shape("no claims"))?;
    if header.crit.is_some() {
        return Err(shape("it has critical extensions"));
    }
    let Some(issuer) = issuers.iter().find(|issuer| issuer.issuer == says.iss) else {
        return Err(JwtError::Issuer { issuer: says.iss.chars().take(200).collect() });
    };
    check_signature(&header, &issuer.keys, signed.as_bytes(), &signature)?;
    let is_for_us = |audience: &String| issuer.audiences.contains(audience);
    let fits = match &says.aud {
        Some(Audience::One(audience)) => is_for_us(audience),
        Some(Audience::Many(audiences)) => audiences.iter().any(is_for_us),
        None => false,
    };
    if is_for_somebody && !fits {
        return Err(JwtError::Audience);
    }
    let now_s = now_ms.div_euclid(1000);
    let expires_s = seconds(&says.exp).ok_or_else(|| shape("no end"))?;
    if expires_s.saturating_add(LEEWAY_S) <= now_s {
        return Err(JwtError::Expired);
    }
    for begins in [&says.nbf, &says.iat].into_iter().flatten() {
        if seconds(begins).is_none_or(|begins| begins > now_s.saturating_add(LEEWAY_S)) {
            return Err(JwtError::Early);
        }
    }
    if says.sub.is_empty() {
        return Err(shape("it says nothing of whom"));
    }
    let all = serde_json::from_slice(&payload).ok().ok_or_else(|| shape("no claims"))?;
    Ok(Claims { issuer: says.iss, subject: says.sub, expires_s, all })
}

/// The algorithm comes from the kind of key; the token may only name the same. So no token chooses `none`, and none has an
/// RSA key taken for an HMAC secret (RFC 8725 section 3.1).
fn check_signature(header: &Header, keys: &Keys, signed: &[u8], signature: &[u8]) -> Result<(), JwtError> {
    if !matches!(header.alg.as_str(), "RS256" | "ES256") {
        return Err(JwtError::Algorithm { algorithm: header.alg.chars().take(32).collect() });
    }
    let named = |kid: &Option<String>| header.kid.is_none() || *kid == header.kid;
    let mut fitting = 0;
    for (_, key) in keys.0.iter().filter(|(kid, _)| named(kid)) {
        let checked =
            match (header.alg.as_str(), key) {
                ("RS256", Public::Rsa { modulus, exponent }) => RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature),
                ("ES256", Public::P256(point)) => {
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
                }
                _ => continue,
            };
        fitting += 1;
        if checked.is_ok() {
            return Ok(());
        }
    }
    Err(if fitting == 0 { JwtError::Key } else { JwtError::Signature })
}

/// A NumericDate (RFC 7519 section 2), cut to whole seconds.
#[expect(clippy::cast_possible_truncation, reason = "it is checked to be within the range")]
fn seconds(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().filter(|seconds| seconds.abs() < 1e15).map(|seconds| seconds as i64))
}
