//! Signed notes (C2SP signed-note), checkpoints (C2SP tlog-checkpoint) and cosignatures (C2SP tlog-cosignature).

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bytes::{decimal, hex};
use crate::merkle::{Hash, sha256};

/// The longest note that is looked at, in bytes.
pub const NOTE_BYTES_MAX: usize = 16 << 10;
/// Signatures of a note that are looked at.
pub const SIGNATURES_MAX: usize = 32;
/// Signature type of plain Ed25519 (C2SP signed-note).
const ED25519_TYPE: u8 = 0x01;
/// Signature type of Ed25519 cosignatures with a time (C2SP tlog-cosignature).
const COSIGNATURE_TYPE: u8 = 0x04;

/// Why a note, key or checkpoint is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not in the form it must have.
    #[error("{what} is not written as the specification says")]
    Form {
        /// What is wrong.
        what: &'static str,
    },
    /// No signature by the key that must have signed.
    #[error("there is no signature by `{name}`")]
    Unsigned {
        /// The key's name.
        name: String,
    },
    /// The signature by that key does not fit.
    #[error("the signature by `{name}` does not fit")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// A seed that is no Ed25519 key.
    #[error("the key of `{name}` cannot be used")]
    BadKey {
        /// The key's name.
        name: String,
    },
}

const fn form(what: &'static str) -> NoteError {
    NoteError::Form { what }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// A verifier key: `name+hash+base64` (C2SP signed-note, "Verifier keys").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: u8,
    public: [u8; 32],
}

impl VerifierKey {
    /// Its name; for a log's key the origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of `SHA-256(name ‖ LF ‖ type ‖ key)`.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut bytes = self.name.clone().into_bytes();
        bytes.extend([b'\n', self.kind]);
        bytes.extend(self.public);
        let [a, b, c, d, ..] = sha256(&bytes);
        [a, b, c, d]
    }

    /// Whether it signs cosignatures with a time rather than plain notes.
    #[must_use]
    pub const fn is_cosigner(&self) -> bool {
        self.kind == COSIGNATURE_TYPE
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message, signature)
            .map_err(|_unspecified| NoteError::BadSignature { name: self.name.clone() })
    }

    /// Verifies a bare Ed25519 signature over `message`.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn verify_bare(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        self.verify(message, signature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind];
        key.extend(self.public);
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), STANDARD.encode(key))
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form("a verifier key (`name+hash+base64`)"));
        };
        let key = STANDARD.decode(key).or(Err(form("the base64 of a verifier key")))?;
        let Some((&kind, public)) = key.split_first() else { return Err(form("an empty verifier key")) };
        let public = <[u8; 32]>::try_from(public).or(Err(form("the length of a verifier key")))?;
        if !is_name(name) || !matches!(kind, ED25519_TYPE | COSIGNATURE_TYPE) {
            return Err(form("the name or type of a verifier key"));
        }
        let key = Self { name: name.to_owned(), kind, public };
        if key.to_string() == text { Ok(key) } else { Err(form("the hash of a verifier key")) }
    }
}

/// A signing key. Prints its name alone.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.name)
    }
}

impl SigningKey {
    /// The key of a log, from 32 random bytes.
    ///
    /// # Errors
    /// When the name cannot name a key.
    pub fn of_log(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, ED25519_TYPE, seed)
    }

    /// The key of a witness, from 32 random bytes.
    ///
    /// # Errors
    /// When the name cannot name a key.
    pub fn of_witness(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, COSIGNATURE_TYPE, seed)
    }

    fn new(name: &str, kind: u8, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let bad = || NoteError::BadKey { name: name.to_owned() };
        if !is_name(name) {
            return Err(form("the name of a key"));
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| bad())?;
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_length| bad())?;
        Ok(Self { pair, verifier: VerifierKey { name: name.to_owned(), kind, public } })
    }

    /// Its verifier key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A bare Ed25519 signature over `message`.
    #[must_use]
    pub fn sign_bare(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The signature line of a log under a note's text.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        self.line(&self.sign_bare(text.as_bytes()))
    }

    /// The signature line of a witness under a note's text, at `time` in seconds since 1970.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let mut signature = time.to_be_bytes().to_vec();
        signature.extend(self.sign_bare(&cosigned(text, time)));
        self.line(&signature)
    }

    fn line(&self, signature: &[u8]) -> String {
        let mut bytes = self.verifier.id().to_vec();
        bytes.extend_from_slice(signature);
        format!("— {} {}\n", self.verifier.name, STANDARD.encode(bytes))
    }
}

/// What a witness signs (C2SP tlog-cosignature, "cosignature/v1").
fn cosigned(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// The bytes behind the id.
    pub bytes: Vec<u8>,
}

