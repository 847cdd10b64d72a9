//! Labels as the store keeps them, and which are in force.

use std::collections::BTreeSet;

use model::Label;
use store::corrections::CorrectionRow;

/// Sorted by name, joined by commas; `none` stands alone or not at all.
pub(super) fn join(labels: impl IntoIterator<Item = Label>) -> String {
    let mut names: BTreeSet<&str> = labels.into_iter().map(Label::as_str).collect();
    if names.len() > 1 {
        names.remove(Label::None.as_str());
    }
    if names.is_empty() {
        names.insert(Label::None.as_str());
    }
    names.into_iter().collect::<Vec<_>>().join(",")
}

/// Labels of a joined list. Names of labels that this version does not know are left out.
pub(crate) fn split(joined: &str) -> Vec<Label> {
    joined.split(',').filter_map(|name| name.parse().ok()).collect()
}

/// What was found, with what people added and took away.
pub(super) fn in_force<'c>(found: &str, corrections: impl IntoIterator<Item = &'c CorrectionRow>) -> String {
    let mut labels: BTreeSet<Label> = split(found).into_iter().collect();
    for correction in corrections {
        let Ok(label) = correction.label.parse::<Label>() else { continue };
        if correction.action == "add" {
            labels.insert(label)
        } else {
            labels.remove(&label)
        };
    }
    join(labels)
}
