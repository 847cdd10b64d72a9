//! What stands together, weighed: which words of a run are a person's name, and how surely. Points are percent of
//! confidence; they were set by hand and checked on generated notes (tests/names_quality.rs).

mod after;
mod alone;
mod before;
mod code;
mod firm;
mod weigh;

use super::flags::WordFlags;
use super::gazetteer::WordHash;
use super::scan::{Form, Link, Scan, Token};
use super::{NameHit, Why};
use after::{after, ends_line};
use before::{Lead, before, is_house, is_saint};
use weigh::weigh;

pub(super) use alone::{lower_case_name, whole_value};
pub(super) use before::{is_particle, word_before};
pub(super) use code::is_code;
pub(super) use weigh::name_points;

/// Words that a name has at most, initials and particles apart.
const NAME_WORDS_MAX: usize = 5;

/// Added to the points of Latin names, so that half of the candidates with 50 percent are names in the training half of
/// the generated notes.
const CALIBRATION_POINTS: i32 = 8;

/// From here on a candidate is a hit.
const HIT_POINTS: i32 = super::HIT_CONFIDENCE as i32 - CALIBRATION_POINTS;

/// Judges the words of a run and hands candidates on.
pub(super) fn judge(scan: &mut Scan<'_>, run: &[Token]) {
    let Some(first) = run.first() else { return };
    let mut lead: Option<Lead> = None;
    let mut at = 0;
    while let Some(token) = run.get(at) {
        let next = run.get(at + 1);
        if let Some(opened) = opens(token, next).filter(|_| !is_name_rather(scan.bytes, token)) {
            lead = Some(if called_after(scan, run, at) { Lead { against_all: 60, ..opened } } else { opened });
            at += 1;
            continue;
        }
        let here = lead.take();
        let strong = here.is_some_and(|lead| lead.points >= 28);
        let titled = here.is_some_and(|lead| lead.why == Some(Why::Title)) && is_name_word(token);
        if !titled && !begins_name(token, next, strong) {
            at += 1;
            // Words of a heading between label and name carry the label on: `Attending Physician Name: …`.
            lead = here.filter(|_| token.link == Link::Space && !strong);
            continue;
        }
        let end = extent(run, at, strong);
        let here = here.unwrap_or_else(|| if at == 0 { before(scan, first) } else { inside(scan.text, run, at) });
        candidate(scan, run, at, end, here);
        at = end;
    }
}

/// `Pat Miller reports`: an abbreviated label has a sign behind it, the name that it looks like has not.
fn is_name_rather(bytes: &[u8], token: &Token) -> bool {
    let both = token.flags.any(WordFlags::LABEL) && token.flags.any(WordFlags::RARELY_WORD);
    both && !matches!(bytes.get(token.end), Some(b'.' | b':' | b'-' | b'#' | b'='))
}

/// Whether the word at `at` is of a compound that methods, scales or diseases are called by: `Mann-Whitney`.
fn is_eponymous(scan: &Scan<'_>, at: usize, end: usize) -> bool {
    if scan.bytes.get(at.wrapping_sub(1)) != Some(&b'-') && !scan.bytes.get(at..end).unwrap_or_default().contains(&b'-')
    {
        return false;
    }
    let within = |c: char| c.is_alphabetic() || c == '-';
    let before = scan.text.get(..at).unwrap_or_default();
    let start = before.trim_end_matches(within).len();
    let rest = scan.text.get(at..).unwrap_or_default();
    let end = at + rest.find(|c| !within(c)).unwrap_or(rest.len());
    scan.text.get(start..end).is_some_and(|name| scan.flags(name).any(WordFlags::EPONYM))
}

/// `Hospital Doctor Peset`: a house called after somebody with a title.
fn called_after(scan: &Scan<'_>, run: &[Token], at: usize) -> bool {
    let Some(token) = run.get(at).filter(|token| token.flags.any(WordFlags::TITLE)) else { return false };
    is_house(word_before(scan.text, token.start))
}

/// What the words before in the same run are worth.
fn inside(text: &str, run: &[Token], at: usize) -> Lead {
    let (Some(previous), Some(token)) = (run.get(at.wrapping_sub(1)), run.get(at)) else { return Lead::NONE };
    let close = matches!(token.link, Link::Space | Link::Particle | Link::Dot);
    let word = text.get(previous.start..previous.end).unwrap_or_default();
    let saint = is_saint(word) && (close || token.link == Link::Hyphen);
    let street = saint || close && (is_house(word) || previous.flags.any(WordFlags::STREET));
    let listed = token.link == Link::Comma && previous.flags.surname().max(previous.flags.given()) > 0;
    Lead { against_all: if street { 40 } else { 0 }, points: if listed { 5 } else { 0 }, ..Lead::NONE }
}

