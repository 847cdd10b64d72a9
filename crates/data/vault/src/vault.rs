//! The vault: what others call.

use std::ops::Range;
use std::sync::Arc;

use model::{ObjectId, Scope, StudyId, SubjectId, VersionId};
use store::Store;

use crate::blobs::Blobs;
use crate::format::Place;
use crate::format::manifest::{Manifest, PartEntry};
use crate::format::part::Header;
use crate::keys::{Caching, Doom, Held, KeyStatus, Keys, Rotation, Spec, Turn};
use crate::object::{ManifestPlace, SealedObject, SealedPart};
use crate::reader::{Pool, Reader};
use crate::receipt::Receipt;
use crate::{BlobId, Clock, Hold, Random, RootKey, VaultError, Writer};

/// Manifests up to this size stay in the caller's row; longer ones (from about 75 parts on) become blobs.
const INLINE_MANIFEST_BYTES_MAX: usize = 4 << 10;
/// The longest manifest: of [`crate::PARTS_MAX`] parts.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

pub(crate) struct Inner {
    blobs: Arc<dyn Blobs>,
    pub(crate) keys: Keys,
    pool: Arc<Pool>,
}

/// Sealed storage with its keys. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Opens the vault: blobs, the key table (`Store::sqlite_keys` or `Store::postgres_keys`) and the root key. The
    /// organisation's key is made at the first time, and unwrapped at every other, so that a wrong root key is known at once.
    /// Rotations that were cut off are ended.
    ///
    /// # Errors
    /// When a key cannot be unwrapped, or something does not answer.
    pub async fn open(
        blobs: Arc<dyn Blobs>,
        keys: Store,
        provider: Arc<dyn RootKey>,
        clock: Clock,
        random: Random,
        caching: Caching,
    ) -> Result<Self, VaultError> {
        let keys = Keys::new(keys, provider, clock, random, caching);
        keys.ensure(&Spec::organisation()).await?;
        let resumed = keys.resume().await?;
        for rotation in resumed {
            tracing::info!(key = rotation.name, rewrapped = rotation.rewrapped, "ended a rotation that was cut off");
        }
        Ok(Self { inner: Arc::new(Inner { blobs, keys, pool: Arc::default() }) })
    }

    /// Makes a study's key, if it is not there yet.
    ///
    /// # Errors
    /// When it was destroyed, or something does not answer.
    pub async fn study_key(&self, study: &StudyId) -> Result<(), VaultError> {
        self.inner.keys.ensure(&Spec::study(study)).await.map(drop)
    }

    /// Makes an object's data key, if it is not there yet. An object about one data subject alone can hang under that
    /// subject's key, so that it goes when the subject's key is destroyed; an object keeps the place it was first given.
    ///
    /// # Errors
    /// When the key of object, subject or study was destroyed, the object belongs to another study, or something does not
    /// answer.
    pub async fn object_key(
        &self,
        study: &StudyId,
        object: ObjectId,
        subject: Option<SubjectId>,
    ) -> Result<(), VaultError> {
        self.data_key(study, object, subject).await.map(drop)
    }

    async fn data_key(
        &self,
        study: &StudyId,
        object: ObjectId,
        subject: Option<SubjectId>,
    ) -> Result<Arc<Held>, VaultError> {
        let keys = &self.inner.keys;
        if let Some(subject) = subject {
            // A subject that was shredded gets no new key in another study either.
            keys.find(&Spec::detail(&Scope::Subject(subject))).await?;
        }
        let held = keys.ensure(&Spec::data(study, object, subject)).await?;
        same_study(held, study, object)
    }

    /// Begins to seal one part of an object's version. Parts may be written in any order and at the same time.
    ///
    /// # Errors
    /// As [`Vault::object_key`], and when storage does not answer.
    pub async fn writer(&self, study: &StudyId, object: ObjectId, version: VersionId) -> Result<Writer, VaultError> {
        let held = self.data_key(study, object, None).await?;
        let place = Place { study: study.clone(), object, version };
        let random = &self.inner.keys.random;
        let part = BlobId::from_bytes(random.bytes()?);
        let (header, derived) = Header::new(held.alive()?, &place, part, random.bytes()?)?;
        let blob = self.inner.blobs.create(part).await?;
        Ok(Writer::new(place, held, &header, derived, blob))
    }

    /// Binds parts, in this order, to one version of an object.
    ///
    /// # Errors
    /// When they were sealed for another version, there are none or too many, the key was destroyed, or something does not
    /// answer.
    pub async fn commit(
        &self,
        study: &StudyId,
        object: ObjectId,
        version: VersionId,
        parts: &[SealedPart],
    ) -> Result<SealedObject, VaultError> {
        let place = Place { study: study.clone(), object, version };
        let belongs = |part: &SealedPart| part.study == *study && part.object == object && part.version == version;
        if !parts.iter().all(belongs) {
            return Err(VaultError::Parts { why: "one was sealed for another object or version" });
        }
        let entry =
            |part: &SealedPart| PartEntry { blob: part.blob, plain_bytes: part.plain_bytes, digest: part.digest };
        let manifest = Manifest::of(parts.iter().map(entry).collect())?;
        let held = self.data_key(study, object, None).await?;
        let bytes = manifest.seal(held.alive()?, &place, &self.inner.keys.random.bytes()?)?;
        let manifest_place = if bytes.len() <= INLINE_MANIFEST_BYTES_MAX {
            ManifestPlace::Inline(bytes)
        } else {
            let blob = BlobId::from_bytes(self.inner.keys.random.bytes()?);
            let mut writing = self.inner.blobs.create(blob).await?;
            writing.write(bytes).await?;
            writing.finish().await?;
            ManifestPlace::Blob(blob)
        };
        Ok(SealedObject {
            study: study.clone(),
            object,
            version,
            bytes: manifest.plain_bytes,
            sealed_bytes: parts.iter().map(|part| part.sealed_bytes).sum(),
            root: manifest.root,
            manifest: manifest_place,
        })
    }

    /// Opens bytes `range` of an object. Manifest and first piece are checked before this answers; every further piece before
    /// the stream gives it.
    ///
    /// # Errors
    /// When anything is not what was sealed for this place, the key was destroyed, the range lies outside, or something does
    /// not answer.
    pub async fn read(&self, object: &SealedObject, range: Range<u64>) -> Result<Reader, VaultError> {
        if range.start > range.end || range.end > object.bytes {
            return Err(VaultError::Range { start: range.start, end: range.end, bytes: object.bytes });
        }
        let (held, manifest) = self.manifest(object).await?;
        let Inner { blobs, pool, .. } = &*self.inner;
        let parts = &manifest.parts;
        Reader::open(Arc::clone(blobs), Arc::clone(pool), held, object.place(), parts, range).await
    }

    /// The parts of an object as its manifest binds them: what a backup needs to take along, with digests to check by.
    ///
    /// # Errors
    /// As [`Vault::read`].
    pub async fn parts(&self, object: &SealedObject) -> Result<Vec<PartEntry>, VaultError> {
        Ok(self.manifest(object).await?.1.parts)
    }

    async fn manifest(&self, object: &SealedObject) -> Result<(Arc<Held>, Manifest), VaultError> {
        let spec = Spec::data(&object.study, object.object, None);
        let held = self.inner.keys.find(&spec).await?;
        let held = held.ok_or_else(|| VaultError::NoKey { name: spec.name.clone() })?;
        let held = same_study(held, &object.study, object.object)?;
        let place = object.place();
        let bytes = self.manifest_bytes(object).await?;
        let manifest = Manifest::open(&bytes, held.alive()?, &place)
            .filter(|manifest| manifest.plain_bytes == object.bytes && manifest.root == object.root);
        let altered = || VaultError::altered(format!("the manifest of {place}"));
        Ok((held, manifest.ok_or_else(altered)?))
    }

    async fn manifest_bytes(&self, object: &SealedObject) -> Result<Vec<u8>, VaultError> {
        match &object.manifest {
            ManifestPlace::Inline(bytes) => Ok(bytes.clone()),
            ManifestPlace::Blob(blob) => {
                let first = usize::try_from(MANIFEST_BYTES_MAX).unwrap_or(usize::MAX);
                Ok(self.inner.blobs.open(*blob, first).await?.first.bytes().to_vec())
            }
        }
    }

    /// Removes an object's blobs, also when its key was destroyed before. Its data key stays, because other versions need it:
    /// destroy it with [`Vault::shred`].
    ///
    /// # Errors
    /// When a legal hold forbids it, the manifest is not genuine, or storage does not answer.
    pub async fn remove(&self, object: &SealedObject) -> Result<(), VaultError> {
        self.inner.keys.hold_against(&Scope::Object(object.object)).await?;
        let blobs = match self.manifest(object).await {
            Ok((_held, manifest)) => manifest.parts.iter().map(|part| part.blob).collect(),
            // What cannot be opened any more can still be cleared away.
            Err(VaultError::Destroyed { .. }) => match self.manifest_bytes(object).await {
                Ok(bytes) => Manifest::blobs(&bytes).unwrap_or_default(),
                Err(VaultError::Blobs { source }) if source.is_missing() => Vec::new(),
                Err(error) => return Err(error),
            },
            // An earlier try may have been cut off after the manifest went, which goes last.
            Err(VaultError::Blobs { source }) if source.is_missing() => return Ok(()),
            Err(error) => return Err(error),
        };
        for blob in blobs {
            self.inner.blobs.remove(blob).await?;
        }
        if let ManifestPlace::Blob(blob) = &object.manifest {
            self.inner.blobs.remove(*blob).await?;
        }
        Ok(())
    }

    /// Removes a part that will not become part of an object, such as one of an upload that was given up.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn discard(&self, part: &SealedPart) -> Result<(), VaultError> {
        Ok(self.inner.blobs.remove(part.blob).await?)
    }

    /// Names of blobs after `after`, at most `limit`, to find those that no row names any more.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn blobs(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, VaultError> {
        Ok(self.inner.blobs.list(after, limit).await?)
    }

    /// Every blob that an object names, as they stand in clear in its manifest: nothing of it has to be opened, and keys that
    /// were destroyed do not matter.
    ///
    /// # Errors
    /// When its manifest is missing or is none, or storage does not answer.
    pub async fn named_blobs(&self, object: &SealedObject) -> Result<Vec<BlobId>, VaultError> {
        let bytes = self.manifest_bytes(object).await?;
        let altered = || VaultError::altered(format!("the manifest of {}", object.place()));
        let mut blobs = Manifest::blobs(&bytes).ok_or_else(altered)?;
        if let ManifestPlace::Blob(blob) = &object.manifest {
            blobs.push(*blob);
        }
        Ok(blobs)
    }

    /// When a blob was stored, in milliseconds since 1970 by the storage's clock. `None` when it is not there.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn blob_stored_at(&self, blob: BlobId) -> Result<Option<i64>, VaultError> {
        Ok(self.inner.blobs.stored_at(blob).await?)
    }

    /// Removes a blob that no object and no part names any more. The caller has made sure of that.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn remove_blob(&self, blob: BlobId) -> Result<(), VaultError> {
        Ok(self.inner.blobs.remove(blob).await?)
    }

    /// Destroys every key of a scope, for good: after this nothing that they sealed can be opened, wherever a copy of it lies.
    /// Blobs are not touched. Done again, it gives another receipt.
    ///
    /// # Errors
    /// When a legal hold forbids it, for the organisation as a whole, or when the key table does not answer; if it fails after
    /// the keys were destroyed, do it again for the receipt.
    pub async fn shred(&self, scope: &Scope) -> Result<Receipt, VaultError> {
        self.inner.keys.shred(scope).await
    }

    /// Receipts of a scope, or of all, newest first, at most 1,000.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn receipts(&self, scope: Option<&Scope>) -> Result<Vec<Receipt>, VaultError> {
        let scope = scope.map(ToString::to_string);
        let rows = store::keys::receipts(&self.inner.keys.store, scope.as_deref()).await?;
        Ok(rows.into_iter().map(Receipt::of).collect())
    }

    /// Places a legal hold: nothing of the scope can be shredded or removed. `reference` names the case, no person.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn hold(&self, scope: &Scope, reference: &str) -> Result<(), VaultError> {
        let keys = &self.inner.keys;
        Ok(store::keys::hold(&keys.store, &scope.to_string(), reference, keys.now()).await?)
    }

    /// Ends a legal hold; whether there was one.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn release_hold(&self, scope: &Scope, reference: &str) -> Result<bool, VaultError> {
        let keys = &self.inner.keys;
        Ok(store::keys::release(&keys.store, &scope.to_string(), reference, keys.now()).await?)
    }

    /// Legal holds in force, at most 1,000.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn holds(&self) -> Result<Vec<Hold>, VaultError> {
        Ok(store::keys::holds(&self.inner.keys.store).await?)
    }

    /// Replaces a key that wraps others and wraps those anew. Cut off, it goes on at the next [`Vault::open`] or when it is
    /// asked for again.
    ///
    /// # Errors
    /// When a key cannot be unwrapped, or something does not answer.
    pub async fn rotate(&self, turn: &Turn) -> Result<Rotation, VaultError> {
        self.inner.keys.rotate(turn).await
    }

    /// Keys that wrap others, by name after `after`, at most `limit` and 1,000.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn list_keys(&self, after: &str, limit: u32) -> Result<Vec<KeyStatus>, VaultError> {
        self.inner.keys.list(after, limit).await
    }

    /// Keys that wrap others and hang right under `parent` (`root`, `organisation`, `study:ID`), by name after `after`, at most
    /// `limit` and 1,000.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn keys_under(&self, parent: &str, after: &str, limit: u32) -> Result<Vec<KeyStatus>, VaultError> {
        self.inner.keys.under(parent, after, limit).await
    }

    /// What [`Vault::shred`] would destroy, and the holds that forbid it. Nothing is changed.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn doom(&self, scope: &Scope) -> Result<Doom, VaultError> {
        self.inner.keys.doom(scope).await
    }

    /// The objects whose keys shredding `scope` would destroy, with their studies, at most 1,000 after the name `after`; and
    /// the name to go on after, empty at the end.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn doomed_objects(
        &self,
        scope: &Scope,
        after: &str,
    ) -> Result<(Vec<(StudyId, ObjectId)>, String), VaultError> {
        self.inner.keys.doomed_objects(scope, after).await
    }

    /// The receipt with this id.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn receipt(&self, id: &str) -> Result<Option<Receipt>, VaultError> {
        Ok(store::keys::receipt(&self.inner.keys.store, id).await?.map(Receipt::of))
    }

    /// The name of what holds the root key.
    #[must_use]
    pub fn provider(&self) -> String {
        self.inner.keys.provider.name()
    }
}

/// A key is only good for the study that it was made in.
fn same_study(held: Arc<Held>, study: &StudyId, object: ObjectId) -> Result<Arc<Held>, VaultError> {
    if held.study.as_deref() == Some(study.as_str()) {
        return Ok(held);
    }
    let found = held.study.clone().unwrap_or_default();
    Err(VaultError::Misplaced { object: object.to_string(), asked: study.to_string(), found })
}
