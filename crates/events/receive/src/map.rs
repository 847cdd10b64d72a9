//! A record in; what it means in the terms of OCSF 1.5 out, with the log sources of Sigma that it belongs to.
//!
//! What tells is data: content/detection/ocsf.toml and, for log sources, content/detection/logsources.toml. A pair of class
//! and activity that OCSF does not define never leaves here: what is not known is a base event (class 0, activity 99).

mod fields;
mod table;
mod template;
mod time;

use std::borrow::Cow;
use std::net::IpAddr;

use intake::Family;

use fields::Values;
pub use table::{Classes, MapError};
use table::{Spread, Table};
use template::Taken;

/// The longest name of an actor or host that is told, in bytes.
pub const NAME_BYTES_MAX: usize = 512;
/// The longest name of an object that is told, in bytes.
pub const OBJECT_BYTES_MAX: usize = 1_536;
/// The longest code or activity, in bytes.
pub const WORD_BYTES_MAX: usize = 64;
/// Log sources that are told of one record.
pub const LOGSOURCES_MAX: usize = 8;
/// `activity_id` of what a class has no number for.
const OTHER: u32 = 99;

/// What a record means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// `class_uid` of OCSF 1.5.
    pub class_uid: u32,
    /// `activity_id`, one of the class's.
    pub activity_id: u32,
    /// `activity_name`: the class's caption, or the product's own word where the class has no number for it.
    pub activity: Cow<'static, str>,
    /// Why it was not done, as the product's code; `None` when it was.
    pub failure: Option<String>,
    /// When it happened, in milliseconds since 1970, UTC.
    pub time_ms: Option<i64>,
    /// Who did it.
    pub actor: Option<String>,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// On which host.
    pub host: Option<String>,
    /// To what: a path or another name.
    pub object: Option<String>,
    /// Bytes that were moved.
    pub bytes: Option<u64>,
    /// Log sources as Sigma names them, `product/service/category` as far as each is there.
    pub logsources: Vec<String>,
}

impl Mapped {
    /// What is said of something that cannot be read.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            class_uid: 0,
            activity_id: OTHER,
            activity: Cow::Borrowed("Other"),
            failure: None,
            time_ms: None,
            actor: None,
            ip: None,
            host: None,
            object: None,
            bytes: None,
            logsources: Vec::new(),
        }
    }
}

/// Tells what records mean.
#[derive(Debug)]
pub struct Mapper {
    table: Table,
}

impl Mapper {
    /// With the tables that come with the program.
    ///
    /// # Errors
    /// Only if a file that was built in is broken, which a test excludes.
    pub fn shipped() -> Result<Self, MapError> {
        Ok(Self { table: Table::shipped()? })
    }

    /// The classes that are known.
    #[must_use]
    pub const fn classes(&self) -> &Classes {
        &self.table.classes
    }

    /// What a record of `family` means that came at `arrival_ms`.
    ///
    /// # Errors
    /// When it is no JSON object: says what is wrong.
    pub fn map(&self, family: Family, json: &[u8], arrival_ms: i64) -> Result<Mapped, String> {
        let value: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(json).map_err(|error| format!("not a JSON object: {error}"))?;
        let values = Values::of(&value, &self.table.names);
        let mut mapped = Mapped::unknown();
        if let Some(spread) = self.table.families.get(&family) {
            self.fill(spread, family, &values, arrival_ms, &mut mapped);
        }
        mapped.logsources = self.table.logsources(family, &values);
        Ok(mapped)
    }

    fn fill(&self, spread: &Spread, family: Family, values: &Values<'_>, arrival_ms: i64, mapped: &mut Mapped) {
        let found = spread.rules.iter().find_map(|rule| Some((rule, rule.fits(values)?)));
        let (rule, taken) = found.map_or((None, Taken::default()), |(rule, taken)| (Some(rule), taken));
        let parts = rule.map_or(&spread.parts, |rule| &rule.parts);
        let (class, activity) = match (family, rule) {
            (Family::Ocsf, _) => own(spread, values),
            (_, Some(rule)) => (rule.class, rule.activity(values)),
            (_, None) => (0, OTHER),
        };
        let (class, activity) = if self.table.classes.has(class, activity) { (class, activity) } else { (0, OTHER) };
        mapped.class_uid = class;
        mapped.activity_id = activity;
        let named = self.table.classes.name(class, activity).unwrap_or("Other");
        let word = (activity == OTHER).then(|| values.first(&spread.operation)).flatten().and_then(word);
        mapped.activity = Cow::Owned(word.unwrap_or(named).to_owned());
        if parts.has_failed(values) {
            let code = values.first(&parts.code).and_then(word_of);
            mapped.failure = Some(code.unwrap_or_else(|| "failed".to_owned()));
        }
        let given = |names: &[Vec<usize>], most: usize| values.joined(names).and_then(|text| name(&text, most));
        let taken_or = |taken: Option<&str>, names: &[Vec<usize>], most: usize| {
            taken.and_then(|text| name(text, most)).or_else(|| given(names, most))
        };
        mapped.actor = taken_or(taken.actor, &parts.actor, NAME_BYTES_MAX);
        mapped.host = taken_or(taken.host, &parts.host, NAME_BYTES_MAX);
        mapped.object = taken_or(taken.object, &parts.object, OBJECT_BYTES_MAX);
        mapped.ip = taken.ip.and_then(address).or_else(|| values.find(&parts.ip, address));
        mapped.bytes = taken
            .bytes
            .and_then(|text| text.parse().ok())
            .or_else(|| values.find(&parts.bytes, |text| text.parse().ok()));
        mapped.time_ms = values.find(&parts.time, |text| time::parse(text, arrival_ms));
    }
}

/// Class and activity that a record of OCSF itself says.
fn own(spread: &Spread, values: &Values<'_>) -> (u32, u32) {
    let number = |at: usize| values.get(at).and_then(|text| text.parse::<u32>().ok());
    let (Some(class), Some(activity)) = spread.own else { return (0, OTHER) };
    (number(class).unwrap_or(0), number(activity).unwrap_or(OTHER))
}

/// A word of a closed set as it stands; `None` when it is free text, which may hold anything.
fn word(text: &str) -> Option<&str> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/' | b' ');
    (!text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(is_word)).then_some(text)
}

fn word_of(text: &str) -> Option<String> {
    word(text).filter(|text| !text.contains(' ')).map(str::to_owned)
}

/// A name, cut to what an entry can hold; `None` for what products write instead of nothing.
fn name(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    (!matches!(text, "" | "-" | "?" | "(null)" | "N/A")).then(|| crate::frame::cut(text, most).to_owned())
}

/// An address, with or without a port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let found = text.parse::<IpAddr>().ok().or_else(|| {
        let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inside, _)| inside);
        let bare = bare.or_else(|| text.rsplit_once(':').map(|(address, _)| address));
        bare?.parse().ok()
    })?;
    Some(match found {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(found, IpAddr::V4),
        IpAddr::V4(_) => found,
    })
}
