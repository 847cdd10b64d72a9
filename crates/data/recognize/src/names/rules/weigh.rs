//! What the words of a name are worth by themselves, by what the lists and their endings say of them.

use super::before::Lead;
use crate::names::Why;
use crate::names::flags::WordFlags;
use crate::names::scan::{Form, Link, Token};

/// Points of the words alone, and what kind of name they make.
pub(super) fn weigh(scan_text: &str, words: &[Token], lead: &Lead) -> Option<(i32, Why)> {
    let is_full = |word: &&Token| {
        word.form != Form::Initial
            && (!word.flags.any(WordFlags::PARTICLE | WordFlags::STOP)
                || word.flags.given().max(word.flags.surname()) >= 2)
    };
    let full = words.iter().filter(is_full).count();
    let initials = words.iter().filter(|word| word.form == Form::Initial).count();
    let first = words.iter().find(is_full)?;
    let last = words.iter().rev().find(is_full)?;
    let capitals = words.iter().all(|word| word.form != Form::Title);
    let strong = lead.points >= 28;
    let mut points;
    let mut why = Why::FullName;
    if full == 1 {
        let base = if initials > 0 { 34 } else { 27 };
        points = base + name_points(first.flags).max(ending_points(scan_text, first)) - against(first.flags);
        if first.flags.given() >= 2 && first.flags.common() == 0 && !first.flags.any(WordFlags::TERM) {
            points += 6;
        }
        if initials > 0 {
            let dotted = words.iter().any(|word| word.link == Link::Dot);
            let leads = words.first().is_some_and(|word| word.form == Form::Initial);
            points += if leads { 8 } else { 0 } + if leads && dotted && first.flags.surname() > 0 { 5 } else { 0 };
            points += if leads && dotted && lead.points > 0 { 8 } else { 0 };
            points -=
                i32::from(first.flags == WordFlags::NONE) * 8 + i32::from(first.flags.any(WordFlags::EPONYM)) * 10;
        } else {
            why = Why::SingleName;
            if first.flags.any(WordFlags::CALENDAR) && !strong {
                return None;
            }
            if lead.inside && first.flags.given().max(first.flags.surname()) == 3 {
                points += word_penalty(first.flags) * 5 / 8;
            }
            if first.flags.any(WordFlags::EPONYM) && !strong {
                points -= 35;
            }
            if first.flags.any(WordFlags::PLACE) && !strong {
                points -= if first.flags.given() == 3 { 8 } else { 14 };
            }
            if lead.starts && first.flags.common() >= 2 {
                points -= 12;
            }
            if capitals && !strong {
                points -= 30;
            }
        }
    } else {
        let comma = words.iter().any(|word| word.link == Link::Comma && word.start != first.start);
        let (usual, turned) = (
            given_points(first.flags) + surname_points(last.flags).max(ending_points(scan_text, last)),
            surname_points(first.flags).max(ending_points(scan_text, first)) + given_points(last.flags)
                - if comma { 0 } else { 4 },
        );
        let two_given = (given_points(first.flags) + given_points(last.flags)) * 3 / 4;
        let penalty: i32 =
            words.iter().filter(is_full).map(|word| word_penalty(word.flags) + against(word.flags)).sum();
        let sure_given = first.flags.given() == 3 && first.flags.common() <= 1;
        let penalty = match (strong, sure_given) {
            (true, _) => penalty.min(12),
            (false, true) => penalty.min(18),
            (false, false) => penalty.min(45),
        };
        points = 33 + usual.max(turned).max(two_given) - penalty;
        points += if initials > 0 { 8 } else { 0 };
        points += if words.iter().any(|word| word.link == Link::Particle) { 8 } else { 0 };
        if comma {
            why = Why::FamilyFirst;
            points += 6;
        }
        if words.iter().filter(is_full).all(|word| word.flags.any(WordFlags::PLACE)) && !comma {
            points -= 12;
        }
        if words.iter().any(|word| word.flags.any(WordFlags::EPONYM))
            && words.iter().filter(is_full).all(|word| word.flags.any(WordFlags::EPONYM) || word.flags.given() == 0)
            && !strong
        {
            points -= 30;
        }
        if lead.starts && first.flags.common() >= 2 && first.flags.given() < 3 {
            points -= 6;
        }
        if capitals && lead.points < 14 && !comma {
            points -= 8;
        }
        let known =
            words.iter().filter(is_full).filter(|word| word.flags.given() > 0 || word.flags.surname() > 0).count();
        if full > 2 && known * 2 < full {
            points -= 12;
        }
    }
    Some((points, why))
}

/// Points of a word as part of a name; negative when it is an ordinary word far more often.
#[inline]
pub(in crate::names) fn name_points(flags: WordFlags) -> i32 {
    given_points(flags).max(surname_points(flags)) - word_penalty(flags)
}

#[inline]
fn given_points(flags: WordFlags) -> i32 {
    [0, 9, 17, 24][usize::from(flags.given())]
}

#[inline]
fn surname_points(flags: WordFlags) -> i32 {
    [0, 7, 15, 21][usize::from(flags.surname())]
}

#[inline]
fn word_penalty(flags: WordFlags) -> i32 {
    let common = [0, 4, 10, 16][usize::from(flags.common())];
    if flags.any(WordFlags::RARELY_WORD) { common / 4 } else { common }
}

/// Endings that family names have and few other words, for words that the lists do not know: Slavic, Nordic, German,
/// Armenian, Greek, Romanian, Spanish patronymics and place names.
const SURNAME_ENDINGS: [&str; 46] = [
    "ski", "ska", "sky", "skaya", "wicz", "czyk", "owicz", "ović", "ovic", "ević", "evic", "ić", "ová", "ova", "ov",
    "ev", "eva", "enko", "chuk", "yuk", "sson", "sen", "dóttir", "dottir", "berg", "stein", "mann", "meier", "bauer",
    "hauser", "inger", "yan", "ian", "poulos", "idis", "akis", "escu", "eanu", "shvili", "ėnas", "auskas", "aitis",
    "ez", "ín", "nen", "ák",
];

/// What the ending of an unlisted word is worth.
fn ending_points(text: &str, word: &Token) -> i32 {
    if word.flags != WordFlags::NONE || word.form != Form::Title {
        return 0;
    }
    let Some(letters) = text.get(word.start..word.end).filter(|letters| letters.len() >= 5) else { return 0 };
    let ends = SURNAME_ENDINGS.iter().any(|ending| letters.ends_with(ending));
    i32::from(ends) * 12 + i32::from(!letters.is_ascii()) * 3
}

/// What speaks against a word whatever its frequency.
pub(super) fn against(flags: WordFlags) -> i32 {
    let mut points = 0;
    if flags.any(WordFlags::ORGANISATION | WordFlags::STREET | WordFlags::NATIONALITY | WordFlags::EPONYM_HEAD) {
        points += 10;
    }
    if flags.any(WordFlags::CALENDAR | WordFlags::TERM) {
        points += 12;
    }
    points
}
