//! Listings, in the order of names' bytes, with what a delimiter folds together skipped rather than read.

use model::{Answer, VersionId};
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, MultipartUpload, Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass, Owner,
    StorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::uploads::{self, StoredUpload};
use store::guarded::versions::{self, StoredVersion, successor};
use store::{PAGE_ROWS_MAX, StoreError};

use crate::caller::Asker;
use crate::receive::strong;
use crate::{Guard, fault, shown_id, timestamp};

/// The most names a page holds.
const NAMES_MAX: i32 = 1_000;

/// Behind what of its name a listing goes on.
#[derive(Debug, Clone)]
enum Behind<K> {
    Nothing,
    Row(K),
    Everything,
}

/// Where a listing goes on.
#[derive(Debug, Clone)]
struct Place<K> {
    name: Vec<u8>,
    behind: Behind<K>,
}

impl<K> Place<K> {
    /// After `marker`. A page that ended with a folded prefix goes on after everything that is folded into it.
    fn after(marker: &str, behind: Behind<K>, prefix: &str, delimiter: &str) -> Self {
        let fold = folded(marker, prefix, delimiter).filter(|fold| marker.starts_with(prefix) && *fold == marker);
        match fold.and_then(|fold| successor(fold.as_bytes())) {
            Some(name) => Self { name, behind: Behind::Nothing },
            None if marker.is_empty() => Self { name: Vec::new(), behind: Behind::Nothing },
            None => Self { name: marker.as_bytes().to_vec(), behind },
        }
    }
}

/// One page.
struct Page<R> {
    rows: Vec<R>,
    prefixes: Vec<String>,
    /// Whether more follow, and then what the page ended with.
    next: Option<Last>,
}

enum Last {
    Row,
    Prefix(String),
}

impl<R> Page<R> {
    fn next_name(&self, name: fn(&R) -> &str) -> Option<String> {
        match self.next.as_ref()? {
            Last::Row => self.rows.last().map(|row| name(row).to_owned()),
            Last::Prefix(prefix) => Some(prefix.clone()),
        }
    }

    /// The row that the page ended with, if more follow.
    fn next_row(&self) -> Option<&R> {
        self.next.as_ref().filter(|last| matches!(last, Last::Row)).and_then(|_| self.rows.last())
    }
}

/// What rows are called, and what tells those of one name apart.
struct Naming<R, K> {
    name: fn(&R) -> &str,
    key: fn(&R) -> K,
}

/// Rows as they are being read.
type Rows<'a, R> = Answer<'a, Result<Vec<R>, StoreError>>;

