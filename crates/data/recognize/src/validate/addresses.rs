//! Postal codes and the parts of addresses that can be checked.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Validator;
use super::digits::{Compact, digits, number};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("us-zip", us_zip),
    ("uk-postcode", uk_postcode),
    ("ca-postcode", ca_postcode),
    ("nl-postcode", nl_postcode),
    ("de-postcode", de_postcode),
    ("postcode-any", postcode_any),
    ("known-city", known_city),
    ("city-words", city_words),
    ("us-city-state", us_city_state),
];

/// Cities by their names in lower case, the list that names are told from (content/names/SOURCES.md).
static CITIES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let listed = include_str!("../../../../../content/names/cities.txt").lines().filter(|line| !line.starts_with('#'));
    listed.chain(MORE_CITIES.split('|')).collect()
});

/// USPS Publication 28 §21: five digits, or nine; 00501 is the lowest in use.
fn us_zip(text: &str) -> bool {
    let five = text.get(..5).and_then(digits::<5>);
    five.is_some_and(|d| number(&d) >= 501) && matches!(text.bytes().filter(u8::is_ascii_digit).count(), 5 | 9)
}

/// Royal Mail, Programmer's guide to PAF: area, district, sector, unit; the inward letters never include C, I, K, M, O, V.
fn uk_postcode(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let Some(split) = code.len().checked_sub(3) else { return false };
    let (outward, inward) = code.split_at(split);
    let letters = outward.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let area = outward.get(..letters).unwrap_or_default();
    let district = outward.get(letters..).unwrap_or_default();
    let unit = |b: &u8| b.is_ascii_uppercase() && !b"CIKMOV".contains(b);
    (5..=7).contains(&code.len())
        && (1..=2).contains(&letters)
        && UK_AREAS.split(' ').any(|known| known.as_bytes() == area)
        && district.first().is_some_and(u8::is_ascii_digit)
        && inward[0].is_ascii_digit()
        && inward[1..].iter().all(unit)
}

/// The postcode areas of Royal Mail.
const UK_AREAS: &str = "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC \
    EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG \
    NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W \
    WA WC WD WF WN WR WS WV YO ZE";

/// Canada Post, Addressing guidelines: letter digit letter, digit letter digit; D, F, I, O, Q, U never, W and Z not first.
fn ca_postcode(text: &str) -> bool {
    let Some(code) = super::digits::alnum::<6>(text) else { return false };
    let letter = |b: u8| b.is_ascii_uppercase() && !b"DFIOQU".contains(&b);
    letter(code[0])
        && !b"WZ".contains(&code[0])
        && code[1].is_ascii_digit()
        && letter(code[2])
        && code[3].is_ascii_digit()
        && letter(code[4])
        && code[5].is_ascii_digit()
}

/// PostNL: 1000–9999 and two letters, never SA, SD or SS.
fn nl_postcode(text: &str) -> bool {
    let Some(code) = super::digits::alnum::<6>(text) else { return false };
    let Some(d) = super::digits::values::<4>(&code[..4]) else { return false };
    number(&d) >= 1000 && code[4..].iter().all(u8::is_ascii_uppercase) && !matches!(&code[4..], b"SA" | b"SD" | b"SS")
}

/// Deutsche Post: 01067 is the lowest in use, 99998 the highest.
fn de_postcode(text: &str) -> bool {
    digits::<5>(text).is_some_and(|d| (1067..=99_998).contains(&number(&d)))
}

/// What a column of postal codes may hold in any country: 2 to 10 letters and digits, one of them a digit.
fn postcode_any(text: &str) -> bool {
    let Some(compact) = Compact::new(text.trim_start_matches('〒')) else { return false };
    (2..=10).contains(&compact.as_bytes().len()) && compact.as_bytes().iter().any(u8::is_ascii_digit)
}

/// Cities that the list leaves out: names of people too, or more than one word.
const MORE_CITIES: &str = "augusta|madison|lincoln|jackson|montgomery|austin|houston|dallas|columbus|charlotte|phoenix|\
    cleveland|orlando|savannah|aurora|arlington|lansing|helena|salem|trenton|dover|raleigh|springfield|boulder|concord|\
    albany|erie|tucson|florence|victoria|sydney|adelaide|alexandria|bath|nice|tours|buffalo|mobile|san francisco|san diego|\
    san antonio|san jose|san juan|santa fe|santa cruz|santa barbara|los angeles|las vegas|new york|new orleans|new haven|\
    new delhi|st. louis|st. paul|saint louis|salt lake city|kansas city|oklahoma city|baton rouge|little rock|des moines|\
    el paso|fort worth|fort wayne|long beach|virginia beach|colorado springs|ann arbor|chapel hill|palo alto|\
    grand rapids|cedar rapids|sioux falls|green bay|corpus christi|mexico city|buenos aires|rio de janeiro|são paulo|\
    la paz|le mans|le havre|la rochelle|den haag|the hague|hong kong|bad homburg|bad nauheim|cape town|tel aviv|\
    milton keynes|newcastle upon tyne|stoke-on-trent|la coruña|las palmas|palma de mallorca";

/// A city that the list knows, by its whole name or its first word (`Frankfurt am Main`, `San Antonio` by its two).
fn known_city(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let first = lower.split([' ', ',']).next().unwrap_or("");
    CITIES.contains(lower.as_str()) || (first.len() >= 4 && CITIES.contains(first))
}

/// A place where a label says that one stands: not a word for nothing, nor the type of a field.
fn city_words(text: &str) -> bool {
    const DECLARATIONS: [&str; 6] = ["string", "str", "text", "char", "varchar", "option"];
    let declared = DECLARATIONS.contains(&text.trim().to_lowercase().as_str());
    !declared && !super::fields::is_missing(text) && text.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

/// City and State: a short name, or one where the State's letters also stand for a degree or a word after a name, must be a city that is known.
fn us_city_state(text: &str) -> bool {
    const AMBIGUOUS: [&str; 14] = ["MD", "PA", "DO", "MA", "MS", "ME", "ND", "PT", "ID", "OR", "IN", "HI", "OK", "DC"];
    let Some((city, state)) = text.rsplit_once(", ") else { return false };
    (city.len() >= 5 && !AMBIGUOUS.contains(&state)) || known_city(city)
}

#[cfg(test)]
mod tests {
    use super::{ca_postcode, known_city, nl_postcode, uk_postcode, us_city_state, us_zip};

    #[test]
    fn cities() {
        assert!(known_city("Leipzig") && known_city("Clermont-Ferrand") && !known_city("Patienten"));
        assert!(us_city_state("Charleston, SC") && us_city_state("Rochester, PA") && !us_city_state("Tran, MD"));
    }

    #[test]
    fn shapes() {
        assert!(
            uk_postcode("SW1A 1AA") && uk_postcode("M1 1AE") && !uk_postcode("QQ1 1AA") && !uk_postcode("SW1A 1AC")
        );
        assert!(ca_postcode("K1A 0B1") && !ca_postcode("D1A 0B1") && nl_postcode("1234 AB") && !nl_postcode("1234 SS"));
        assert!(us_zip("02139-1234") && !us_zip("00000"));
    }
}
