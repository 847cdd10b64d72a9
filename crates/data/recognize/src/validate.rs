//! Checks that prove a candidate: check digits, ranges, calendars. Each takes the matched text as it stands
//! (separators and full-width forms included) and cites its source.

mod addresses;
mod americas;
mod asia_pacific;
mod calendar;
mod checksums;
mod contact;
mod dates;
mod devices;
mod digits;
mod europe_central;
mod europe_east;
mod europe_north;
mod europe_south;
mod europe_west;
mod fields;
mod finance;
mod health;
mod japan;
mod phones;
mod science;
mod secrets;
mod sequences;
mod studies;
mod us;

/// A check on a candidate's text.
pub type Validator = fn(&str) -> bool;

/// The checks of each region or kind of identifier, by the names that content files use.
const TABLES: &[&[(&str, Validator)]] = &[
    addresses::CHECKS,
    americas::CHECKS,
    asia_pacific::CHECKS,
    contact::CHECKS,
    dates::CHECKS,
    devices::CHECKS,
    europe_central::CHECKS,
    europe_east::CHECKS,
    europe_north::CHECKS,
    europe_south::CHECKS,
    europe_west::CHECKS,
    finance::CHECKS,
    health::CHECKS,
    japan::CHECKS,
    phones::CHECKS,
    sequences::CHECKS,
    studies::CHECKS,
    us::CHECKS,
];

/// The check of that name, as content files call it.
#[must_use]
pub fn by_name(name: &str) -> Option<Validator> {
    let listed =
        TABLES.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name).map(|(_, check)| *check);
    listed.or_else(|| fields::by_name(name)).or_else(|| science::by_name(name)).or_else(|| secrets::by_name(name))
}
