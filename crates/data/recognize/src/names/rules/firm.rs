//! Firms called after their partners: `Baker, Ortiz and Lund LLP`, `at Baker, Ortiz and Lund`, `Baker, Ortiz and Lund is …`.

use super::before::word_before;
use crate::names::flags::WordFlags;
use crate::names::scan::Scan;

/// Partners that a firm names at most.
const PARTNERS_MAX: usize = 4;

/// Whether the word at `start..end` is one of at least three partners in the name of a firm.
pub(super) fn is_partner(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let rest = scan.text.get(end..).unwrap_or_default();
    let head = scan.text.get(..start).unwrap_or_default();
    let listed = rest.starts_with(", ") || rest.starts_with(" and ") || rest.starts_with(" & ");
    if !listed && !head.ends_with(" and ") && !head.ends_with(" & ") {
        return false;
    }
    let (mut from, mut to, mut partners) = (start, end, 1);
    while partners < PARTNERS_MAX
        && let Some(earlier) = partner_before(scan.text, from)
    {
        from = earlier;
        partners += 1;
    }
    let mut closed = partners > 1 && (head.ends_with(" and ") || head.ends_with(" & "));
    while partners < PARTNERS_MAX
        && !closed
        && let Some((later, last)) = partner_after(scan.text, to)
    {
        (to, closed) = (later, last);
        partners += 1;
    }
    closed && partners >= 3 && (leads_to_a_firm(scan.text, from) || is_a_firm(scan, to))
}

/// Where the partner before a comma or `and` at `start` begins.
fn partner_before(text: &str, start: usize) -> Option<usize> {
    let head = text.get(..start)?;
    let head = head.strip_suffix(", and ").or_else(|| head.strip_suffix(", "));
    let head =
        head.or_else(|| text.get(..start)?.strip_suffix(" and ")).or_else(|| text.get(..start)?.strip_suffix(" & "))?;
    let word = word_before(head, head.len());
    (word.starts_with(char::is_uppercase) && head.ends_with(word)).then(|| head.len() - word.len())
}

/// Where the partner after a comma or `and` at `end` ends, and whether it is the last one.
fn partner_after(text: &str, end: usize) -> Option<(usize, bool)> {
    let rest = text.get(end..)?;
    let (rest, last) = [(", and ", true), (" and ", true), (" & ", true), (", & ", true), (", ", false)]
        .iter()
        .find_map(|(link, last)| Some((rest.strip_prefix(link)?, *last)))?;
    let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..length)?;
    word.starts_with(char::is_uppercase).then(|| (text.len() - rest.len() + length, last))
}

/// `at`, `the`: no persons follow such a word one after the other.
fn leads_to_a_firm(text: &str, start: usize) -> bool {
    matches!(word_before(text, start), "at" | "The" | "the" | "joined" | "firm")
}

/// An organisation's word follows, or a verb in the singular.
fn is_a_firm(scan: &Scan<'_>, end: usize) -> bool {
    let rest = scan.text.get(end..).unwrap_or_default().trim_start_matches([' ', ',']);
    let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    matches!(
        word,
        "is" | "was" | "has" | "LLP" | "LLC" | "Inc" | "Ltd" | "Orchestra" | "Quartet" | "Trio" | "Associates"
    ) || word.starts_with(char::is_uppercase) && scan.flags(word).any(WordFlags::ORGANISATION)
}
