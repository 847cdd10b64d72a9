//! Listings, in the order of names' bytes, with what a delimiter folds together skipped rather than read.

use model::Action;
use model::event::Activity;
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion,
    ObjectVersionStorageClass, Owner,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::versions::{self, StoredVersion, successor};

use crate::caller::{Asker, Thing};
use crate::receive::strong;
use crate::{Guard, fault, shown_id, timestamp};

/// The most names a page holds.
const NAMES_MAX: i32 = 1_000;

/// One page of names.
#[derive(Default)]
struct Page {
    objects: Vec<StoredVersion>,
    prefixes: Vec<String>,
    /// The last name or prefix of the page, if more follow.
    next: Option<String>,
}

/// What part of a name a delimiter folds it into.
fn folded<'a>(name: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    // An empty delimiter folds nothing: a client that sends one means none.
    if delimiter.is_empty() {
        return None;
    }
    let rest = name.get(prefix.len()..)?;
    let at = rest.find(delimiter)?;
    name.get(..prefix.len() + at + delimiter.len())
}

/// Names as a client asked to get them.
struct Encoding(bool);

impl Encoding {
    fn of(wanted: Option<&EncodingType>) -> S3Result<Self> {
        match wanted.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(other) => Err(s3_error!(InvalidArgument, "`{other}` is not an encoding type; `url` is")),
        }
    }

    fn write(&self, name: &str) -> String {
        if !self.0 {
            return name.to_owned();
        }
        let mut text = String::with_capacity(name.len());
        for byte in name.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                    text.push(char::from(byte))
                }
                b' ' => text.push('+'),
                other => text.push_str(&format!("%{other:02X}")),
            }
        }
        text
    }
}

fn max(asked: Option<i32>) -> S3Result<i32> {
    match asked {
        Some(asked) if asked < 0 => Err(s3_error!(InvalidArgument, "the number of names cannot be negative")),
        asked => Ok(asked.unwrap_or(NAMES_MAX).min(NAMES_MAX)),
    }
}

fn object(version: StoredVersion, encoding: &Encoding, owner: Option<&Owner>) -> Object {
    Object {
        key: Some(encoding.write(&version.name)),
        e_tag: Some(strong(&version.etag)),
        last_modified: Some(timestamp(version.modified_at)),
        size: Some(version.bytes),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        owner: owner.cloned(),
        ..Default::default()
    }
}

fn prefixes(names: Vec<String>, encoding: &Encoding) -> Option<Vec<CommonPrefix>> {
    let fold = |name: String| CommonPrefix { prefix: Some(encoding.write(&name)) };
    (!names.is_empty()).then(|| names.into_iter().map(fold).collect())
}

impl Guard {
    /// Names after `after`, at most `max`.
    async fn names(&self, study: &str, prefix: &str, delimiter: &str, after: &str, max: i32) -> S3Result<Page> {
        let mut page = Page::default();
        let max = usize::try_from(max).unwrap_or(0);
        if max == 0 {
            return Ok(page);
        }
        // A page that ended with a folded prefix goes on after everything that is folded into it.
        let skipped = folded(after, prefix, delimiter).filter(|fold| after.starts_with(prefix) && *fold == after);
        let (mut from, mut from_it) = match skipped.and_then(|fold| successor(fold.as_bytes())) {
            Some(end) => (end, true),
            None => (after.as_bytes().to_vec(), after.is_empty()),
        };
        let mut last = String::new();
        loop {
            let limit = u32::try_from(max - page.objects.len() - page.prefixes.len() + 1).unwrap_or(1);
            let rows = versions::listed(&self.store, study, prefix, &from, from_it, limit);
            let rows = rows.await.map_err(fault::of_store)?;
            let is_end = rows.len() < limit as usize;
            let mut jump = None;
            for row in rows {
                if page.objects.len() + page.prefixes.len() == max {
                    page.next = Some(last);
                    return Ok(page);
                }
                from = row.name.clone().into_bytes();
                from_it = false;
                match folded(&row.name, prefix, delimiter) {
                    None => {
                        last.clone_from(&row.name);
                        page.objects.push(row);
                    }
                    Some(fold) => {
                        fold.clone_into(&mut last);
                        page.prefixes.push(fold.to_owned());
                        jump = Some(successor(fold.as_bytes()));
                        break;
                    }
                }
            }
            match jump {
                Some(Some(end)) => (from, from_it) = (end, true),
                Some(None) => return Ok(page),
                None if is_end => return Ok(page),
                None => {}
            }
        }
    }