/// Whether the word opens a name without being part of it: a title, label or greeting.
fn opens(token: &Token, next: Option<&Token>) -> Option<Lead> {
    let linked = |links: &[Link]| next.is_some_and(|next| links.contains(&next.link));
    if token.flags.any(WordFlags::TITLE) && linked(&[Link::Space, Link::Dot]) {
        let dotted = linked(&[Link::Dot]);
        let capitals_fit =
            token.form != Form::Capitals || dotted || next.is_some_and(|next| next.form == Form::Capitals);
        if capitals_fit && token.form != Form::Bad {
            return Some(Lead::of(46, Why::Title));
        }
    }
    if token.flags.any(WordFlags::GREETING) && linked(&[Link::Space, Link::Colon, Link::Comma]) {
        return Some(Lead::of(28, Why::Greeting));
    }
    if token.flags.any(WordFlags::LABEL) {
        if linked(&[Link::Colon]) {
            return Some(Lead::of(32, Why::Label));
        }
        // `Nurse Mary Miller`, but `Miller, Nurse`.
        if linked(&[Link::Space, Link::Dot]) {
            return Some(Lead::of(16, Why::Context));
        }
        return Some(Lead::NONE);
    }
    None
}

/// Whether a name may begin with this word.
fn begins_name(token: &Token, next: Option<&Token>, strong: bool) -> bool {
    match token.form {
        Form::Bad => false,
        // `A Kocher incision` and `I Miller` begin with a word, not with an initial.
        Form::Initial => next.is_some_and(|next| {
            let word = token.hash == WordHash::of("a").number() || token.hash == WordHash::of("i").number();
            (next.link == Link::Dot || next.link == Link::Space && !word)
                && matches!(next.form, Form::Initial | Form::Title | Form::Capitals)
        }),
        Form::Title | Form::Capitals => {
            if token.flags.any(WordFlags::STOP) && word_is_name_here(token, next, strong) {
                return true;
            }
            if token.flags.any(WordFlags::PARTICLE) {
                return next.is_some_and(|next| {
                    next.link == Link::Space && next.form == token.form && is_nameable(next.flags)
                });
            }
            is_nameable(token.flags) && (token.form == Form::Title || token.flags != WordFlags::NONE || strong)
        }
    }
}

/// Listed as a name often enough that a title before it leaves no doubt: `Mr. Will`.
fn is_name_word(token: &Token) -> bool {
    matches!(token.form, Form::Title | Form::Capitals)
        && token.flags.surname().max(token.flags.given()) >= 2
        && !token.flags.any(WordFlags::LABEL | WordFlags::TITLE | WordFlags::GREETING)
}

/// A function word that is also a name (`Will`, `Le`) and stands where only the name fits: before a family name, or
/// before a comma and a given name.
fn word_is_name_here(token: &Token, next: Option<&Token>, strong: bool) -> bool {
    let Some(next) = next else { return false };
    match next.link {
        Link::Space => {
            token.flags.given() >= 2
                && next.form == token.form
                && is_nameable(next.flags)
                && next.flags.common() <= 1
                && (next.flags.surname() > 0 || next.flags == WordFlags::NONE && strong)
        }
        Link::Comma => token.flags.surname() >= 2 && next.flags.given() >= 2 && next.flags.common() <= 1,
        _ => false,
    }
}

/// A function word that is also a family name, after a clear given name: `Emily Le`.
fn ends_name(previous: &Token, token: &Token) -> bool {
    token.flags.any(WordFlags::STOP)
        && token.flags.surname() >= 2
        && previous.flags.given() >= 2
        && previous.flags.common() <= 1
        && previous.form == token.form
}

/// Whether the word can be part of a name at all.
#[inline]
pub(super) fn is_nameable(flags: WordFlags) -> bool {
    let listed = flags.given() > 0 || flags.surname() > 0;
    // A label that is rarely a word is a name, where it is not abbreviated.
    let labels = flags.any(WordFlags::LABEL) && !flags.any(WordFlags::RARELY_WORD);
    if labels || flags.any(WordFlags::STOP | WordFlags::GREETING) {
        return false;
    }
    if flags.any(WordFlags::TITLE) && flags.given().max(flags.surname()) < 3 {
        return false;
    }
    if flags.any(
        WordFlags::ORGANISATION
            | WordFlags::STREET
            | WordFlags::EPONYM_HEAD
            | WordFlags::NATIONALITY
            | WordFlags::CALENDAR,
    ) {
        return flags.surname() >= 2 || flags.given() >= 2;
    }
    if flags.any(WordFlags::TERM | WordFlags::SUFFIX) {
        return flags.surname() == 3 || flags.given() == 3;
    }
    listed || flags.common() == 0
}

