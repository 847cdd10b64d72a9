//! One object's bytes in; a report for it and for everything nested in it out.
//!
//! Readers report text, rows and fields; structure tells what values are where it can, the engine searches the rest;
//! hits are counted, masked and, when asked for, kept; records become data subjects.

mod birth;
mod contact;
mod country;
mod grid;
mod link;
mod mask;
mod object;
mod plan;
mod rows;
mod squeeze;
mod study;
mod subject;
mod walk;

use std::sync::Arc;

use formats::{Budget, Halt, Problem, Sink as _, Source};
use recognize::content::labels::LabelRules;
use recognize::engine::{Engine, EngineError, NamesTier, Scratch};
use recognize::structure::Structure;

pub use contact::{Contact, EachContact};
pub use rows::{NextRows, RowsOf};
pub use subject::TokenKey;

use crate::report::ObjectReport;

/// What inspection looks for and keeps.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// Tiers of person-name recognition.
    pub names: NamesTier,
    /// Keep every occurrence with its place.
    pub spans: bool,
    /// Say why for each occurrence kept.
    pub explain: bool,
    /// Masked samples kept for each type and object.
    pub samples_per_type: usize,
}

impl Default for InspectOptions {
    fn default() -> Self {
        Self { names: NamesTier::Model, spans: false, explain: false, samples_per_type: 3 }
    }
}

/// Inspects objects. Shared by all threads; each thread has its own [`Scratch`].
#[derive(Clone)]
pub struct Inspector {
    pub(crate) engine: Arc<Engine>,
    pub(crate) structure: Arc<Structure>,
    pub(crate) labels: Arc<LabelRules>,
    pub(crate) options: InspectOptions,
    pub(crate) key: TokenKey,
}

impl Inspector {
    /// With the content embedded in the program. Subjects' tokens are made with `key`.
    ///
    /// # Errors
    /// When a content file is wrong.
    pub fn embedded(options: InspectOptions, key: TokenKey) -> Result<Self, EngineError> {
        let engine = Arc::new(Engine::embedded()?);
        let structure = Arc::new(Structure::embedded(&engine)?);
        let labels = Arc::new(LabelRules::embedded()?);
        Ok(Self { engine, structure, labels, options, key })
    }

    /// The recognition engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Memory for one thread.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        self.engine.scratch()
    }

    /// Reads one top-level object called `name` and hands a report for it, and before it one for each object nested
    /// in it, to `each`.
    ///
    /// # Errors
    /// When the walk was stopped.
    pub fn inspect(
        &self,
        name: &str,
        source: Source<'_>,
        budget: &mut Budget<'_>,
        scratch: &mut Scratch,
        each: &mut dyn FnMut(ObjectReport),
    ) -> Result<(), Halt> {
        let bytes = source.len();
        let ready = if source.is_empty() { Ok(()) } else { self.engine.ready() };
        let mut walk = walk::Walk::new(self, name, scratch, each);
        if let Err(error) = ready {
            walk.problem(Problem::malformed(format!(
                "the recognizers cannot be used, so that nothing was searched: {error}"
            )))?;
        }
        let outcome = formats::read(source, &mut walk, budget);
        walk.finish(bytes);
        outcome
    }
}
