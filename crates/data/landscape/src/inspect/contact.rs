//! Where the subjects of records live and how they are called: what a letter to them needs. Nothing of it is kept: each is handed out as its
//! record ends.

use formats::{Budget, Halt, Source};
use model::IdentifierType;
use recognize::content::{Meaning, Part, Role};
use recognize::engine::Scratch;
use zeroize::Zeroize;

use super::{Inspector, walk};
use crate::report::SubjectRecord;

/// Lines of a postal address; further ones of a record are left out.
const LINES_MAX: usize = 5;

/// What a record says of how its subject is reached.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The whole name.
    pub name: String,
    /// Family name, where it stands apart.
    pub family: String,
    /// Given names, where they stand apart.
    pub given: String,
    /// Street, box, district: line by line.
    pub lines: Vec<String>,
    /// Town.
    pub city: String,
    /// Postal code.
    pub postcode: String,
    /// State or province.
    pub state: String,
    /// Country.
    pub country: String,
    /// E-mail address.
    pub email: String,
}

/// Names nobody.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

/// Nothing of it stays in memory.
impl Drop for Contact {
    fn drop(&mut self) {
        for text in [
            &mut self.name,
            &mut self.family,
            &mut self.given,
            &mut self.city,
            &mut self.postcode,
            &mut self.state,
            &mut self.country,
            &mut self.email,
        ] {
            text.zeroize();
        }
        self.lines.zeroize();
    }
}

impl Contact {
    /// The name as a letter has it.
    #[must_use]
    pub fn full_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let parts = [self.given.as_str(), self.family.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Whether a letter or an e-mail could go out by it.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        !self.full_name().is_empty() && (!self.email.is_empty() || (!self.lines.is_empty() && !self.city.is_empty()))
    }

    /// How much of it is known: the fuller of two of one person is taken.
    #[must_use]
    pub fn parts(&self) -> usize {
        let texts = [&self.name, &self.family, &self.given, &self.city, &self.postcode, &self.country, &self.email];
        texts.into_iter().filter(|text| !text.is_empty()).count() + self.lines.len()
    }

    /// Takes a value whose place says that it is the subject's.
    pub(super) fn take(&mut self, meaning: &Meaning, value: &str) {
        if meaning.role != Role::Subject {
            return;
        }
        let slot = match (meaning.part, meaning.identifier, meaning.subtype.as_deref()) {
            (Some(Part::Name), ..) => &mut self.name,
            (Some(Part::Family), ..) => &mut self.family,
            (Some(Part::Given), ..) => {
                // Further given names follow the first.
                if !self.given.is_empty() {
                    self.given.push(' ');
                }
                self.given.push_str(value.trim());
                return;
            }
            (Some(Part::Postcode), ..) => &mut self.postcode,
            (Some(Part::State), ..) => &mut self.state,
            (Some(Part::Country), ..) => &mut self.country,
            (_, Some(IdentifierType::Email), _) => &mut self.email,
            (_, Some(IdentifierType::Address), Some("city")) => &mut self.city,
            (_, Some(IdentifierType::Address), None) => {
                let value = value.trim();
                if self.lines.len() < LINES_MAX && !self.lines.iter().any(|line| line == value) {
                    self.lines.push(value.to_owned());
                }
                return;
            }
            _ => return,
        };
        if slot.is_empty() {
            slot.push_str(value.trim());
        }
    }
}

/// Takes the contact of each record's subject.
pub type EachContact<'a> = &'a mut dyn FnMut(&SubjectRecord, &Contact);

impl Inspector {
    /// Reads one top-level object as [`Inspector::inspect`] does, and hands out how the subject of each of its records is reached. Nothing
    /// else of the object is told.
    ///
    /// # Errors
    /// When the walk was stopped.
    pub fn contacts(
        &self,
        name: &str,
        source: Source<'_>,
        budget: &mut Budget<'_>,
        scratch: &mut Scratch,
        each: EachContact<'_>,
    ) -> Result<(), Halt> {
        let bytes = source.len();
        let mut ignored = |_report: crate::report::ObjectReport| {};
        let mut walk = walk::Walk::new(self, name, scratch, &mut ignored).telling(each);
        let outcome = formats::read(source, &mut walk, budget);
        walk.finish(bytes);
        outcome
    }
}
