//! Records that speak of each other by keys of their object, as FHIR resources do: what a reference leads to is the
//! same person. Keys mean nothing outside of their object and never become tokens.

use std::collections::HashMap;

use super::subject::Subjects;
use crate::report::{SubjectRecord, Token, TokenKind};

/// Keys remembered in one object; records beyond stand by themselves.
const KEYS_MAX: usize = 200_000;
/// Keys of one record.
const OWN_MAX: usize = 4;

/// The keys that a record has and the one that it refers to.
#[derive(Debug, Default)]
pub(super) struct Linked {
    is: Vec<String>,
    of: String,
}

impl Linked {
    pub(super) fn is(&mut self, key: &str) {
        if self.is.len() < OWN_MAX
            && let Some(key) = last_part(key)
        {
            self.is.push(key.to_owned());
        }
    }

    pub(super) fn of(&mut self, reference: &str) {
        if self.of.is_empty()
            && is_of_person(reference)
            && let Some(key) = last_part(reference)
        {
            key.clone_into(&mut self.of);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is.is_empty() && self.of.is_empty()
    }
}

/// Whether a FHIR reference (R5 section 2.3.0) leads to a patient, as far as it tells. `#x` leads into its own resource
/// and means something else in the next.
fn is_of_person(reference: &str) -> bool {
    !reference.starts_with('#') && (reference.contains("Patient/") || reference.starts_with("urn:"))
}

/// `x` of `Patient/x`, `https://host/fhir/Patient/x/_history/2` and `urn:uuid:x`.
fn last_part(reference: &str) -> Option<&str> {
    let reference = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let part = reference.rsplit(['/', ':']).next()?;
    (!part.is_empty() && part.len() <= 256).then_some(part)
}

/// What the keys of an object lead to.
#[derive(Debug, Default)]
pub(super) struct Links {
    known: HashMap<String, Vec<(TokenKind, Token)>>,
    /// Records that refer to others, which may come later.
    waiting: Vec<(String, SubjectRecord)>,
}

impl Links {
    /// Takes a record with keys.
    pub(super) fn add(&mut self, linked: Linked, record: SubjectRecord, subjects: &mut Subjects) {
        if self.known.len() < KEYS_MAX {
            for key in linked.is {
                self.known.insert(key, record.tokens.clone());
            }
        }
        if linked.of.is_empty() || self.waiting.len() >= KEYS_MAX {
            subjects.add(record);
        } else {
            self.waiting.push((linked.of, record));
        }
    }

    /// Hands on the records that waited, each with the tokens of what it refers to.
    pub(super) fn resolve(mut self, subjects: &mut Subjects) {
        for (key, mut record) in self.waiting {
            let known = self.known.entry(key).or_insert_with(|| record.tokens.clone());
            for token in known.iter() {
                if !record.tokens.contains(token) {
                    record.tokens.push(*token);
                }
            }
            subjects.add(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_of_person, last_part};

    #[test]
    fn references_lead_to_patients_by_their_last_part() {
        for (reference, of_person, key) in [
            ("Patient/p-1", true, Some("p-1")),
            ("https://host/fhir/Patient/p-1/_history/2", true, Some("p-1")),
            ("urn:uuid:0c3151bd", true, Some("0c3151bd")),
            ("#p1", false, Some("#p1")),
            ("Group/g", false, Some("g")),
            ("Patient/", true, None),
        ] {
            assert_eq!((is_of_person(reference), last_part(reference)), (of_person, key), "{reference}");
        }
    }
}
