//! Identity providers that are trusted, and their keys: read from files or fetched, kept for a while, fetched again when a
//! token names a key that is not known. What cannot be fetched is not trusted.

use std::path::PathBuf;

use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::jwt::{Claims, Issuer, JwtError, Keys, unchecked, verify, verify_for_anybody};
use crate::outside::{Asker, Unanswered, allowed};

/// How long fetched keys are good. A key that its issuer withdrew is trusted for this long at most.
const KEYS_LIFE_MS: i64 = 60 * 60_000;
/// Keys are fetched this often at most, whatever tokens ask for.
const FETCH_EVERY_MS: i64 = 30_000;
/// The largest file of keys, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Where an issuer says what it offers (OpenID Connect Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where the keys of an issuer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysAt {
    /// A file with a JSON Web Key Set, read again like fetched keys are fetched again.
    File(PathBuf),
    /// An address that answers with one.
    Address(String),
    /// Where the issuer's discovery document says.
    Discovered,
}

/// What a person logs in to the console with.
#[derive(Debug, Clone)]
pub struct LoginClient {
    /// What the button says.
    pub name: String,
    /// The client that Lazaret is to the provider.
    pub client_id: String,
    /// Its secret; public clients have none, and PKCE alone protects the code.
    pub client_secret: Option<SecretString>,
    /// Whether to ask for a GA4GH passport.
    pub asks_for_passport: bool,
}

/// Somebody whose word is taken, as the settings say.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Its `iss`, letter for letter.
    pub issuer: String,
    /// The `aud`s for which temporary credentials are given.
    pub audiences: Vec<String>,
    /// Where its keys are.
    pub keys: KeysAt,
    /// How people log in through it, if they do.
    pub login: Option<LoginClient>,
}

/// Where a provider is asked (OpenID Connect Discovery 1.0 section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where people are sent.
    pub authorization: String,
    /// Where codes are turned into tokens.
    pub token: String,
    /// Where more is told about a person, if anywhere.
    pub userinfo: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<(Keys, i64)>,
    tried_at: Option<i64>,
    endpoints: Option<(Endpoints, i64)>,
}

#[derive(Debug)]
struct Provider {
    trusted: Trusted,
    state: Mutex<State>,
}

/// Everybody whose word is taken.
#[derive(Debug)]
pub struct Federation {
    providers: Vec<Provider>,
    pub(crate) asker: Asker,
}