/// A signed note: text and the signatures under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with the newline at its end.
    pub text: String,
    /// The signatures, in order.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note. Every byte is accounted for: a note that could be written otherwise is refused.
    ///
    /// # Errors
    /// When it is not a signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(form("a note of more than 16 KiB"));
        }
        let text = std::str::from_utf8(bytes).or(Err(form("a note that is not UTF-8")))?;
        if text.contains(|c: char| c != '\n' && c.is_ascii_control()) {
            return Err(form("a note with control characters"));
        }
        let (body, lines) = text.rsplit_once("\n\n").ok_or(form("a note without signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(form("the end of a note"))?;
        let signatures: Vec<Signature> =
            lines.split('\n').take(SIGNATURES_MAX + 1).map(signature).collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(form("a note with more than 32 signatures"));
        }
        Ok(Self { text: format!("{body}\n"), signatures })
    }

    /// Verifies the signature of a log.
    ///
    /// # Errors
    /// When there is none, or it does not fit.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        key.verify(self.text.as_bytes(), &self.of(key)?.bytes)
    }

    /// Verifies the cosignature of a witness and tells its time, in seconds since 1970.
    ///
    /// # Errors
    /// When there is none, or it does not fit.
    pub fn verify_cosignature(&self, key: &VerifierKey) -> Result<u64, NoteError> {
        let found = self.of(key)?;
        let (time, signature) = found.bytes.split_first_chunk::<8>().ok_or(form("a cosignature"))?;
        let time = u64::from_be_bytes(*time);
        key.verify(&cosigned(&self.text, time), signature)?;
        Ok(time)
    }

    fn of(&self, key: &VerifierKey) -> Result<&Signature, NoteError> {
        let id = key.id();
        self.signatures
            .iter()
            .find(|signature| signature.id == id && signature.name == key.name)
            .ok_or_else(|| NoteError::Unsigned { name: key.name.clone() })
    }
}

/// Reads a signature line without its newline.
///
/// # Errors
/// When it is none.
pub fn signature(line: &str) -> Result<Signature, NoteError> {
    let (name, encoded) =
        line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(form("a signature line"))?;
    let bytes = STANDARD.decode(encoded).or(Err(form("the base64 of a signature")))?;
    let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(form("a signature without a key id"))?;
    if !is_name(name) || bytes.is_empty() {
        return Err(form("a signature line"));
    }
    Ok(Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
}

/// What a log commits to: its size and root under its origin (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note. Lines beyond the third are let pass, as the specification says.
    ///
    /// # Errors
    /// When it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').ok_or(form("the end of a checkpoint"))?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(form("a checkpoint of fewer than three lines"));
        };
        let size = decimal(size).ok_or(form("the size of a checkpoint"))?;
        let root = STANDARD.decode(root).or(Err(form("the root of a checkpoint")))?;
        let root = Hash::try_from(root.as_slice()).or(Err(form("the length of a checkpoint's root")))?;
        if origin.is_empty() {
            return Err(form("the origin of a checkpoint"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The note with the signature of a log.
    #[must_use]
    pub fn signed(&self, key: &SigningKey) -> String {
        let text = self.text();
        let line = key.sign(&text);
        format!("{text}\n{line}")
    }
}

/// A hash in base64.
#[must_use]
pub fn encode_hash(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// A hash from base64.
#[must_use]
pub fn decode_hash(text: &str) -> Option<Hash> {
    Hash::try_from(STANDARD.decode(text).ok()?.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Note, SigningKey, VerifierKey};

    // The example of the signed-note specification and of golang.org/x/mod/sumdb/note.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_published_example_verifies_and_a_changed_one_does_not() {
        let key: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(key.to_string(), VKEY);
        assert!(Note::parse(NOTE.as_bytes()).unwrap().verify(&key).is_ok());
        let changed = NOTE.replace("problem,", "question,");
        assert!(Note::parse(changed.as_bytes()).unwrap().verify(&key).is_err());
        assert!(VKEY.replace("c74f", "c74e").parse::<VerifierKey>().is_err());
    }

    #[test]
    fn checkpoints_and_cosignatures_are_read_as_written() {
        let log = SigningKey::of_log("example.org/log", &[7; 32]).unwrap();
        let witness = SigningKey::of_witness("example.org/witness", &[8; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "example.org/log".to_owned(), size: 10, root: [3; 32] };
        let mut text = checkpoint.signed(&log);
        text.push_str(&witness.cosign(&checkpoint.text(), 1_700_000_000));
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(Checkpoint::parse(&note.text).unwrap(), checkpoint);
        note.verify(log.verifier()).unwrap();
        assert_eq!(note.verify_cosignature(witness.verifier()).unwrap(), 1_700_000_000);
        for cut in 0..text.len() {
            let Ok(note) = Note::parse(&text.as_bytes()[..cut]) else { continue };
            assert!(note.verify(log.verifier()).is_err() || note.verify_cosignature(witness.verifier()).is_err());
        }
    }
}
