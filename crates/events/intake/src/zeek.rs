//! Zeek's tab-separated logs (docs.zeek.org, "Zeek Log Formats"): header lines that name fields and types, then values.

use std::ops::ControlFlow;

use crate::lines::{check_utf8, each_line};
use crate::object::{Object, is_number, string};
use crate::source::Source;
use crate::{Family, Out};

/// What the header lines say.
struct Header {
    separator: String,
    set_separator: String,
    empty: String,
    unset: String,
    path: Option<String>,
    names: Vec<String>,
    types: Vec<String>,
}

/// Hands over every line of values.
pub(crate) fn read(source: &mut Source<'_>, limit: usize, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut header = Header {
        separator: "\t".to_owned(),
        set_separator: ",".to_owned(),
        empty: "(empty)".to_owned(),
        unset: "-".to_owned(),
        path: None,
        names: Vec::new(),
        types: Vec::new(),
    };
    let mut json = Vec::new();
    each_line(source, limit, out, |line, out| {
        let bytes = line;
        let line = match check_utf8(line) {
            Ok(line) => line,
            Err(why) => {
                out.problem(why, bytes);
                return ControlFlow::Continue(());
            }
        };
        if let Some(directive) = line.strip_prefix('#') {
            header.directive(directive);
            return ControlFlow::Continue(());
        }
        match header.values(line, &mut json) {
            Ok(()) => out.record(Family::Zeek, &json),
            Err(why) => {
                out.problem(why, bytes);
                ControlFlow::Continue(())
            }
        }
    })
}

impl Header {
    fn directive(&mut self, line: &str) {
        if let Some(separator) = line.strip_prefix("separator ") {
            self.separator = unescape(separator);
            return;
        }
        let Some((name, value)) = line.split_once(self.separator.as_str()) else { return };
        let list = || value.split(self.separator.as_str()).map(str::to_owned).collect();
        match name {
            "set_separator" => self.set_separator = unescape(value),
            "empty_field" => self.empty = value.to_owned(),
            "unset_field" => self.unset = value.to_owned(),
            "path" => self.path = Some(value.to_owned()),
            "fields" => self.names = list(),
            "types" => self.types = list(),
            _ => {}
        }
    }

    fn values(&self, line: &str, json: &mut Vec<u8>) -> Result<(), String> {
        let count = line.split(self.separator.as_str()).count();
        if count != self.names.len() {
            return Err(format!("{count} values where the header of the Zeek log names {} fields", self.names.len()));
        }
        let mut object = Object::new(json);
        if let Some(path) = &self.path {
            object.str("_path", path);
        }
        let types = self.types.iter().map(String::as_str).chain(std::iter::repeat("string"));
        for ((name, kind), value) in self.names.iter().zip(types).zip(line.split(self.separator.as_str())) {
            if value == self.unset {
                continue;
            }
            let inner = ["set[", "vector["].iter().find_map(|list| kind.strip_prefix(list));
            if let Some(inner) = inner {
                object.raw(name, &self.list(inner.trim_end_matches(']'), value));
            } else if value == self.empty {
                object.str(name, "");
            } else {
                scalar(&mut object, name, kind, value);
            }
        }
        object.close();
        Ok(())
    }

    /// A set or vector as a JSON array.
    fn list(&self, kind: &str, value: &str) -> String {
        let mut array = vec![b'['];
        if value != self.empty {
            for (place, element) in value.split(self.set_separator.as_str()).enumerate() {
                if place > 0 {
                    array.push(b',');
                }
                if element == self.unset {
                    array.extend_from_slice(b"null");
                } else if numeric(kind) && is_number(element) {
                    array.extend_from_slice(element.as_bytes());
                } else {
                    string(&mut array, &unescape(element));
                }
            }
        }
        array.push(b']');
        String::from_utf8(array).unwrap_or_else(|_not_possible| "[]".to_owned())
    }
}

fn numeric(kind: &str) -> bool {
    matches!(kind, "time" | "interval" | "double" | "count" | "int" | "port")
}

fn scalar(object: &mut Object<'_>, name: &str, kind: &str, value: &str) {
    match (kind, value) {
        ("bool", "T") => object.raw(name, "true"),
        ("bool", "F") => object.raw(name, "false"),
        _ if numeric(kind) => object.number(name, value),
        _ => object.str(name, &unescape(value)),
    }
}

/// `\xNN` as the byte it stands for; text that would not be UTF-8 stays escaped.
fn unescape(value: &str) -> String {
    if !value.contains("\\x") {
        return value.to_owned();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_not_utf8| value.to_owned())
}
