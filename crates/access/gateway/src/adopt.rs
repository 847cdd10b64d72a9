//! Adopting: what lies somewhere else in clear is sealed, inspected and labelled as an upload is, read once more, and only
//! then answered for, so that the original can go.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use model::event::{Activity, Detail};
use model::{By, Label, Scope, StudyId, VersionId};
use s3s::S3Error;
use store::guarded::versions::{Condition, Put, StoredVersion};

use crate::copy::blob;
use crate::ports::{Place, Plain, StorageError};
use crate::properties::Properties;
use crate::receive::{Claims, Received, receive};
use crate::{BODY_BYTES_MAX, Guard, fault};

/// The standing rule by which an operator adopts: whoever may use the machine's own socket can read what lies there anyway.
const RULE: &str = "rule:operator";
/// The largest object (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const OBJECT_BYTES_MAX: u64 = 5 << 40;

/// What is to be adopted.
pub struct Candidate<'a> {
    /// Into which study.
    pub study: &'a StudyId,
    /// Under which name.
    pub name: &'a str,
    /// Where it lies, in words.
    pub from: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Equal stamps mean equal content.
    pub stamp: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// It is sealed now.
    Sealed {
        /// The version.
        version: VersionId,
        /// What it holds.
        labels: Vec<Label>,
        /// How many data subjects it is about.
        subjects: u64,
    },
    /// It was adopted before.
    Already,
}

/// Why something was not adopted. Nothing of it is visible then.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// Another object has its name.
    #[error("the study has another object of that name; give a prefix to keep both")]
    Taken,
    /// It cannot be read where it lies.
    #[error("it cannot be read where it lies")]
    Source(#[source] std::io::Error),
    /// What was sealed is not what was read.
    #[error("what was sealed does not open to what was read; the original stays, check the machine's memory and disk")]
    Differs,
    /// The gateway does not take it.
    #[error("{0}")]
    Refused(String),
}

impl From<S3Error> for AdoptError {
    fn from(error: S3Error) -> Self {
        Self::Refused(error.message().unwrap_or_else(|| error.code().as_str()).to_owned())
    }
}

impl Guard {
    /// Adopts an object whose bytes are `body`. Recorded before it becomes visible; its name and where it lay are sealed
    /// details. The caller has made sure that `by` may do so.
    ///
    /// # Errors
    /// When it cannot be read, another object has its name, or something does not answer.
    pub async fn adopt(
        self: &Arc<Self>,
        by: &By,
        candidate: &Candidate<'_>,
        body: futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>,
    ) -> Result<Adoption, AdoptError> {
        let Candidate { study, name, .. } = *candidate;
        let (_, row) = self.study(study.as_str()).await?;
        crate::put::check_name(name)?;
        let before = self.newest(study, name).await.map_err(fault::of_store)?;
        if let Some(before) = before.filter(|before| !before.marker) {
            // What cannot be read was not written by an adoption.
            let adopted = Properties::parse(&before.properties).ok().and_then(|properties| properties.adopted);
            let is_same = adopted.as_deref() == Some(candidate.stamp);
            return if is_same { Ok(Adoption::Already) } else { Err(AdoptError::Taken) };
        }
        let place = self.place_for(study, name).await?;
        let mut inspection = self.inspection(&place, name);
        let received = self.taken_in(&place, candidate, body, &mut inspection).await?;
        let sealed =
            self.storage.seal(&place, std::slice::from_ref(&received.part)).await.map_err(fault::of_storage)?;
        let inspected = self.look_up(inspection, &place, name, &sealed).await?;
        if let Err(error) = self.opens_to(&place, &sealed, &received).await {
            self.discard(&[sealed]).await;
            return Err(error);
        }
        let labels: Vec<Label> = inspected.labels.into_iter().filter(|label| *label != Label::None).collect();
        let words: Vec<&str> = labels.iter().map(|label| label.as_str()).collect();
        let properties = Properties { adopted: Some(candidate.stamp.to_owned()), ..Properties::default() };
        let version = StoredVersion {
            study: study.to_string(),
            name: name.to_owned(),
            sequence: 0,
            version: *place.version.as_bytes(),
            object: *place.object.as_bytes(),
            unversioned: row.versioning != "on",
            marker: false,
            latest: true,
            state: "visible".to_owned(),
            bytes: i64::try_from(received.bytes).unwrap_or(i64::MAX),
            etag: received.etag(),
            modified_at: self.now(),
            created_by: *by.actor.id.as_bytes(),
            properties: properties.to_json(),
            labels: words.join(" "),
            subjects: i64::try_from(inspected.subjects).unwrap_or(i64::MAX),
            tags: "{}".to_owned(),
            retention_mode: None,
            retain_until: None,
            legal_hold: false,
            sealed,
        };
        let shown = version.sealed.clone();
        let kept = self.keep_adopted(by, candidate, &place, &labels, &version, row.versioning == "on").await;
        if kept.is_err() {
            self.discard(&[shown]).await;
        }
        kept?;
        Ok(Adoption::Sealed { version: place.version, labels, subjects: inspected.subjects })
    }

