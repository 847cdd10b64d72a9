//! Recognition as the gateway's inspection.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use gateway::ports::{Inspect, InspectError, Inspected, Inspection, Place};
use landscape::flow::{Flow, FlowError, Flows, wants_seek};
use landscape::report::ObjectReport;
use model::{Answer, Label};
use tokio::runtime::Handle;
use vault::{SealedObject, Vault};

/// Bytes of an object that is read from any place, opened at a time.
const WINDOW_BYTES: u64 = 1 << 20;

/// Looks at uploads with the engine that scans use.
pub struct Looker {
    flows: Arc<Flows>,
    vault: Vault,
}

impl Looker {
    /// With these flows; objects that must be read from any place are opened by the vault.
    #[must_use]
    pub fn new(flows: Arc<Flows>, vault: Vault) -> Self {
        Self { flows, vault }
    }
}

struct Looking {
    flows: Arc<Flows>,
    place: Place,
    name: String,
    flow: Result<Flow, FlowError>,
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> InspectError {
    InspectError(Box::new(error))
}

/// The name under which the catalogue keeps an object.
#[must_use]
pub(crate) fn path(study: &model::StudyId, name: &str) -> String {
    format!("{study}/{name}")
}

/// The study and the version under which it is kept what was found.
fn of_version(place: &Place) -> (&str, [u8; 16]) {
    (place.study.as_str(), *place.version.as_bytes())
}

/// What is told of an object with all that is nested in it.
fn summed(reports: &[ObjectReport], own: &str) -> Inspected {
    let mut labels: Vec<Label> =
        reports.iter().flat_map(|report| report.labels.iter().copied()).filter(|label| *label != Label::None).collect();
    labels.sort_unstable();
    labels.dedup();
    let problems = reports.iter().flat_map(|report| &report.errors).map(|problem| problem.message.clone()).collect();
    // People of members may be the same as the container's; the largest part is the surest lower bound.
    let subjects = reports
        .iter()
        .find(|report| report.object == own && report.subjects > 0)
        .or_else(|| reports.iter().max_by_key(|report| report.subjects))
        .map_or(0, |report| report.subjects);
    Inspected { labels, subjects, problems }
}

impl Inspect for Looker {
    fn begin(&self, place: &Place, name: &str) -> Box<dyn Inspection> {
        let path = path(&place.study, name);
        let flow = Ok(self.flows.begin(&path));
        Box::new(Looking { flows: Arc::clone(&self.flows), place: place.clone(), name: path, flow })
    }

    fn look<'a>(
        &'a self,
        place: &'a Place,
        name: &'a str,
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Inspected, InspectError>> {
        Box::pin(async move {
            let object = crate::storage::read_object(sealed).map_err(failed)?;
            let path = path(&place.study, name);
            let bytes = object.bytes;
            let file = Opened::new(self.vault.clone(), object);
            let reports = self.flows.read(&path, Box::new(file)).await.map_err(failed)?;
            let inspected = summed(&reports, &path);
            self.flows.keep(&path, of_version(place), bytes, reports).await.map_err(failed)?;
            Ok(inspected)
        })
    }
}

impl Inspection for Looking {
    fn feed(&mut self, piece: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Ok(flow) = &mut self.flow
                && let Err(error) = flow.feed(piece).await
            {
                self.flow = Err(error);
            }
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, Result<Option<Inspected>, InspectError>> {
        Box::pin(async move {
            let flow = self.flow.map_err(failed)?;
            let bytes = flow.bytes();
            let reports = flow.finish().await.map_err(failed)?;
            if wants_seek(&reports) {
                return Ok(None);
            }
            let inspected = summed(&reports, &self.name);
            self.flows.keep(&self.name, of_version(&self.place), bytes, reports).await.map_err(failed)?;
            Ok(Some(inspected))
        })
    }
}

/// A sealed object, read from any place by a thread that may wait.
pub(crate) struct Opened {
    vault: Vault,
    object: SealedObject,
    at: u64,
    window: Vec<u8>,
    from: u64,
    runtime: Handle,
}

impl Opened {
    /// From its beginning. Needs a tokio runtime.
    pub(crate) fn new(vault: Vault, object: SealedObject) -> Self {
        Self { vault, object, at: 0, window: Vec::new(), from: 0, runtime: Handle::current() }
    }

    fn fill(&mut self) -> io::Result<()> {
        let end = (self.at + WINDOW_BYTES).min(self.object.bytes);
        let (vault, object, at) = (&self.vault, &self.object, self.at);
        self.window = self.runtime.block_on(async {
            let reader = vault.read(object, at..end).await.map_err(io::Error::other)?;
            let pieces: Vec<Bytes> = reader.try_collect().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(pieces.concat())
        })?;
        self.from = self.at;
        Ok(())
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.object.bytes || buffer.is_empty() {
            return Ok(0);
        }
        if self.at < self.from || self.at >= self.from + self.window.len() as u64 {
            self.fill()?;
        }
        let start = usize::try_from(self.at - self.from).unwrap_or(usize::MAX);
        let held = self.window.get(start..).unwrap_or_default();
        let count = held.len().min(buffer.len());
        for (into, from) in buffer.iter_mut().zip(held) {
            *into = *from;
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the start of the object");
        self.at = target.ok_or_else(before)?;
        Ok(self.at)
    }
}
