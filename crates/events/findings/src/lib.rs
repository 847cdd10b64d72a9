//! Sightings in; findings kept, recorded and settled.
//!
//! What comes in: what was seen, in the order of the record, and what people decide. What goes out: findings with their
//! evidence. A finding is recorded before it is kept, under an id told from what began it, so that nothing is found twice after
//! a crash. Words, values and names are sealed under the study's key, or the day's where there is no study. This crate must
//! never decide what is misuse, keep a name in clear, or change a finding without recording who did and why.

mod board;
mod desk;
mod intake;

use std::sync::Arc;

use detect::rule::Level;
use model::{Envelope, EnvelopeError, FindingState, Record, RecordError, Scope};
use store::findings::Finding;
use store::{Store, StoreError};
use watch::{Ranking, Story};

pub use board::{Board, Progress, RuleCard, Strange};
pub use desk::{Change, NewSuppression, REASON_MAX, SUPPRESSION_MS_MAX};
pub use intake::Taken;

/// The place under which it is kept up to where the record was watched.
pub const PLACE: &str = "record";

/// Why something about findings was not done.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A story or a reason could not be sealed or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A story is no story.
    #[error("what finding {finding} tells cannot be read: {source}")]
    Story {
        /// Which.
        finding: u32,
        /// Why not.
        source: serde_json::Error,
    },
    /// There is none.
    #[error("there is no finding {0}; `lazaret findings list` shows them")]
    Missing(u32),
    /// Somebody else changed it meanwhile.
    #[error("somebody else changed finding {0} meanwhile; look at it again")]
    Changed(u32),
    /// What was asked for cannot be done.
    #[error("{0}")]
    Wrong(String),
}

/// Keeps findings.
pub struct Findings {
    pub(crate) store: Store,
    pub(crate) recorder: Arc<dyn Record>,
    pub(crate) envelope: Arc<dyn Envelope>,
    pub(crate) ranking: Ranking,
}

impl Findings {
    /// Over a store, a record and an envelope.
    #[must_use]
    pub fn new(store: Store, recorder: Arc<dyn Record>, envelope: Arc<dyn Envelope>, ranking: Ranking) -> Self {
        Self { store, recorder, envelope, ranking }
    }

    /// Where findings are kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What a finding tells; `None` where its key was destroyed. Whoever shows it must have recorded that before.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub async fn story(&self, finding: &Finding) -> Result<Option<Story>, FindingsError> {
        let scope = scope_of(finding);
        match self.envelope.open(&scope, finding.uid.as_bytes(), &finding.story_sealed).await {
            Ok(plain) => serde_json::from_slice(&plain)
                .map(Some)
                .map_err(|source| FindingsError::Story { finding: finding.id, source }),
            Err(EnvelopeError::Destroyed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a note's or a suppression's words; `None` where their key was destroyed.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub async fn words(&self, context: &str, at: i64, sealed: &[u8]) -> Result<Option<String>, FindingsError> {
        match self.envelope.open(&day_of(at), context.as_bytes(), sealed).await {
            Ok(plain) => Ok(Some(String::from_utf8_lossy(&plain).into_owned())),
            Err(EnvelopeError::Destroyed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn seal_story(&self, finding: &Finding, story: &Story) -> Result<Vec<u8>, FindingsError> {
        let plain = serde_json::to_vec(story).map_err(|source| FindingsError::Story { finding: finding.id, source })?;
        Ok(self.envelope.seal(&scope_of(finding), finding.uid.as_bytes(), &plain).await?)
    }
}

/// Whose key seals what a finding tells.
fn scope_of(finding: &Finding) -> Scope {
    finding.study.clone().map_or_else(|| day_of(finding.found_at), Scope::Study)
}

/// The key of the day in UTC.
fn day_of(at: i64) -> Scope {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Scope::Day(time.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// The level as it is kept.
#[must_use]
pub fn level_of(finding: &Finding) -> Level {
    Level::parse(&finding.level).unwrap_or(Level::Medium)
}

/// Whether somebody should still look at it.
#[must_use]
pub fn is_open(state: FindingState) -> bool {
    matches!(state, FindingState::New | FindingState::InProgress)
}
