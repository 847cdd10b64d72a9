//! Tokens with which records may be sent. What is kept is a digest of each: a token is random, so that nobody finds it from
//! there.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Random;

/// What every token begins with, so that it is told apart from other secrets.
const PREFIX: &str = "lzi_";
/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;
/// Tokens in all, revoked ones included.
const TOKENS_MAX: usize = 1_000;
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// What the digest of a token is drawn under (BLAKE3, `derive_key`).
const CONTEXT: &str = "lazaret 2026-11-29 intake token v1";

/// Why something cannot be done about tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name.
    #[error("`{name}` is no name of a token; give 1 to {NAME_BYTES_MAX} letters, digits, `.`, `-` or `_`")]
    Name {
        /// What was given.
        name: String,
    },
    /// There is one.
    #[error("there is a token `{name}` already; revoke it first, or give another name")]
    Taken {
        /// The name.
        name: String,
    },
    /// There is none.
    #[error("there is no token `{name}` that could be revoked; `lazaret intake token list` shows them")]
    Unknown {
        /// What was given.
        name: String,
    },
    /// Too many.
    #[error("there are {TOKENS_MAX} tokens already, revoked ones included; that is the most")]
    TooMany,
    /// The file.
    #[error("cannot {what} the tokens in `{path}`: {source}; check free space and the file's owner")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(#[source] std::io::Error),
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its name, which is also the source of what comes with it.
    pub name: String,
    /// A digest of it, in hexadecimal.
    digest: String,
    /// Since when, in milliseconds since 1970.
    pub created_at: i64,
    /// Since when it is worth nothing, if so.
    pub revoked_at: Option<i64>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    tokens: Vec<Token>,
}

/// All tokens.
pub struct Tokens {
    path: PathBuf,
    tokens: RwLock<Vec<Token>>,
}

impl Tokens {
    /// Reads the tokens in a file; there are none where there is no file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Io { what: "read", path: path.to_owned(), source };
        let kept: Kept = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { path: path.to_owned(), tokens: RwLock::new(kept.tokens) })
    }

    /// Makes a token. It is given this once.
    ///
    /// # Errors
    /// When the name is none or taken, or the file cannot be written: then there is no token.
    pub fn create(&self, name: &str, random: &Random, now_ms: i64) -> Result<SecretString, TokenError> {
        self.check_name(name)?;
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS_MAX {
            return Err(TokenError::TooMany);
        }
        if tokens.iter().any(|token| token.name == name && token.revoked_at.is_none()) {
            return Err(TokenError::Taken { name: name.to_owned() });
        }
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        random(bytes.as_mut_slice()).map_err(TokenError::Random)?;
        let secret = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())));
        let token = Token { name: name.to_owned(), digest: digest(&secret), created_at: now_ms, revoked_at: None };
        let mut changed = tokens.clone();
        changed.push(token);
        self.write(&changed)?;
        *tokens = changed;
        Ok(SecretString::from(secret.as_str()))
    }

    /// Whether a token of that name could be made.
    ///
    /// # Errors
    /// When not: says why.
    pub fn check_name(&self, name: &str) -> Result<(), TokenError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_letter) {
            return Err(TokenError::Name { name: name.chars().take(NAME_BYTES_MAX).collect() });
        }
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        if tokens.iter().any(|token| token.name == name && token.revoked_at.is_none()) {
            return Err(TokenError::Taken { name: name.to_owned() });
        }
        Ok(())
    }

    /// Makes a token worth nothing, at once.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be written: then it is still worth something.
    pub fn revoke(&self, name: &str, now_ms: i64) -> Result<(), TokenError> {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = tokens.clone();
        let found = changed.iter_mut().find(|token| token.name == name && token.revoked_at.is_none());
        let found = found.ok_or_else(|| TokenError::Unknown { name: name.to_owned() })?;
        found.revoked_at = Some(now_ms);
        self.write(&changed)?;
        *tokens = changed;
        Ok(())
    }

    /// All of them, without the tokens themselves.
    #[must_use]
    pub fn list(&self) -> Vec<Token> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of a token that is worth something. Every digest is compared whole, in constant time.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<String> {
        let given = digest(token.trim());
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for token in tokens.iter() {
            let is_equal = verify_slices_are_equal(token.digest.as_bytes(), given.as_bytes()).is_ok();
            if is_equal && token.revoked_at.is_none() {
                found = Some(token.name.clone());
            }
        }
        found
    }

    /// Replaces the file, durably.
    fn write(&self, tokens: &[Token]) -> Result<(), TokenError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let failed = |source| TokenError::Io { what: "write", path: self.path.clone(), source };
        let kept = Kept { tokens: tokens.to_vec() };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| failed(error.into()))?;
        let beside = self.path.with_extension("new");
        let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let written = opened.and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)?;
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        written.map_err(failed)
    }
}

fn digest(token: &str) -> String {
    blake3::Hash::from_bytes(blake3::derive_key(CONTEXT, token.as_bytes())).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::{TokenError, Tokens};
    use secrecy::ExposeSecret as _;
    use std::sync::Arc;

    #[test]
    fn a_token_is_worth_something_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let random: crate::Random = Arc::new(|bytes: &mut [u8]| {
            bytes.fill(7);
            Ok(())
        });
        let tokens = Tokens::open(&path).unwrap();
        let secret = tokens.create("lab-1", &random, 5).unwrap();
        assert!(matches!(tokens.create("lab-1", &random, 5), Err(TokenError::Taken { .. })));
        assert!(matches!(tokens.create("../lab", &random, 5), Err(TokenError::Name { .. })));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret.expose_secret()));
        let again = Tokens::open(&path).unwrap();
        assert_eq!(again.check(secret.expose_secret()), Some("lab-1".to_owned()));
        assert_eq!(again.check("lzi_"), None);
        again.revoke("lab-1", 6).unwrap();
        assert_eq!(again.check(secret.expose_secret()), None);
        assert!(matches!(again.revoke("lab-1", 7), Err(TokenError::Unknown { .. })));
        assert_eq!(Tokens::open(&path).unwrap().list()[0].revoked_at, Some(6));
    }
}
