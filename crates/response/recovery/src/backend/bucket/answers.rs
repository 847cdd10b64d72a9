//! What a bucket answers, read from its XML.

use jiff::Timestamp;
use quick_xml::XmlVersion;
use quick_xml::events::Event;

/// Elements within one another; no answer of S3 has more than five.
const DEPTH_MAX: usize = 16;
/// Days of a year, where a retention is told in years.
const YEAR_DAYS: u32 = 365;

/// One version of an object, or the marker that it was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) is_marker: bool,
    /// It is what a request without a version gets.
    pub(crate) is_latest: bool,
    pub(crate) bytes: u64,
    pub(crate) etag: String,
    /// When it was stored, by the bucket's clock, in milliseconds since 1970, UTC; buckets tell whole seconds.
    pub(crate) stored_ms: i64,
}

/// A page of versions, and where the next begins.
#[derive(Debug, Default)]
pub(super) struct Versions {
    pub(super) all: Vec<Version>,
    pub(super) next: Option<(String, String)>,
}

/// What an object lock is, if there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LockAnswer {
    pub(super) is_enabled: bool,
    pub(super) is_governance: bool,
    /// Days of the default retention.
    pub(super) days: Option<u32>,
}

pub(super) fn versions(xml: &[u8]) -> Result<Versions, String> {
    let (mut page, mut one) = (Versions::default(), Version::default());
    let (mut key, mut id, mut is_cut) = (String::new(), String::new(), false);
    let mut wrong = None;
    each(xml, &mut |path, text| match path {
        [_, "IsTruncated"] => is_cut = text == "true",
        [_, "NextKeyMarker"] => text.clone_into(&mut key),
        [_, "NextVersionIdMarker"] => text.clone_into(&mut id),
        [_, "Version" | "DeleteMarker", name] => match *name {
            "Key" => text.clone_into(&mut one.key),
            "VersionId" => text.clone_into(&mut one.id),
            "IsLatest" => one.is_latest = text == "true",
            "ETag" => text.clone_into(&mut one.etag),
            "Size" => one.bytes = text.parse().unwrap_or(0),
            "LastModified" => match text.parse::<Timestamp>() {
                Ok(time) => one.stored_ms = time.as_millisecond(),
                Err(error) => wrong = Some(format!("it tells a time that is none: {error}")),
            },
            _ => {}
        },
        [_, what @ ("Version" | "DeleteMarker")] => {
            one.is_marker = *what == "DeleteMarker";
            page.all.push(std::mem::take(&mut one));
        }
        _ => {}
    })?;
    page.next = (is_cut && !key.is_empty()).then_some((key, id));
    wrong.map_or(Ok(page), Err)
}

pub(super) fn lock(xml: &[u8]) -> Result<LockAnswer, String> {
    let mut found = LockAnswer::default();
    each(xml, &mut |path, text| match path {
        [_, "ObjectLockEnabled"] => found.is_enabled = text == "Enabled",
        [.., "DefaultRetention", "Mode"] => found.is_governance = text == "GOVERNANCE",
        [.., "DefaultRetention", unit @ ("Days" | "Years")] => {
            // One of both is told; some servers tell the other as 0.
            let days = if *unit == "Years" { YEAR_DAYS } else { 1 };
            let told = text.parse::<u32>().ok().filter(|number| *number > 0);
            found.days = told.map(|number| number.saturating_mul(days)).or(found.days);
        }
        _ => {}
    })?;
    Ok(found)
}

/// Whether versions are kept, also where that was suspended later.
pub(super) fn versioning(xml: &[u8]) -> Result<bool, String> {
    let mut is_kept = false;
    each(xml, &mut |path, text| {
        if matches!(path, [_, "Status"]) {
            is_kept = matches!(text, "Enabled" | "Suspended");
        }
    })?;
    Ok(is_kept)
}