    /// Whether a study may be listed; recorded.
    async fn look(&self, request: &Asker, bucket: &str) -> S3Result<std::sync::Arc<store::guarded::GuardedStudy>> {
        let (study, row) = self.study(bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(request, Action::List, Activity::Look, &thing).await?;
        self.announce(request, Activity::Look, &permit, &thing).await?;
        Ok(row)
    }

    pub(crate) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        self.look(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let marker = input.marker.clone().unwrap_or_default();
        let page = self.names(&input.bucket, &prefix, &delimiter, &marker, max).await?;
        let owner = crate::buckets::owner(&asker);
        let output = ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            marker: Some(encoding.write(&marker)),
            max_keys: Some(max),
            is_truncated: Some(page.next.is_some()),
            // The next marker is told where a delimiter was given (API reference of ListObjects).
            next_marker: page.next.filter(|_| !delimiter.is_empty()).map(|next| encoding.write(&next)),
            contents: Some(page.objects.into_iter().map(|row| object(row, &encoding, Some(&owner))).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
            encoding_type: input.encoding_type,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    pub(crate) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        self.look(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let after = match &input.continuation_token {
            Some(token) => read_token(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let page = self.names(&input.bucket, &prefix, &delimiter, &after, max).await?;
        let owner = input.fetch_owner.unwrap_or(false).then(|| crate::buckets::owner(&asker));
        let count = page.objects.len() + page.prefixes.len();
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            max_keys: Some(max),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|next| base64_simd::URL_SAFE.encode_to_string(next)),
            contents: Some(page.objects.into_iter().map(|row| object(row, &encoding, owner.as_ref())).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
            encoding_type: input.encoding_type,
            start_after: input.start_after,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    pub(crate) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        self.look(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let marker = input.key_marker.clone().unwrap_or_default();
        let start = self.history_start(&input.bucket, &marker, input.version_id_marker.as_deref()).await?;
        let page = self.history(&input.bucket, &prefix, &delimiter, (marker.clone(), start), max).await?;
        let owner = crate::buckets::owner(&asker);
        let (markers, objects): (Vec<_>, Vec<_>) = page.rows.into_iter().partition(|row| row.marker);
        let output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            key_marker: Some(encoding.write(&marker)),
            version_id_marker: input.version_id_marker,
            max_keys: Some(max),
            is_truncated: Some(page.next.is_some()),
            next_key_marker: page.next.as_ref().map(|(name, _)| encoding.write(name)),
            next_version_id_marker: page.next.and_then(|(_, id)| id),
            versions: Some(objects.into_iter().map(|row| listed(row, &encoding, &owner)).collect()),
            delete_markers: Some(markers.into_iter().map(|row| marker_entry(row, &encoding, &owner)).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
            encoding_type: input.encoding_type,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    /// The sequence below which a history goes on within the marker's own name.
    async fn history_start(&self, study: &str, name: &str, id: Option<&str>) -> S3Result<i64> {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(0) };
        if name.is_empty() {
            return Err(s3_error!(InvalidArgument, "a version id marker needs a key marker"));
        }
        let found = versions::find(&self.store, study, name, crate::version_id(id)?).await.map_err(fault::of_store)?;
        Ok(found.map_or(0, |version| version.sequence))
    }

    async fn history(
        &self,
        study: &str,
        prefix: &str,
        delimiter: &str,
        after: (String, i64),
        max: i32,
    ) -> S3Result<History> {
        let mut page = History::default();
        let max = usize::try_from(max).unwrap_or(0);
        if max == 0 {
            return Ok(page);
        }
        let skipped =
            folded(&after.0, prefix, delimiter).filter(|fold| after.0.starts_with(prefix) && *fold == after.0);
        let mut from = match skipped.and_then(|fold| successor(fold.as_bytes())) {
            Some(end) => (end, i64::MAX),
            None => (after.0.into_bytes(), after.1),
        };
        let mut last: (String, Option<String>) = Default::default();
        loop {
            let limit = u32::try_from(max - page.rows.len() - page.prefixes.len() + 1).unwrap_or(1);
            let rows = versions::history(&self.store, study, prefix, (&from.0, from.1), limit);
            let rows = rows.await.map_err(fault::of_store)?;
            let is_end = rows.len() < limit as usize;
            let mut jump = None;
            for row in rows {
                if page.rows.len() + page.prefixes.len() == max {
                    page.next = Some(last);
                    return Ok(page);
                }
                from = (row.name.clone().into_bytes(), row.sequence);
                if let Some(fold) = folded(&row.name, prefix, delimiter) {
                    last = (fold.to_owned(), None);
                    page.prefixes.push(fold.to_owned());
                    jump = Some(successor(fold.as_bytes()));
                    break;
                }
                last = (row.name.clone(), Some(shown_id(&row)));
                page.rows.push(row);
            }
            match jump {
                Some(Some(end)) => from = (end, i64::MAX),
                Some(None) => return Ok(page),
                None if is_end => return Ok(page),
                None => {}
            }
        }
    }
}

/// One page of versions.
#[derive(Default)]
struct History {
    rows: Vec<StoredVersion>,
    prefixes: Vec<String>,
    next: Option<(String, Option<String>)>,
}

fn listed(row: StoredVersion, encoding: &Encoding, owner: &Owner) -> ObjectVersion {
    ObjectVersion {
        version_id: Some(shown_id(&row)),
        key: Some(encoding.write(&row.name)),
        e_tag: Some(strong(&row.etag)),
        is_latest: Some(row.latest),
        last_modified: Some(timestamp(row.modified_at)),
        size: Some(row.bytes),
        owner: Some(owner.clone()),
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        ..Default::default()
    }
}

fn marker_entry(row: StoredVersion, encoding: &Encoding, owner: &Owner) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        version_id: Some(shown_id(&row)),
        key: Some(encoding.write(&row.name)),
        is_latest: Some(row.latest),
        last_modified: Some(timestamp(row.modified_at)),
        owner: Some(owner.clone()),
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = base64_simd::URL_SAFE.decode_to_vec(token).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| s3_error!(InvalidArgument, "the continuation token is not one that was given here"))
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn a_delimiter_folds_what_comes_after_the_prefix() {
        assert_eq!(folded("a/b/c", "", "/"), Some("a/"));
        assert_eq!(folded("a/b/c", "a/", "/"), Some("a/b/"));
        assert_eq!(folded("a/b", "a/", "/"), None);
        assert_eq!(folded("a", "", "/"), None);
        assert_eq!(folded("a--b--c", "a", "--"), Some("a--"));
        assert_eq!(folded("a/b", "", ""), None, "an empty delimiter folds nothing");
    }
}
