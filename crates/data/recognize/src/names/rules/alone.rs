//! Names that no run of capitals tells of: in lower case after a label, and values that stand alone in a cell.

use super::is_nameable;
use super::weigh::{against, name_points};
use crate::names::flags::WordFlags;
use crate::names::gazetteer::{Gazetteer, WordHash};

/// A name in lower case that begins at `at`, where a label or greeting makes one due: its end and confidence.
pub(in crate::names) fn lower_case_name(gazetteer: &Gazetteer, text: &str, at: usize) -> Option<(usize, u8)> {
    let rest = text.get(at..)?;
    let line = rest.get(..rest.find(['\n', ',', ';', '(', '|', '\t']).unwrap_or(rest.len()))?;
    let (mut end, mut count, mut first, mut last) = (at, 0, WordFlags::NONE, WordFlags::NONE);
    for word in line.split(' ').take(3) {
        let bare = word.trim_end_matches('.');
        let flags = gazetteer.word(bare);
        let listed = flags.given() > 0 || flags.surname() > 0;
        let frequent = flags.given().max(flags.surname()) == 3;
        let fits = bare.chars().all(char::is_alphabetic)
            && listed
            && (flags.common() < 3 || frequent)
            && !flags.any(WordFlags::STOP | WordFlags::VERB);
        if !fits || bare.chars().count() < 2 {
            break;
        }
        if count == 0 {
            first = flags;
        }
        last = flags;
        count += 1;
        end = offset_of(text, bare) + bare.len();
        if bare.len() < word.len() {
            break;
        }
    }
    let confidence = match count {
        0 => return None,
        1 if first.given() >= 2 && first.common() == 0 => 62,
        1 => return None,
        _ if first.given() == 3 && first.common() <= 1 && last.surname() >= 2 => 84,
        _ if first.given() > 0 && last.surname() > 0 && first.common() + last.common() <= 3 => 80,
        _ if first.surname() > 0 && last.given() > 0 && first.common() + last.common() <= 2 => 70,
        _ => return None,
    };
    Some((end, confidence))
}

/// Where `part`, a slice of `text`, begins in it.
fn offset_of(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// See [`crate::names::Names::is_name`].
pub(in crate::names) fn whole_value(gazetteer: &Gazetteer, value: &str) -> Option<u8> {
    let value = value.trim();
    if value.len() > 80
        || value.len() < 2
        || value.bytes().any(|b| b.is_ascii_digit() || b"@/\\_=<>{}[]:;".contains(&b))
    {
        return None;
    }
    if value.chars().any(crate::names::japanese::is_japanese) {
        return crate::names::japanese::whole_value(gazetteer, value);
    }
    let (mut words, mut known, mut points, mut initials) = (0_i32, 0_i32, 0_i32, 0_i32);
    let mut title = false;
    for word in value.split([' ', ',', '-', '.']).filter(|word| !word.is_empty()) {
        let mut chars = word.chars();
        let first = chars.next()?;
        if !word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '\u{2019}') {
            return None;
        }
        if chars.next().is_none() {
            initials += i32::from(first.is_uppercase());
            continue;
        }
        let flags = gazetteer.by_hash(WordHash::of(word));
        if flags.any(WordFlags::TITLE | WordFlags::SUFFIX) && name_points(flags) < 20 {
            title |= flags.any(WordFlags::TITLE);
            continue;
        }
        if flags.any(WordFlags::PARTICLE) {
            continue;
        }
        words += 1;
        let listed = flags.given() > 0 || flags.surname() > 0;
        if !is_nameable(flags) || !listed && words == 1 && flags.common() > 0 {
            return None;
        }
        known += i32::from(listed);
        points += name_points(flags) - against(flags) - if flags.any(WordFlags::PLACE) { 8 } else { 0 };
    }
    let confidence = match (words, known) {
        (0, _) | (_, 0) | (6.., _) => return None,
        (1, _) if initials > 0 || title => 36 + points,
        (1, _) => 24 + points,
        (_, 1) => 30 + points,
        _ => 44 + points,
    };
    let confidence = u8::try_from(confidence.clamp(0, 97)).unwrap_or(0);
    (confidence >= crate::names::HIT_CONFIDENCE).then_some(confidence)
}
