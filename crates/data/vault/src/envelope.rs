//! Small secrets and personal details under keys that can be destroyed ([`model::Envelope`]).
//!
//! A sealed detail is the byte 1 and a sealed value ([`crate::format::sealed`]) for the scope and the caller's context.

use model::{Answer, Envelope, EnvelopeError, Scope};

use crate::format::{Purpose, VERSION, sealed};
use crate::keys::Spec;
use crate::{DETAIL_BYTES_MAX, Vault, VaultError};

impl Envelope for Vault {
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { self.seal_detail(scope, context, plain).await.map_err(|error| answer(scope, error)) })
    }

    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { self.open_detail(scope, context, sealed).await.map_err(|error| answer(scope, error)) })
    }
}

fn answer(scope: &Scope, error: VaultError) -> EnvelopeError {
    let scope = scope.clone();
    match error {
        VaultError::Destroyed { .. } => EnvelopeError::Destroyed { scope },
        VaultError::Altered { .. } | VaultError::NoKey { .. } => EnvelopeError::Altered { scope },
        source => EnvelopeError::Unavailable { scope, source: Box::new(source) },
    }
}

impl Vault {
    async fn seal_detail(&self, scope: &Scope, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        if plain.len() > DETAIL_BYTES_MAX {
            let (found, limit) = (plain.len() as u64, DETAIL_BYTES_MAX as u64);
            return Err(VaultError::TooMuch { what: "the detail", found, unit: "bytes", limit });
        }
        let keys = &self.inner.keys;
        let held = keys.ensure(&Spec::detail(scope)).await?;
        let scope = bound(scope);
        let bound = [scope.as_slice(), context];
        let sealed = sealed::seal(held.alive()?, &keys.random.bytes()?, Purpose::Detail, &bound, &[VERSION], plain)?;
        let mut bytes = Vec::with_capacity(sealed.len() + 1);
        bytes.push(VERSION);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    async fn open_detail(&self, scope: &Scope, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let spec = Spec::detail(scope);
        let held = self.inner.keys.find(&spec).await?;
        let held = held.ok_or_else(|| VaultError::NoKey { name: spec.name.clone() })?;
        let altered = || VaultError::altered(format!("a detail of `{scope}`"));
        let sealed = sealed.strip_prefix(&[VERSION]).ok_or_else(altered)?;
        let scope = bound(scope);
        let bound = [scope.as_slice(), context];
        let plain = sealed::open(held.alive()?, Purpose::Detail, &bound, &[VERSION], sealed);
        Ok(plain.ok_or_else(altered)?.to_vec())
    }
}

/// A scope as bytes with their length before them, so that nothing of a context can be taken for it.
fn bound(scope: &Scope) -> Vec<u8> {
    let text = scope.to_string();
    let mut bound = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    bound.extend_from_slice(text.as_bytes());
    bound
}