    /// Seals the body, and shows it to recognition.
    async fn taken_in(
        &self,
        place: &Place,
        candidate: &Candidate<'_>,
        body: futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>,
        inspection: &mut Option<Box<dyn crate::ports::Inspection>>,
    ) -> Result<Received, AdoptError> {
        let writer = self.storage.begin(place, 1).await.map_err(fault::of_storage)?;
        let fault_of_source = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&fault_of_source);
        let plain: Plain = body
            .map(move |piece| {
                piece.map_err(|error| {
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    StorageError::Unavailable("the source cannot be read".into())
                })
            })
            .boxed();
        let claims = Claims { length: Some(candidate.bytes), ..Claims::default() };
        let most = OBJECT_BYTES_MAX.max(BODY_BYTES_MAX);
        let received = receive(writer, Some(blob(plain)), &claims, None, inspection.as_mut(), most).await;
        match fault_of_source.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(AdoptError::Source(error)),
            None => Ok(received?),
        }
    }

    /// Opens what was sealed, and compares it with what was read.
    async fn opens_to(&self, place: &Place, sealed: &[u8], received: &Received) -> Result<(), AdoptError> {
        let mut plain = self.storage.read(place, sealed, 0..received.bytes).await.map_err(fault::of_storage)?;
        let mut md5 = Md5::new();
        while let Some(piece) = plain.next().await {
            md5.update(&piece.map_err(fault::of_storage)?);
        }
        let found: [u8; 16] = md5.finalize().into();
        if found == received.md5 { Ok(()) } else { Err(AdoptError::Differs) }
    }

    async fn keep_adopted(
        &self,
        by: &By,
        candidate: &Candidate<'_>,
        place: &Place,
        labels: &[Label],
        version: &StoredVersion,
        keeps_versions: bool,
    ) -> Result<(), AdoptError> {
        let mut event = by.event(Activity::Upload);
        event.action = Some(model::Action::Write);
        event.policies = vec![RULE.to_owned()];
        event.resource.study = Some(place.study.clone());
        event.resource.object = Some(place.object);
        event.resource.version = Some(place.version);
        event.resource.labels = labels.to_vec();
        event.resource.bytes = Some(candidate.bytes);
        let scope = Scope::Object(place.object);
        for (field, value) in [("object.name", candidate.name), ("adopted.from", candidate.from)] {
            event.details.push(Detail { field: field.into(), scope: scope.clone(), value: value.to_owned() });
        }
        self.record(event).await?;
        let put = self.put_version(version, keeps_versions, Condition::Absent, None).await;
        match put.map_err(fault::of_store)? {
            Put::Done { .. } => Ok(()),
            _ => Err(AdoptError::Taken),
        }
    }
}
