//! A body on its way in: sealed, hashed and inspected in one pass, checked before it counts.

use bytes::Bytes;
use futures_util::TryStreamExt;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{ETag, StreamingBlob};
use s3s::{S3Result, TrailingHeaders, s3_error};

use crate::fault;
use crate::ports::{Inspection, PartWriter};
use crate::properties::Checksums;

/// What a client says of a body in advance.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Its length.
    pub length: Option<u64>,
    /// `Content-MD5`, in base64.
    pub md5: Option<String>,
    /// Checksums in headers.
    pub checksums: Checksums,
    /// The algorithm named without a value; the value may follow as a trailer.
    pub algorithm: Option<String>,
    /// Names of checksum headers that follow as trailers.
    pub trailer: Option<String>,
}

/// A body that came in whole and is what its sender said.
#[derive(Debug)]
pub(crate) struct Received {
    /// The part as the vault knows it.
    pub part: Vec<u8>,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// MD5 of the plaintext, for the entity tag that clients expect.
    pub md5: [u8; 16],
    /// Checksums that were asked for.
    pub checksums: Checksums,
}

impl Received {
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _always = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn strong(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

/// Hashers for whatever the client wants to be checked.
fn hashers(claims: &Claims) -> S3Result<ChecksumHasher> {
    use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
    let trailer = claims.trailer.as_deref().unwrap_or_default().to_ascii_lowercase();
    let algorithm = claims.algorithm.as_deref().unwrap_or_default().to_ascii_uppercase();
    if !matches!(algorithm.as_str(), "" | "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256") {
        return Err(s3_error!(InvalidRequest, "`{algorithm}` is not a checksum algorithm that is known here"));
    }
    let wants = |name: &str, given: &Option<String>| {
        given.is_some()
            || algorithm == name
            || trailer
                .split(',')
                .any(|one| one.trim().strip_prefix("x-amz-checksum-").is_some_and(|one| one.eq_ignore_ascii_case(name)))
    };
    let given = &claims.checksums;
    Ok(ChecksumHasher {
        crc32: wants("CRC32", &given.crc32).then(Crc32::new),
        crc32c: wants("CRC32C", &given.crc32c).then(Crc32c::new),
        crc64nvme: wants("CRC64NVME", &given.crc64nvme).then(Crc64Nvme::new),
        sha1: wants("SHA1", &given.sha1).then(Sha1::new),
        sha256: wants("SHA256", &given.sha256).then(Sha256::new),
    })
}

/// The checksums that came as trailers.
fn trailed(trailers: Option<&TrailingHeaders>) -> Checksums {
    let value = |name: &str| {
        let read = |headers: &hyper::HeaderMap| {
            headers.get(format!("x-amz-checksum-{name}")).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        trailers.and_then(|trailers| trailers.read(read)).flatten()
    };
    Checksums {
        crc32: value("crc32"),
        crc32c: value("crc32c"),
        crc64nvme: value("crc64nvme"),
        sha1: value("sha1"),
        sha256: value("sha256"),
    }
}

/// Takes a body in. Nothing of it stays when this fails: the writer is dropped unfinished.
pub(crate) async fn receive(
    mut writer: Box<dyn PartWriter>,
    body: Option<StreamingBlob>,
    claims: &Claims,
    trailers: Option<&TrailingHeaders>,
    mut inspection: Option<&mut Box<dyn Inspection>>,
    bytes_max: u64,
) -> S3Result<Received> {
    let mut checksums = hashers(claims)?;
    let mut md5 = Md5::new();
    let mut bytes = 0_u64;
    let mut body = body;
    while let Some(piece) = next(&mut body).await? {
        bytes += piece.len() as u64;
        if bytes > bytes_max || claims.length.is_some_and(|length| bytes > length) {
            return Err(s3_error!(
                EntityTooLarge,
                "the body is larger than was declared or than one request may carry"
            ));
        }
        md5.update(&piece);
        checksums.update(&piece);
        if let Some(inspection) = inspection.as_mut() {
            inspection.feed(piece.clone()).await;
        }
        writer.write(piece).await.map_err(fault::of_storage)?;
    }
    if claims.length.is_some_and(|length| bytes != length) {
        return Err(s3_error!(IncompleteBody, "the body has {bytes} bytes, another number than was declared"));
    }
    let md5: [u8; 16] = md5.finalize().into();
    let checksums = Checksums::from(checksums.finalize());
    check(claims, &md5, &checksums, &trailed(trailers))?;
    let part = writer.finish().await.map_err(fault::of_storage)?;
    Ok(Received { part, bytes, md5, checksums })
}

async fn next(body: &mut Option<StreamingBlob>) -> S3Result<Option<Bytes>> {
    match body {
        Some(body) => body.try_next().await.map_err(|error| fault::of_body(&*error)),
        None => Ok(None),
    }
}

fn check(claims: &Claims, md5: &[u8; 16], found: &Checksums, trailed: &Checksums) -> S3Result<()> {
    if let Some(claimed) = &claims.md5 {
        let Ok(claimed) = base64_simd::STANDARD.decode_to_vec(claimed) else {
            return Err(s3_error!(InvalidDigest, "`Content-MD5` is not base64"));
        };
        if claimed.len() != md5.len() {
            return Err(s3_error!(InvalidDigest, "`Content-MD5` does not stand for 16 bytes"));
        }
        if claimed != md5 {
            return Err(s3_error!(BadDigest, "the body is not what `Content-MD5` says; send it again"));
        }
    }
    if !found.agrees(&claims.checksums) || !found.agrees(trailed) {
        return Err(s3_error!(BadDigest, "the body is not what its checksum says; send it again"));
    }
    Ok(())
}
