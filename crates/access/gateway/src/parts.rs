//! The parts of an upload as one: which belong to it, its entity tag, its checksums.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use s3s::dto::{ChecksumType, CompletedPart};
use s3s::{S3Result, s3_error};
use store::guarded::uploads::StoredPart;

use crate::crc::{CRC32, CRC32C, CRC64NVME, Crc};
use crate::multipart::number;
use crate::properties::{Checksums, Properties, given_checksums};
use crate::receive::hex;

/// Every part but the last has at least this many bytes (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const PART_BYTES_MIN: i64 = 5 << 20;

pub(crate) fn stored(part: &StoredPart) -> Checksums {
    serde_json::from_str(&part.checksums).unwrap_or_default()
}

/// The parts that a client wants, in its order, each as it was sent.
pub(crate) fn choose(wanted: &[CompletedPart], there: &[StoredPart]) -> S3Result<Vec<StoredPart>> {
    if wanted.is_empty() {
        return Err(s3_error!(MalformedXML, "an upload is completed with at least one part"));
    }
    let by_number: BTreeMap<u32, &StoredPart> = there.iter().map(|part| (part.number, part)).collect();
    let mut chosen: Vec<StoredPart> = Vec::with_capacity(wanted.len());
    for want in wanted {
        let number = number(want.part_number.unwrap_or(0))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder, "parts must be named in the order of their numbers"));
        }
        let invalid =
            || s3_error!(InvalidPart, "part {number} was not uploaded, or has another entity tag or checksum");
        let part = by_number.get(&number).ok_or_else(invalid)?;
        let is_other = want.e_tag.as_ref().is_some_and(|etag| etag.value() != part.etag);
        if is_other || !stored(part).agrees(&given_checksums!(want)) {
            return Err(invalid());
        }
        chosen.push((*part).clone());
    }
    let before_last = chosen.len() - 1;
    if chosen.iter().take(before_last).any(|part| part.bytes < PART_BYTES_MIN) {
        return Err(s3_error!(EntityTooSmall, "every part but the last has at least {PART_BYTES_MIN} bytes"));
    }
    Ok(chosen)
}

