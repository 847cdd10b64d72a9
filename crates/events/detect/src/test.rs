//! What a rule asks of one value, and the modifiers that say so.

use crate::pattern::Pattern;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_automata::meta::Regex;
use std::net::IpAddr;

/// A test of the values of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// A value fits the pattern.
    Text(Pattern),
    /// The expression is found in a value.
    Regex(Expression),
    /// A value is an address in this network.
    Cidr(Network),
    /// A value is a number that compares so.
    Compare(Order, Number),
    /// The field is missing or has no value.
    Null,
    /// The field is there, or is not.
    Exists(bool),
    /// A value of this field stands so to one of another field.
    FieldRef(Place, String),
    /// A part of a time stamp is this number.
    TimePart(TimePart, i64),
    /// Never true: a placeholder without values.
    Never,
}

/// A regular expression; told from others by its text, with the flags in front.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    regex: Regex,
}

/// A network in CIDR notation (RFC 4632, RFC 4291).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// How a number compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

/// A number of a rule, by its bits, so that tests can be told apart and put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(u64);

/// Where one text stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// They are equal.
    Equal,
    /// It begins with it.
    Start,
    /// It ends with it.
    End,
    /// It holds it.
    Within,
}

/// A part of a time stamp, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimePart {
    /// Minute of the hour.
    Minute,
    /// Hour of the day.
    Hour,
    /// Day of the month.
    Day,
    /// Week of the year (ISO 8601).
    Week,
    /// Month of the year.
    Month,
    /// Year.
    Year,
}

impl Expression {
    /// Limit of the compiled form, in bytes.
    const SIZE_MAX: usize = 10 << 20;

    /// Compiles it. Matching is linear in the length of the value (finite automata, no back-tracking).
    ///
    /// # Errors
    /// Says what the engine does not take.
    pub fn new(text: String) -> Result<Self, String> {
        let regex = Regex::builder()
            .configure(
                Regex::config()
                    .nfa_size_limit(Some(Self::SIZE_MAX))
                    .hybrid_cache_capacity(1 << 20)
                    .onepass(false)
                    .dfa(false),
            )
            .syntax(regex_automata::util::syntax::Config::new().nest_limit(100))
            .build(&text)
            .map_err(|error| {
                let told = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                let why = told.lines().last().unwrap_or_default().trim();
                format!("regular expression `{}` is not taken: {why}", text.escape_debug())
            })?;
        Ok(Self { text, regex })
    }

