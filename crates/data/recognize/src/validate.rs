//! Checks that prove a candidate: check digits, ranges, calendars. Each takes the matched text as it stands
//! (separators included) and cites its source.

mod fields;
mod science;
mod secrets;

/// A check on a candidate's text.
pub type Validator = fn(&str) -> bool;

/// The check of that name, as content files call it.
#[must_use]
pub fn by_name(name: &str) -> Option<Validator> {
    fields::by_name(name).or_else(|| science::by_name(name)).or_else(|| secrets::by_name(name))
}
