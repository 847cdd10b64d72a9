//! Buckets and containers: listed, and read in ranges, by worker threads that wait for what the runtime fetches.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Problem, ProblemKind};
use futures_util::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientConfigKey, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, RetryConfig,
};
use tokio::runtime::Handle;

use super::found::{Body, Found, Intake, Stopped};
use super::wait::wait;
use super::{SourceError, StoreUrl, name};

/// How long one request may take, answer included, unless `AWS_TIMEOUT` and the like say otherwise.
const REQUEST_TIMEOUT: &str = "60s";
/// How long connecting may take, unless `AWS_CONNECT_TIMEOUT` and the like say otherwise.
const CONNECT_TIMEOUT: &str = "10s";
/// How often a request is tried again where the store is busy or the connection breaks.
const RETRIES_MAX: usize = 4;
/// No further try once a request has taken so long altogether.
const RETRY_TIMEOUT: Duration = Duration::from_secs(90);
/// Characters of what a store says that are repeated in a message.
const REASON_CHARS_MAX: usize = 200;

/// A bucket, or what lies in it below a prefix.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    prefix: Path,
    location: String,
    runtime: Handle,
}

/// Why a wait ended without what was waited for.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// The scan shall stop.
    Stopped,
    /// The store refused.
    Store(object_store::Error),
}

