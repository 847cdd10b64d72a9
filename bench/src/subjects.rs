//! `bench subjects`: distinct people over 10,000 objects and one million people.

use anyhow::{Result, bail};
use landscape::report::{SubjectRecord, Token, TokenKind};
use landscape::subjects::{People, bitmap, count};
use model::Jurisdiction;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::cost::measure;
use crate::table::{self, Line, Style};

const PEOPLE: u32 = 1_000_000;
const OBJECTS: usize = 10_000;
/// People in one object: a ward's worth to a registry's worth.
const MEMBERS_MAX: u32 = 2_000;
/// Counts that are timed, so that clock ticks do not show.
const ROUNDS: u32 = 20;
/// What is promised of one count, in milliseconds.
const TARGET_MS: f64 = 50.0;

pub fn run(arguments: &[String]) -> Result<()> {
    let style = match arguments {
        [] => Style::Text,
        [option, value] if option == "--format" && value == "text" => Style::Text,
        [option, value] if option == "--format" && value == "json" => Style::Json,
        _ => bail!("`bench subjects` takes `--format text|json` alone"),
    };
    let people = people();
    let bitmaps = objects();
    let ((), _) = measure(|| counted(&people, &bitmaps))?;
    let ((), cost) = measure(|| (0..ROUNDS).try_for_each(|_| counted(&people, &bitmaps)))?;
    table::head(style)?;
    table::line(
        style,
        &Line {
            name: "distinct-people".to_owned(),
            value: cost.cpu_seconds * 1000.0 / f64::from(ROUNDS),
            unit: "ms",
            target: Some(TARGET_MS),
            cpu_seconds: cost.cpu_seconds,
            peak_bytes: cost.peak_bytes,
            note: format!("{OBJECTS} objects, {PEOPLE} people, mean of {ROUNDS}"),
        },
    )
}

fn counted(people: &People, bitmaps: &[Vec<u8>]) -> Result<()> {
    let counts = count(people, bitmaps.iter().map(Vec::as_slice))?;
    if counts.people == 0 { bail!("nobody was counted") } else { Ok(()) }
}

/// A million people with a number each, every tenth recorded a second time under another number by name and birth date.
fn people() -> People {
    let countries = ["US", "DE", "JP", "FR", "GB"].map(Jurisdiction::country);
    let mut people = People::new();
    let records: Vec<SubjectRecord> = (0..PEOPLE)
        .map(|id| {
            let strong = (TokenKind::Strong { domain: 1 + id % 2 }, token(1, id));
            let name = (TokenKind::NameAndBirth, token(2, if id % 10 == 9 { id - 1 } else { id }));
            let jurisdiction = countries.get(id as usize % countries.len()).cloned();
            SubjectRecord {
                tokens: vec![strong, name],
                jurisdiction: jurisdiction.unwrap_or_else(Jurisdiction::unknown),
            }
        })
        .collect();
    let _written = people.assign(records.chunks(10_000), 0);
    people
}

fn token(class: u8, id: u32) -> Token {
    let mut bytes = [class; 16];
    let spread = u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bytes
        .iter_mut()
        .skip(1)
        .zip(id.to_le_bytes().into_iter().chain(spread.to_le_bytes()))
        .for_each(|(to, from)| *to = from);
    Token(bytes)
}

/// Objects that each hold a stretch of neighbours and some scattered people.
fn objects() -> Vec<Vec<u8>> {
    let mut random = StdRng::seed_from_u64(1);
    (0..OBJECTS)
        .map(|_| {
            let first = random.random_range(0..PEOPLE - MEMBERS_MAX);
            let together = random.random_range(1..MEMBERS_MAX);
            let scattered: Vec<u32> = (0..200).map(|_| random.random_range(0..PEOPLE)).collect();
            bitmap((first..first + together).chain(scattered))
        })
        .collect()
}
