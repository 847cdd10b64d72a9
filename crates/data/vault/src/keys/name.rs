//! Names of keys, and where each hangs.

use model::{ObjectId, Scope, StudyId, SubjectId};
use store::keys::KeyRow;

/// What wraps the organisation's key: the provider.
pub(crate) const ROOT: &str = "root";
pub(crate) const ORGANISATION: &str = "organisation";

/// A key to be found or made.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) name: String,
    kind: &'static str,
    /// The scope whose shredding destroys it.
    owner: String,
    study: Option<StudyId>,
    subject: Option<SubjectId>,
    /// `None` under the root.
    pub(crate) parent: Option<Box<Self>>,
}

impl Spec {
    pub(crate) fn organisation() -> Self {
        let (name, owner) = (ORGANISATION.to_owned(), ORGANISATION.to_owned());
        Self { name, kind: "organisation", owner, study: None, subject: None, parent: None }
    }

    /// The key that signs receipts.
    pub(crate) fn signing() -> Self {
        let parent = Some(Box::new(Self::organisation()));
        let (name, owner) = ("signing:receipts".to_owned(), ORGANISATION.to_owned());
        Self { name, kind: "signing", owner, study: None, subject: None, parent }
    }

    pub(crate) fn study(study: &StudyId) -> Self {
        let name = format!("study:{study}");
        let parent = Some(Box::new(Self::organisation()));
        Self { owner: name.clone(), name, kind: "study", study: Some(study.clone()), subject: None, parent }
    }

    /// A data subject's key within a study.
    pub(crate) fn subject(study: &StudyId, subject: SubjectId) -> Self {
        let owner = format!("subject:{subject}");
        let parent = Some(Box::new(Self::study(study)));
        let name = format!("{owner}/{study}");
        Self { name, kind: "subject", owner, study: Some(study.clone()), subject: Some(subject), parent }
    }

    /// An object's data key, under its study or one data subject in it.
    pub(crate) fn data(study: &StudyId, object: ObjectId, subject: Option<SubjectId>) -> Self {
        let parent = subject.map_or_else(|| Self::study(study), |subject| Self::subject(study, subject));
        Self {
            name: format!("data:{object}"),
            kind: "data",
            owner: format!("object:{object}"),
            study: Some(study.clone()),
            subject,
            parent: Some(Box::new(parent)),
        }
    }

    /// The key of a scope's details. Those of objects and data subjects hang under the organisation, because details may come
    /// before it is known which study they concern; shredding finds them by their owner.
    pub(crate) fn detail(scope: &Scope) -> Self {
        let owner = scope.to_string();
        let (study, parent) = match scope {
            Scope::Study(study) => (Some(study.clone()), Self::study(study)),
            _ => (None, Self::organisation()),
        };
        let subject = if let Scope::Subject(subject) = scope { Some(*subject) } else { None };
        Self { name: format!("detail:{owner}"), kind: "detail", owner, study, subject, parent: Some(Box::new(parent)) }
    }

    /// The version under which it may be in memory: keys that wrap nothing have one version only; of the others the newest
    /// must be asked for.
    pub(crate) fn cached_version(&self) -> i64 {
        if matches!(self.kind, "data" | "detail" | "signing") { 1 } else { super::cache::NEWEST }
    }

    /// A first version of it.
    pub(crate) fn row(&self, parent_version: i64, now: i64) -> KeyRow {
        KeyRow {
            name: self.name.clone(),
            version: 1,
            kind: self.kind.to_owned(),
            owner: self.owner.clone(),
            study: self.study.as_ref().map(ToString::to_string),
            subject: self.subject.map(|subject| subject.to_string()),
            parent: self.parent.as_ref().map_or_else(|| ROOT.to_owned(), |parent| parent.name.clone()),
            parent_version,
            wrapped: None,
            created_at: now,
            rewrapped_at: None,
            destroyed_at: None,
        }
    }
}
