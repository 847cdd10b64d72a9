//! The delimiters that a message's first segment defines, and the escapes made from them.

/// Delimiters of the messages that follow an MSH, FHS or BHS segment (HL7 v2.8.2 section 2.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiters {
    pub field: u8,
    pub component: u8,
    pub repetition: u8,
    pub escape: u8,
    pub subcomponent: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&' }
    }
}

impl Delimiters {
    /// From the first bytes of a header segment; `None` when they are none.
    pub(super) fn of(segment: &[u8]) -> Option<Self> {
        let rest = [b"MSH", b"FHS", b"BHS"].iter().find_map(|name| segment.strip_prefix(*name))?;
        let (&field, rest) = rest.split_first()?;
        if !field.is_ascii_punctuation() {
            return None;
        }
        let codes = rest.split(|byte| *byte == field || byte.is_ascii_control()).next().unwrap_or_default();
        if codes.is_empty() || !codes.iter().all(u8::is_ascii_punctuation) {
            return None;
        }
        let usual = Self::default();
        let code = |at: usize, or: u8| codes.get(at).copied().unwrap_or(or);
        let escape = code(2, usual.escape);
        // Some senders double the backslash as their programming language does.
        let subcomponent =
            if codes.get(3) == Some(&escape) { code(4, usual.subcomponent) } else { code(3, usual.subcomponent) };
        Some(Self {
            field,
            component: code(0, usual.component),
            repetition: code(1, usual.repetition),
            escape,
            subcomponent,
        })
    }

    /// Decodes escapes into `out`. `false`: positions cannot be told apart, because other characters than the usual
    /// are used or a hexadecimal escape is not ASCII.
    pub(super) fn unescape(&self, text: &str, out: &mut String) -> bool {
        out.clear();
        let mut exact = self.escape == b'\\';
        let mut rest = text;
        while let Some(at) = memchr::memchr(self.escape, rest.as_bytes()) {
            out.push_str(rest.get(..at).unwrap_or_default());
            let after = rest.get(at + 1..).unwrap_or_default();
            let body = memchr::memchr(self.escape, after.as_bytes().get(..64.min(after.len())).unwrap_or_default())
                .and_then(|end| after.get(..end));
            match body.and_then(|body| self.meaning(body, out, &mut exact).then_some(body.len())) {
                Some(len) => rest = after.get(len + 1..).unwrap_or_default(),
                None => {
                    out.push(char::from(self.escape));
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        exact
    }

    /// Adds what an escape stands for (section 2.7); `false` when it is none.
    fn meaning(&self, body: &str, out: &mut String, exact: &mut bool) -> bool {
        let delimiter = match body {
            "F" => self.field,
            "S" => self.component,
            "T" => self.subcomponent,
            "R" => self.repetition,
            "E" => self.escape,
            // Highlighting on and off.
            "H" | "N" => return true,
            _ if body.starts_with('.') => b'\n',
            _ => return body.strip_prefix('X').is_some_and(|hex| hexadecimal(hex, out, exact)),
        };
        out.push(char::from(delimiter));
        true
    }
}

fn hexadecimal(hex: &str, out: &mut String, exact: &mut bool) -> bool {
    if hex.is_empty() || !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| digit(pair.first().copied().unwrap_or(0)) << 4 | digit(pair.get(1).copied().unwrap_or(0)))
        .collect();
    *exact &= bytes.is_ascii();
    match std::str::from_utf8(&bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.extend(bytes.iter().map(|byte| char::from(*byte))),
    }
    true
}
