//! An event's body: its JSON, and its details sealed, so that they can be searched by those who hold the token key and
//! erased by destroying a key, while what the tree was built from stays as it is.

use std::sync::Arc;

use aws_lc_rs::hmac;
use model::event::Detail;
use model::{Envelope, Event};
use verify::entry::{self, SALT_BYTES, Sealed};
use verify::merkle::Hash;
use zeroize::Zeroizing;

use crate::{LedgerError, Random};

/// Seals and tokenises details.
pub(crate) struct Sealer {
    pub envelope: Arc<dyn Envelope>,
    pub random: Arc<dyn Random>,
    pub token_key: hmac::Key,
}

impl Sealer {
    /// The token of a value: equal for equal values of a field.
    pub fn token(&self, field: &str, value: &str) -> Hash {
        let mut context = hmac::Context::with_key(&self.token_key);
        context.update(field.as_bytes());
        context.update(&[0]);
        context.update(value.as_bytes());
        let mut token = [0; 32];
        token.copy_from_slice(context.sign().as_ref());
        token
    }

    /// The body of an entry.
    pub async fn body(&self, event: &Event) -> Result<Vec<u8>, LedgerError> {
        let json = serde_json::to_string(event)?;
        let mut parts = Vec::with_capacity(event.details.len());
        for detail in &event.details {
            parts.push((self.seal(&json, detail).await?, detail.scope.to_string()));
        }
        let details: Vec<Sealed<'_>> = event
            .details
            .iter()
            .zip(&parts)
            .map(|(detail, ((commitment, sealed), scope))| Sealed {
                field: &detail.field,
                scope,
                token: self.token(&detail.field, &detail.value),
                commitment: *commitment,
                sealed,
            })
            .collect();
        Ok(entry::event(&json, &details)?)
    }

    async fn seal(&self, json: &str, detail: &Detail) -> Result<(Hash, Vec<u8>), LedgerError> {
        let mut plain = Zeroizing::new(vec![0; SALT_BYTES]);
        self.random.fill(&mut plain).map_err(LedgerError::Random)?;
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        salt.copy_from_slice(&plain);
        plain.extend_from_slice(detail.value.as_bytes());
        let commitment = entry::commitment(&salt, detail.value.as_bytes());
        let context = entry::seal_context(&detail.field, json, &commitment);
        let sealed = self.envelope.seal(&detail.scope, &context, &plain).await;
        let failed = |source| LedgerError::Seal { field: detail.field.clone().into_owned(), source };
        Ok((commitment, sealed.map_err(failed)?))
    }

    /// Opens a detail, and holds it against its commitment.
    pub async fn open(&self, json: &str, detail: &Sealed<'_>) -> Result<String, LedgerError> {
        let damaged = || LedgerError::damaged(detail.field, "a sealed detail is not what was committed to");
        let scope: model::Scope = detail.scope.parse().map_err(|_unknown| damaged())?;
        let context = entry::seal_context(detail.field, json, &detail.commitment);
        let plain = self.envelope.open(&scope, &context, detail.sealed).await;
        let failed = |source| LedgerError::Seal { field: detail.field.to_owned(), source };
        let plain = Zeroizing::new(plain.map_err(failed)?);
        let (salt, value) = plain.split_first_chunk::<SALT_BYTES>().ok_or_else(damaged)?;
        if entry::commitment(salt, value) != detail.commitment {
            return Err(damaged());
        }
        String::from_utf8(value.to_vec()).map_err(|_not_text| damaged())
    }
}