/// Code and message of an error; empty where it is none of S3.
pub(super) fn error(xml: &[u8]) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    let _broken = each(xml, &mut |path, text| match path {
        ["Error", "Code"] => text.clone_into(&mut code),
        ["Error", "Message"] => text.clone_into(&mut message),
        _ => {}
    });
    (code, message)
}

/// Gives every element as it ends: its path of names, and its own text.
fn each(xml: &[u8], give: &mut dyn FnMut(&[&str], &str)) -> Result<(), String> {
    let broken = |why: String| format!("its answer is no XML that can be read: {why}");
    let text = std::str::from_utf8(xml).map_err(|error| broken(error.to_string()))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut open, mut value) = (Vec::<String>::new(), String::new());
    loop {
        match reader.read_event().map_err(|error| broken(error.to_string()))? {
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(broken("it was cut off".to_owned())),
            Event::Start(start) if open.len() < DEPTH_MAX => {
                open.push(start.local_name().as_ref().to_owned());
                value.clear();
            }
            Event::Start(_) => return Err(broken("it nests too deep".to_owned())),
            Event::End(_) => {
                let path: Vec<&str> = open.iter().map(String::as_str).collect();
                give(&path, value.trim());
                open.pop();
                value.clear();
            }
            Event::Text(text) => value.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => value.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                if let Ok(text) = quick_xml::escape::unescape(&format!("&{name};")) {
                    value.push_str(&text);
                }
            }
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{error, lock, versioning, versions};

    #[test]
    fn a_page_of_versions_is_read_with_its_markers_and_where_the_next_begins() {
        let xml = br#"<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
            <IsTruncated>true</IsTruncated><KeyMarker/><NextKeyMarker>p/a&amp;b</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>
            <Version><Key>p/a&amp;b</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest><LastModified>2026-11-30T20:05:36.000Z</LastModified>
            <ETag>"9d"</ETag><Size>7</Size><Owner><ID>x</ID></Owner></Version>
            <DeleteMarker><Key>p/c</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-30T20:05:37.000Z</LastModified></DeleteMarker>
            </ListVersionsResult>"#;
        let page = versions(xml).unwrap();
        assert_eq!(page.next, Some(("p/a&b".to_owned(), "v2".to_owned())));
        assert_eq!((page.all.len(), page.all[0].key.as_str(), page.all[0].bytes), (2, "p/a&b", 7));
        assert_eq!(page.all[1].stored_ms - page.all[0].stored_ms, 1_000);
        assert_eq!((page.all[0].is_marker, page.all[0].is_latest), (false, false));
        assert_eq!((page.all[1].is_marker, page.all[1].is_latest, page.all[1].id.as_str()), (true, true, "v3"));
    }

    #[test]
    fn locks_versioning_and_errors_are_read() {
        let found = lock(b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Years>2</Years></DefaultRetention></Rule></ObjectLockConfiguration>").unwrap();
        assert_eq!((found.is_enabled, found.is_governance, found.days), (true, true, Some(730)));
        let both = lock(b"<C><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>40</Days><Years>0</Years></DefaultRetention></Rule></C>").unwrap();
        assert_eq!((both.is_governance, both.days), (false, Some(40)));
        assert!(versioning(b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>").unwrap());
        assert!(!versioning(b"<VersioningConfiguration/>").unwrap());
        assert_eq!(
            error(b"<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>"),
            ("NoSuchBucket".to_owned(), "m".to_owned())
        );
        assert_eq!(error(b"<html>gateway"), (String::new(), String::new()));
    }

    #[test]
    fn what_is_cut_off_or_nests_without_end_is_told() {
        assert!(versions(b"<ListVersionsResult><Version><Key>a").unwrap_err().contains("no XML"));
        assert!(versions("<a>".repeat(100).as_bytes()).unwrap_err().contains("nests too deep"));
        assert!(versions(&[0xff, 0xfe]).is_err());
        let xml = b"<R><Version><Key>a</Key><LastModified>yesterday</LastModified></Version></R>";
        assert!(versions(xml).unwrap_err().contains("a time that is none"));
    }
}