impl Bucket {
    /// The bucket at `url` with credentials and options of the environment: `AWS_…`, `AZURE_…`, `GOOGLE_…`, as the
    /// stores' own tools have them. Nothing is connected yet.
    pub(crate) fn open(url: &StoreUrl, runtime: Handle) -> Result<Self, SourceError> {
        let location = url.url().as_str().trim_end_matches('/').to_owned();
        let unusable = |error: object_store::Error| SourceError::Unreachable {
            location: location.clone(),
            why: describe(&error),
            instead: "check its address and the credentials in the environment",
        };
        let (scheme, prefix) =
            ObjectStoreScheme::parse(url.url()).map_err(|error| unusable(object_store::Error::from(error)))?;
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT };
        let address = url.url().as_str();
        let timeouts = [
            (ClientConfigKey::Timeout, REQUEST_TIMEOUT, "TIMEOUT"),
            (ClientConfigKey::ConnectTimeout, CONNECT_TIMEOUT, "CONNECT_TIMEOUT"),
        ];
        macro_rules! build {
            ($builder:ty, $key:path, $environment:literal) => {{
                let mut builder = <$builder>::from_env().with_url(address).with_retry(retry);
                for (key, value, variable) in timeouts {
                    if std::env::var_os(format!("{}_{variable}", $environment)).is_none() {
                        builder = builder.with_config($key(key), value);
                    }
                }
                Arc::new(builder.build().map_err(unusable)?) as Arc<dyn ObjectStore>
            }};
        }
        let store = match scheme {
            ObjectStoreScheme::AmazonS3 => build!(AmazonS3Builder, object_store::aws::AmazonS3ConfigKey::Client, "AWS"),
            ObjectStoreScheme::MicrosoftAzure => {
                build!(MicrosoftAzureBuilder, object_store::azure::AzureConfigKey::Client, "AZURE")
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                build!(GoogleCloudStorageBuilder, object_store::gcp::GoogleConfigKey::Client, "GOOGLE")
            }
            _ => return Err(SourceError::Unknown { given: location }),
        };
        Ok(Self::over(store, prefix, location, runtime))
    }

    /// What lies below `prefix` of an open store.
    pub(super) fn over(store: Arc<dyn ObjectStore>, prefix: Path, location: String, runtime: Handle) -> Self {
        Self { store, prefix, location, runtime }
    }

    /// Finds every object, in the order of the store's list. For a thread outside the runtime.
    pub(crate) fn find(&self, stop: &AtomicBool, intake: &mut dyn Intake) -> Result<(), Listing> {
        let mut list = self.store.list(Some(&self.prefix));
        let mut is_empty = true;
        loop {
            let next = self.wait(stop, async { list.next().await.transpose() });
            match next {
                Ok(Some(meta)) => {
                    is_empty = false;
                    intake.found(self.described(meta))?;
                }
                Ok(None) => break,
                Err(Interrupted::Stopped) => return Err(Listing::Stopped),
                Err(Interrupted::Store(error)) => return Err(self.failed(&error)),
            }
        }
        if is_empty && !self.prefix.as_ref().is_empty() {
            // The address may be one object's own.
            match self.wait(stop, self.store.head(&self.prefix)) {
                Ok(meta) => intake.found(self.described(meta))?,
                Err(Interrupted::Store(object_store::Error::NotFound { .. })) => {}
                Err(Interrupted::Stopped) => return Err(Listing::Stopped),
                Err(Interrupted::Store(error)) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    /// Where the object of a name lies.
    pub(super) fn key(&self, name: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(name).parts()))
    }

    /// What stands before every name.
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Whether the address may be that of the object of this name.
    pub(super) fn is_itself(&self, name: &str) -> bool {
        self.prefix.filename() == Some(name)
    }

    fn failed(&self, error: &object_store::Error) -> Listing {
        Listing::Failed(SourceError::Unreachable {
            location: self.location.clone(),
            why: describe(error),
            instead: "check its address, the credentials in the environment and what they allow",
        })
    }

    fn described(&self, meta: ObjectMeta) -> Found {
        let key = meta.location.as_ref();
        let below = key.strip_prefix(self.prefix.as_ref()).unwrap_or(key).trim_start_matches('/');
        let shown = if below.is_empty() { meta.location.filename().unwrap_or(key) } else { below };
        Found {
            name: name::bounded(shown).into_owned(),
            bytes: meta.size,
            stamp: Some(stamp(&meta)),
            modified_at: Some(meta.last_modified.timestamp_millis()),
            owner: Arc::from(""),
            body: Body::Key(meta.location),
        }
    }

    /// As [`wait`], for what the store is asked.
    pub(super) fn wait<T>(
        &self,
        stop: &AtomicBool,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Interrupted> {
        match wait(&self.runtime, stop, work) {
            Ok(result) => result.map_err(Interrupted::Store),
            Err(Stopped) => Err(Interrupted::Stopped),
        }
    }

    /// The runtime that fetches.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// Why listing ended early.
#[derive(Debug)]
pub(crate) enum Listing {
    /// The scan shall stop.
    Stopped,
    /// The store refused.
    Failed(SourceError),
}

impl From<Stopped> for Listing {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// Tag of the content, size, and time of writing: what a list tells about an object.
pub(super) fn stamp(meta: &ObjectMeta) -> String {
    let tag = meta.e_tag.as_deref().unwrap_or("");
    format!("{}:{}:{tag}", meta.size, meta.last_modified.timestamp_nanos_opt().unwrap_or_default())
}

/// The tag of the content in a [`stamp`], where the store gives one.
pub(super) fn tag(stamp: &str) -> Option<&str> {
    stamp.splitn(3, ':').nth(2).filter(|tag| !tag.is_empty())
}

/// What went wrong, in one line, without what a server sends along.
pub(super) fn describe(error: &object_store::Error) -> String {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => "it is not there".to_owned(),
        E::PermissionDenied { .. } => "access is denied".to_owned(),
        E::Unauthenticated { .. } => "the credentials are missing or not accepted".to_owned(),
        E::Precondition { .. } => "it changed while it was read; scan it again".to_owned(),
        other => {
            let text = other.to_string();
            let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.chars().count() <= REASON_CHARS_MAX {
                return line;
            }
            let mut cut: String = line.chars().take(REASON_CHARS_MAX).collect();
            cut.push('…');
            cut
        }
    }
}

/// A problem of one object.
pub(super) fn problem(error: &object_store::Error) -> Problem {
    Problem::new(ProblemKind::Io, format!("cannot be read from its store: {}", describe(error)))
}
