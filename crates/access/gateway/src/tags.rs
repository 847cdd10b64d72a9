//! Tags of objects.

use std::collections::BTreeMap;

use model::event::{Activity, Detail};
use model::{Action, Scope};
use s3s::dto::{
    DeleteBucketTaggingInput, DeleteBucketTaggingOutput, DeleteObjectTaggingInput, DeleteObjectTaggingOutput,
    GetBucketTaggingInput, GetBucketTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutBucketTaggingInput, PutBucketTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag, Tagging,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use crate::caller::{Asker, Thing};
use crate::lock::Settings;
use crate::{Guard, fault, shown_in};

/// Limits of Amazon S3 User Guide, "Categorizing your objects using tags".
const TAGS_MAX: usize = 10;
/// Of a study (Amazon S3 User Guide, "Using cost allocation S3 bucket tags").
const STUDY_TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(crate) type Tags = BTreeMap<String, String>;

pub(crate) fn parse(json: &str) -> Tags {
    serde_json::from_str(json).unwrap_or_default()
}

fn to_json(tags: &Tags) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_never: serde_json::Error| "{}".to_owned())
}

fn check(tags: &Tags, most: usize) -> S3Result<()> {
    if tags.len() > most {
        return Err(s3_error!(InvalidTag, "there are {} tags, at most {most} can be", tags.len()));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || value.chars().count() > VALUE_CHARS_MAX {
            return Err(s3_error!(
                InvalidTag,
                "a tag's key has 1 to {KEY_CHARS_MAX} characters and its value at most {VALUE_CHARS_MAX}"
            ));
        }
    }
    Ok(())
}

/// From the header `x-amz-tagging`, as JSON.
pub(crate) fn from_header(header: Option<&str>) -> S3Result<String> {
    let mut tags = Tags::new();
    for (key, value) in url::form_urlencoded::parse(header.unwrap_or_default().as_bytes()) {
        if tags.insert(key.into_owned(), value.into_owned()).is_some() {
            return Err(s3_error!(InvalidTag, "a tag's key is given twice"));
        }
    }
    check(&tags, TAGS_MAX)?;
    Ok(to_json(&tags))
}

/// As the header `x-amz-tagging` would say them.
pub(crate) fn as_header(json: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parse(json)).finish()
}

fn from_set(set: Vec<Tag>, most: usize) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for tag in set {
        if tags.insert(tag.key.unwrap_or_default(), tag.value.unwrap_or_default()).is_some() {
            return Err(s3_error!(InvalidTag, "a tag's key is given twice"));
        }
    }
    check(&tags, most)?;
    Ok(tags)
}

fn to_set(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}

/// From the XML of a form's field `tagging`, as JSON.
pub(crate) fn from_xml(xml: &str) -> S3Result<String> {
    let malformed = || s3_error!(MalformedXML, "the field `tagging` is no set of tags");
    let mut reader = s3s::xml::Deserializer::new(xml.as_bytes());
    let tagging: Tagging = s3s::xml::Deserialize::deserialize(&mut reader).ok().ok_or_else(malformed)?;
    Ok(to_json(&from_set(tagging.tag_set, TAGS_MAX)?))
}

impl Guard {
    pub(crate) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let found = self.readable(&asker, &study, &input.key, input.version_id.as_deref(), Action::List).await?;
        let thing = Thing::version(&study, &found.row);
        self.announce(&asker, Activity::Look, &found.permit, &thing).await?;
        let tag_set = to_set(parse(&found.row.tags));
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: shown_in(&row, &found.row) }))
    }

    pub(crate) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let tags = from_set(input.tagging.tag_set, TAGS_MAX)?;
        let id = self.set_tags(&asker, &input.bucket, &input.key, input.version_id.as_deref(), &tags).await?;
        Ok(S3Response::new(PutObjectTaggingOutput { version_id: id }))
    }

    pub(crate) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let id = self.set_tags(&asker, &input.bucket, &input.key, input.version_id.as_deref(), &Tags::new()).await?;
        let mut response = S3Response::new(DeleteObjectTaggingOutput { version_id: id });
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    async fn set_tags(
        &self,
        asker: &Asker,
        bucket: &str,
        name: &str,
        id: Option<&str>,
        tags: &Tags,
    ) -> S3Result<Option<String>> {
        let (study, row) = self.study(bucket).await?;
        let mut found = self.readable(asker, &study, name, id, Action::Write).await?;
        let thing = Thing::version(&study, &found.row);
        self.announce(asker, Activity::Update, &found.permit, &thing).await?;
        found.row.tags = to_json(tags);
        self.change_version(found.row.clone()).await.map_err(fault::of_store)?;
        Ok(shown_in(&row, &found.row))
    }

    pub(crate) async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let (_, row) = self.looked(&asker, &request.input.bucket).await?;
        let tags = Settings::of(&row).tags;
        if tags.is_empty() {
            return Err(s3_error!(NoSuchTagSet, "the study has no tags"));
        }
        Ok(S3Response::new(GetBucketTaggingOutput { tag_set: to_set(tags) }))
    }

    pub(crate) async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let tags = from_set(request.input.tagging.tag_set, STUDY_TAGS_MAX)?;
        self.set_study_tags(&asker, &request.input.bucket, tags).await?;
        let mut response = S3Response::new(PutBucketTaggingOutput {});
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(crate) async fn delete_bucket_tagging(
        &self,
        request: S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        let asker = Asker::of(&request)?;
        self.set_study_tags(&asker, &request.input.bucket, Tags::new()).await?;
        let mut response = S3Response::new(DeleteBucketTaggingOutput {});
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    /// Tags are free text: the record holds them sealed.
    async fn set_study_tags(&self, asker: &Asker, bucket: &str, tags: Tags) -> S3Result<()> {
        let (study, row) = self.study(bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(asker, Action::Administer, Activity::Change, &thing).await?;
        let mut event = self.event(asker, Activity::Change, &thing);
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("setting:tags".to_owned());
        let mut settings = Settings::of(&row);
        for (field, tags) in [("tags.before", &settings.tags), ("tags.after", &tags)] {
            let scope = Scope::Study(study.clone());
            event.details.push(Detail { field: field.into(), scope, value: to_json(tags) });
        }
        self.record(event).await?;
        settings.tags = tags;
        self.change_study(&study, &row.versioning, &settings.to_json()).await
    }
}
