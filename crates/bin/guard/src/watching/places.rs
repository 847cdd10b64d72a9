//! Names of objects as other systems log them, found in the catalogue: buckets, shares, paths on servers, addresses of the web.

use store::objects::{self, ObjectRow};
use store::sources::{self, SourceRow};
use store::{Store, StoreError};

/// Places of one source that a name may mean.
const TRIES_MAX: usize = 4;
/// Folders deeper than this are not looked through.
const DEPTH_MAX: usize = 64;

/// Where a name may lie: a source and the path in it, the likeliest first.
///
/// A bucket is named by its own name, a folder by its whole path or, on another machine, by the name of its last part: what a file
/// server shares as `\\*\trials` is scanned as `/srv/share/trials`. Whether something lies there is for the catalogue to say.
fn candidates<'s>(name: &str, sources: &'s [SourceRow]) -> Vec<(&'s SourceRow, String)> {
    let parts: Vec<&str> =
        name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".." | "*" | "?" | "??")).collect();
    if parts.is_empty() || parts.len() > DEPTH_MAX {
        return Vec::new();
    }
    let mut found = Vec::new();
    for source in sources {
        let rest = match source.kind.as_str() {
            "bucket" => in_bucket(&parts, &source.location),
            "folder" => in_folder(&parts, &source.location),
            _ => Vec::new(),
        };
        found.extend(rest.into_iter().filter(|rest| !rest.is_empty()).map(|rest| (source, rest)));
    }
    found
}

fn in_bucket(parts: &[&str], location: &str) -> Vec<String> {
    let place = location.split_once("://").map_or(location, |(_, place)| place);
    let place: Vec<&str> = place.split('/').filter(|part| !part.is_empty()).collect();
    // `arn:aws:s3:::bucket` names the bucket too.
    let first = parts.first().map(|first| first.rsplit(':').next().unwrap_or(first));
    let is_within = !place.is_empty()
        && parts.len() > place.len()
        && first == place.first().copied()
        && parts.iter().zip(&place).skip(1).all(|(part, wanted)| part == wanted);
    if is_within { parts.get(place.len()..).map(|rest| rest.join("/")).into_iter().collect() } else { Vec::new() }
}

fn in_folder(parts: &[&str], location: &str) -> Vec<String> {
    let place: Vec<&str> = location.split('/').filter(|part| !part.is_empty()).collect();
    let Some(last) = place.last() else { return Vec::new() };
    if parts.len() > place.len() && parts.iter().zip(&place).all(|(part, wanted)| part == wanted) {
        return parts.get(place.len()..).map(|rest| rest.join("/")).into_iter().collect();
    }
    let named = parts.iter().enumerate().filter(|(_, part)| part.eq_ignore_ascii_case(last));
    named.filter_map(|(at, _)| parts.get(at + 1..)).take(TRIES_MAX).map(|rest| rest.join("/")).collect()
}

/// The object of the catalogue that a name means, if there is one.
pub(super) async fn find(store: &Store, sources: &[SourceRow], name: &str) -> Result<Option<ObjectRow>, StoreError> {
    for (source, path) in candidates(name, sources).into_iter().take(sources.len().saturating_mul(TRIES_MAX)) {
        if let Some(found) = objects::by_path(store, source.id, &path).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Every source that is scanned.
pub(super) async fn all(store: &Store) -> Result<Vec<SourceRow>, StoreError> {
    sources::all(store).await
}

#[cfg(test)]
mod tests {
    use super::{SourceRow, candidates};

    fn source(id: u32, kind: &str, location: &str) -> SourceRow {
        SourceRow { id, kind: kind.to_owned(), location: location.to_owned(), created_at: 0, scanned_at: None }
    }

    #[test]
    fn names_of_other_systems_lead_into_the_catalogue() {
        let sources = [
            source(1, "folder", "/srv/share/trials"),
            source(2, "bucket", "s3://genomes"),
            source(3, "bucket", "s3://lake/raw"),
            source(4, "postgres", "postgres://db/edc"),
        ];
        let tried = |name: &str| {
            candidates(name, &sources).into_iter().map(|(source, path)| (source.id, path)).collect::<Vec<_>>()
        };
        let one = |id: u32, path: &str| vec![(id, path.to_owned())];
        // CloudTrail: bucket and key. Windows 5145: share and name; 4663: a path of the server. SFTP and web logs.
        assert_eq!(tried("genomes/run7/s1.vcf"), one(2, "run7/s1.vcf"));
        assert_eq!(tried("arn:aws:s3:::genomes/run7/s1.vcf"), one(2, "run7/s1.vcf"));
        assert_eq!(tried("lake/raw/a.csv"), one(3, "a.csv"));
        assert_eq!(tried("lake/other/a.csv"), []);
        assert_eq!(tried("\\\\*\\Trials\\onc-201\\a.csv"), one(1, "onc-201/a.csv"));
        assert_eq!(tried("D:\\Shares\\trials\\onc-201\\a.csv"), one(1, "onc-201/a.csv"));
        assert_eq!(tried("/srv/share/trials/onc-201/a.csv"), one(1, "onc-201/a.csv"));
        assert_eq!(tried("/files/trials/onc-201/a.csv"), one(1, "onc-201/a.csv"));
        assert_eq!(tried("trials"), []);
        assert_eq!(tried("\\\\\\"), []);
        assert_eq!(tried(&"a/".repeat(1_000)), []);
    }
}
