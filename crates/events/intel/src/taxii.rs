//! A client of TAXII 2.1 servers (OASIS TAXII Version 2.1): discovery (section 4.1), API roots (4.2), collections (5.1, 5.2)
//! and their objects, page by page (5.4).

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fetch::{Credential, FetchError, Fetcher, header, shown};

/// The media type of everything that a server answers (section 1.6.8).
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// The largest page, in bytes.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// Bytes of all pages of one poll.
const POLL_BYTES_MAX: usize = 128 << 20;
/// Pages of one poll.
const PAGES_MAX: usize = 10_000;
/// Objects of one poll.
const OBJECTS_MAX: usize = 4_000_000;
/// Objects asked for with one page (section 3.4); servers may give fewer.
const PAGE_OBJECTS: usize = 1000;
/// The longest mark of a page.
const NEXT_MAX: usize = 8192;
/// API roots that are asked when a collection is looked for.
const ROOTS_MAX: usize = 32;

/// A collection of a server (section 5.1.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub title: String,
    /// A name for addresses.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether it may be read.
    #[serde(default)]
    pub can_read: bool,
}

/// A collection, and the API root it belongs to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The API root.
    pub root: Url,
    /// The collection.
    pub collection: Collection,
}

/// What a poll brought.
#[derive(Debug)]
pub struct Polled {
    /// The objects in an envelope, as [`crate::parse_stix`] takes them.
    pub envelope: Value,
    /// How many there are.
    pub objects: usize,
    /// How many pages.
    pub pages: usize,
    /// Where the next poll goes on: the date that the server added the last object.
    pub added_after: Option<String>,
}

/// Why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TaxiiError {
    /// It was not reached, or refuses.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What it answers is not TAXII 2.1.
    #[error("`{address}` does not answer as TAXII 2.1 wants: {why}")]
    Answer {
        /// The address.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// Which collection is meant cannot be told.
    #[error("{why}; there are: {there}")]
    Which {
        /// What is wrong.
        why: String,
        /// The collections that may be read.
        there: String,
    },
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    fetcher: Fetcher,
}

#[derive(Deserialize)]
struct Discovery {
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    api_roots: Vec<String>,
}

#[derive(Deserialize)]
struct Collections {
    #[serde(default)]
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    #[serde(default)]
    next: Option<Value>,
    #[serde(default)]
    objects: Vec<Value>,
}

impl Client {
    /// A client that tells who it is.
    ///
    /// # Errors
    /// The operating system's certificates cannot be read.
    pub fn new(credential: Credential) -> Result<Self, TaxiiError> {
        Ok(Self { fetcher: Fetcher::new(credential, PAGE_BYTES_MAX)? })
    }

