//! What a version carries besides its bytes: headers, metadata, checksums, lengths of parts. Kept as JSON.

use std::collections::BTreeMap;

use s3s::dto;
use serde::{Deserialize, Serialize};

/// Checksums in base64, as clients send and get them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl From<dto::Checksum> for Checksums {
    fn from(of: dto::Checksum) -> Self {
        Self {
            crc32: of.checksum_crc32,
            crc32c: of.checksum_crc32c,
            crc64nvme: of.checksum_crc64nvme,
            sha1: of.checksum_sha1,
            sha256: of.checksum_sha256,
        }
    }
}

impl Checksums {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each that both have is equal.
    pub(crate) fn agrees(&self, with: &Self) -> bool {
        let same = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        same(&self.crc32, &with.crc32)
            && same(&self.crc32c, &with.crc32c)
            && same(&self.crc64nvme, &with.crc64nvme)
            && same(&self.sha1, &with.sha1)
            && same(&self.sha256, &with.sha256)
    }
}

/// Sets the checksum fields of an output of s3s.
macro_rules! set_checksums {
    ($output:expr, $checksums:expr) => {{
        let checksums = &$checksums;
        $output.checksum_crc32 = checksums.crc32.clone();
        $output.checksum_crc32c = checksums.crc32c.clone();
        $output.checksum_crc64nvme = checksums.crc64nvme.clone();
        $output.checksum_sha1 = checksums.sha1.clone();
        $output.checksum_sha256 = checksums.sha256.clone();
    }};
}
/// The checksums that an input of s3s carries.
macro_rules! given_checksums {
    ($input:expr) => {
        $crate::properties::Checksums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
        }
    };
}
pub(crate) use {given_checksums, set_checksums};

/// What a version carries besides its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Properties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
    /// The stamp of the file or object that it was adopted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopted: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Checksums::is_empty")]
    pub checksums: Checksums,
    /// `FULL_OBJECT` or `COMPOSITE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    /// Bytes of each part of an upload in parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<u64>,
    /// Checksums of each part, where they have any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub part_checksums: Vec<Checksums>,
    /// Tags asked for when an upload in parts began, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain_until: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub legal_hold: bool,
}

/// The properties that an input of s3s asks for.
macro_rules! given_properties {
    ($input:expr) => {
        $crate::properties::Properties {
            content_type: $input.content_type.as_ref().map(ToString::to_string),
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.as_deref().and_then($crate::properties::stored_encoding),
            content_language: $input.content_language.clone(),
            expires: $input.expires.as_ref().and_then($crate::properties::http_date),
            website_redirect: $input.website_redirect_location.clone(),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
            ..Default::default()
        }
    };
}
pub(crate) use given_properties;

/// `aws-chunked` says how a request travelled, not how the object is encoded (Amazon S3 User Guide, "Signature
/// calculations: transferring payload in multiple chunks").
pub(crate) fn stored_encoding(header: &str) -> Option<String> {
    let kept: Vec<&str> =
        header.split(',').map(str::trim).filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// How every object is sealed, in S3's word for it: AES-256 with keys of the server's keeping.
pub(crate) fn sealed_with() -> Option<dto::ServerSideEncryption> {
    Some(dto::ServerSideEncryption::from_static(dto::ServerSideEncryption::AES256))
}

pub(crate) fn http_date(at: &dto::Timestamp) -> Option<String> {
    let mut text = Vec::new();
    at.format(dto::TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

impl Properties {
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_never: serde_json::Error| "{}".to_owned())
    }

    pub(crate) fn metadata(&self) -> Option<dto::Metadata> {
        (!self.metadata.is_empty()).then(|| self.metadata.clone().into_iter().collect())
    }

    pub(crate) fn expires_at(&self) -> Option<dto::Timestamp> {
        dto::Timestamp::parse(dto::TimestampFormat::HttpDate, self.expires.as_deref()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::stored_encoding;

    #[test]
    fn how_a_request_travelled_is_not_kept() {
        assert_eq!(stored_encoding("aws-chunked"), None);
        assert_eq!(stored_encoding("gzip, aws-chunked"), Some("gzip".to_owned()));
        assert_eq!(stored_encoding("aws-chunked,gzip,br"), Some("gzip, br".to_owned()));
    }
}
