//! Studies as buckets.

use std::sync::Arc;

use model::event::Activity;
use model::{Action, PrincipalId, StudyId};
use s3s::dto::{
    Bucket, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner,
    PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use store::StoreError;
use store::guarded::{self, GuardedStudy, uploads, versions};

use crate::caller::{Asker, Permit, Thing, denied};
use crate::lock::Settings;
use crate::{Guard, fault, timestamp};

/// Studies read from the store at a time.
const PAGE: u32 = 1_000;

/// The longest name of a location.
const LOCATION_BYTES_MAX: usize = 64;

impl Guard {
    pub(crate) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let parsed: Result<StudyId, _> = input.bucket.parse();
        let study =
            parsed.map_err(|error| S3Error::with_message(s3s::S3ErrorCode::InvalidBucketName, error.to_string()))?;
        // Names that DNS would part into labels which begin or end with a hyphen (Amazon S3 User Guide, "Bucket naming rules").
        if study.as_str().contains(".-") || study.as_str().contains("-.") {
            return Err(s3_error!(
                InvalidBucketName,
                "`{study}` has a hyphen beside a dot, which no bucket's name can have"
            ));
        }
        if let Some(there) = guarded::find(&self.store, study.as_str()).await.map_err(fault::of_store)? {
            if there.created_by != *asker.caller.actor.id.as_bytes() {
                return Err(s3_error!(BucketAlreadyExists, "a study of that name exists; choose another name"));
            }
            // Whoever created it is told that it is there, as in S3's first region. Nothing of it changes.
            let thing = Thing::study(&study);
            let permit = self.permit(&asker, Action::List, Activity::Look, &thing).await?;
            self.announce(&asker, Activity::Look, &permit, &thing).await?;
            return Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{study}")) }));
        }
        let location = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
        let location = location.map(|location| location.as_str().to_owned()).filter(|location| !location.is_empty());
        if location.as_ref().is_some_and(|location| location.len() > LOCATION_BYTES_MAX) {
            return Err(s3_error!(InvalidLocationConstraint, "a location has at most {LOCATION_BYTES_MAX} bytes"));
        }
        let ruling = self.gate.create_study(&asker.caller, &study, self.now()).await.map_err(fault::of_gate)?;
        if !ruling.is_allowed {
            return Err(denied(&ruling.code, &ruling.hint));
        }
        let object_lock = input.object_lock_enabled_for_bucket.unwrap_or(false);
        let settings = Settings { object_lock, location, ..Default::default() };
        self.open_study(&study, *asker.caller.actor.id.as_bytes(), &settings).await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{study}")) }))
    }

    /// Puts a study that exists behind the guard. Object lock needs versions to be kept.
    async fn open_study(&self, study: &StudyId, by: [u8; 16], settings: &Settings) -> S3Result<()> {
        let row = GuardedStudy {
            study: study.to_string(),
            versioning: if settings.object_lock { "on" } else { "off" }.to_owned(),
            settings: settings.to_json(),
            created_at: self.now(),
            created_by: by,
        };
        match guarded::create(&self.store, &row).await {
            Err(StoreError::Exists { .. }) => {
                Err(s3_error!(BucketAlreadyOwnedByYou, "the study was created meanwhile"))
            }
            created => created.map_err(fault::of_store),
        }
    }

    /// A study that may be looked at; recorded.
    pub(crate) async fn looked(&self, asker: &Asker, bucket: &str) -> S3Result<(StudyId, Arc<GuardedStudy>)> {
        let (study, row) = self.study(bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(asker, Action::List, Activity::Look, &thing).await?;
        self.announce(asker, Activity::Look, &permit, &thing).await?;
        Ok((study, row))
    }

    /// Whoever owns a study, and with it everything in it: its creator.
    pub(crate) async fn owner(&self, row: &GuardedStudy) -> S3Result<Owner> {
        self.named(row.created_by).await
    }

    /// A principal as S3 shows it.
    pub(crate) async fn named(&self, id: [u8; 16]) -> S3Result<Owner> {
        let id = PrincipalId::from_bytes(id);
        let display_name = self.gate.name(id).await.map_err(fault::of_gate)?;
        Ok(Owner { display_name, id: Some(id.to_string()) })
    }

    pub(crate) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    pub(crate) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let max = usize::try_from(input.max_buckets.unwrap_or(10_000).clamp(1, 10_000)).unwrap_or(1);
        let mut after = input.continuation_token.unwrap_or_default();
        let mut buckets = Vec::new();
        let mut more = None;
        'pages: loop {
            let page = guarded::page(&self.store, &after, PAGE).await.map_err(fault::of_store)?;
            let is_last = page.len() < PAGE as usize;
            for row in page {
                after.clone_from(&row.study);
                let Ok(study) = row.study.parse::<StudyId>() else { continue };
                if !row.study.starts_with(&prefix) || !self.sees(&asker, &study).await? {
                    continue;
                }
                if buckets.len() == max {
                    more = buckets.last().and_then(|bucket: &Bucket| bucket.name.clone());
                    break 'pages;
                }
                let created = Some(timestamp(row.created_at));
                buckets.push(Bucket { name: Some(row.study), creation_date: created, bucket_region: None });
            }
            if is_last {
                break;
            }
        }
        let mut event = model::Event::new(Activity::Look, self.now(), "s3");
        event.actor = Some(asker.caller.actor.clone());
        event.origin = asker.origin.clone();
        event.action = Some(Action::List);
        self.record(event).await?;
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(Owner {
                display_name: Some(asker.caller.name.clone()),
                id: Some(asker.caller.actor.id.to_string()),
            }),
            continuation_token: more,
            prefix: input.prefix,
        }))
    }

    pub(crate) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let asker = Asker::of(&request)?;
        let (study, _) = self.study(&request.input.bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(&asker, Action::Administer, Activity::Remove, &thing).await?;
        self.announce(&asker, Activity::Remove, &permit, &thing).await?;
        // Uploads that were never completed do not keep a study (API reference of DeleteBucket names objects alone).
        let totals = versions::totals(&self.store, study.as_str()).await.map_err(fault::of_store)?;
        if totals.is_empty() {
            self.abort_all(&asker, &study, &permit).await?;
        }
        let removed = guarded::remove(&self.store, study.as_str()).await;
        self.forget_study(&study);
        if !removed.map_err(fault::of_store)? {
            return Err(s3_error!(BucketNotEmpty, "the study still holds objects or versions; delete them first"));
        }
        let mut response = S3Response::new(DeleteBucketOutput {});
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    /// Gives up every upload in parts of a study; each is recorded.
    async fn abort_all(&self, asker: &Asker, study: &StudyId, permit: &Permit) -> S3Result<()> {
        loop {
            let page =
                uploads::page(&self.store, study.as_str(), "", (&[], &[]), PAGE).await.map_err(fault::of_store)?;
            if page.is_empty() {
                return Ok(());
            }
            for upload in page {
                self.abort(asker, study, &upload, permit.clone()).await?;
            }
        }
    }

    pub(crate) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let asker = Asker::of(&request)?;
        let (study, row) = self.study(&request.input.bucket).await?;
        self.permit(&asker, Action::List, Activity::Look, &Thing::study(&study)).await?;
        // The first region has no name (API reference of GetBucketLocation).
        let location = Settings::of(&row).location.filter(|location| location != "us-east-1");
        let location_constraint = location.map(BucketLocationConstraint::from);
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    pub(crate) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let asker = Asker::of(&request)?;
        let (study, row) = self.study(&request.input.bucket).await?;
        self.permit(&asker, Action::List, Activity::Look, &Thing::study(&study)).await?;
        let status = match row.versioning.as_str() {
            "on" => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
            "suspended" => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED)),
            _ => None,
        };
        Ok(S3Response::new(GetBucketVersioningOutput { status, mfa_delete: None }))
    }

    pub(crate) async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(&asker, Action::Administer, Activity::Change, &thing).await?;
        let status = input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str);
        let versioning = match status {
            Some(BucketVersioningStatus::ENABLED) => "on",
            Some(BucketVersioningStatus::SUSPENDED) if Settings::of(&row).object_lock => {
                return Err(s3_error!(InvalidBucketState, "object lock needs versions to be kept"));
            }
            Some(BucketVersioningStatus::SUSPENDED) => "suspended",
            _ => return Err(s3_error!(MalformedXML, "`Status` is `Enabled` or `Suspended`")),
        };
        let mut event = self.event(&asker, Activity::Change, &thing);
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("setting:versioning".to_owned());
        event.old = Some(row.versioning.clone());
        event.new = Some(versioning.to_owned());
        self.record(event).await?;
        self.change_study(&study, versioning, &row.settings).await?;
        Ok(S3Response::new(PutBucketVersioningOutput {}))
    }
}