/// MD5 over the MD5s of the parts, and their number: the form that clients expect.
pub(crate) fn etag<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0;
    for part in parts {
        md5.update(unhex(part));
        count += 1;
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

/// What the checksum of an upload in parts is about, as asked for or as usual for its algorithm (Amazon S3 User Guide,
/// "Checking object integrity for data uploads", full object and composite checksums).
pub(crate) fn checksum_type(algorithm: Option<&str>, asked: Option<&str>) -> S3Result<Option<String>> {
    const WHOLE: &str = ChecksumType::FULL_OBJECT;
    const COMPOSITE: &str = ChecksumType::COMPOSITE;
    let told = match (algorithm, asked) {
        (None, None) => return Ok(None),
        (Some("CRC64NVME"), None | Some(WHOLE)) | (Some("CRC32" | "CRC32C"), Some(WHOLE)) => WHOLE,
        (Some("CRC32" | "CRC32C" | "SHA1" | "SHA256"), None | Some(COMPOSITE)) => COMPOSITE,
        (Some(algorithm), Some(asked)) => {
            return Err(s3_error!(InvalidRequest, "`{algorithm}` makes no checksum of type `{asked}`"));
        }
        (Some(algorithm), None) => {
            return Err(s3_error!(InvalidRequest, "`{algorithm}` is not a checksum algorithm that is known here"));
        }
        (None, Some(_)) => {
            return Err(s3_error!(InvalidRequest, "a checksum type needs a checksum algorithm beside it"));
        }
    };
    Ok(Some(told.to_owned()))
}

/// Gives a version the lengths and checksums of its parts, and its own checksums made of them: that of the whole, or the
/// checksum of checksums. What the client says of them must be so.
pub(crate) fn combine(
    properties: &mut Properties,
    parts: &[StoredPart],
    given: &Checksums,
    asked_type: Option<&str>,
) -> S3Result<()> {
    let bytes: Vec<u64> = parts.iter().map(|part| u64::try_from(part.bytes).unwrap_or(0)).collect();
    let all: Vec<Checksums> = parts.iter().map(stored).collect();
    if asked_type.is_some_and(|asked| properties.checksum_type.as_deref().is_some_and(|own| own != asked)) {
        return Err(s3_error!(InvalidRequest, "the upload began with another checksum type"));
    }
    let is_whole = match properties.checksum_type.as_deref() {
        Some(own) => own == ChecksumType::FULL_OBJECT,
        // Nobody said what the checksum shall be about: that of the only algorithm without composites is of the whole.
        None => all.iter().all(|sums| sums.crc64nvme.is_some()) || asked_type == Some(ChecksumType::FULL_OBJECT),
    };
    let own = if is_whole { whole(&all, &bytes) } else { composite(&all) };
    if !agree(&own, given, is_whole) {
        return Err(s3_error!(BadDigest, "the parts are not what the checksum says; send them again"));
    }
    if !own.is_empty() {
        let told = if is_whole { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
        properties.checksum_type = Some(told.to_owned());
        properties.part_checksums = all;
    }
    (properties.checksums, properties.parts) = (own, bytes);
    Ok(())
}

/// Whether everything that a client gave came out. What cannot be made of the parts cannot be believed.
fn agree(own: &Checksums, given: &Checksums, is_whole: bool) -> bool {
    let same = |own: &Option<String>, given: &Option<String>| match (own, given) {
        (_, None) => true,
        (None, Some(_)) => false,
        // Clients may leave out the number of parts.
        (Some(own), Some(given)) if is_whole || given.contains('-') => own == given,
        (Some(own), Some(given)) => own.split('-').next() == Some(given.as_str()),
    };
    same(&own.crc32, &given.crc32)
        && same(&own.crc32c, &given.crc32c)
        && same(&own.crc64nvme, &given.crc64nvme)
        && same(&own.sha1, &given.sha1)
        && same(&own.sha256, &given.sha256)
}

/// Checksums of the whole, where every part has one that can be joined.
fn whole(all: &[Checksums], bytes: &[u64]) -> Checksums {
    let joined = |crc: Crc, sum: fn(&Checksums) -> Option<&String>| {
        let sums: Option<Vec<&str>> = all.iter().map(|sums| sum(sums).map(String::as_str)).collect();
        crc.of_parts(sums?.into_iter().zip(bytes.iter().copied()))
    };
    Checksums {
        crc32: joined(CRC32, |sums| sums.crc32.as_ref()),
        crc32c: joined(CRC32C, |sums| sums.crc32c.as_ref()),
        crc64nvme: joined(CRC64NVME, |sums| sums.crc64nvme.as_ref()),
        ..Default::default()
    }
}

/// Checksums of checksums, where every part has one.
fn composite(all: &[Checksums]) -> Checksums {
    use s3s::crypto::{Checksum as _, Crc32, Crc32c, Sha1, Sha256};
    macro_rules! composite {
        ($field:ident, $hasher:ty) => {{
            let sums: Option<Vec<Vec<u8>>> = all
                .iter()
                .map(|sums| sums.$field.as_ref().and_then(|sum| base64_simd::STANDARD.decode_to_vec(sum).ok()))
                .collect();
            sums.filter(|sums| !sums.is_empty()).map(|sums| {
                let mut hasher = <$hasher>::new();
                sums.iter().for_each(|sum| hasher.update(sum));
                let sum = hasher.finalize();
                let sum: &[u8] = sum.as_ref();
                format!("{}-{}", base64_simd::STANDARD.encode_to_string(sum), sums.len())
            })
        }};
    }
    Checksums {
        crc32: composite!(crc32, Crc32),
        crc32c: composite!(crc32c, Crc32c),
        sha1: composite!(sha1, Sha1),
        sha256: composite!(sha256, Sha256),
        crc64nvme: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Checksums, Properties, StoredPart, checksum_type, combine};

    fn part(number: u32, bytes: &[u8]) -> StoredPart {
        use s3s::crypto::{Checksum as _, Crc32, Sha256};
        let text = |sum: &[u8]| Some(base64_simd::STANDARD.encode_to_string(sum));
        let sums = Checksums {
            crc32: text(&Crc32::checksum(bytes)),
            sha256: text(&Sha256::checksum(bytes)),
            ..Default::default()
        };
        StoredPart {
            number,
            bytes: i64::try_from(bytes.len()).unwrap(),
            etag: String::new(),
            modified_at: 0,
            checksums: serde_json::to_string(&sums).unwrap(),
            sealed: Vec::new(),
        }
    }

    fn combined(kind: Option<&str>, given: &Checksums) -> Result<Properties, String> {
        let mut properties = Properties { checksum_type: kind.map(str::to_owned), ..Default::default() };
        let parts = [part(1, b"1234"), part(2, b"56789")];
        combine(&mut properties, &parts, given, None).map_err(|error| error.code().as_str().to_owned())?;
        Ok(properties)
    }

    #[test]
    fn the_whole_has_the_checksum_of_the_whole() {
        let sum = |text: &str| Checksums { crc32: Some(text.to_owned()), ..Default::default() };
        let whole = combined(Some("FULL_OBJECT"), &sum("y/Q5Jg==")).unwrap();
        assert_eq!(whole.checksums.crc32.as_deref(), Some("y/Q5Jg=="), "the CRC-32 of 123456789");
        assert_eq!(whole.checksums.sha256, None, "cannot be made of those of the parts");
        assert_eq!((whole.parts, whole.part_checksums.len()), (vec![4, 5], 2));
        assert_eq!(combined(Some("FULL_OBJECT"), &sum("AAAAAA==")).unwrap_err(), "BadDigest");
        let unfounded = Checksums { sha256: Some("AAAA".to_owned()), ..Default::default() };
        assert_eq!(combined(Some("FULL_OBJECT"), &unfounded).unwrap_err(), "BadDigest");
    }

    #[test]
    fn checksums_of_checksums_name_the_number_of_parts() {
        let composite = combined(None, &Checksums::default()).unwrap();
        let own = composite.checksums.sha256.clone().unwrap();
        assert!(own.ends_with("-2"));
        let bare = own.trim_end_matches("-2").to_owned();
        for (given, is_good) in
            [(own, true), (bare.clone(), true), (format!("{bare}-3"), false), ("bad".to_owned(), false)]
        {
            let given = Checksums { sha256: Some(given), ..Default::default() };
            assert_eq!(combined(Some("COMPOSITE"), &given).is_ok(), is_good, "{given:?}");
        }
    }

    #[test]
    fn each_algorithm_has_its_types() {
        let told = |algorithm, asked| checksum_type(algorithm, asked).map_err(|error| error.code().as_str().to_owned());
        assert_eq!(told(None, None), Ok(None));
        assert_eq!(told(Some("CRC64NVME"), None), Ok(Some("FULL_OBJECT".to_owned())));
        assert_eq!(told(Some("CRC32"), None), Ok(Some("COMPOSITE".to_owned())));
        assert_eq!(told(Some("CRC32C"), Some("FULL_OBJECT")), Ok(Some("FULL_OBJECT".to_owned())));
        assert_eq!(told(Some("SHA256"), Some("FULL_OBJECT")), Err("InvalidRequest".to_owned()));
        assert_eq!(told(Some("CRC64NVME"), Some("COMPOSITE")), Err("InvalidRequest".to_owned()));
        assert_eq!(told(Some("MD4"), None), Err("InvalidRequest".to_owned()));
    }
}
