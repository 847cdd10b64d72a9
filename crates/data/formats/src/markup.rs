//! Tags, text and references of XML and HTML.

pub(crate) mod blank;
pub(crate) mod lexer;
pub(crate) mod path;

use crate::window::Positions;
use crate::{Escape, Raw};

/// Named references that clinical and office documents use (HTML 4.01 section 24), beyond XML's five.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("iacute", 'í'),
    ("uacute", 'ú'),
    ("oslash", 'ø'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("hellip", '…'),
    ("copy", '©'),
    ("reg", '®'),
    ("deg", '°'),
    ("micro", 'µ'),
    ("rsquo", '’'),
    ("lsquo", '‘'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
];

/// The character that the reference at the start of `text` stands for, and the reference's length.
pub(crate) fn reference(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('&')?;
    let end = rest.bytes().take(12).position(|byte| byte == b';')?;
    let name = rest.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => char::from_u32(match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        })?,
        None => NAMED.iter().find(|known| known.0 == name)?.1,
    };
    Some((c, end + 2))
}

/// The text at `start..end` with its references decoded (in `decoded`) and its place. References that are not known
/// stay as they are: entities are never expanded.
pub(crate) fn value<'w: 't, 't>(
    positions: &mut Positions<'w>,
    start: usize,
    end: usize,
    spare: &'t mut String,
    decoded: &'t mut String,
) -> (&'t str, Raw<'t>) {
    let (text, raw) = positions.plain(start, end, spare);
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return (text, raw);
    }
    decoded.clear();
    decode(text, decoded);
    let raw = match raw {
        Raw::Verbatim { .. } => positions.escaped(start, end, Escape::Xml, true),
        Raw::Encoded { start: from, .. } => Raw::Whole { start: from, end: positions.offset(end) },
        other => other,
    };
    (decoded, raw)
}

/// Adds `text` to `out` with its references decoded.
pub(crate) fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let (c, len) = reference(rest).unwrap_or(('&', 1));
        out.push(c);
        rest = rest.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
}