    /// What searches for it; copies of it share their memory.
    pub fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl std::hash::Hash for Expression {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Expression {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Expression {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl Network {
    /// Parses `address/bits` or a single address.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{}` is not a network in CIDR notation: {why}", text.escape_debug());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|error| wrong(&format!("{error}")))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse::<u8>()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(|| wrong(&format!("the prefix is not a number up to {most}")))?,
        };
        Ok(Self { address, bits })
    }

    /// Whether a text is an address in it; an IPv4 address written in IPv6 counts as IPv4.
    pub fn holds(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_bits(u128::from(network.to_bits()) << 96, u128::from(address.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => same_bits(network.to_bits(), address.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn same_bits(a: u128, b: u128, bits: u8) -> bool {
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}

impl Number {
    /// From a number.
    pub fn new(number: f64) -> Self {
        Self(number.to_bits())
    }

    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Order {
    /// Whether a value's text is a number that stands so to `number`.
    pub fn holds(self, text: &str, number: Number) -> bool {
        let Ok(value) = text.trim().parse::<f64>() else { return false };
        match self {
            Self::Less => value < number.value(),
            Self::LessOrEqual => value <= number.value(),
            Self::Greater => value > number.value(),
            Self::GreaterOrEqual => value >= number.value(),
        }
    }
}

impl TimePart {
    /// The part of a text that is a time stamp: RFC 3339, or with a space for the `T`, with UTC where no offset stands.
    pub fn of(self, text: &str) -> Option<i64> {
        let text = text.trim();
        let time = text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|stamp| stamp.to_zoned(jiff::tz::TimeZone::UTC).datetime())
            .or_else(|| text.parse::<jiff::civil::DateTime>().ok())?;
        Some(match self {
            Self::Minute => i64::from(time.minute()),
            Self::Hour => i64::from(time.hour()),
            Self::Day => i64::from(time.day()),
            Self::Week => i64::from(time.date().iso_week_date().week()),
            Self::Month => i64::from(time.month()),
            Self::Year => i64::from(time.year()),
        })
    }
}

/// A value as a rule writes it.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    /// No value.
    Null,
    /// Text, number or boolean.
    Text(String),
}

/// Values for the placeholders (`%name%`) of rules.
pub type Placeholders = std::collections::BTreeMap<String, Vec<String>>;

/// The modifiers of one key of a rule.
#[derive(Debug, Default)]
struct Modifiers {
    all: bool,
    negated: bool,
    cased: bool,
    place: Option<Place>,
    special: Option<Special>,
    flags: String,
    /// Those that change the text, in their order.
    changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    Regex,
    Cidr,
    Exists,
    FieldRef,
    Compare(Order),
    Time(TimePart),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Base64,
    Base64Offset,
    Utf16Le,
    Utf16Be,
    Utf16,
    Windash,
    Expand,
}

/// The tests that one key of a rule stands for.
#[derive(Debug)]
pub(crate) struct Tests {
    /// One for each value.
    pub each: Vec<Vec<Test>>,
    /// Every value must match, not just one.
    pub all: bool,
    /// What matches must not.
    pub negated: bool,
    /// What should be known of it, such as a placeholder without values.
    pub warnings: Vec<String>,
}

/// Reads a key's modifiers and applies them to its values.
pub(crate) fn tests(
    modifiers: &[&str],
    values: &[Written],
    keyword: bool,
    placeholders: &Placeholders,
) -> Result<Tests, String> {
    let modifiers = parse(modifiers)?;
    let mut told = Tests { each: Vec::new(), all: modifiers.all, negated: modifiers.negated, warnings: Vec::new() };
    for value in values {
        let text = match (value, modifiers.special) {
            (Written::Null, None) if modifiers.changes.is_empty() && modifiers.place.is_none() => {
                told.each.push(vec![Test::Null]);
                continue;
            }
            (Written::Null, _) => return Err("a modifier needs a value; `null` stands alone".to_owned()),
            (Written::Text(text), _) => text,
        };
        let found = match modifiers.special {
            Some(special) => vec![modifiers.special(special, text)?],
            None => modifiers.texts(text, keyword, placeholders, &mut told.warnings)?,
        };
        told.each.push(found);
    }
    Ok(told)
}

fn parse(words: &[&str]) -> Result<Modifiers, String> {
    let mut modifiers = Modifiers::default();
    let mut regex_flags = false;
    for word in words {
        let special = match *word {
            "all" => {
                modifiers.all = true;
                continue;
            }
            "neq" => {
                modifiers.negated = true;
                continue;
            }
            "cased" => {
                modifiers.cased = true;
                continue;
            }
            "contains" => {
                modifiers.place = Some(Place::Within);
                continue;
            }
            "startswith" => {
                modifiers.place = Some(Place::Start);
                continue;
            }
            "endswith" => {
                modifiers.place = Some(Place::End);
                continue;
            }
            "base64" => {
                modifiers.changes.push(Change::Base64);
                continue;
            }
            "base64offset" => {
                modifiers.changes.push(Change::Base64Offset);
                continue;
            }
            "utf16le" | "wide" => {
                modifiers.changes.push(Change::Utf16Le);
                continue;
            }
            "utf16be" => {
                modifiers.changes.push(Change::Utf16Be);
                continue;
            }
            "utf16" => {
                modifiers.changes.push(Change::Utf16);
                continue;
            }
            "windash" => {
                modifiers.changes.push(Change::Windash);
                continue;
            }
            "expand" => {
                modifiers.changes.push(Change::Expand);
                continue;
            }
            "i" | "ignorecase" | "m" | "multiline" | "s" | "dotall" if modifiers.special == Some(Special::Regex) => {
                regex_flags = true;
                modifiers.flags.push(match word.as_bytes().first() {
                    Some(b'i') => 'i',
                    Some(b'm') => 'm',
                    _ => 's',
                });
                continue;
            }
            "re" => Special::Regex,
            "cidr" => Special::Cidr,
            "exists" => Special::Exists,
            "fieldref" => Special::FieldRef,
            "lt" => Special::Compare(Order::Less),
            "lte" => Special::Compare(Order::LessOrEqual),
            "gt" => Special::Compare(Order::Greater),
            "gte" => Special::Compare(Order::GreaterOrEqual),
            "minute" => Special::Time(TimePart::Minute),
            "hour" => Special::Time(TimePart::Hour),
            "day" => Special::Time(TimePart::Day),
            "week" => Special::Time(TimePart::Week),
            "month" => Special::Time(TimePart::Month),
            "year" => Special::Time(TimePart::Year),
            other => return Err(format!("modifier `{}` is not one of Sigma 2.1", other.escape_debug())),
        };
        if modifiers.special.is_some() {
            return Err(format!("modifier `{word}` cannot stand with another that says how to compare"));
        }
        modifiers.special = Some(special);
    }
    let special = modifiers.special;
    if special.is_some() && !modifiers.changes.is_empty() {
        return Err("encodings, `windash` and `expand` change text and cannot stand with `re`, `cidr`, `exists`, `fieldref`, numbers or times".to_owned());
    }
    if modifiers.place.is_some() && special.is_some_and(|special| special != Special::FieldRef) {
        return Err(
            "`contains`, `startswith` and `endswith` cannot stand with `re`, `cidr`, `exists`, numbers or times"
                .to_owned(),
        );
    }
    if regex_flags && special != Some(Special::Regex) {
        return Err("`i`, `m` and `s` stand after `re`".to_owned());
    }
    Ok(modifiers)
}

impl Modifiers {
    fn special(&self, special: Special, text: &str) -> Result<Test, String> {
        let number = || {
            text.trim().parse::<f64>().map_err(|error| format!("`{}` is not a number: {error}", text.escape_debug()))
        };
        Ok(match special {
            Special::Regex => {
                let flags = if self.flags.is_empty() { String::new() } else { format!("(?{})", self.flags) };
                Test::Regex(Expression::new(flags + text)?)
            }
            Special::Cidr => Test::Cidr(Network::parse(text)?),
            Special::Exists => match text {
                "true" | "True" | "yes" => Test::Exists(true),
                "false" | "False" | "no" => Test::Exists(false),
                _ => return Err(format!("`exists` takes `true` or `false`, not `{}`", text.escape_debug())),
            },
            Special::FieldRef => Test::FieldRef(self.place.unwrap_or(Place::Equal), text.to_owned()),
            Special::Compare(order) => Test::Compare(order, Number::new(number()?)),
            Special::Time(part) => Test::TimePart(
                part,
                text.trim()
                    .parse()
                    .map_err(|error| format!("`{}` is not a whole number: {error}", text.escape_debug()))?,
            ),
        })
    }

    /// The tests of a text: more than one where an encoding or placeholder has several forms.
    fn texts(
        &self,
        text: &str,
        keyword: bool,
        placeholders: &Placeholders,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Test>, String> {
        let mut forms = vec![text.to_owned()];
        let mut encoded: Option<Vec<Vec<u8>>> = None;
        for change in &self.changes {
            match change {
                Change::Windash => forms = forms.iter().flat_map(|form| dashes(form)).collect(),
                Change::Expand => {
                    forms = forms.iter().map(|form| expand(form, placeholders, warnings)).collect::<Vec<_>>().concat()
                }
                change => {
                    let bytes = match encoded.take() {
                        Some(bytes) => bytes,
                        None => forms.iter().map(|form| plain_bytes(form)).collect::<Result<_, _>>()?,
                    };
                    encoded = Some(bytes.iter().flat_map(|bytes| encode(*change, bytes)).collect());
                }
            }
        }
        if forms.is_empty() {
            return Ok(vec![Test::Never]);
        }
        let patterns: Vec<Pattern> = match encoded {
            None => forms.iter().map(|form| Pattern::parse(form)).collect(),
            Some(all) => all
                .into_iter()
                .map(|bytes| {
                    String::from_utf8(bytes).map(|text| Pattern::literal(&text)).map_err(|error| {
                        format!("the encoded value is not text ({error}); add `base64` or `base64offset`")
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(patterns
            .into_iter()
            .map(|pattern| {
                let placed = match (self.place, keyword) {
                    (None, false) => pattern,
                    (Some(Place::Start), _) => pattern.anything_after(),
                    (Some(Place::End), _) => pattern.anything_before(),
                    (_, true) | (Some(_), false) => pattern.anything_before().anything_after(),
                };
                Test::Text(if self.cased { placed } else { placed.folded() })
            })
            .collect())
    }
}

/// The bytes of a text that must hold no wildcard.
fn plain_bytes(text: &str) -> Result<Vec<u8>, String> {
    Pattern::parse(text)
        .plain()
        .map(|text| text.as_bytes().to_vec())
        .ok_or_else(|| format!("`{}` holds a wildcard, which cannot be encoded; escape it", text.escape_debug()))
}

fn encode(change: Change, bytes: &[u8]) -> Vec<Vec<u8>> {
    let units = || String::from_utf8_lossy(bytes).encode_utf16().collect::<Vec<u16>>();
    match change {
        Change::Utf16Le => vec![units().into_iter().flat_map(u16::to_le_bytes).collect()],
        Change::Utf16Be => vec![units().into_iter().flat_map(u16::to_be_bytes).collect()],
        Change::Utf16 => vec![[0xff, 0xfe].into_iter().chain(units().into_iter().flat_map(u16::to_le_bytes)).collect()],
        Change::Base64 => vec![STANDARD.encode(bytes).into_bytes()],
        // The three ways a text may lie in base64, less the characters at both ends that other bytes share.
        Change::Base64Offset => (0..3usize)
            .map(|offset| {
                let mut shifted = vec![b' '; offset];
                shifted.extend_from_slice(bytes);
                let text = STANDARD.encode(&shifted).into_bytes();
                let start = [0, 2, 3].get(offset).copied().unwrap_or(0);
                let end = text.len() - [0, 3, 2].get(shifted.len() % 3).copied().unwrap_or(0);
                text.get(start..end).unwrap_or_default().to_vec()
            })
            .collect(),
        Change::Windash | Change::Expand => vec![bytes.to_vec()],
    }
}

/// The dashes that Windows programs take for one another: hyphen, slash, en dash, em dash, horizontal bar.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// The text with the dashes of its options exchanged, itself among the results.
fn dashes(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let is_option = |at: usize| {
        matches!(chars.get(at), Some('-' | '/'))
            && word(chars.get(at + 1))
            && !at.checked_sub(1).is_some_and(|before| word(chars.get(before)))
    };
    let places: Vec<usize> = (0..chars.len()).filter(|at| is_option(*at)).collect();
    let mut forms = vec![text.to_owned()];
    for dash in DASHES {
        let form: String =
            chars.iter().enumerate().map(|(at, c)| if places.contains(&at) { dash } else { *c }).collect();
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// The text with every `%name%` replaced by each of its values; empty where one has none.
fn expand(text: &str, placeholders: &Placeholders, warnings: &mut Vec<String>) -> Vec<String> {
    let Some((before, rest)) = text.split_once('%') else { return vec![text.to_owned()] };
    let Some((name, after)) = rest.split_once('%') else { return vec![text.to_owned()] };
    let Some(values) = placeholders.get(name) else {
        warnings.push(format!(
            "placeholder `%{}%` has no values, so it matches nothing; give it some with `--placeholders`",
            name.escape_debug()
        ));
        return Vec::new();
    };
    let tails = expand(after, placeholders, warnings);
    values.iter().flat_map(|value| tails.iter().map(move |tail| format!("{before}{value}{tail}"))).collect()
}
