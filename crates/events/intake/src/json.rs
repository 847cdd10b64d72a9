//! JSON that is not one object a line: arrays, envelopes such as `{"Records":[…]}`, objects one after another
//! (RFC 8259). Finds where elements end without building them, and without recursion.

use std::ops::ControlFlow;

use crate::Out;
use crate::family::Sniffer;
use crate::lines::{check_utf8, too_long};
use crate::source::Source;

/// Keys under which services put the records of a log.
const ENVELOPES: &[&[u8]] = &[b"Records", b"records", b"value", b"events", b"Events"];

/// How far into an object its envelope is looked for, in bytes.
pub(crate) const HEAD: usize = 64 << 10;

/// Where a value ends, one byte at a time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scanner {
    depth: u64,
    string: bool,
    escape: bool,
}

impl Scanner {
    /// Goes on over `data`; the length up to the end of the value, if it is in there.
    pub(crate) fn run(&mut self, data: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = data.get(at) {
            if self.escape {
                self.escape = false;
            } else if self.string {
                match data.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
                    None => return None,
                    Some(skip) => {
                        at += skip;
                        self.escape = data.get(at) == Some(&b'\\');
                        self.string = self.escape;
                    }
                }
            } else {
                match byte {
                    b'"' => self.string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }
}

/// The offset behind the `[` of an envelope's records, where `head` begins with an envelope.
pub(crate) fn envelope(head: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut depth = 0_u64;
    while let Some(byte) = head.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return None;
                }
            }
            b'"' => {
                let rest = head.get(at + 1..)?;
                let length = string_length(rest)?;
                let key = rest.get(..length)?;
                at += length + 1;
                if depth == 1 && ENVELOPES.contains(&key) {
                    let after = rest.get(length + 1..)?.trim_ascii_start();
                    if let Some(value) = after.strip_prefix(b":")
                        && let Some(elements) = value.trim_ascii_start().strip_prefix(b"[")
                        && matches!(elements.trim_ascii_start().first(), Some(b'{' | b']'))
                    {
                        return Some(head.len() - elements.len());
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Bytes of a string before its closing quote.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Hands over every element of `source`.
pub(crate) fn read(source: &mut Source<'_>, limit: usize, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut sniffer = Sniffer::new();
    // `None` outside of an array; otherwise whether the array stands in an envelope.
    let mut array: Option<bool> = None;
    loop {
        let Some(byte) = next_byte(source, array.is_some()) else {
            if array.is_some() {
                out.note("the JSON log ends inside of an array; it is cut off".to_owned());
            }
            return ControlFlow::Continue(());
        };
        match (byte, array) {
            (b'{', None) => match envelope(source.want(HEAD)) {
                Some(offset) => {
                    source.consume(offset);
                    array = Some(true);
                }
                None => element(source, limit, &mut sniffer, out)?,
            },
            (b'{', Some(_)) => element(source, limit, &mut sniffer, out)?,
            (b'[', None) => {
                source.consume(1);
                array = Some(false);
            }
            (b']', Some(enveloped)) => {
                source.consume(1);
                if enveloped {
                    skip(source, Scanner { depth: 1, ..Scanner::default() });
                }
                array = None;
            }
            (_, inside) => {
                out.problem("not a JSON object where one should begin; skipped to the next".to_owned(), b"");
                if byte == b'[' {
                    skip(source, Scanner::default());
                } else {
                    stray(source, inside.is_some());
                }
            }
        }
    }
}

/// The next byte that is no white space and, in an array, no comma.
fn next_byte(source: &mut Source<'_>, array: bool) -> Option<u8> {
    loop {
        let data = source.data();
        let blank = |byte: &u8| byte.is_ascii_whitespace() || (array && *byte == b',') || *byte == 0x1e;
        let count = data.iter().take_while(|byte| blank(byte)).count();
        let byte = data.get(count).copied();
        source.consume(count);
        if byte.is_some() {
            return byte;
        }
        if !source.fill() {
            return None;
        }
    }
}

/// Skips what is no object, up to where one may begin or the array ends.
fn stray(source: &mut Source<'_>, array: bool) {
    loop {
        let data = source.data();
        let ends = |byte: &u8| *byte == b'{' || (array && *byte == b']') || (!array && *byte == b'[');
        match data.iter().skip(1).position(ends) {
            Some(at) => return source.consume(at + 1),
            None => source.consume(data.len().saturating_sub(1)),
        }
        if !source.fill() {
            let all = source.data().len();
            return source.consume(all);
        }
    }
}

/// Skips to the end of the value that `scanner` is in.
fn skip(source: &mut Source<'_>, mut scanner: Scanner) {
    loop {
        let (end, all) = (scanner.run(source.data()), source.data().len());
        source.consume(end.unwrap_or(all));
        if end.is_some() || !source.fill() {
            return;
        }
    }
}

/// Hands over the object that `source` is at.
fn element(source: &mut Source<'_>, limit: usize, sniffer: &mut Sniffer, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut scanner = Scanner::default();
    let mut seen = 0;
    let end = loop {
        let data = source.data();
        let found = data.get(seen..).and_then(|rest| scanner.run(rest)).map(|end| seen + end);
        if let Some(end) = found {
            break end;
        }
        seen = data.len();
        if seen > limit {
            out.problem(too_long(limit), source.data());
            source.consume(seen);
            skip(source, scanner);
            return ControlFlow::Continue(());
        }
        if !source.fill() {
            out.problem("the JSON log ends inside of this object; it is cut off".to_owned(), source.data());
            source.consume(seen);
            return ControlFlow::Continue(());
        }
    };
    let record = source.data().get(..end).unwrap_or_default();
    let flow = if record.len() > limit {
        out.problem(too_long(limit), record);
        ControlFlow::Continue(())
    } else if let Err(why) = check_utf8(record) {
        out.problem(why, record);
        ControlFlow::Continue(())
    } else {
        out.record(sniffer.family(record), record)
    };
    source.consume(end);
    flow
}
