//! What stands together, weighed: which words of a run are a person's name, and how surely. Points are percent of
//! confidence; they were set by hand and checked on generated notes (tests/names_quality.rs).

mod lead;

use super::flags::WordFlags;
use super::gazetteer::{Gazetteer, WordHash};
use super::scan::{Form, Link, Scan, Token};
use super::{NameHit, Why};
use lead::{Lead, before, is_saint};

/// Words that a name has at most, initials and particles apart.
const NAME_WORDS_MAX: usize = 5;

/// Added to the points of Latin names, so that half of the candidates with 50 percent are names in the training half of
/// the generated notes.
const CALIBRATION_POINTS: i32 = 8;

/// Judges the words of a run and hands candidates on.
pub(super) fn judge(scan: &mut Scan<'_>, run: &[Token]) {
    let Some(first) = run.first() else { return };
    let mut lead: Option<Lead> = None;
    let mut at = 0;
    while let Some(token) = run.get(at) {
        let next = run.get(at + 1);
        if let Some(opened) = opens(token, next) {
            lead = Some(opened);
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

/// What the words before in the same run are worth.
fn inside(text: &str, run: &[Token], at: usize) -> Lead {
    let (Some(previous), Some(token)) = (run.get(at.wrapping_sub(1)), run.get(at)) else { return Lead::NONE };
    let close = matches!(token.link, Link::Space | Link::Particle | Link::Dot);
    let saint = is_saint(text.get(previous.start..previous.end).unwrap_or_default());
    let street = close && (saint || previous.flags.any(WordFlags::STREET));
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
    if flags.any(WordFlags::STOP | WordFlags::GREETING | WordFlags::LABEL) {
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
    let tail = after(scan, last.end, run.get(end), single, lead.points >= 28, lead.starts);
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
    let confidence = u8::try_from((points + CALIBRATION_POINTS).clamp(0, 99)).unwrap_or(0);
    if points >= 55 && (words.len() >= 2 || lead.points >= 28) {
        for word in words.iter().filter(|word| word.form != Form::Initial && word.flags.common() < 2) {
            scan.remember(word.hash);
        }
    }
    scan.push(NameHit { start: first.start, end: span_end, confidence, why }, if single { first.hash } else { 0 });
}

/// Points of a word as part of a name; negative when it is an ordinary word far more often.
#[inline]
pub(super) fn name_points(flags: WordFlags) -> i32 {
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
fn against(flags: WordFlags) -> i32 {
    let mut points = 0;
    if flags.any(WordFlags::ORGANISATION | WordFlags::STREET | WordFlags::NATIONALITY | WordFlags::EPONYM_HEAD) {
        points += 10;
    }
    if flags.any(WordFlags::CALENDAR | WordFlags::TERM) {
        points += 12;
    }
    points
}

/// Points of the words alone, and what kind of name they make.
fn weigh(scan_text: &str, words: &[Token], lead: &Lead) -> Option<(i32, Why)> {
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

/// What stands after a name and what it is worth.
struct Tail {
    points: i32,
    /// Where a suffix that belongs to the name ends.
    suffix_end: usize,
}

fn after(scan: &Scan<'_>, end: usize, next: Option<&Token>, single: bool, strong: bool, lead_starts: bool) -> Tail {
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
        let flags = scan.gazetteer.word(word);
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
    tail.points += person_facts(scan.gazetteer, rest);
    if single && !strong && is_state_code(rest) {
        tail.points -= 40;
    }
    tail
}

/// `(DOB`, `, 45`, `(M`, `, a 45-year-old`: facts that follow people.
fn person_facts(gazetteer: &Gazetteer, rest: &str) -> i32 {
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
    } else if gap > 1 && gazetteer.word(word).any(WordFlags::INTRO) && word.starts_with(char::is_lowercase) {
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

fn ends_line(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', ',', '.']);
    rest.is_empty() || rest.starts_with(['\n', '\r'])
}

/// The word that ends at `end`, empty when none does.
pub(super) fn word_before(text: &str, end: usize) -> &str {
    let head = text.get(..end).unwrap_or_default().trim_end_matches(' ');
    let start = head
        .char_indices()
        .rev()
        .take(24)
        .take_while(|(_, c)| c.is_alphabetic() || *c == '\'')
        .last()
        .map_or(head.len(), |(at, _)| at);
    head.get(start..).unwrap_or_default()
}

fn first_word(text: &str) -> &str {
    let end = text.char_indices().take(32).find(|(_, c)| !c.is_alphabetic()).map_or(text.len().min(64), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Name particles written in lower case inside names, by the naming customs of Dutch, German, French, Spanish, Italian,
/// Portuguese and Arabic.
pub(super) fn is_particle(word: &str) -> bool {
    matches!(
        word,
        "van"
            | "von"
            | "vom"
            | "der"
            | "den"
            | "de"
            | "la"
            | "le"
            | "du"
            | "del"
            | "della"
            | "di"
            | "da"
            | "dos"
            | "das"
            | "do"
            | "al"
            | "el"
            | "bin"
            | "ibn"
            | "ben"
            | "bint"
            | "abu"
            | "zu"
            | "zur"
            | "ter"
            | "ten"
            | "los"
            | "las"
            | "y"
    )
}

/// A name in lower case that begins at `at`, where a label or greeting makes one due: its end and confidence.
pub(super) fn lower_case_name(gazetteer: &Gazetteer, text: &str, at: usize) -> Option<(usize, u8)> {
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

/// See [`super::Names::is_name`].
pub(super) fn whole_value(gazetteer: &Gazetteer, value: &str) -> Option<u8> {
    let value = value.trim();
    if value.len() > 80
        || value.len() < 2
        || value.bytes().any(|b| b.is_ascii_digit() || b"@/\\_=<>{}[]:;".contains(&b))
    {
        return None;
    }
    if value.chars().any(super::japanese::is_japanese) {
        return super::japanese::whole_value(gazetteer, value);
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
    (confidence >= super::HIT_CONFIDENCE).then_some(confidence)
}
