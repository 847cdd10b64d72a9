//! The bytes of a feed in; indicators out, and a word about everything that was not taken.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::benign::Benign;
use crate::indicator::{Context, Indicator, Looks, Problem, Until};
use crate::lifetimes::Lifetimes;
use crate::{kev, list, misp, stix};

/// The largest feed, in bytes; a million lines have some 50 MB.
pub const BYTES_MAX: usize = 256 << 20;
/// The largest feed of JSON, in bytes: as a tree of values it takes some ten times as much memory. The largest published
/// bundles have 50 MB.
pub const JSON_BYTES_MAX: usize = 96 << 20;
/// Indicators of one feed.
pub const INDICATORS_MAX: usize = 2_000_000;
/// Problems that are told one by one; what goes beyond is counted by its reason.
const PROBLEMS_MAX: usize = 1000;

/// How a feed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A STIX 2.1 bundle, or the envelope of a TAXII 2.1 server.
    Stix,
    /// Events or attributes of MISP.
    Misp,
    /// The catalogue of known exploited vulnerabilities of CISA.
    Kev,
    /// One value a line, or a table.
    List,
}

/// What is read, for whom and when.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The name that the source goes by.
    pub source: &'a str,
    /// The time of import, in milliseconds since 1970.
    pub now_ms: i64,
    /// Take from plain lists what is private, reserved or in everyday use, too.
    pub allow_benign: bool,
}

/// What came of a feed.
#[derive(Debug)]
pub struct Parsed {
    /// How it is written.
    pub form: Form,
    /// What it holds.
    pub indicators: Vec<Indicator>,
    /// What was not taken, or taken otherwise than it stands.
    pub problems: Vec<Problem>,
}

/// Reads a feed; its form is told by its content. Nothing is left out without a word.
pub fn parse(bytes: &[u8], options: &Options<'_>) -> Parsed {
    let tables = Lifetimes::shipped().and_then(|lifetimes| Ok((lifetimes, Benign::shipped()?)));
    let (lifetimes, benign) = match tables {
        Ok(tables) => tables,
        Err(why) => return refused(why),
    };
    if bytes.len() > BYTES_MAX {
        return refused(format!("the feed has {} bytes, more than {BYTES_MAX}; import it in parts", bytes.len()));
    }
    let mut out = Out::new(options, &lifetimes, &benign);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    // A list may begin with `[` too, in a defanged or bracketed address: JSON goes on with a value, a bracket or nothing.
    let form = match first {
        Some(b'{') => json(bytes, &mut out),
        Some(b'[') if begins_array(bytes) => json(bytes, &mut out),
        _ => {
            list::read(bytes, &mut out);
            Form::List
        }
    };
    out.finish(form)
}

fn begins_array(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).skip(1);
    matches!(rest.next(), Some(b'{' | b'[' | b'"' | b']') | None)
}

/// Reads objects of STIX that were received already, such as those of a TAXII server.
pub fn parse_stix(envelope: &Value, options: &Options<'_>) -> Parsed {
    match Lifetimes::shipped().and_then(|lifetimes| Ok((lifetimes, Benign::shipped()?))) {
        Err(why) => refused(why),
        Ok((lifetimes, benign)) => {
            let mut out = Out::new(options, &lifetimes, &benign);
            stix::read(envelope, &mut out);
            out.finish(Form::Stix)
        }
    }
}

fn json(bytes: &[u8], out: &mut Out<'_>) -> Form {
    if bytes.len() > JSON_BYTES_MAX {
        let why = format!("the feed is JSON of {} bytes, more than {JSON_BYTES_MAX}; import it in parts", bytes.len());
        out.problem("the feed", why);
        return Form::Stix;
    }
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            out.problem("the feed", format!("it begins as JSON but is none: {error}; is it cut off?"));
            return Form::Stix;
        }
    };
    let is_list_of = |key: &str| value.get(key).is_some_and(Value::is_array);
    if is_list_of("vulnerabilities") {
        kev::read(&value, out);
        return Form::Kev;
    }
    let is_stix = value.get("type").and_then(Value::as_str) == Some("bundle")
        || is_list_of("objects")
        || value.get("spec_version").is_some()
        || value.as_array().is_some_and(|items| items.iter().any(|item| item.get("spec_version").is_some()));
    if is_stix {
        stix::read(&value, out);
        return Form::Stix;
    }
    if misp::is_misp(&value) {
        misp::read(&value, out);
        return Form::Misp;
    }
    if let Some(items) = value.as_array()
        && items.iter().all(Value::is_string)
    {
        for (at, item) in items.iter().enumerate() {
            list::value(item.as_str().unwrap_or_default(), &format!("item {}", at + 1), out);
        }
        return Form::List;
    }
    out.problem(
        "the feed",
        "it is JSON, but neither a STIX bundle nor a MISP event nor the KEV catalogue nor a list of texts".to_owned(),
    );
    Form::Stix
}

