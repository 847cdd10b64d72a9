//! Receipts of destroyed keys: JSON, signed with Ed25519 (RFC 8032).

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use model::Scope;
use store::keys::ReceiptRow;

use crate::{Key, VaultError, hex};

const FORMAT: &str = "lazaret-shred-receipt/1";
const DIGEST_CONTEXT: &str = "lazaret 2026-11-24 vault shredded keys 1";

/// Says that the keys of a scope were destroyed. The body is the exact text that is signed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// JSON: `format`, `id`, `scope`, `issued_at` (RFC 3339), `keys` (how many versions of keys), `keys_blake3` (over their
    /// names and versions).
    pub body: String,
    /// The public key, 32 bytes in hexadecimal.
    pub signer: String,
    /// The signature, 64 bytes in hexadecimal.
    pub signature: String,
}

/// Why a receipt is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// It is not a receipt at all.
    #[error("this is not a receipt of destroyed keys")]
    Form,
    /// The signature does not fit.
    #[error("the signature does not fit the receipt; it was altered")]
    Signature,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    format: String,
    id: String,
    scope: String,
    issued_at: String,
    keys: u64,
    keys_blake3: String,
}

/// The key that signs receipts.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn new(seed: &Key) -> Result<Self, VaultError> {
        let failed = |_rejected| VaultError::Primitive { what: "Ed25519" };
        Ed25519KeyPair::from_seed_unchecked(seed.expose()).map(Self).map_err(failed)
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        public.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        public
    }
}

impl Receipt {
    pub(crate) fn issue(
        signer: &Signer,
        id: &[u8; 16],
        scope: &Scope,
        gone: &[(String, i64)],
        now: i64,
    ) -> Result<Self, VaultError> {
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
        for (name, version) in gone {
            hasher.update(name.as_bytes()).update(b"\0").update(&version.to_be_bytes());
        }
        let body = Body {
            format: FORMAT.to_owned(),
            id: hex::encode(id),
            scope: scope.to_string(),
            issued_at: jiff::Timestamp::from_millisecond(now).unwrap_or_default().to_string(),
            keys: gone.len() as u64,
            keys_blake3: hex::encode(hasher.finalize().as_bytes()),
        };
        let failed = |_error| VaultError::Primitive { what: "writing a receipt" };
        let body = serde_json::to_string(&body).map_err(failed)?;
        let signature = hex::encode(signer.0.sign(body.as_bytes()).as_ref());
        Ok(Self { body, signer: hex::encode(&signer.public()), signature })
    }

    pub(crate) fn row(&self) -> ReceiptRow {
        let body: Option<Body> = serde_json::from_str(&self.body).ok();
        let issued_at = body.as_ref().and_then(|body| body.issued_at.parse::<jiff::Timestamp>().ok());
        let (id, scope) = body.map(|body| (body.id, body.scope)).unwrap_or_default();
        ReceiptRow {
            id,
            scope,
            issued_at: issued_at.map_or(0, jiff::Timestamp::as_millisecond),
            body: self.body.clone(),
            signer: self.signer.clone(),
            signature: self.signature.clone(),
        }
    }

    pub(crate) fn of(row: ReceiptRow) -> Self {
        Self { body: row.body, signer: row.signer, signature: row.signature }
    }

    /// Checks the signature. Compare [`Receipt::signer`] with the key that the organisation published before trusting it.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn check(&self) -> Result<(), BadReceipt> {
        let body: Body = serde_json::from_str(&self.body).map_err(|_error| BadReceipt::Form)?;
        if body.format != FORMAT {
            return Err(BadReceipt::Form);
        }
        let signer = hex::decode(&self.signer).ok_or(BadReceipt::Form)?;
        let signature = hex::decode(&self.signature).ok_or(BadReceipt::Form)?;
        let key = UnparsedPublicKey::new(&ED25519, signer);
        key.verify(self.body.as_bytes(), &signature).map_err(|aws_lc_rs::error::Unspecified| BadReceipt::Signature)
    }
}
