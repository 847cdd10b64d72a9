//! The slow and obvious way to find indicators in an event, to hold the fast one to.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::indicator::{Atom, Expression, Indicator, Kind};
use crate::matcher::{has_scheme, holds, texts};
use crate::normal;

/// Everything of one event that has the shape of something, as pairs of a kind and the text.
#[derive(Debug, Default)]
struct Shapes(BTreeSet<(Kind, String)>);

/// The places among `indicators` of those that an event holds; their times play no part.
pub fn find(indicators: &[Indicator], event: &[u8]) -> Vec<usize> {
    let Ok(value) = serde_json::from_slice::<Value>(event) else { return Vec::new() };
    let mut shapes = Shapes::default();
    shapes.walk(&value);
    let there = |indicator: &Indicator| {
        indicator.expression().is_some_and(|expression: &Expression| holds(expression, &|atom| shapes.hold(atom)))
    };
    indicators.iter().enumerate().filter(|(_, indicator)| there(indicator)).map(|(at, _)| at).collect()
}

impl Shapes {
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(_, member)| self.walk(member)),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::String(text) => self.text(text),
            _ => {}
        }
    }

    fn put(&mut self, kind: Kind, text: &str) {
        self.0.insert((kind, text.to_owned()));
    }

    fn text(&mut self, text: &str) {
        let base = text.rsplit(['/', '\\']).next().unwrap_or_default();
        self.put(Kind::FileName, base.trim_matches(|c: char| c.is_ascii_whitespace()));
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
        for word in text.split(|c| !is_word(c)).filter(|word| !word.is_empty()) {
            let inner = word.trim_matches(['.', '-', '_']);
            for run in word.split(|c: char| !c.is_ascii_alphanumeric()) {
                self.put(Kind::Hash, run);
            }
            self.put(Kind::Vulnerability, inner);
            if word.contains('.') {
                self.put(Kind::FileName, word);
                self.put(Kind::FileName, inner);
            }
            if inner.contains('.') {
                self.put(Kind::Domain, inner);
                if inner.parse::<Ipv4Addr>().is_ok() {
                    self.put(Kind::Ip, inner);
                }
            }
        }
        self.sixes(text);
        self.emails(text);
        self.urls(text);
    }

    fn sixes(&mut self, text: &str) {
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        let mut before: Option<char> = None;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            if run.is_empty() {
                before = Some(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
            let mut address = run.trim_end_matches('.');
            let is_sentence = address.starts_with(':') && !address.starts_with("::");
            let is_cut = !is_sentence && before.is_some_and(|c| c.is_ascii_alphanumeric());
            address = address.strip_prefix(':').filter(|_| is_sentence).unwrap_or(address);
            if !address.ends_with("::") {
                address = address.strip_suffix(':').unwrap_or(address);
            }
            let is_followed = behind.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
            if run.contains(':') && !is_cut && !is_followed && address.parse::<Ipv6Addr>().is_ok() {
                self.put(Kind::Ip, address);
            }
            before = run.chars().next_back();
            rest = behind;
        }
    }

    fn emails(&mut self, text: &str) {
        let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '=' | '\'');
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
        for (at, _) in text.match_indices('@') {
            let (before, after) = (&text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            let local = before.rsplit(|c| !is_local(c)).next().unwrap_or_default();
            let host = after.split(|c| !is_word(c)).next().unwrap_or_default();
            // No name is longer.
            if local.len() > 64 || host.len() > 255 {
                continue;
            }
            let local = local.trim_start_matches(['.', '-', '\'', '=']);
            let host = host.trim_end_matches(['.', '-', '_']);
            if !local.is_empty() && !host.is_empty() {
                self.put(Kind::Email, &format!("{local}@{host}"));
            }
        }
    }

    /// Web addresses, as they stand there: with a scheme, or a host with a path behind it.
    fn urls(&mut self, text: &str) {
        let is_url = |c: char| !c.is_ascii() || normal::is_url(c as u8);
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
        let run = |from: usize| {
            let rest = text.get(from..).unwrap_or_default();
            let end = rest.find(|c| !is_url(c)).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', ']'])
        };
        for (at, _) in text.match_indices("://") {
            let before = text.get(..at).unwrap_or_default();
            let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            if (1..=16).contains(&scheme.len()) {
                self.put(Kind::Url, run(at - scheme.len()));
            }
        }
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(is_word)) {
            let start = at + found;
            let rest = text.get(start..).unwrap_or_default();
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            at = start + length;
            let (word, behind) = rest.split_at(length);
            let digits = behind
                .strip_prefix(':')
                .map_or(0, |port| 1 + port.bytes().take(5).take_while(u8::is_ascii_digit).count());
            let is_path = digits != 1 && behind.get(digits..).is_some_and(|path| path.starts_with('/'));
            let is_inside = text.get(..start).is_some_and(|before| before.ends_with(['/', '@', ':', '\\']));
            if word.contains('.') && is_path && !is_inside {
                let lead = word.len() - word.trim_start_matches(['.', '-', '_']).len();
                self.put(Kind::Url, run(start + if lead == word.len() { 0 } else { lead }));
            }
        }
    }

    fn hold(&self, atom: &Atom) -> bool {
        self.0.iter().filter(|(kind, _)| *kind == atom.kind()).any(|(_, text)| is_same(atom, text))
    }
}

fn is_same(atom: &Atom, text: &str) -> bool {
    match atom {
        Atom::Network(network) => text.parse().is_ok_and(|address| network.contains(address)),
        Atom::Domain(name) => {
            let text = text.to_ascii_lowercase();
            text == *name || text.strip_suffix(name.as_str()).is_some_and(|below| below.ends_with('.'))
        }
        Atom::Url(url) => {
            let mut form = Vec::new();
            let is_url = normal::url_into(text.as_bytes(), &mut form);
            let form = String::from_utf8_lossy(&form);
            let bare = form.split_once("://").filter(|_| has_scheme(&form)).map_or(&*form, |(_, bare)| bare);
            is_url && (form == *url || (!has_scheme(url) && bare == url))
        }
        Atom::Hash(_, digest) => text.eq_ignore_ascii_case(digest),
        Atom::FileName(name) | Atom::Email(name) | Atom::Vulnerability(name) => text.eq_ignore_ascii_case(name),
        Atom::Text(_, test) => texts::holds(test, text),
    }
}