/// Why nobody can be trusted as the settings ask for.
#[derive(Debug, thiserror::Error)]
pub enum FederationError {
    /// An address.
    #[error("the issuer `{issuer}` cannot be trusted: {why}")]
    Address {
        /// Whose.
        issuer: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two of the same.
    #[error("the issuer `{issuer}` is named twice; name it once")]
    Twice {
        /// Which.
        issuer: String,
    },
    /// There is no client.
    #[error("no client for HTTPS can be made: {0}; check the certificates that the system trusts")]
    Client(#[from] Unanswered),
}

impl Federation {
    /// Trusts these and nobody else. Nobody is asked for anything yet.
    ///
    /// # Errors
    /// When one of them cannot be trusted because its keys would come in clear.
    pub fn new(trusted: Vec<Trusted>) -> Result<Self, FederationError> {
        let mut providers: Vec<Provider> = Vec::with_capacity(trusted.len());
        for trusted in trusted {
            let issuer = || trusted.issuer.clone();
            let wrong = |Unanswered(why)| FederationError::Address { issuer: issuer(), why };
            match &trusted.keys {
                KeysAt::Discovered => drop(allowed(&trusted.issuer).map_err(wrong)?),
                KeysAt::Address(address) => drop(allowed(address).map_err(wrong)?),
                KeysAt::File(_) => {}
            }
            if providers.iter().any(|other| other.trusted.issuer == trusted.issuer) {
                return Err(FederationError::Twice { issuer: issuer() });
            }
            providers.push(Provider { trusted, state: Mutex::default() });
        }
        Ok(Self { providers, asker: Asker::new()? })
    }

    /// Everybody who is trusted.
    pub fn trusted(&self) -> impl Iterator<Item = &Trusted> {
        self.providers.iter().map(|provider| &provider.trusted)
    }

    fn provider(&self, issuer: &str) -> Result<&Provider, JwtError> {
        let found = self.providers.iter().find(|provider| provider.trusted.issuer == issuer);
        found.ok_or_else(|| JwtError::Issuer { issuer: issuer.chars().take(200).collect() })
    }

    /// The issuer that `token` names, with keys among which the token's should be, as known at `now_ms`.
    ///
    /// # Errors
    /// When it is no token, nobody trusts its issuer, or the issuer's keys cannot be had.
    pub async fn issuer_of(&self, token: &str, now_ms: i64) -> Result<Issuer, JwtError> {
        let says = unchecked(token)?;
        let provider = self.provider(&says.issuer)?;
        let keys = self.keys(provider, says.kid.as_deref(), now_ms).await?;
        let Trusted { issuer, audiences, .. } = &provider.trusted;
        Ok(Issuer { issuer: issuer.clone(), audiences: audiences.clone(), keys })
    }

    /// What `token` says, when `issuer` signed it for `audience`.
    ///
    /// # Errors
    /// When any of this is not so, or the issuer's keys cannot be had.
    pub async fn verify_for(&self, token: &str, issuer: &str, audience: &str, now_ms: i64) -> Result<Claims, JwtError> {
        let mut of = self.issuer_of(token, now_ms).await?;
        if of.issuer != issuer {
            return Err(JwtError::Issuer { issuer: of.issuer.chars().take(200).collect() });
        }
        of.audiences = vec![audience.to_owned()];
        verify(token, &[of], now_ms)
    }

    /// What `token` says, when anybody who is trusted signed it, for whomever.
    ///
    /// # Errors
    /// As [`Federation::verify_for`].
    pub async fn verify_for_anybody(&self, token: &str, now_ms: i64) -> Result<Claims, JwtError> {
        let of = self.issuer_of(token, now_ms).await?;
        verify_for_anybody(token, &of, now_ms)
    }

    async fn keys(&self, provider: &Provider, kid: Option<&str>, now_ms: i64) -> Result<Keys, JwtError> {
        // Held while fetching, so that a thousand tokens at a time fetch once.
        let mut state = provider.state.lock().await;
        let is_young = |at: i64| now_ms.saturating_sub(at) < KEYS_LIFE_MS;
        let good = state.keys.as_ref().filter(|(_, at)| is_young(*at)).map(|(keys, _)| keys.clone());
        if let Some(keys) = &good
            && keys.knows(kid)
        {
            return Ok(keys.clone());
        }
        if state.tried_at.is_some_and(|at| now_ms.saturating_sub(at) < FETCH_EVERY_MS) {
            // What is known was fetched a moment ago: the key is none of the issuer's.
            return good.ok_or_else(|| failed("they could not be fetched a moment ago"));
        }
        state.tried_at = Some(now_ms);
        match self.fetch(&provider.trusted).await {
            Ok(keys) => {
                state.keys = Some((keys.clone(), now_ms));
                Ok(keys)
            }
            // Keys that are still good go on without their issuer, for tokens that they fit.
            Err(error) => {
                tracing::warn!(issuer = provider.trusted.issuer, %error, "keys could not be fetched");
                good.filter(|keys| keys.knows(kid)).ok_or(error)
            }
        }
    }

    async fn fetch(&self, trusted: &Trusted) -> Result<Keys, JwtError> {
        let address = match &trusted.keys {
            KeysAt::File(path) => {
                let read = |error: std::io::Error| failed(&format!("`{}`: {error}", path.display()));
                let length = tokio::fs::metadata(path).await.map_err(read)?.len();
                if length > FILE_BYTES_MAX {
                    return Err(failed(&format!("`{}` is too large", path.display())));
                }
                return Keys::parse(&tokio::fs::read_to_string(path).await.map_err(read)?);
            }
            KeysAt::Address(address) => address.clone(),
            KeysAt::Discovered => {
                let found = self.discover(&trusted.issuer).await.map_err(|Unanswered(why)| failed(&why))?;
                text(&found, "jwks_uri").map_err(|Unanswered(why)| failed(&why))?
            }
        };
        let answer = self.asker.get(&address, None).await.map_err(|Unanswered(why)| failed(&why))?;
        if !answer.is_success {
            return Err(failed(&format!("`{address}` answers {}", answer.status)));
        }
        Keys::parse(&answer.value.to_string())
    }

    /// The discovery document, which must be the issuer's own (OpenID Connect Discovery 1.0 section 4.3).
    async fn discover(&self, issuer: &str) -> Result<Value, Unanswered> {
        let address = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
        let answer = self.asker.get(&address, None).await?;
        if !answer.is_success {
            return Err(Unanswered(format!("`{address}` answers {}", answer.status)));
        }
        if answer.value.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(Unanswered(format!("`{address}` is not of the issuer `{issuer}`")));
        }
        Ok(answer.value)
    }

    /// Where the provider with this issuer is asked.
    ///
    /// # Errors
    /// When nobody trusts it, or it does not say.
    pub async fn endpoints(&self, issuer: &str, now_ms: i64) -> Result<Endpoints, Unanswered> {
        let provider = self.provider(issuer).map_err(|error| Unanswered(error.to_string()))?;
        let mut state = provider.state.lock().await;
        if let Some((known, at)) = &state.endpoints
            && now_ms.saturating_sub(*at) < KEYS_LIFE_MS
        {
            return Ok(known.clone());
        }
        let found = self.discover(issuer).await?;
        let known = Endpoints {
            authorization: text(&found, "authorization_endpoint")?,
            token: text(&found, "token_endpoint")?,
            userinfo: found
                .get("userinfo_endpoint")
                .is_some()
                .then(|| text(&found, "userinfo_endpoint"))
                .transpose()?,
        };
        state.endpoints = Some((known.clone(), now_ms));
        Ok(known)
    }
}

fn failed(why: &str) -> JwtError {
    JwtError::Keys { why: why.to_owned() }
}

/// An address that a discovery document names.
fn text(found: &Value, name: &str) -> Result<String, Unanswered> {
    let address = found.get(name).and_then(Value::as_str);
    let address = address.ok_or_else(|| Unanswered(format!("the provider names no `{name}`")))?;
    allowed(address).map(|_is_allowed| address.to_owned())
}
