//! Tags of objects.

use std::collections::BTreeMap;

use model::Action;
use model::event::Activity;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::versions;

use crate::caller::{Asker, Thing};
use crate::{Guard, fault, shown_in};

/// Limits of Amazon S3 User Guide, "Categorizing your objects using tags".
const TAGS_MAX: usize = 10;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(crate) type Tags = BTreeMap<String, String>;

pub(crate) fn parse(json: &str) -> Tags {
    serde_json::from_str(json).unwrap_or_default()
}

fn to_json(tags: &Tags) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_never: serde_json::Error| "{}".to_owned())
}

fn check(tags: &Tags) -> S3Result<()> {
    if tags.len() > TAGS_MAX {
        return Err(s3_error!(InvalidTag, "an object has at most {TAGS_MAX} tags"));
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
    check(&tags)?;
    Ok(to_json(&tags))
}

fn from_set(set: Vec<Tag>) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for tag in set {
        if tags.insert(tag.key.unwrap_or_default(), tag.value.unwrap_or_default()).is_some() {
            return Err(s3_error!(InvalidTag, "a tag's key is given twice"));
        }
    }
    check(&tags)?;
    Ok(tags)
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
        let tag_set = parse(&found.row.tags).into_iter();
        let tag_set = tag_set.map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: shown_in(&row, &found.row) }))
    }

    pub(crate) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let tags = from_set(input.tagging.tag_set)?;
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
        versions::change(&self.store, &found.row).await.map_err(fault::of_store)?;
        Ok(shown_in(&row, &found.row))
    }
}
