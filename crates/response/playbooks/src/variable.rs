//! Variables of CACAO (section 10.18): what they may hold, and how texts name them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extension::{self, Binding};
use crate::fault::{Log, shown};
use crate::limits::{VALUE_BYTES_MAX, VARIABLES_MAX};
use crate::node::Node;

/// What a variable holds now; `None` where it is not known. A dictionary is kept as its JSON.
pub type Held = Option<String>;

/// What kind of values a variable takes (`variable-type-ov`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A JSON object.
    Dictionary,
    /// A number.
    Float,
    /// Hexadecimal digits.
    Hex,
    /// A whole number; `long` too.
    Whole,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A MAC address.
    Mac,
    /// A digest of this many hexadecimal digits; 0 where that is open.
    Digest(u8),
    /// Any text.
    Text,
    /// An address on the web.
    Uri,
    /// A UUID.
    Uuid,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "dictionary" => Self::Dictionary,
            "float" => Self::Float,
            "hexstring" => Self::Hex,
            "integer" | "long" => Self::Whole,
            "ipv4-addr" => Self::Ipv4,
            "ipv6-addr" => Self::Ipv6,
            "mac-addr" => Self::Mac,
            "hash" => Self::Digest(0),
            "md5-hash" => Self::Digest(32),
            "sha256-hash" => Self::Digest(64),
            "string" => Self::Text,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// What to write, where a value is wrong.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bool => "`true` or `false`",
            Self::Dictionary => "a JSON object",
            Self::Float => "a number",
            Self::Hex => "hexadecimal digits",
            Self::Whole => "a whole number",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Mac => "a MAC address with colons",
            Self::Digest(_) => "a digest in hexadecimal digits",
            Self::Text => "a text",
            Self::Uri => "an address with its scheme",
            Self::Uuid => "a UUID",
        }
    }

    fn holds(&self, value: &str) -> bool {
        let is_hex = || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Bool => matches!(value, "true" | "false"),
            Self::Dictionary => serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object()),
            Self::Float => value.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Hex => is_hex(),
            Self::Whole => value.parse::<i64>().is_ok(),
            Self::Ipv4 => value.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => value.parse::<Ipv6Addr>().is_ok(),
            Self::Mac => {
                let is_part = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
                value.split(':').count() == 6 && value.split(':').all(is_part)
            }
            Self::Digest(digits) => is_hex() && (*digits == 0 || value.len() == usize::from(*digits)),
            Self::Text => true,
            Self::Uri => value.split_once(':').is_some_and(|(scheme, rest)| {
                let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.chars().all(is_scheme)
                    && !rest.is_empty()
            }),
            Self::Uuid => crate::id::is_uuid(value),
        }
    }
}

/// A variable as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// What it takes.
    pub kind: Kind,
    /// What it is for.
    pub about: String,
    /// What it holds at first.
    pub value: Held,
    /// Whether that never changes.
    pub is_constant: bool,
    /// Whether whoever starts the playbook gives its first value.
    pub is_external: bool,
    /// The only values it takes, where Lazaret's extension lists them.
    pub choices: Vec<String>,
    /// The fact of an incident that it is, where Lazaret's extension names one.
    pub fact: Option<Binding>,
}

impl Variable {
    /// Whether it may hold this; else what to write instead.
    ///
    /// # Errors
    /// A message for whoever gave the value.
    pub fn check(&self, name: &str, value: &str) -> Result<(), String> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("the value of `{name}` has {} bytes; write at most {VALUE_BYTES_MAX}", value.len()));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            let choices = self.choices.join("`, `");
            return Err(format!("`{name}` cannot be `{}`; write one of `{choices}`", shown(value)));
        }
        if !self.kind.holds(value) {
            return Err(format!("`{name}` cannot be `{}`; write {}", shown(value), self.kind.hint()));
        }
        Ok(())
    }

    /// Whether whoever starts the playbook has to give a value.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.is_external && self.value.as_deref().is_none_or(str::is_empty)
    }
}

/// Whether a name is written as CACAO wants it: `__like_this__`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")).is_some_and(|inner| {
        inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && inner.len() <= 200
            && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    })
}

/// A name without its underscores, as people read it.
#[must_use]
pub fn plain(name: &str) -> &str {
    name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")).unwrap_or(name)
}

const KNOWN: &[&str] = &["type", "description", "value", "constant", "external"];

