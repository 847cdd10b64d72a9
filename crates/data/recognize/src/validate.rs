//! Checks that prove a candidate: check digits, ranges, calendars. Each takes the matched text as it stands
//! (separators included) and cites its source.

/// A check on a candidate's text.
pub type Validator = fn(&str) -> bool;

/// The check of that name, as content files call it.
#[must_use]
pub fn by_name(_name: &str) -> Option<Validator> {
    None
}