/// At most `max` rows and folded prefixes from `from` on; `read` gives rows from a place on, at most so many. What a delimiter
/// folds together is skipped rather than read.
async fn page<'a, R: Send, K: Send>(
    (prefix, delimiter): (&str, &str),
    from: Place<K>,
    max: i32,
    read: impl Fn(Place<K>, u32) -> Rows<'a, R> + Send + Sync,
    Naming { name, key }: Naming<R, K>,
) -> S3Result<Page<R>> {
    let mut page = Page { rows: Vec::new(), prefixes: Vec::new(), next: None };
    let max = usize::try_from(max).unwrap_or(0);
    let mut from = Some(from).filter(|_| max > 0);
    let mut last = Last::Row;
    while let Some(place) = from.take() {
        let limit = u32::try_from(max - page.rows.len() - page.prefixes.len() + 1).unwrap_or(1).min(PAGE_ROWS_MAX);
        let rows = read(place, limit).await.map_err(fault::of_store)?;
        let is_full = rows.len() >= limit as usize;
        for row in rows {
            if page.rows.len() + page.prefixes.len() == max {
                page.next = Some(last);
                return Ok(page);
            }
            if let Some(fold) = folded(name(&row), prefix, delimiter) {
                from = successor(fold.as_bytes()).map(|name| Place { name, behind: Behind::Nothing });
                last = Last::Prefix(fold.to_owned());
                page.prefixes.push(fold.to_owned());
                break;
            }
            last = Last::Row;
            if is_full {
                from = Some(Place { name: name(&row).as_bytes().to_vec(), behind: Behind::Row(key(&row)) });
            }
            page.rows.push(row);
        }
    }
    Ok(page)
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

    /// The prefix of a listing of the first version, which clients do not decode: as it is, if XML can hold it.
    fn write_prefix(&self, prefix: &str) -> String {
        let is_xml = |character: char| !character.is_control() || matches!(character, '\t' | '\n');
        if prefix.chars().all(is_xml) { prefix.to_owned() } else { self.write(prefix) }
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

fn name_of(row: &StoredVersion) -> &str {
    &row.name
}

impl Guard {
    /// Names after `after`, at most `max`.
    async fn names(&self, study: &str, fold: (&str, &str), after: &str, max: i32) -> S3Result<Page<StoredVersion>> {
        let from = Place::after(after, Behind::Everything, fold.0, fold.1);
        let read = |place: Place<()>, limit: u32| -> Rows<'_, _> {
            Box::pin(async move {
                let from_it = matches!(place.behind, Behind::Nothing);
                versions::listed(&self.store, study, fold.0, &place.name, from_it, limit).await
            })
        };
        page(fold, from, max, read, Naming { name: name_of, key: |_| () }).await
    }

    pub(crate) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (_, row) = self.looked(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let marker = input.marker.clone().unwrap_or_default();
        let page = self.names(&input.bucket, (&prefix, &delimiter), &marker, max).await?;
        let owner = self.owner(&row).await?;
        let next = page.next_name(name_of);
        let output = ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.write_prefix(&prefix)),
            marker: Some(encoding.write(&marker)),
            max_keys: Some(max),
            is_truncated: Some(next.is_some()),
            // The next marker is told where a delimiter was given (API reference of ListObjects).
            next_marker: next.filter(|_| !delimiter.is_empty()).map(|next| encoding.write(&next)),
            contents: Some(page.rows.into_iter().map(|row| object(row, &encoding, Some(&owner))).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: (!delimiter.is_empty()).then(|| encoding.write(&delimiter)),
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
        let (_, row) = self.looked(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let after = match &input.continuation_token {
            Some(token) => read_token(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let page = self.names(&input.bucket, (&prefix, &delimiter), &after, max).await?;
        let owner = match input.fetch_owner {
            Some(true) => Some(self.owner(&row).await?),
            _ => None,
        };
        let count = page.rows.len() + page.prefixes.len();
        let next = page.next_name(name_of);
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            max_keys: Some(max),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(next.is_some()),
            next_continuation_token: next.map(|next| base64_simd::URL_SAFE.encode_to_string(next)),
            contents: Some(page.rows.into_iter().map(|row| object(row, &encoding, owner.as_ref())).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: (!delimiter.is_empty()).then(|| encoding.write(&delimiter)),
            encoding_type: input.encoding_type,
            start_after: input.start_after.map(|name| encoding.write(&name)),
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
        let (_, row) = self.looked(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let marker = input.key_marker.clone().unwrap_or_default();
        let behind = self.behind(&input.bucket, &marker, input.version_id_marker.as_deref()).await?;
        let from = Place::after(&marker, behind, &prefix, &delimiter);
        let read = |place: Place<i64>, limit: u32| -> Rows<'_, _> {
            let (store, study, prefix) = (&self.store, input.bucket.as_str(), prefix.as_str());
            Box::pin(async move {
                let sequence = match place.behind {
                    Behind::Nothing => i64::MAX,
                    Behind::Row(sequence) => sequence,
                    Behind::Everything => 0,
                };
                versions::history(store, study, prefix, (&place.name, sequence), limit).await
            })
        };
        let page =
            page((&prefix, &delimiter), from, max, read, Naming { name: name_of, key: |row| row.sequence }).await?;
        let owner = self.owner(&row).await?;
        let next = (page.next_name(name_of), page.next_row().map(shown_id));
        let (markers, objects): (Vec<_>, Vec<_>) = page.rows.into_iter().partition(|row| row.marker);
        let output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            key_marker: Some(encoding.write(&marker)),
            version_id_marker: input.version_id_marker,
            max_keys: Some(max),
            is_truncated: Some(next.0.is_some()),
            next_key_marker: next.0.map(|name| encoding.write(&name)),
            next_version_id_marker: next.1,
            versions: Some(objects.into_iter().map(|row| listed(row, &encoding, &owner)).collect()),
            delete_markers: Some(markers.into_iter().map(|row| marker_entry(row, &encoding, &owner)).collect()),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: (!delimiter.is_empty()).then(|| encoding.write(&delimiter)),
            encoding_type: input.encoding_type,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    /// Behind what of the marker's own name a history goes on.
    async fn behind(&self, study: &str, name: &str, id: Option<&str>) -> S3Result<Behind<i64>> {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(Behind::Everything) };
        if name.is_empty() {
            return Err(s3_error!(InvalidArgument, "a version id marker needs a key marker"));
        }
        let found = versions::find(&self.store, study, name, crate::version_id(id)?).await.map_err(fault::of_store)?;
        Ok(found.map_or(Behind::Everything, |version| Behind::Row(version.sequence)))
    }

    pub(crate) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        self.looked(&asker, &input.bucket).await?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = max(input.max_uploads)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let marker = input.key_marker.clone().unwrap_or_default();
        let id: Option<VersionId> = input.upload_id_marker.as_deref().and_then(|id| id.parse().ok());
        let behind = id.map_or(Behind::Everything, |id| Behind::Row(*id.as_bytes()));
        let from = Place::after(&marker, behind, &prefix, &delimiter);
        let read = |place: Place<[u8; 16]>, limit: u32| -> Rows<'_, _> {
            let (store, study, prefix) = (&self.store, input.bucket.as_str(), prefix.as_str());
            Box::pin(async move {
                let upload: &[u8] = match &place.behind {
                    Behind::Nothing => &[],
                    Behind::Row(upload) => upload,
                    Behind::Everything => &[0xFF; 17],
                };
                uploads::page(store, study, prefix, (&place.name, upload), limit).await
            })
        };
        let name: fn(&StoredUpload) -> &str = |row| &row.name;
        let page = page((&prefix, &delimiter), from, max, read, Naming { name, key: |row| row.upload }).await?;
        let next = (page.next_name(name), page.next_row().map(|row| VersionId::from_bytes(row.upload).to_string()));
        let mut uploads = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            uploads.push(upload_entry(&row, &encoding, self.named(row.created_by).await?));
        }
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            key_marker: Some(encoding.write(&marker)),
            upload_id_marker: input.upload_id_marker,
            prefix: Some(encoding.write(&prefix)),
            max_uploads: Some(max),
            is_truncated: Some(next.0.is_some()),
            next_key_marker: next.0.map(|name| encoding.write(&name)),
            next_upload_id_marker: next.1,
            uploads: Some(uploads),
            common_prefixes: prefixes(page.prefixes, &encoding),
            delimiter: (!delimiter.is_empty()).then(|| encoding.write(&delimiter)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }
}

fn upload_entry(row: &StoredUpload, encoding: &Encoding, owner: Owner) -> MultipartUpload {
    MultipartUpload {
        key: Some(encoding.write(&row.name)),
        upload_id: Some(VersionId::from_bytes(row.upload).to_string()),
        initiated: Some(timestamp(row.started_at)),
        initiator: Some(Initiator { display_name: owner.display_name.clone(), id: owner.id.clone() }),
        owner: Some(owner),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..Default::default()
    }
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