/// Reads declarations; `choices` and `facts` come from Lazaret's extension of the same object.
pub(crate) fn read(node: &Node<'_>, key: &str, extensions: &str, log: &mut Log) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    let Some(map) = node.map(key, log) else { return variables };
    if map.len() > VARIABLES_MAX {
        let why = format!("`{key}` has {} variables, more than {VARIABLES_MAX}", map.len());
        log.fault(node.place, why, "split the playbook and call its parts");
        return variables;
    }
    let mut choices = extension::choices(node, extensions, log);
    let mut facts = extension::facts(node, extensions, log);
    for (name, value) in map {
        let place = format!("{}, variable `{}`", node.place, shown(name));
        if !is_name(name) {
            log.fault(&place, "its name is not of the form", "write `__name__` with letters, digits, `_` and `-`");
        }
        let Some(inner) = Node::of(value, &place, log) else { continue };
        inner.unknown(&[KNOWN], log);
        let written = inner.need_text("type", log);
        let kind = Kind::of(&written).unwrap_or_else(|| {
            log.depart(&place, format!("its type `{}` is taken as text", shown(&written)));
            Kind::Text
        });
        let held = match inner.value("value") {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Object(object)) => Some(Value::Object(object.clone()).to_string()),
            Some(other) => {
                log.depart(&place, "its value should stand between quotation marks");
                Some(other.to_string())
            }
        };
        let variable = Variable {
            kind,
            about: inner.text("description", log).unwrap_or_default(),
            value: held,
            is_constant: inner.flag("constant", log),
            is_external: inner.flag("external", log),
            choices: choices.remove(name).unwrap_or_default(),
            fact: facts.remove(name),
        };
        if variable.is_constant && variable.fact.is_some() {
            log.fault(&place, "it never changes, and cannot be a fact", "take its fact away, or `constant`");
        }
        for word in variable.fact.iter().flat_map(|fact| fact.values.keys()) {
            if let Err(why) = variable.check(name, word) {
                log.fault(&place, format!("what `values` lists of its fact: {why}"), "correct `values`");
            }
        }
        if let Some(value) = variable.value.as_deref().filter(|value| !value.is_empty())
            && let Err(why) = variable.check(name, value)
        {
            log.fault(&place, why, "correct its value or its type");
        }
        variables.insert(name.clone(), variable);
    }
    for (what, name) in choices.keys().map(|name| ("choices", name)).chain(facts.keys().map(|name| ("facts", name))) {
        log.fault(node.place, format!("{what} are listed for `{}`, which is not declared", shown(name)), "declare it");
    }
    variables
}

/// A text in pieces: as it stands, and names of variables that are used by `__name__:value`.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = first(rest) {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Variable(name));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn first(text: &str) -> Option<(&str, &str, &str)> {
    for (end, _) in text.match_indices("__:value") {
        let head = text.get(..end)?;
        let from = head
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .map_or(0, |at| at + head.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        // The name begins at the last `__` before a letter that leaves something between both pairs.
        let Some(at) = head.get(from..)?.find("__").map(|at| from + at) else { continue };
        let name = text.get(at..end + 2)?;
        if is_name(name) {
            return Some((text.get(..at)?, name, text.get(end + "__:value".len()..)?));
        }
    }
    None
}

/// Puts values in the place of names; a variable without a value leaves nothing.
pub(crate) fn filled(text: &str, value_of: &dyn Fn(&str) -> Held) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Variable(name) => out.push_str(&value_of(name).unwrap_or_default()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_text_are_found() {
        let text = "open __a__:value, x__b_c__:value and __:value; ü__d-1__:value.";
        let names: Vec<_> =
            pieces(text).into_iter().filter_map(|p| if let Piece::Variable(n) = p { Some(n) } else { None }).collect();
        assert_eq!(names, ["__a__", "__b_c__", "__d-1__"]);
        assert_eq!(filled("a __x__:value b", &|_| Some("1".into())), "a 1 b");
        assert_eq!(filled("a __x__:value b", &|_| None), "a  b");
    }

    #[test]
    fn what_kinds_hold() {
        for (kind, good, bad) in [
            ("bool", "true", "yes"),
            ("dictionary", "{}", "[]"),
            ("float", "1.5", "NaN"),
            ("hexstring", "0aF", "0x"),
            ("long", "-3", "3.0"),
            ("ipv4-addr", "10.0.0.1", "10.0.0.256"),
            ("ipv6-addr", "::1", "1"),
            ("mac-addr", "00:11:22:aa:bb:cc", "00:11"),
            ("md5-hash", "d41d8cd98f00b204e9800998ecf8427e", "d41d"),
            ("uri", "https://example.org/a", "example"),
            ("uuid", "9fcc5c3b-0b70-4d73-b01c-1d2c3b4d5e6f", "9fcc"),
        ] {
            let kind = Kind::of(kind).unwrap();
            assert!(kind.holds(good) && !kind.holds(bad), "{kind:?}");
        }
    }
}