    /// The collections behind an address, which may be that of discovery (`/taxii2/`), of an API root, of its collections,
    /// or of one collection.
    ///
    /// # Errors
    /// The server is not reached, refuses, or does not speak TAXII 2.1.
    pub async fn collections(&self, address: &str) -> Result<Vec<Found>, TaxiiError> {
        let start = as_folder(self.fetcher.allowed(address)?);
        let (answer, _) = self.get(&start).await?;
        if answer.get("collections").is_some() {
            let root = start.join("../").unwrap_or_else(|_| start.clone());
            return self.found(&start, root, answer);
        }
        if answer.get("id").is_some() && answer.get("can_read").is_some() {
            let root = start.join("../../").unwrap_or_else(|_| start.clone());
            let collection = read(&start, answer)?;
            return Ok(vec![Found { root, collection }]);
        }
        let roots = if answer.get("api_roots").is_some() {
            self.roots(&start, answer)?
        } else if answer.get("versions").is_some() {
            vec![start.clone()]
        } else {
            let why = "it is neither discovery nor an API root nor a list of collections".to_owned();
            return Err(TaxiiError::Answer { address: shown(&start), why });
        };
        let mut found = Vec::new();
        let mut failed = None;
        for root in roots {
            let list = root.join("collections/").map_err(|error| wrong(&root, &error.to_string()))?;
            match self.get(&list).await.and_then(|(answer, _)| self.found(&list, root, answer)) {
                Ok(more) => found.extend(more),
                // One root of several may be closed to this user.
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// API roots of a discovery document; relative ones belong to the server that was asked (section 4.1.1).
    fn roots(&self, start: &Url, answer: Value) -> Result<Vec<Url>, TaxiiError> {
        let discovery: Discovery = read(start, answer)?;
        let mut texts = discovery.api_roots;
        // The default comes first.
        if let Some(default) = discovery.default {
            texts.retain(|text| *text != default);
            texts.insert(0, default);
        }
        let mut roots = Vec::new();
        for text in texts.iter().take(ROOTS_MAX) {
            let root =
                start.join(text).map_err(|error| wrong(start, &format!("an API root is no address: {error}")))?;
            if root.origin() != start.origin() {
                // Neither the credential nor the request may be sent wherever a server says.
                let why = format!("its API root `{}` is another server's; give that address instead", shown(&root));
                return Err(wrong(start, &why));
            }
            roots.push(as_folder(root));
        }
        Ok(roots)
    }

    fn found(&self, at: &Url, root: Url, answer: Value) -> Result<Vec<Found>, TaxiiError> {
        let list: Collections = read(at, answer)?;
        Ok(list.collections.into_iter().map(|collection| Found { root: root.clone(), collection }).collect())
    }

    /// All objects of a collection that were added after a date, if there is one.
    ///
    /// # Errors
    /// The server is not reached, refuses, does not speak TAXII 2.1, or has more than the limits of this module.
    pub async fn poll(&self, found: &Found, added_after: Option<&str>) -> Result<Polled, TaxiiError> {
        let mut base = found.root.clone();
        match base.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(["collections", found.collection.id.as_str(), "objects", ""])
            }
            Err(()) => return Err(wrong(&found.root, "it is no address of the web")),
        };
        let mut polled =
            Polled { envelope: Value::Null, objects: 0, pages: 0, added_after: added_after.map(str::to_owned) };
        let mut objects = Vec::new();
        let (mut next, mut bytes): (Option<String>, usize) = (None, 0);
        // Servers that give no `next` go on by date (section 3.5).
        let mut after = added_after.map(str::to_owned);
        loop {
            let mut url = base.clone();
            url.query_pairs_mut().append_pair("limit", &PAGE_OBJECTS.to_string());
            if let Some(after) = &after {
                url.query_pairs_mut().append_pair("added_after", after);
            }
            if let Some(next) = &next {
                url.query_pairs_mut().append_pair("next", next);
            }
            let (answer, page) = self.get(&url).await?;
            let envelope: Envelope = read(&url, answer)?;
            polled.pages += 1;
            bytes = bytes.saturating_add(page.bytes);
            let count = envelope.objects.len();
            objects.extend(envelope.objects);
            if objects.len() > OBJECTS_MAX || polled.pages > PAGES_MAX || bytes > POLL_BYTES_MAX {
                let why = format!(
                    "the collection is larger than {OBJECTS_MAX} objects, {PAGES_MAX} pages or {POLL_BYTES_MAX} bytes"
                );
                return Err(wrong(&base, &why));
            }
            if let Some(last) = &page.added_last {
                polled.added_after = Some(last.clone());
            }
            if !envelope.more {
                break;
            }
            let following = envelope.next.and_then(|next| match next {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            match (following, &page.added_last) {
                (Some(text), _) if text.len() > NEXT_MAX => return Err(wrong(&base, "`next` is too long")),
                (Some(text), _) if next.as_ref() != Some(&text) && count > 0 => next = Some(text),
                (None, Some(last)) if after.as_ref() != Some(last) && count > 0 => {
                    after = Some(last.clone());
                    next = None;
                }
                _ => return Err(wrong(&base, "it says that there is more, but not how to go on")),
            }
        }
        polled.objects = objects.len();
        polled.envelope = json!({ "objects": objects });
        Ok(polled)
    }

    async fn get(&self, url: &Url) -> Result<(Value, Page), TaxiiError> {
        let (bytes, headers) = self.fetcher.typed(url, MEDIA_TYPE).await?;
        let media = header(&headers, "content-type").unwrap_or_default().to_ascii_lowercase();
        let essence = media.split(';').next().unwrap_or_default().trim();
        // Some servers call their answers plain JSON; what no TAXII server calls them is a page for people.
        if !matches!(essence, "application/taxii+json" | "application/json" | "application/stix+json") {
            return Err(wrong(url, &format!("it answers `{}`, not `{MEDIA_TYPE}`", crate::normal::shortened(&media))));
        }
        let page = Page {
            bytes: bytes.len(),
            added_last: header(&headers, "x-taxii-date-added-last").filter(|last| crate::milliseconds(last).is_some()),
        };
        let value = serde_json::from_slice(&bytes).map_err(|error| wrong(url, &format!("it is no JSON: {error}")))?;
        Ok((value, page))
    }
}

struct Page {
    bytes: usize,
    /// When the last object of the page was added (section 5.4, `X-TAXII-Date-Added-Last`).
    added_last: Option<String>,
}

/// The collection that is meant: by id, alias or title, or the only one that may be read.
///
/// # Errors
/// There is none, or several and none was named.
pub fn choose(found: Vec<Found>, named: Option<&str>) -> Result<Found, TaxiiError> {
    let readable: Vec<Found> = found.into_iter().filter(|found| found.collection.can_read).collect();
    let there = readable
        .iter()
        .map(|found| format!("`{}` ({})", found.collection.id.escape_debug(), found.collection.title.escape_debug()))
        .collect::<Vec<_>>()
        .join(", ");
    let there = if there.is_empty() { "none that may be read".to_owned() } else { there };
    let mut fitting = readable.into_iter().filter(|found| {
        named.is_none_or(|name| {
            let Collection { id, title, alias, .. } = &found.collection;
            id.eq_ignore_ascii_case(name) || alias.as_deref() == Some(name) || title == name
        })
    });
    match (fitting.next(), fitting.next(), named) {
        (Some(only), None, _) => Ok(only),
        (None, _, Some(name)) => {
            Err(TaxiiError::Which { why: format!("no collection is called `{}`", name.escape_debug()), there })
        }
        (None, _, None) => Err(TaxiiError::Which { why: "the server has no collection to read".to_owned(), there }),
        (Some(_), Some(_), _) => Err(TaxiiError::Which { why: "name one collection".to_owned(), there }),
    }
}

fn wrong(url: &Url, why: &str) -> TaxiiError {
    TaxiiError::Answer { address: shown(url), why: why.to_owned() }
}

fn read<T: serde::de::DeserializeOwned>(url: &Url, value: Value) -> Result<T, TaxiiError> {
    serde_json::from_value(value).map_err(|error| wrong(url, &error.to_string()))
}

/// Addresses of TAXII end in a stroke (section 1.6.6).
fn as_folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}
