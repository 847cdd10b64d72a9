//! Objects and choices as lists show them.

use landscape::queries::ObjectSummary;

use crate::wording::{self, Tag};

/// One object in a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) href: String,
    /// Folders before the name, with the last separator.
    pub(crate) folder: String,
    pub(crate) name: String,
    pub(crate) format: &'static str,
    pub(crate) bytes: String,
    pub(crate) people: String,
    pub(crate) study: String,
    pub(crate) tags: Vec<Tag>,
    /// Empty when it is simply there.
    pub(crate) state: String,
    pub(crate) why: String,
    pub(crate) problems: u64,
}

impl From<&ObjectSummary> for Listed {
    fn from(object: &ObjectSummary) -> Self {
        let (folder, name) = parted(&object.path);
        Self {
            href: format!("/objects/{}", object.id),
            folder,
            name,
            format: object.format.as_str(),
            bytes: wording::bytes(object.bytes),
            people: if object.subjects == 0 { String::new() } else { wording::count(object.subjects) },
            study: object.study.clone(),
            tags: object.labels.iter().copied().map(wording::tag).collect(),
            state: if object.state == "present" { String::new() } else { object.state.clone() },
            why: object.risk_why.clone(),
            problems: object.problems,
        }
    }
}

/// A path's folders (with the last separator) and its name. Members of archives part at `!` too.
pub(crate) fn parted(path: &str) -> (String, String) {
    let at = path.rfind(['/', '!']).filter(|at| at + 1 < path.len()).map_or(0, |at| at + 1);
    let (folder, name) = path.split_at_checked(at).unwrap_or(("", path));
    (folder.to_owned(), name.to_owned())
}

/// One entry of a choice.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
    pub(crate) is_chosen: bool,
}

impl Choice {
    /// An entry, chosen when its value is `chosen`.
    pub(crate) fn new(value: &str, text: String, chosen: &str) -> Self {
        Self { value: value.to_owned(), text, is_chosen: value == chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::parted;

    #[test]
    fn paths_part_before_their_name() {
        let parts = |path| parted(path);
        assert_eq!(parts("a/b.csv"), ("a/".to_owned(), "b.csv".to_owned()));
        assert_eq!(parts("a/b.zip!c.csv"), ("a/b.zip!".to_owned(), "c.csv".to_owned()));
        assert_eq!(parts("plain"), (String::new(), "plain".to_owned()));
        assert_eq!(parts("odd/"), (String::new(), "odd/".to_owned()));
    }
}
