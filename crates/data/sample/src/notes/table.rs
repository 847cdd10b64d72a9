//! A table of patients with free text in its last column.

use model::IdentifierType as T;

use super::{Language, Split, one};
use crate::address::{self, Address};
use crate::calendar::Date;
use crate::identifier;
use crate::lexicon::words;
use crate::person::{Name, Surnames};
use crate::random::Random;

const HEADER: &str =
    "patient_id,last_name,first_name,birth_date,sex,ssn,address,city,zip,phone,email,diagnosis_code,note\n";

/// A table of `rows` patients with a header, and the identifiers in it as byte ranges of the whole text. Notes are
/// quoted and hold line breaks and doubled quotes; identifiers with a quote mark inside do not occur.
#[must_use]
pub fn csv(seed: u64, rows: usize) -> (String, Vec<(usize, usize, T)>) {
    let mut random = Random::stream(seed, "csv");
    let mut table = String::from(HEADER);
    let mut spans = Vec::new();
    for _ in 0..rows {
        row(&mut random, &mut table, &mut spans);
    }
    (table, spans)
}

fn row(random: &mut Random, table: &mut String, spans: &mut Vec<(usize, usize, T)>) {
    let name = Name::draw(random, Language::En, Surnames::Test);
    let place = Address::draw(random, Language::En);
    let street = place.street.replace(',', "");
    let mail = format!("{}@example.com", name.mailbox(random));
    let cells = [
        (Some(T::Mrn), random.number(8)),
        (Some(T::Person), name.family.to_owned()),
        (Some(T::Person), name.given.to_owned()),
        (Some(T::Date), Date::between(random, 1935, 2006).iso()),
        (None, if name.female { "F" } else { "M" }.to_owned()),
        (Some(T::UsSsn), identifier::ssn(random)),
        (Some(T::Address), street),
        (Some(T::Address), place.town().to_owned()),
        (Some(T::Postcode), place.postcode),
        (Some(T::Phone), address::phone(random, Language::En)),
        (Some(T::Email), mail),
        (Some(T::Diagnosis), random.pick(words("icd")).to_owned()),
    ];
    for (kind, text) in cells {
        let start = table.len();
        table.push_str(&text);
        if let Some(kind) = kind {
            spans.push((start, table.len(), kind));
        }
        table.push(',');
    }
    note(random, table, spans);
}

/// A quoted note; spans are moved by the quotes that are doubled before them.
fn note(random: &mut Random, table: &mut String, spans: &mut Vec<(usize, usize, T)>) {
    let note = one(random, Split::Test, Language::En);
    table.push('"');
    let base = table.len();
    let doubled = |end: usize| note.text.get(..end).map_or(0, |before| before.matches('"').count());
    for (start, end, kind) in &note.spans {
        spans.push((base + start + doubled(*start), base + end + doubled(*end), *kind));
    }
    table.push_str(&note.text.replace('"', "\"\""));
    table.push_str("\"\n");
}