fn refused(why: String) -> Parsed {
    let problem = Problem { place: "the feed".to_owned(), why, left_out: true };
    Parsed { form: Form::List, indicators: Vec::new(), problems: vec![problem] }
}

/// An indicator on its way out.
pub(crate) struct Draft {
    pub id: String,
    pub looks: Looks,
    /// When the source says it began to hold.
    pub since_ms: Option<i64>,
    /// When the source says it ends.
    pub until_ms: Option<i64>,
    /// When the source named it last; the time of import unless it says so.
    pub named_ms: Option<i64>,
    pub revoked: bool,
    pub confidence: Option<u8>,
    pub context: Context,
}

impl Draft {
    pub(crate) fn new(id: String, looks: Looks) -> Self {
        Self {
            id,
            looks,
            since_ms: None,
            until_ms: None,
            named_ms: None,
            revoked: false,
            confidence: None,
            context: Context::default(),
        }
    }
}

/// Takes what the readers find.
pub(crate) struct Out<'a> {
    pub options: &'a Options<'a>,
    pub benign: &'a Benign,
    lifetimes: &'a Lifetimes,
    indicators: Vec<Indicator>,
    problems: Vec<Problem>,
    /// Problems beyond those that are told one by one: how many of each reason.
    more: u64,
    /// What is left out for one reason again and again: the reason, the first place, how many.
    counted: BTreeMap<&'static str, (String, u64)>,
    too_many: u64,
}

impl<'a> Out<'a> {
    pub(crate) fn new(options: &'a Options<'a>, lifetimes: &'a Lifetimes, benign: &'a Benign) -> Self {
        Self {
            options,
            benign,
            lifetimes,
            indicators: Vec::new(),
            problems: Vec::new(),
            more: 0,
            counted: BTreeMap::new(),
            too_many: 0,
        }
    }

    /// Something that was left out.
    pub(crate) fn problem(&mut self, place: &str, why: String) {
        self.tell(place, why, true);
    }

    /// Something that was taken, and should be known.
    pub(crate) fn warn(&mut self, place: &str, why: String) {
        self.tell(place, why, false);
    }

    fn tell(&mut self, place: &str, why: String, left_out: bool) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { place: place.to_owned(), why, left_out });
        } else {
            self.more += 1;
        }
    }

    /// Something that was left out for a reason that feeds give many times by design; told once with its count.
    pub(crate) fn count(&mut self, place: &str, why: &'static str) {
        self.counted.entry(why).or_insert_with(|| (place.to_owned(), 0)).1 += 1;
    }

    pub(crate) fn add(&mut self, draft: Draft) {
        if self.indicators.len() >= INDICATORS_MAX {
            self.too_many += 1;
            return;
        }
        let Draft { id, looks, since_ms, until_ms, named_ms, revoked, confidence, context } = draft;
        let now_ms = self.options.now_ms;
        let (until_ms, until) = match until_ms {
            Some(until_ms) => (Some(until_ms), Until::Stated),
            None => self.lifetimes.end(&looks, named_ms.or(since_ms).unwrap_or(now_ms)),
        };
        let context = (context != Context::default()).then(|| Box::new(context));
        self.indicators.push(Indicator {
            source: self.options.source.to_owned(),
            id,
            looks,
            since_ms: since_ms.unwrap_or(now_ms),
            since_stated: since_ms.is_some(),
            until_ms,
            until,
            revoked,
            confidence,
            context,
        });
    }

    fn finish(mut self, form: Form) -> Parsed {
        for (why, (place, count)) in std::mem::take(&mut self.counted) {
            let times = if count == 1 { String::new() } else { format!(" (and {} more)", count - 1) };
            self.problems.push(Problem { place, why: format!("{why}{times}"), left_out: true });
        }
        if self.more > 0 {
            let why = format!("{} more problems like those above; mend them first", self.more);
            self.problems.push(Problem { place: "the feed".to_owned(), why, left_out: true });
        }
        if self.too_many > 0 {
            let why = format!(
                "{} indicators beyond the first {INDICATORS_MAX} were left out; import the feed in parts",
                self.too_many
            );
            self.problems.push(Problem { place: "the feed".to_owned(), why, left_out: true });
        }
        Parsed { form, indicators: self.indicators, problems: self.problems }
    }
}
