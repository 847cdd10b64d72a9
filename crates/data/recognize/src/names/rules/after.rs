//! What stands after a name: degrees, verbs, ages and birth dates; what makes a disease, street or company of it.

use crate::names::flags::WordFlags;
use crate::names::scan::{Form, Link, Scan, Token};

/// What stands after a name and what it is worth.
pub(super) struct Tail {
    pub points: i32,
    /// Where a suffix that belongs to the name ends.
    pub suffix_end: usize,
}

pub(super) fn after(
    scan: &Scan<'_>,
    end: usize,
    next: Option<&Token>,
    single: bool,
    strong: bool,
    lead_starts: bool,
) -> Tail {
    let mut tail = Tail { points: 0, suffix_end: end };
    let rest = scan.text.get(end..).unwrap_or_default();
    if let Some(next) = next.filter(|next| next.flags.any(WordFlags::SUFFIX)) {
        let degree =
            next.form == Form::Capitals || matches!(next.link, Link::Comma) || scan.bytes.get(next.end) == Some(&b'.');
        if matches!(next.link, Link::Space | Link::Comma) && degree {
            tail.points += 26;
            if is_generation(scan.text.get(next.start..next.end).unwrap_or_default()) {
                tail.suffix_end = next.end;
            }
        }
    }
    let (possessive, rest) = match rest.strip_prefix("'s").or_else(|| rest.strip_prefix("\u{2019}s")) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    tail.points += i32::from(possessive) * 4;
    if let Some(word) =
        rest.strip_prefix(' ').or_else(|| rest.strip_prefix('-')).map(first_word).filter(|word| !word.is_empty())
    {
        let flags = scan.flags(word);
        let lower = word.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if flags.any(WordFlags::EPONYM_HEAD) {
            tail.points -= if strong && possessive { 20 } else { 60 };
        } else if flags.any(WordFlags::ORGANISATION) && !strong && !possessive {
            tail.points -= 60;
        } else if flags.any(WordFlags::STREET) && !lower {
            tail.points -= if strong { 20 } else { 60 };
        } else if flags.any(WordFlags::VERB) && lower && !possessive {
            let usual = matches!(
                word,
                "is" | "was"
                    | "has"
                    | "had"
                    | "will"
                    | "would"
                    | "can"
                    | "could"
                    | "did"
                    | "does"
                    | "est"
                    | "ist"
                    | "a"
                    | "es"
                    | "gets"
                    | "just"
            );
            tail.points += if usual { 6 } else { 12 };
        } else if word == "et" && rest.starts_with(" et al") {
            tail.points += 20;
        }
    } else if rest.starts_with(" & ") && single && !strong {
        tail.points -= 35;
    }
    if lead_starts && single && rest.starts_with(": ") {
        tail.points += 10;
    }
    if !strong {
        tail.points -= number_after(rest);
    }
    tail.points += person_facts(scan, rest);
    if single && !strong && is_state_code(rest) {
        tail.points -= 40;
    }
    tail
}

/// `(DOB`, `, 45`, `(M`, `, a 45-year-old`: facts that follow people.
fn person_facts(scan: &Scan<'_>, rest: &str) -> i32 {
    let facts = rest.trim_start_matches([' ', ',', '(', ';', '\t']);
    let gap = rest.len() - facts.len();
    if gap == 0
        || gap > 4
        || gap == 1 && rest.starts_with(' ') && facts.as_bytes().first().is_some_and(u8::is_ascii_digit)
    {
        return 0;
    }
    let word = first_word(facts);
    let digits = facts.bytes().take_while(u8::is_ascii_digit).count();
    let age = facts
        .strip_prefix("a ")
        .or_else(|| facts.strip_prefix("an "))
        .is_some_and(|rest| rest.as_bytes().first().is_some_and(u8::is_ascii_digit));
    if matches!(
        word,
        "DOB"
            | "dob"
            | "D.O.B"
            | "born"
            | "geb"
            | "geboren"
            | "née"
            | "né"
            | "né(e)"
            | "aged"
            | "MRN"
            | "nacido"
            | "nacida"
    ) || age
    {
        16
    } else if gap > 1 && word.len() > 6 && scan.flags(word).any(WordFlags::TITLE) {
        // `Weber, Assistenzarzt`
        14
    } else if gap > 1 && scan.flags(word).any(WordFlags::INTRO) && word.starts_with(char::is_lowercase) {
        14
    } else if (1..=3).contains(&digits)
        && facts.as_bytes().get(digits).is_none_or(|b| !b.is_ascii_digit() && *b != b'%')
        && gap > 1
    {
        8
    } else {
        0
    }
}

/// A house number after a street's name, unless it is an age.
fn number_after(rest: &str) -> i32 {
    let Some(number) = rest.strip_prefix(' ').filter(|rest| rest.as_bytes().first().is_some_and(u8::is_ascii_digit))
    else {
        return 0;
    };
    let after = number.trim_start_matches(|c: char| c.is_ascii_digit());
    let age = ["y", " y", "-y", "/", "-", "."].iter().any(|unit| after.starts_with(unit));
    if age { 0 } else { 14 }
}

/// `, TX`: a city with its State.
fn is_state_code(rest: &str) -> bool {
    let Some(code) = rest.strip_prefix(", ").map(str::as_bytes) else { return false };
    code.len() >= 2
        && code.iter().take(2).all(u8::is_ascii_uppercase)
        && !code.get(2).is_some_and(u8::is_ascii_alphanumeric)
        && !matches!(code.get(..2), Some(b"MD" | b"DO" | b"RN" | b"NP" | b"PA" | b"JR" | b"II"))
}

fn is_generation(word: &str) -> bool {
    matches!(word, "Jr" | "JR" | "Sr" | "SR" | "II" | "III" | "IV")
}

pub(super) fn ends_line(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', ',', '.']);
    rest.is_empty() || rest.starts_with(['\n', '\r'])
}

fn first_word(text: &str) -> &str {
    let end = text.char_indices().take(32).find(|(_, c)| !c.is_alphabetic()).map_or(text.len().min(64), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}
