//! The root key in a key management service that speaks the protocol of Vault's and OpenBao's transit engine
//! (`POST /v1/MOUNT/encrypt/KEY`, `decrypt`, `keys/KEY/rotate`, `keys/KEY/config`).
//!
//! The key must be of a type that takes associated data: `aes256-gcm96` or `chacha20-poly1305`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Answer;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Passphrase, ProviderError, RootKey};
use crate::Key;

const PROVIDER: &str = "the transit service";
/// First byte of what a service wrapped; its ciphertext follows, as text.
const WRAPPED: u8 = b'T';
/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Which service and key.
#[derive(Debug)]
pub struct TransitSettings {
    /// Its address, such as `https://vault.example.org:8200`. Without TLS only on this machine.
    pub address: String,
    /// Where the engine is mounted, such as `transit`.
    pub mount: String,
    /// The key's name.
    pub key: String,
    /// The token.
    pub token: Passphrase,
    /// The namespace, if the service has them.
    pub namespace: Option<String>,
}

/// The root key in a service.
#[derive(Debug)]
pub struct Transit {
    settings: TransitSettings,
    client: reqwest::Client,
}

impl Transit {
    /// A client for the service. Nothing is asked yet.
    ///
    /// # Errors
    /// When a setting is not allowed.
    pub fn new(settings: TransitSettings) -> Result<Self, ProviderError> {
        let setting = |why: String| ProviderError::Setting { provider: PROVIDER, why };
        let address = reqwest::Url::parse(&settings.address)
            .map_err(|error| setting(format!("its address `{}` is none: {error}", settings.address)))?;
        let is_here = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !(address.scheme() == "https" || (address.scheme() == "http" && is_here)) {
            return Err(setting(format!("`{}` would send keys in clear; use https", settings.address)));
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'))
        };
        if !is_name(&settings.mount) || !is_name(&settings.key) || settings.key.contains('/') {
            return Err(setting("mount and key are letters, digits, `-`, `_` and `.`".to_owned()));
        }
        // Redirects would take the token elsewhere.
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client = builder.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX).build();
        let client = client.map_err(|error| setting(error.to_string()))?;
        Ok(Self { settings, client })
    }

    async fn ask(&self, what: &'static str, path: &str, body: Option<&Value>) -> Result<Value, ProviderError> {
        let TransitSettings { address, mount, token, namespace, .. } = &self.settings;
        let url = format!("{}/v1/{}/{path}", address.trim_end_matches('/'), mount.trim_matches('/'));
        let request = match body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        let mut secret = reqwest::header::HeaderValue::from_str(token.expose()).map_err(|_invalid| {
            ProviderError::Setting { provider: PROVIDER, why: "its token is no token".to_owned() }
        })?;
        secret.set_sensitive(true);
        let mut request = request.header("X-Vault-Token", secret).header("X-Vault-Request", "true");
        if let Some(namespace) = namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let unreachable = |error: reqwest::Error| ProviderError::Unreachable {
            provider: PROVIDER,
            source: Box::new(error.without_url()),
        };
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut text = Zeroizing::new(Vec::new());
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if text.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(ProviderError::Refused {
                    provider: PROVIDER,
                    what,
                    why: "its answer is too long".to_owned(),
                });
            }
            text.extend_from_slice(&piece);
        }
        if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(ProviderError::Unreachable {
                provider: PROVIDER,
                source: format!("it answers {status}").into(),
            });
        }
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if !status.is_success() {
            let why = value.pointer("/errors/0").and_then(Value::as_str).unwrap_or_default();
            return Err(ProviderError::Refused { provider: PROVIDER, what, why: format!("{status} {why}") });
        }
        Ok(value)
    }

    async fn wrap_now(&self, context: &[u8], key: &Key) -> Result<Vec<u8>, ProviderError> {
        let plain = Zeroizing::new(STANDARD.encode(key.expose()));
        let body = json!({ "plaintext": plain.as_str(), "associated_data": STANDARD.encode(context) });
        let answer = self.ask("wrap a key", &format!("encrypt/{}", self.settings.key), Some(&body)).await?;
        let sealed = answer.pointer("/data/ciphertext").and_then(Value::as_str);
        let sealed = sealed.filter(|sealed| sealed.contains(':') && !sealed.contains(plain.as_str()));
        let none =
            || ProviderError::Refused { provider: PROVIDER, what: "wrap a key", why: "no ciphertext".to_owned() };
        Ok([&[WRAPPED], sealed.ok_or_else(none)?.as_bytes()].concat())
    }

    async fn unwrap_now(&self, context: &[u8], wrapped: &[u8]) -> Result<Key, ProviderError> {
        let unknown = || ProviderError::Unknown { provider: PROVIDER };
        let sealed = wrapped.strip_prefix(&[WRAPPED]).and_then(|sealed| std::str::from_utf8(sealed).ok());
        let sealed = sealed.ok_or_else(unknown)?;
        let body = json!({ "ciphertext": sealed, "associated_data": STANDARD.encode(context) });
        let answer = self.ask("unwrap a key", &format!("decrypt/{}", self.settings.key), Some(&body)).await?;
        let plain = answer.pointer("/data/plaintext").and_then(Value::as_str).ok_or_else(unknown)?;
        let plain = STANDARD.decode(plain).ok().map(Zeroizing::new);
        plain.and_then(|plain| Key::from_slice(&plain)).ok_or_else(unknown)
    }

    async fn retire_now(&self) -> Result<(), ProviderError> {
        let path = format!("keys/{}", self.settings.key);
        let answer = self.ask("describe the root key", &path, None).await?;
        let newest = answer.pointer("/data/latest_version").and_then(Value::as_u64);
        let none =
            || ProviderError::Refused { provider: PROVIDER, what: "count versions", why: "none told".to_owned() };
        let body = json!({ "min_decryption_version": newest.ok_or_else(none)? });
        self.ask("retire older versions", &format!("{path}/config"), Some(&body)).await.map(drop)
    }
}

impl RootKey for Transit {
    fn name(&self) -> String {
        format!("transit key {}", self.settings.key)
    }

    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a Key) -> Answer<'a, Result<Vec<u8>, ProviderError>> {
        Box::pin(self.wrap_now(context, key))
    }

    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Result<Key, ProviderError>> {
        Box::pin(self.unwrap_now(context, wrapped))
    }

    fn rotate(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(async move {
            let path = format!("keys/{}/rotate", self.settings.key);
            self.ask("rotate the root key", &path, Some(&json!({}))).await.map(drop)
        })
    }

    fn retire(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(self.retire_now())
    }
}
