//! What stands before a name: titles, labels, greetings, roles; streets, saints and numbers that speak against one.

use crate::names::Why;
use crate::names::flags::WordFlags;
use crate::names::scan::{Scan, Token};

/// What comes before a name and what it is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    pub points: i32,
    pub why: Option<Why>,
    /// A sentence, line or cell begins here.
    pub starts: bool,
    /// The word before says that one word alone is no name here: `the`, `of`.
    pub against_single: i32,
    /// The word or number before says that no name stands here at all: `Rue`, `541`.
    pub against_all: i32,
    /// The word before says that a place follows: `in`, `from`.
    pub place: bool,
    /// A word in lower case stands right before: the capital is no start of a sentence.
    pub inside: bool,
}

impl Lead {
    pub const NONE: Self =
        Self { points: 0, why: None, starts: false, against_single: 0, against_all: 0, place: false, inside: false };

    pub fn of(points: i32, why: Why) -> Self {
        Self { points, why: Some(why), ..Self::NONE }
    }
}

/// What the text before a run is worth.
pub(super) fn before(scan: &Scan<'_>, first: &Token) -> Lead {
    let head = scan.text.get(..first.start).unwrap_or_default();
    let trimmed = head.trim_end_matches([' ', '\t']);
    let Some(last) = trimmed.chars().next_back() else { return Lead { starts: true, ..Lead::NONE } };
    match last {
        '.' => {
            let word = word_before(trimmed, trimmed.len() - 1);
            if head.len() - trimmed.len() <= 1 && scan.flags(word).any(WordFlags::TITLE) && word.len() <= 5 {
                return Lead::of(46, Why::Title);
            }
            if is_saint(word) {
                return Lead { against_all: 45, ..Lead::NONE };
            }
            if trimmed.ends_with("...") {
                return leader_dots(scan, trimmed);
            }
            Lead { starts: true, ..Lead::NONE }
        }
        ':' | '：' => {
            let word = word_before(trimmed, trimmed.len() - last.len_utf8());
            if scan.flags(word).any(WordFlags::LABEL) {
                return Lead::of(32, Why::Label);
            }
            Lead { starts: true, ..Lead::NONE }
        }
        '-' if is_saint(word_before(trimmed, trimmed.len() - 1)) => Lead { against_all: 45, ..Lead::NONE },
        '\n' | '\r' | '!' | '?' | '*' | '•' | '|' | ';' | '"' | '“' | '>' | '»' | '«' | '(' | '[' | '-' | '–' => {
            after_break(scan, trimmed)
        }
        _ if head.len() - trimmed.len() == 1 && last.is_alphabetic() => {
            let inside = trimmed.as_bytes().last().is_some_and(u8::is_ascii_lowercase)
                && word_before(trimmed, trimmed.len()).starts_with(char::is_lowercase);
            Lead { inside, ..after_word(scan, trimmed) }
        }
        '&' => Lead { against_single: 40, ..Lead::NONE },
        '0'..='9' if head.len() > trimmed.len() => Lead { against_all: 10, ..Lead::NONE },
        _ => Lead::NONE,
    }
}

/// A line begins: a label or greeting may close the line above.
fn after_break(scan: &Scan<'_>, trimmed: &str) -> Lead {
    let above = trimmed.trim_end();
    let starts = Lead { starts: true, ..Lead::NONE };
    if above.len() == trimmed.len() {
        return starts;
    }
    let label = above.trim_end_matches([':', ',']);
    if label.len() == above.len() {
        return starts;
    }
    let flags = scan.flags(word_before(label, label.len()));
    if above.ends_with(':') && flags.any(WordFlags::LABEL) {
        return Lead { starts: true, ..Lead::of(28, Why::Label) };
    }
    if flags.any(WordFlags::GREETING) {
        return Lead { starts: true, ..Lead::of(24, Why::Greeting) };
    }
    starts
}

/// `Name ........ Miller`: a form with dots from label to value.
fn leader_dots(scan: &Scan<'_>, trimmed: &str) -> Lead {
    let label = trimmed.trim_end_matches(['.', ' ', '_']);
    if scan.flags(word_before(label, label.len())).any(WordFlags::LABEL) {
        return Lead::of(32, Why::Label);
    }
    Lead { starts: true, ..Lead::NONE }
}

/// Churches, hospitals and streets are called after saints.
pub(super) fn is_saint(word: &str) -> bool {
    matches!(
        word,
        "St" | "ST"
            | "Ste"
            | "Saint"
            | "SAINT"
            | "Sainte"
            | "San"
            | "Santa"
            | "Santo"
            | "Sankt"
            | "São"
            | "Sant"
            | "Skt"
    )
}

