//! The sealed form: how keys are derived, parts, chunks and manifests laid out. Every function here is pure. The byte
//! layout is documented in docs/reference/vault-format.md, whose worked example a test checks.

pub mod chunks;
pub mod manifest;
pub mod part;
pub mod sealed;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{constant_time, hkdf};
use model::{ObjectId, StudyId, VersionId};
use zeroize::Zeroizing;

use crate::{Key, VaultError};

/// The version of the format.
pub const VERSION: u8 = 1;
/// The suite: HKDF-SHA256 (RFC 5869) with a commitment, AES-256-GCM (NIST SP 800-38D), chunks of 64 KiB.
pub const SUITE: u8 = 1;
/// Bytes of an authentication tag.
pub const TAG_BYTES: usize = 16;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;
/// Bytes of a commitment.
pub const COMMITMENT_BYTES: usize = 32;

/// Where an object's bytes belong. Its parts and manifest open nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The study.
    pub study: StudyId,
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: VersionId,
}

impl Place {
    /// Its bytes for key derivation: the length of the study's name, the name, object id and version id. No two places have
    /// the same.
    #[must_use]
    pub fn context(&self) -> Vec<u8> {
        let study = self.study.as_str().as_bytes();
        let mut context = Vec::with_capacity(study.len() + 33);
        // A study's name has at most 63 bytes.
        context.push(u8::try_from(study.len()).unwrap_or(u8::MAX));
        context.extend_from_slice(study);
        context.extend_from_slice(self.object.as_bytes());
        context.extend_from_slice(self.version.as_bytes());
        context
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "version `{}` of object `{}` in study `{}`", self.version, self.object, self.study)
    }
}

/// What a key is derived for. The labels are the first bytes of HKDF's `info` and end in a zero byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Chunks of a part.
    Part,
    /// A manifest.
    Manifest,
    /// A small value of [`model::Envelope`].
    Detail,
    /// A key under another.
    Wrap,
    /// A root key under a passphrase.
    Root,
}

impl Purpose {
    fn labels(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Part => (b"lazaret/1/part/key\0", b"lazaret/1/part/commit\0"),
            Self::Manifest => (b"lazaret/1/manifest/key\0", b"lazaret/1/manifest/commit\0"),
            Self::Detail => (b"lazaret/1/detail/key\0", b"lazaret/1/detail/commit\0"),
            Self::Wrap => (b"lazaret/1/wrap/key\0", b"lazaret/1/wrap/commit\0"),
            Self::Root => (b"lazaret/1/root/key\0", b"lazaret/1/root/commit\0"),
        }
    }
}

/// A key for AES-256-GCM with the commitment that goes with it.
#[derive(Debug)]
pub struct Derived {
    /// The key.
    pub key: LessSafeKey,
    commitment: [u8; COMMITMENT_BYTES],
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Derived {
    /// HKDF-SHA256 (RFC 5869): extracted from `key` with `salt`, expanded twice, to the AES key and to the commitment. As a
    /// collision of the second would be one of SHA-256, a commitment fits one key and context alone: the transform UtC of
    /// Bellare and Hoang 2022, "Efficient schemes for committing authenticated encryption".
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn new(key: &Key, salt: &[u8; SALT_BYTES], purpose: Purpose, context: &[&[u8]]) -> Result<Self, VaultError> {
        let (for_key, for_commitment) = purpose.labels();
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.expose());
        let expand = |label: &[u8], out: &mut [u8]| -> Result<(), VaultError> {
            let mut info: Vec<&[u8]> = Vec::with_capacity(context.len() + 1);
            info.push(label);
            info.extend_from_slice(context);
            let failed = |Unspecified| VaultError::Primitive { what: "HKDF" };
            extracted.expand(&info, Bytes32).and_then(|okm| okm.fill(out)).map_err(failed)
        };
        let (mut bytes, mut commitment) = (Zeroizing::new([0; 32]), [0; COMMITMENT_BYTES]);
        expand(for_key, bytes.as_mut())?;
        expand(for_commitment, &mut commitment)?;
        let failed = |Unspecified| VaultError::Primitive { what: "AES-256-GCM" };
        Ok(Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes.as_ref()).map_err(failed)?), commitment })
    }

    /// The commitment, to be kept beside what the key seals.
    #[must_use]
    pub fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    /// Whether `kept` is this key's commitment, compared in constant time.
    #[must_use]
    pub fn is_committed(&self, kept: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.commitment, kept).is_ok()
    }
}
