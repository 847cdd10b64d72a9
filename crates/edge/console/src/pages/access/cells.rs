//! Fields of the pictures of access: one action of one principal in one place.

use model::{Action, Label, StudyId};
use policy::{Access, Circumstances, Thing, Told};
use store::guarded::sums;
use store::principals::Principal;

use crate::Console;
use crate::failure::Failure;

/// Heads of the columns, in the order of [`Action::ALL`].
pub(crate) const HEADS: [&str; 9] =
    ["list", "read", "read de-identified", "write", "delete", "share", "export", "administer", "break glass"];
/// Sets of labels of one study that a picture looks at.
const SETS_MAX: u32 = 6;

/// One field.
pub(crate) struct Cell {
    /// `yes`, `some`, `waits`, `no`, `glass`, or empty for nothing.
    pub(crate) shape: &'static str,
    /// What it says, in words.
    pub(crate) words: String,
}

/// What a shape means.
pub(crate) struct Legend {
    pub(crate) shape: &'static str,
    pub(crate) meaning: &'static str,
}

impl Legend {
    /// Every shape.
    pub(crate) fn all() -> Vec<Self> {
        [
            ("yes", "allowed"),
            ("some", "for some objects only"),
            ("waits", "granted, waits for a second person"),
            ("no", "granted, refused by a policy"),
            ("glass", "in an emergency"),
        ]
        .map(|(shape, meaning)| Self { shape, meaning })
        .into()
    }
}

/// The sets of labels that objects of a study have, at most a few; none for the organisation.
pub(crate) async fn label_sets(console: &Console, study: Option<&StudyId>) -> Result<Vec<Vec<Label>>, Failure> {
    let Some(study) = study else { return Ok(Vec::new()) };
    let sets = sums::label_sets(console.catalogue.store(), study.as_str(), SETS_MAX).await?;
    let labels = |set: String| set.split_ascii_whitespace().filter_map(|label| label.parse().ok()).collect();
    Ok(sets.into_iter().map(labels).collect())
}

/// What each action comes to for `principal` in a place, over the study itself and what its objects hold.
pub(crate) fn row(
    access: &Access,
    principal: &Principal,
    study: Option<&StudyId>,
    sets: &[Vec<Label>],
    circumstances: &Circumstances,
) -> Vec<Cell> {
    let told = access.tell(principal, Action::ALL, study, None, circumstances);
    let allowed: Vec<Action> = told.iter().filter(|told| told.decision.allowed).map(|told| told.action).collect();
    let inner: Vec<Told> = sets
        .iter()
        .flat_map(|labels| {
            let thing = Some(Thing { id: None, labels });
            access.tell(principal, &allowed, study, thing, circumstances)
        })
        .collect();
    let refused = |action: Action| inner.iter().find(|told| told.action == action && !told.decision.allowed);
    told.iter().map(|told| cell(told, refused(told.action))).collect()
}

/// One field from what is told of the place, and of the first set of labels that is refused.
pub(crate) fn cell(told: &Told, refused: Option<&Told>) -> Cell {
    let Told { action, granted, unlimited, decision } = told;
    let (shape, words) = match (decision.allowed, *granted) {
        (true, false) => ("glass", format!("{action}: in an emergency, until it ends")),
        (true, true) => match (refused, *unlimited) {
            (Some(refused), _) => ("some", format!("{action}: some objects; {}", refused.decision.because)),
            (None, false) => ("some", format!("{action}: only objects that hold nothing but the granted labels")),
            (None, true) => ("yes", format!("{action}: allowed")),
        },
        (false, true) if decision.code == "policy:four-eyes" => {
            ("waits", format!("{action}: waits for a second person; {}", decision.hint))
        }
        (false, true) => {
            ("no", format!("{action}: refused by {}: {}; {}", decision.code, decision.because, decision.hint))
        }
        (false, false) => ("", String::new()),
    };
    Cell { shape, words }
}
