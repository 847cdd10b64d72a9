//! The header of a sealed part. Chunks follow it (see [`super::chunks`]).
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–7 | `LZRTPART` |
//! | 8 | version: 1 |
//! | 9 | suite: 1 |
//! | 10 | binary logarithm of the chunk size: 16 |
//! | 11 | 0 |
//! | 12–27 | id of the part, which is the name of the blob |
//! | 28–59 | salt, random |
//! | 60–91 | commitment |
//! | 92–95 | 0 |

use super::{COMMITMENT_BYTES, Derived, Place, Purpose, SALT_BYTES, SUITE, VERSION};
use crate::{BlobId, Key, VaultError};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 96;
const MAGIC: &[u8; 8] = b"LZRTPART";
const CHUNK_BITS: u8 = 16;
/// Bytes that take part in key derivation: everything before the commitment.
const BOUND_BYTES: usize = 60;

/// A header that can be read; whether it is genuine, only its key tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The part's id.
    pub part: BlobId,
    /// The salt.
    pub salt: [u8; SALT_BYTES],
    /// The commitment.
    pub commitment: [u8; COMMITMENT_BYTES],
}

impl Header {
    /// Reads a header. `None` when the bytes are not one of this version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, _chunks) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (magic, rest) = header.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_first_chunk::<16>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
        let (commitment, reserved) = rest.split_first_chunk::<COMMITMENT_BYTES>()?;
        let is_known = magic == MAGIC && *kind == [VERSION, SUITE, CHUNK_BITS, 0] && reserved == [0; 4];
        is_known.then(|| Self { part: BlobId::from_bytes(*part), salt: *salt, commitment: *commitment })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let fields = MAGIC.iter().chain(&[VERSION, SUITE, CHUNK_BITS, 0]).chain(self.part.as_bytes());
        let fields = fields.chain(&self.salt).chain(&self.commitment);
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// A header for a new part, and its key.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn new(
        object_key: &Key,
        place: &Place,
        part: BlobId,
        salt: [u8; SALT_BYTES],
    ) -> Result<(Self, Derived), VaultError> {
        let mut header = Self { part, salt, commitment: [0; COMMITMENT_BYTES] };
        let derived = header.derive(object_key, place)?;
        header.commitment = *derived.commitment();
        Ok((header, derived))
    }

    /// The part's key, once the header is shown to be the one that was written for this key, place and part.
    ///
    /// # Errors
    /// When it is another, or the cryptographic library fails.
    pub fn open(&self, object_key: &Key, place: &Place, part: BlobId) -> Result<Derived, VaultError> {
        let derived = self.derive(object_key, place)?;
        if self.part == part && derived.is_committed(&self.commitment) {
            Ok(derived)
        } else {
            Err(VaultError::altered(format!("the header of blob `{part}` of {place}")))
        }
    }

    fn derive(&self, object_key: &Key, place: &Place) -> Result<Derived, VaultError> {
        let bytes = self.to_bytes();
        let bound = bytes.get(..BOUND_BYTES).unwrap_or(&bytes);
        Derived::new(object_key, &self.salt, Purpose::Part, &[bound, &place.context()])
    }
}