/// One past the last word of the name that begins at `from`.
fn extent(run: &[Token], from: usize, strong: bool) -> usize {
    let (mut end, mut words, mut comma) = (from, 0_usize, false);
    while let Some(token) = run.get(end) {
        if end > from {
            let Some(previous) = run.get(end - 1) else { break };
            let joined = match token.link {
                Link::Space => {
                    !(previous.form == Form::Title && token.form == Form::Capitals && token.flags == WordFlags::NONE)
                }
                Link::Hyphen => true,
                // `Validiert von Hans Vogel`: a given name after the particle begins a name of its own.
                Link::Particle => token.flags.given() < 2 || previous.flags.given().max(previous.flags.surname()) > 0,
                Link::Dot => previous.form == Form::Initial || previous.flags.any(WordFlags::PARTICLE),
                Link::Comma => {
                    let turned = !comma && is_family_first(run, from, end);
                    comma |= turned;
                    turned
                }
                Link::Colon | Link::None => false,
            };
            if !joined {
                break;
            }
        }
        let particle =
            token.flags.any(WordFlags::PARTICLE) && run.get(end + 1).is_some_and(|next| next.link == Link::Space);
        let unknown_capitals = token.form == Form::Capitals && token.flags == WordFlags::NONE && !strong && words == 0;
        let closes = words == 1 && run.get(end.wrapping_sub(1)).is_some_and(|previous| ends_name(previous, token));
        let fits = match token.form {
            Form::Bad => false,
            Form::Initial => true,
            Form::Title | Form::Capitals => {
                end == from || particle || closes || is_nameable(token.flags) && !unknown_capitals
            }
        };
        if !fits || words >= NAME_WORDS_MAX {
            break;
        }
        words += usize::from(token.form != Form::Initial && !particle);
        end += 1;
    }
    end.max(from + 1)
}

/// Whether the comma before `comma` stands between family and given name.
fn is_family_first(run: &[Token], from: usize, comma: usize) -> bool {
    let (Some(family), Some(given)) = (run.get(comma.wrapping_sub(1)), run.get(comma)) else { return false };
    if given.form == Form::Initial {
        return family.flags.surname() > 0;
    }
    let single = run.get(from..comma).is_some_and(|words| {
        words.iter().filter(|word| !word.flags.any(WordFlags::PARTICLE) && word.link != Link::Hyphen).count() <= 2
    });
    let family_like = family.flags.surname() >= family.flags.given().min(2) && !family.flags.any(WordFlags::PLACE)
        || family.flags == WordFlags::NONE;
    let after = run.get(comma + 1);
    // `Smith, Jones, and Brown` is a list: what follows the comma must be a given name first of all.
    single
        && family_like
        && given.flags.given() > 0
        && (given.flags.given() >= given.flags.surname() || after.is_some_and(|next| next.form == Form::Initial))
        && !after.is_some_and(|next| {
            next.link == Link::Comma
                && !next.flags.any(WordFlags::SUFFIX)
                && next.form == family.form
                && next.flags.surname() > next.flags.given()
        })
}

/// Weighs the words `run[from..end]` and hands them on.
fn candidate(scan: &mut Scan<'_>, run: &[Token], from: usize, end: usize, lead: Lead) {
    let Some(words) = run.get(from..end) else { return };
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
    let mut span_end = last.end;
    if lead.points < 28 && is_eponymous(scan, first.start, last.end) {
        return;
    }
    let weighed = weigh(scan.text, words, &lead);
    let Some((mut points, mut why)) = weighed else { return };
    let single = words.len() == 1;
    if let Some(lead_why) = lead.why {
        why = lead_why;
    }
    points += lead.points - lead.against_all;
    if single {
        points -= lead.against_single;
        if lead.place && first.flags.any(WordFlags::PLACE) {
            points -= 30;
        }
    }
    if lead.place && lead.points < 28 && numbered(scan.text, last.end) {
        points -= 40;
    }
    let eponym = single && first.flags.any(WordFlags::EPONYM);
    if single && lead.points < 28 && firm::is_partner(scan, first.start, first.end) {
        points -= 40;
    }
    let tail = after(scan, last.end, run.get(end).filter(|_| !eponym), single, lead.points >= 28, lead.starts);
    points += tail.points;
    if tail.points >= 12 && lead.why.is_none() {
        why = Why::Context;
    }
    span_end = span_end.max(tail.suffix_end);
    if lead.starts && single && first.flags.given() >= 2 && first.form == Form::Title && ends_line(scan.text, span_end)
    {
        points += 12;
    }
    if lead.starts && words.len() >= 2 && ends_line(scan.text, span_end) && first.form == Form::Title {
        points += 10;
    }
    // Doubts are tried when they are settled, which is rare. `fn new(client: Endpoint)` has labels too.
    let unlisted = lead.why == Some(Why::Label) && first.flags.given().max(first.flags.surname()) == 0;
    if (lead.points < 28 || unlisted) && points >= HIT_POINTS && is_code(scan.bytes, first.start, last.end) {
        points -= if single { 34 } else { 14 };
    }
    let confidence = u8::try_from((points + CALIBRATION_POINTS).clamp(0, 99)).unwrap_or(0);
    if points >= 55 && (words.len() >= 2 || lead.points >= 28) {
        for word in words.iter().filter(|word| word.form != Form::Initial && word.flags.common() < 2) {
            scan.remember(word.hash);
        }
    }
    scan.push(NameHit { start: first.start, end: span_end, confidence, why }, if single { first.hash } else { 0 });
}

/// `en Gran Vía, 79,`: a street with its number behind a comma.
fn numbered(text: &str, end: usize) -> bool {
    let number = text.get(end..).and_then(|rest| rest.strip_prefix(", ")).unwrap_or_default();
    let after = number.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < number.len() && after.starts_with(',')
}