/// In Romance languages, German and Dutch a house stands before the name of whom it is called after (`Clinique Pasteur`,
/// `Krankenhaus Neuwittelsbach`), and everywhere a ship's prefix.
pub(super) fn is_house(word: &str) -> bool {
    const HOUSES: [&str; 34] = [
        "hospital",
        "hôpital",
        "krankenhaus",
        "klinikum",
        "universitätsklinikum",
        "klinik",
        "clinique",
        "clínica",
        "clinica",
        "ospedale",
        "ziekenhuis",
        "policlinico",
        "centro",
        "centre",
        "instituto",
        "institut",
        "istituto",
        "fundación",
        "fondation",
        "fondazione",
        "stiftung",
        "lycée",
        "collège",
        "colegio",
        "école",
        "escuela",
        "universidad",
        "université",
        "università",
        "laboratoire",
        "laboratoires",
        "laboratorios",
        "residencia",
        "résidence",
    ];
    const SHIPS: [&str; 6] = ["USS", "USNS", "HMS", "RMS", "HMCS", "MV"];
    word.starts_with(char::is_uppercase)
        && (SHIPS.contains(&word)
            || word.len() >= 6
                && HOUSES.iter().any(|house| word.chars().flat_map(char::to_lowercase).eq(house.chars())))
}

fn after_word(scan: &Scan<'_>, trimmed: &str) -> Lead {
    let word = word_before(trimmed, trimmed.len());
    let flags = scan.flags(word);
    if is_saint(word) || is_house(word) {
        return Lead { against_all: 45, ..Lead::NONE };
    }
    if matches!(
        word,
        "rue"
            | "avenue"
            | "place"
            | "calle"
            | "via"
            | "avenida"
            | "boulevard"
            | "piazza"
            | "plaza"
            | "ul"
            | "quai"
            | "allée"
    ) {
        return Lead { against_all: 40, ..Lead::NONE };
    }
    if matches!(word, "des" | "du" | "de" | "la" | "del" | "der" | "d'") {
        let street = word_before(trimmed, trimmed.len() - word.len());
        if scan.flags(street).any(WordFlags::STREET) {
            return Lead { against_all: 40, ..Lead::NONE };
        }
    }
    if flags.any(WordFlags::TITLE) {
        return Lead::of(40, Why::Title);
    }
    if flags.any(WordFlags::GREETING) {
        return Lead::of(20, Why::Greeting);
    }
    if flags.any(WordFlags::INTRO | WordFlags::LABEL) && !flags.any(WordFlags::PREPOSITION) {
        return Lead::of(18, Why::Context);
    }
    if matches!(word, "is" | "was" | "him" | "her" | "est" | "ist" | "es") {
        let verb = word_before(trimmed, trimmed.len() - word.len());
        if matches!(verb, "name" | "Name" | "nom" | "nombre" | "heißt") {
            return Lead::of(32, Why::Label);
        }
        if matches!(verb, "named" | "called" | "naming") {
            return Lead::of(24, Why::Context);
        }
    }
    if flags.any(WordFlags::STREET) && word.as_bytes().first().is_some_and(u8::is_ascii_uppercase) {
        return Lead { against_all: 40, ..Lead::NONE };
    }
    if matches!(word, "said" | "says" | "asked" | "and" | "told" | "me" | "und" | "et" | "y") {
        return Lead { points: 4, ..Lead::NONE };
    }
    if matches!(word, "for" | "at" | "by" | "with") {
        let verb = word_before(trimmed, trimmed.len() - word.len());
        if matches!(verb, "work" | "works" | "worked" | "working" | "employed" | "job" | "position") {
            return Lead { against_all: 30, place: true, ..Lead::NONE };
        }
    }
    let place = matches!(word, "in" | "at" | "from" | "near" | "to" | "around" | "nach" | "aus" | "à" | "en" | "of");
    if flags.any(WordFlags::PREPOSITION) {
        let points = if matches!(word, "by" | "von" | "par" | "por" | "im" | "am" | "met" | "meet") { 8 } else { 5 };
        return Lead { points, place, ..Lead::NONE };
    }
    let against_single = match word {
        "the" | "a" | "an" | "this" | "un" | "une" | "le" | "la" | "el" | "ein" | "eine" | "das" => 14,
        "of" | "de" | "du" => 12,
        _ => 0,
    };
    Lead { against_single, place, ..Lead::NONE }
}
/// The word that ends at `end`, empty when none does.
pub(in crate::names) fn word_before(text: &str, end: usize) -> &str {
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

/// Name particles written in lower case inside names, by the naming customs of Dutch, German, French, Spanish, Italian,
/// Portuguese and Arabic.
pub(in crate::names) fn is_particle(word: &str) -> bool {
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
