//! Health cards and travel documents that follow international standards.

use super::Validator;
use super::checksums::{icao, luhn};
use super::digits::{Compact, digits, is_repeated, number};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("ehic", ehic),
    ("health-card-luhn", health_card),
    ("mrz-td3", mrz_td3),
    ("mrz-td1", mrz_td1),
    ("document-number", document_number),
];

/// Decision S2 of the Administrative Commission (OJ C 106, 24.4.2010), Annex II: card number of twenty digits, 80 and
/// the country's code by ISO 3166-1 numeric first.
fn ehic(text: &str) -> bool {
    const STATES: [u64; 32] = [
        40, 56, 100, 191, 196, 203, 208, 233, 246, 250, 276, 300, 348, 352, 372, 380, 428, 438, 440, 442, 470, 528,
        578, 616, 620, 642, 703, 705, 724, 752, 756, 826,
    ];
    let Some(d) = digits::<20>(text) else { return false };
    d[..2] == [8, 0] && STATES.contains(&number(&d[2..5])) && !is_repeated(&d[5..])
}

/// The same with the check digit of ISO/IEC 7812-1, as the Swiss and German cards carry.
fn health_card(text: &str) -> bool {
    ehic(text) && digits::<20>(text).is_some_and(|d| luhn(&d))
}

/// ICAO Doc 9303-4 §4.2.2: second line of a passport's machine-readable zone with its check digits.
fn mrz_td3(text: &str) -> bool {
    let Some(line) = text.lines().last() else { return false };
    let z = line.trim().as_bytes();
    if z.len() != 44 {
        return false;
    }
    let all = [&z[..10], &z[13..20], &z[21..43]].concat();
    icao(&z[..9], z[9]) && icao(&z[13..19], z[19]) && icao(&z[21..27], z[27]) && icao(&all, z[43])
}

/// ICAO Doc 9303-5 §4.2.2: first and second line of a card's machine-readable zone.
fn mrz_td1(text: &str) -> bool {
    let mut lines = text.lines().map(|line| line.trim().as_bytes());
    let (Some(a), Some(b)) = (lines.next(), lines.next()) else { return false };
    a.len() == 30
        && b.len() == 30
        && icao(&a[5..14], a[14])
        && icao(&b[..6], b[6])
        && icao(&b[8..14], b[14])
        && icao(&[&a[5..30], &b[..7], &b[8..15], &b[18..29]].concat(), b[29])
}

/// A document's number: five digits or more in it, not all alike.
fn document_number(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let mut digits = compact.as_bytes().iter().filter(|b| b.is_ascii_digit());
    let first = digits.next();
    digits.clone().count() >= 2 && digits.any(|b| Some(b) != first)
}

#[cfg(test)]
mod tests {
    use super::{health_card, mrz_td1, mrz_td3};

    #[test]
    fn specimens_of_doc_9303() {
        assert!(mrz_td3("L898902C36UTO7408122F1204159ZE184226B<<<<<10"));
        assert!(!mrz_td3("L898902C36UTO7408122F1204158ZE184226B<<<<<10"));
        assert!(mrz_td1("I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6"));
        assert!(!health_card("80276001234567890123"));
    }
}
