//! People who log in through an identity provider: OpenID Connect's authorization code flow with PKCE, state and nonce
//! (OpenID Connect Core 1.0 section 3.1; RFC 6749 section 4.1; RFC 7636; RFC 9207).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::error::IdentityError;
use crate::federation::{Federation, LoginClient};
use crate::jwt::{Claims, JwtError};
use crate::outside::Unanswered;
use crate::secret::{Random, hash, token};

/// The scope and the claim of a passport (GA4GH Passport v1.2).
pub(crate) const PASSPORT: &str = "ga4gh_passport_v1";
/// Visas of one passport that are looked at.
const VISAS_MAX: usize = 200;

/// A login that was begun, to be kept until the person comes back.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Through whom.
    pub issuer: String,
    /// What the provider must bring back.
    pub state: String,
    nonce: String,
    verifier: SecretString,
}

/// Who came back.
#[derive(Debug)]
pub struct Arrived {
    /// What the provider says of the person.
    pub claims: Claims,
    /// The visas of the person's passport as they came, not looked at yet; `None` where none was asked for.
    pub visas: Option<Vec<String>>,
}

impl Arrived {
    /// Whether the provider says that the person showed more than one factor (RFC 8176 `mfa`).
    #[must_use]
    pub fn with_second_factor(&self) -> bool {
        let methods = self.claims.all.get("amr").and_then(Value::as_array);
        methods.is_some_and(|methods| methods.iter().any(|method| method == "mfa"))
    }
}

/// Why a login through a provider came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The provider gave no answer that could be used.
    #[error("the identity provider cannot be asked: {0}")]
    Provider(#[from] Unanswered),
    /// The provider did not accept the code.
    #[error("the identity provider did not accept the log-in ({0}); start again")]
    Refused(String),
    /// What it says of the person is not to be believed.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// The answer is to another question.
    #[error("the identity provider's answer does not belong to this log-in ({0}); start again")]
    Foreign(&'static str),
    /// There is no randomness.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl Federation {
    fn client(&self, issuer: &str) -> Result<&LoginClient, LoginError> {
        let found = self.trusted().find(|trusted| trusted.issuer == issuer).and_then(|found| found.login.as_ref());
        found.ok_or_else(|| JwtError::Issuer { issuer: issuer.chars().take(200).collect() }.into())
    }

    /// Begins a login; the address to send the person to, who comes back to `back`.
    ///
    /// # Errors
    /// When nobody logs in through `issuer`, it cannot be asked, or there is no randomness.
    pub async fn begin(
        &self,
        issuer: &str,
        back: &str,
        random: &Random,
        now_ms: i64,
    ) -> Result<(String, Begun), LoginError> {
        let client = self.client(issuer)?;
        let endpoints = self.endpoints(issuer, now_ms).await?;
        let drawn = || token(random).map(|token| token.expose_secret().to_owned());
        let begun = Begun {
            issuer: issuer.to_owned(),
            state: drawn()?,
            nonce: drawn()?,
            verifier: SecretString::from(drawn()?),
        };
        let challenge = URL_SAFE_NO_PAD.encode(hash(begun.verifier.expose_secret().as_bytes()));
        let scope = if client.asks_for_passport { format!("openid {PASSPORT}") } else { "openid".to_owned() };
        let mut address = crate::outside::allowed(&endpoints.authorization)?;
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.client_id)
            .append_pair("redirect_uri", back)
            .append_pair("scope", &scope)
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok((address.into(), begun))
    }

    /// Ends a login that was `begun`: turns the code into what the provider says of the person.
    ///
    /// # Errors
    /// When the provider does not accept the code, or what it says is not to be believed.
    pub async fn finish(&self, begun: &Begun, code: &str, back: &str, now_ms: i64) -> Result<Arrived, LoginError> {
        let client = self.client(&begun.issuer)?;
        let endpoints = self.endpoints(&begun.issuer, now_ms).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", begun.verifier.expose_secret()),
            ("client_id", &client.client_id),
        ];
        let secret = client.client_secret.as_ref().map(|secret| (client.client_id.as_str(), secret.expose_secret()));
        let answer = self.asker.post(&endpoints.token, &form, secret).await?;
        let said = |name: &str| answer.value.get(name).and_then(Value::as_str);
        if !answer.is_success {
            let why = said("error").unwrap_or("no reason given").chars().take(100).collect::<String>();
            return Err(LoginError::Refused(format!("{why}, status {}", answer.status)));
        }
        let id_token = said("id_token").ok_or(LoginError::Foreign("it has no ID token"))?;
        let claims = self.verify_for(id_token, &begun.issuer, &client.client_id, now_ms).await?;
        let nonce = claims.text("nonce").unwrap_or_default();
        if verify_slices_are_equal(nonce.as_bytes(), begun.nonce.as_bytes()).is_err() {
            return Err(LoginError::Foreign("its nonce is another's"));
        }
        // OpenID Connect Core 1.0 section 3.1.3.7, 4 and 5.
        if claims.all.contains_key("azp") && claims.text("azp") != Some(&client.client_id) {
            return Err(LoginError::Foreign("it was given to another client"));
        }
        let visas = match client.asks_for_passport {
            true => Some(self.passport(&claims, endpoints.userinfo.as_deref(), said("access_token")).await?),
            false => None,
        };
        Ok(Arrived { claims, visas })
    }

    /// The visas in the ID token, or else those that the provider tells when it is asked about the person.
    async fn passport(
        &self,
        claims: &Claims,
        userinfo: Option<&str>,
        access_token: Option<&str>,
    ) -> Result<Vec<String>, LoginError> {
        if let Some(visas) = claims.all.get(PASSPORT) {
            return Ok(texts(visas));
        }
        let (Some(address), Some(token)) = (userinfo, access_token) else { return Ok(Vec::new()) };
        let answer = self.asker.get(address, Some(token)).await?;
        if !answer.is_success {
            return Err(LoginError::Refused(format!("no passport, status {}", answer.status)));
        }
        // OpenID Connect Core 1.0 section 5.3.2.
        if answer.value.get("sub").and_then(Value::as_str) != Some(&claims.subject) {
            return Err(LoginError::Foreign("it tells of somebody else"));
        }
        Ok(answer.value.get(PASSPORT).map(texts).unwrap_or_default())
    }
}

fn texts(visas: &Value) -> Vec<String> {
    let all = visas.as_array().into_iter().flatten().take(VISAS_MAX);
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}
