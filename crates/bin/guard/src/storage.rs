//! The vault as the gateway's storage.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use gateway::ports::{PartWriter, Place, Plain, Storage, StorageError};
use model::Answer;
use vault::{SealedObject, SealedPart, Vault, VaultError, Writer};

/// Seals with the vault.
pub struct Sealed {
    vault: Vault,
}

impl Sealed {
    /// Over an open vault.
    #[must_use]
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }
}

pub(crate) fn fault(error: VaultError) -> StorageError {
    match error {
        VaultError::Altered { .. } | VaultError::NoKey { .. } | VaultError::Misplaced { .. } => {
            tracing::error!(%error, "an object cannot be opened");
            StorageError::Altered
        }
        VaultError::Destroyed { .. } => StorageError::Erased,
        VaultError::Blobs { source } if source.is_full() => StorageError::Full,
        VaultError::Blobs { source } if source.is_missing() => {
            tracing::error!(error = %source, "an object's content is missing");
            StorageError::Altered
        }
        other => StorageError::Unavailable(Box::new(other)),
    }
}

fn read_part(bytes: &[u8]) -> Result<SealedPart, StorageError> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::error!(%error, "what the catalogue keeps of a part cannot be read");
        StorageError::Altered
    })
}

pub(crate) fn read_object(bytes: &[u8]) -> Result<SealedObject, StorageError> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::error!(%error, "what the catalogue keeps of an object cannot be read");
        StorageError::Altered
    })
}

fn written(value: &impl serde::Serialize) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec(value).map_err(|error| StorageError::Unavailable(Box::new(error)))
}

struct Part(Writer);

impl PartWriter for Part {
    fn write(&mut self, piece: Bytes) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async move { self.0.write(&piece).await.map_err(fault) })
    }

    fn finish(self: Box<Self>) -> Answer<'static, Result<Vec<u8>, StorageError>> {
        Box::pin(async move { written(&self.0.finish().await.map_err(fault)?) })
    }
}

impl Storage for Sealed {
    fn begin<'a>(&'a self, place: &'a Place, _: u32) -> Answer<'a, Result<Box<dyn PartWriter>, StorageError>> {
        Box::pin(async move {
            let writer = self.vault.writer(&place.study, place.object, place.version).await.map_err(fault)?;
            Ok(Box::new(Part(writer)) as Box<dyn PartWriter>)
        })
    }

    fn seal<'a>(&'a self, place: &'a Place, parts: &'a [Vec<u8>]) -> Answer<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            let parts = parts.iter().map(|part| read_part(part)).collect::<Result<Vec<_>, _>>()?;
            let sealed = self.vault.commit(&place.study, place.object, place.version, &parts).await.map_err(fault)?;
            written(&sealed)
        })
    }

    fn read<'a>(
        &'a self,
        place: &'a Place,
        sealed: &'a [u8],
        range: Range<u64>,
    ) -> Answer<'a, Result<Plain, StorageError>> {
        Box::pin(async move {
            let object = read_object(sealed)?;
            let belongs =
                object.study == place.study && object.object == place.object && object.version == place.version;
            if !belongs {
                return Err(StorageError::Altered);
            }
            let reader = self.vault.read(&object, range).await.map_err(fault)?;
            Ok(reader.map_err(fault).boxed() as Plain)
        })
    }

    fn remove<'a>(&'a self, sealed: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        Box::pin(async move { self.vault.remove(&read_object(sealed)?).await.map_err(fault) })
    }

    fn remove_part<'a>(&'a self, part: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        Box::pin(async move { self.vault.discard(&read_part(part)?).await.map_err(fault) })
    }
}
