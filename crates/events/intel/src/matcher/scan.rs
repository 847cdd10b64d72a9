//! The bytes of an event in; what of it is looked for, out. One pass: texts are found by their quotation marks, words by a
//! table of bytes, and only what has the shape of something is looked up.

use crate::indicator::Kind;
use crate::normal::{FILE_NAME_MAX, URL_MAX, is_local, is_url, is_vulnerability, is_word, url_into};

use super::tables::{Blocks, Digests, Words, hash_of, step};
use super::texts::{Texts, TextsScratch};

/// The longest local part of an e-mail address (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// The longest scheme that is taken for one.
const SCHEME_MAX: usize = 16;
/// Web addresses inside one another that are looked up, so that a text of nothing but `://` stays cheap.
const NESTED_MAX: usize = 4;
/// The shortest text that can hold anything: `::1` has three characters.
const TEXT_MIN: usize = 3;

const WORD: u8 = 1;
const DOT: u8 = 2;
const DIGIT: u8 = 4;
const LETTER: u8 = 8;
const DASH: u8 = 16;

/// What each byte is.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "it counts to 256")]
        {
            classes[byte] = match byte as u8 {
                b'.' => WORD | DOT,
                b'0'..=b'9' => WORD | DIGIT,
                b'A'..=b'Z' | b'a'..=b'z' => WORD | LETTER,
                b'-' | b'_' => WORD | DASH,
                0x80..=0xff => WORD | LETTER,
                _ => 0,
            };
        }
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Everything that is looked for.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub v4: Blocks,
    pub v6: Blocks,
    pub digests: Digests,
    pub domains: Words,
    /// The last labels of the names looked for.
    pub tops: Words,
    pub urls: Words,
    /// Whether one of them stands for any scheme.
    pub bare_urls: bool,
    pub files: Words,
    pub emails: Words,
    pub flaws: Words,
    pub like_domains: Texts,
    pub like_urls: Texts,
    pub like_files: Texts,
    pub like_emails: Texts,
}

impl Tables {
    /// Whether a text may hold anything but a file's name that is all of it. Most texts of most logs hold no dot, no colon
    /// and no `@`, and are too short for a digest.
    fn may_hold(&self, text: &[u8]) -> bool {
        memchr::memchr3(b'.', b':', b'@', text).is_some()
            || (text.len() >= 32 && !self.digests.is_empty())
            || (text.len() >= 13 && !self.flaws.is_empty())
    }
}

/// Something that was found.
#[derive(Debug)]
pub(crate) struct Hit {
    pub atom: u32,
    /// Where the text begins that it was found in, in the event.
    pub at: usize,
    pub value: String,
}

/// What a pass needs, kept from one event to the next.
#[derive(Debug)]
pub(crate) struct Pass {
    pub hits: Vec<Hit>,
    text: Vec<u8>,
    url: Vec<u8>,
    domains: TextsScratch,
    urls: TextsScratch,
    files: TextsScratch,
    emails: TextsScratch,
}

impl Pass {
    pub(crate) fn new(tables: &Tables) -> Self {
        Self {
            hits: Vec::new(),
            text: Vec::new(),
            url: Vec::new(),
            domains: tables.like_domains.scratch(),
            urls: tables.like_urls.scratch(),
            files: tables.like_files.scratch(),
            emails: tables.like_emails.scratch(),
        }
    }

    /// Looks through all texts of an event that are no keys.
    pub(crate) fn event(&mut self, tables: &Tables, event: &[u8]) {
        self.hits.clear();
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'"', event.get(at..).unwrap_or_default()) {
            let start = at + found + 1;
            let Some((end, is_escaped)) = closing(event, start) else { return };
            at = end + 1;
            let mut rest = event.get(at..).unwrap_or_default().iter();
            if rest.find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
                continue;
            }
            let raw = event.get(start..end).unwrap_or_default();
            if raw.len() < TEXT_MIN {
                continue;
            }
            if is_escaped {
                let mut text = std::mem::take(&mut self.text);
                unescape(raw, &mut text);
                self.text(tables, &text, start);
                self.text = text;
            } else {
                self.text(tables, raw, start);
            }
        }
    }

    fn text(&mut self, tables: &Tables, text: &[u8], at: usize) {
        let mut one = Text { tables, pass: self, text, at, six_end: 0, url_end: 0, nested: 0 };
        if tables.may_hold(text) {
            let mut here = 0;
            while let Some(byte) = text.get(here) {
                let mut flags = class(*byte);
                if flags & WORD == 0 {
                    match byte {
                        b':' => one.colon(here),
                        b'@' => one.at_sign(here),
                        _ => {}
                    }
                    here += 1;
                    continue;
                }
                let start = here;
                here += 1;
                while let Some(next) = text.get(here).map(|byte| class(*byte)).filter(|next| next & WORD != 0) {
                    flags |= next;
                    here += 1;
                }
                one.word(start, here, flags);
            }
        }
        one.base_name();
    }
}

/// Where a text ends that begins at `start`, and whether it has escapes.
fn closing(event: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start;
    let mut is_escaped = false;
    loop {
        let rest = event.get(at..)?;
        let found = at + memchr::memchr2(b'"', b'\\', rest)?;
        if event.get(found) == Some(&b'"') {
            return Some((found, is_escaped));
        }
        is_escaped = true;
        at = found + 2;
    }
}

/// The text of a value between its quotation marks; an escape that stands for no character becomes U+FFFD.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at..).unwrap_or_default();
        let mut taken = 2;
        match escape.get(1) {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'u') => {
                let (c, length) = unicode(escape);
                taken = length;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Some(other) => out.push(*other),
            None => out.extend_from_slice("\u{fffd}".as_bytes()),
        }
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The character of `\uXXXX`, with its second half where it is a surrogate, and the bytes taken.
fn unicode(escape: &[u8]) -> (char, usize) {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 4)?;
        let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u16::from_str_radix(text, 16).ok()
    };
    let Some(high) = unit(2) else { return ('\u{fffd}', 2) };
    if let Some(c) = char::from_u32(u32::from(high)) {
        return (c, 6);
    }
    let low = if escape.get(6..8) == Some(b"\\u") { unit(8) } else { None };
    match low.and_then(|low| char::decode_utf16([high, low]).next()?.ok()) {
        Some(c) => (c, 12),
        None => ('\u{fffd}', 6),
    }
}

/// One text on its way.
struct Text<'a> {
    tables: &'a Tables,
    pass: &'a mut Pass,
    text: &'a [u8],
    /// Where it begins in the event.
    at: usize,
    /// Where the latest run of hexadecimal digits and colons ends.
    six_end: usize,
    /// Where the latest run of bytes of web addresses ends, and how many addresses of it were looked up.
    url_end: usize,
    nested: usize,
}

fn put(hits: &mut Vec<Hit>, at: usize, atom: u32, value: &[u8]) {
    if !hits.iter().any(|hit| hit.atom == atom && hit.at == at && hit.value.as_bytes() == value) {
        hits.push(Hit { atom, at, value: String::from_utf8_lossy(value).into_owned() });
    }
}

/// A word without the dots and strokes that a sentence puts around it.
pub(crate) fn trimmed(word: &[u8]) -> &[u8] {
    let is_edge = |byte: &u8| matches!(byte, b'.' | b'-' | b'_');
    let start = word.iter().position(|byte| !is_edge(byte)).unwrap_or(word.len());
    let end = word.iter().rposition(|byte| !is_edge(byte)).map_or(start, |last| last + 1);
    word.get(start..end).unwrap_or_default()
}

impl Text<'_> {
    fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    fn word(&mut self, start: usize, end: usize, flags: u8) {
        let Some(whole) = self.text.get(start..end) else { return };
        if whole.len() >= 32 && flags & (DIGIT | LETTER) != 0 && !self.tables.digests.is_empty() {
            self.digests(whole);
        }
        if flags & DOT == 0 {
            if flags & DASH != 0 && flags & DIGIT != 0 && whole.len() >= 13 && is_vulnerability(trimmed(whole)) {
                let word = trimmed(whole);
                let (hits, at) = (&mut self.pass.hits, self.at);
                self.tables.flaws.find(hash_of(word), word, &mut |atom| put(hits, at, atom, word));
            }
            return;
        }
        let word = trimmed(whole);
        if flags & LETTER == 0 {
            if let Some(bits) = four(word) {
                let (hits, at) = (&mut self.pass.hits, self.at);
                self.tables.v4.find(u128::from(bits), &mut |atom| put(hits, at, atom, word));
            }
        } else if flags & DASH != 0 && flags & DIGIT != 0 && is_vulnerability(word) {
            let (hits, at) = (&mut self.pass.hits, self.at);
            self.tables.flaws.find(hash_of(word), word, &mut |atom| put(hits, at, atom, word));
        }
        self.names(word, whole);
        if self.tables.bare_urls && matches!(self.text.get(end), Some(b'/' | b':')) {
            self.bare_url(start, end);
        }
    }

    /// Runs of letters and digits that have the length of a digest.
    fn digests(&mut self, word: &[u8]) {
        for run in word.split(|byte| !byte.is_ascii_alphanumeric()) {
            if matches!(run.len(), 32 | 40 | 64 | 96 | 128)
                && let Some(atom) = self.tables.digests.find(run)
            {
                put(&mut self.pass.hits, self.at, atom, run);
            }
        }
    }

    /// Names of domains and files: hashed from the end, asked for at every dot.
    fn names(&mut self, word: &[u8], whole: &[u8]) {
        let (tables, at) = (self.tables, self.at);
        let hits = &mut self.pass.hits;
        let want_files = !tables.files.is_empty() && tables.files.fits(word);
        let mut want_domains = !tables.domains.is_empty() && word.contains(&b'.');
        let mut is_first = true;
        let mut hash = 0;
        if want_domains || want_files {
            let mut left = true;
            for (offset, byte) in word.iter().enumerate().rev() {
                if *byte == b'.' && want_domains {
                    let above = word.get(offset + 1..).unwrap_or_default();
                    if is_first {
                        is_first = false;
                        let mut is_known = false;
                        tables.tops.find(hash, above, &mut |_atom| is_known = true);
                        want_domains = is_known;
                        if !is_known && !want_files {
                            left = false;
                            break;
                        }
                    }
                    if want_domains {
                        tables.domains.find(hash, above, &mut |atom| put(hits, at, atom, word));
                    }
                }
                hash = step(hash, *byte);
            }
            if left {
                if want_domains {
                    tables.domains.find(hash, word, &mut |atom| put(hits, at, atom, word));
                }
                if want_files {
                    tables.files.find(hash, word, &mut |atom| put(hits, at, atom, word));
                }
            }
        }
        if whole.len() != word.len() && tables.files.fits(whole) {
            tables.files.find(hash_of(whole), whole, &mut |atom| put(hits, at, atom, whole));
        }
        if !tables.like_domains.is_empty() && word.contains(&b'.') {
            tables.like_domains.each(word, &mut self.pass.domains, &mut |atom| put(hits, at, atom, word));
        }
        if !tables.like_files.is_empty() && whole.len() <= FILE_NAME_MAX {
            tables.like_files.each(whole, &mut self.pass.files, &mut |atom| put(hits, at, atom, whole));
            if whole.len() != word.len() {
                tables.like_files.each(word, &mut self.pass.files, &mut |atom| put(hits, at, atom, word));
            }
        }
    }

    fn colon(&mut self, here: usize) {
        if here >= self.six_end && !(self.tables.v6.is_empty() && self.tables.v4.is_empty()) {
            self.six(here);
        }
        if self.text.get(here..here + 3) == Some(b"://")
            && (!self.tables.urls.is_empty() || !self.tables.like_urls.is_empty())
        {
            let before = self.slice(0, here);
            let scheme =
                before.iter().rev().take(SCHEME_MAX + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if (1..=SCHEME_MAX).contains(&scheme) {
                self.url(here - scheme);
            }
        }
    }

    /// An IPv6 address: the run of hexadecimal digits, colons and dots around a colon.
    fn six(&mut self, here: usize) {
        let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let left = self.slice(0, here).iter().rev().take_while(is_part).count();
        let right = self.text.iter().skip(here).take_while(is_part).count();
        let start = here - left;
        self.six_end = here + right;
        let mut run = self.slice(start, self.six_end);
        while let Some(inner) = run.strip_suffix(b".") {
            run = inner;
        }
        // A colon of the sentence, not of the address.
        if run.starts_with(b":") && !run.starts_with(b"::") {
            run = run.get(1..).unwrap_or_default();
        } else if start > 0 && self.text.get(start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        if run.ends_with(b":") && !run.ends_with(b"::") {
            run = run.get(..run.len() - 1).unwrap_or_default();
        }
        let after = self.text.get(self.six_end);
        if !(3..=45).contains(&run.len()) || after.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let colons = memchr::memchr_iter(b':', run).count();
        if colons < 2 || (colons < 6 && memchr::memmem::find(run, b"::").is_none()) {
            return;
        }
        let address = std::str::from_utf8(run).ok().and_then(|text| text.parse::<std::net::Ipv6Addr>().ok());
        if let Some(address) = address {
            let value = run.to_vec();
            let (hits, at) = (&mut self.pass.hits, self.at);
            match address.to_ipv4_mapped() {
                Some(v4) => {
                    // The part with dots is a word of its own, and told once.
                    let dotted = memchr::memrchr(b':', &value).and_then(|colon| value.get(colon + 1..));
                    let shown = dotted.filter(|part| part.contains(&b'.')).unwrap_or(&value);
                    self.tables.v4.find(u128::from(v4.to_bits()), &mut |atom| put(hits, at, atom, shown));
                }
                None => self.tables.v6.find(address.to_bits(), &mut |atom| put(hits, at, atom, &value)),
            }
        }
    }

    fn at_sign(&mut self, here: usize) {
        if self.tables.emails.is_empty() && self.tables.like_emails.is_empty() {
            return;
        }
        let before = self.slice(0, here);
        let length = before.iter().rev().take(LOCAL_MAX + 1).take_while(|byte| is_local(**byte)).count();
        let local = before.get(here - length..).unwrap_or_default();
        let start = local.iter().position(|byte| !matches!(byte, b'.' | b'-' | b'\'' | b'=')).unwrap_or(local.len());
        let host = self.text.iter().skip(here + 1).take(FILE_NAME_MAX).take_while(|byte| is_word(**byte)).count();
        let host_end = here + 1 + host;
        let host = self.slice(here + 1, host_end);
        let host = host.iter().rposition(|byte| !matches!(byte, b'.' | b'-' | b'_')).map_or(0, |last| last + 1);
        if length == 0 || length > LOCAL_MAX || start == length || host == 0 {
            return;
        }
        let Some(address) = self.text.get(here - length + start..here + 1 + host) else { return };
        let (tables, at, hits) = (self.tables, self.at, &mut self.pass.hits);
        if !tables.emails.is_empty() {
            tables.emails.find(hash_of(address), address, &mut |atom| put(hits, at, atom, address));
        }
        tables.like_emails.each(address, &mut self.pass.emails, &mut |atom| put(hits, at, atom, address));
    }

    /// Whether an address that begins here may be looked up, and where its run ends.
    fn run(&mut self, start: usize) -> Option<usize> {
        if start >= self.url_end {
            let length = self.text.iter().skip(start).take_while(|byte| is_url(**byte)).count();
            self.url_end = start + length;
            self.nested = 0;
        }
        self.nested += 1;
        (self.nested <= NESTED_MAX && self.url_end - start <= URL_MAX).then_some(self.url_end)
    }

    /// A host without a scheme before it and with a path behind it.
    fn bare_url(&mut self, start: usize, end: usize) {
        if start > 0 && matches!(self.text.get(start - 1), Some(b'/' | b'@' | b':' | b'\\')) {
            return;
        }
        let port = match self.text.get(end) {
            Some(b':') => 1 + self.text.iter().skip(end + 1).take(5).take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 0,
        };
        if port != 1 && self.text.get(end + port) == Some(&b'/') {
            let word = self.slice(start, end);
            let lead = word.iter().position(|byte| !matches!(byte, b'.' | b'-' | b'_')).unwrap_or(0);
            self.url(start + lead);
        }
    }

    fn url(&mut self, start: usize) {
        let Some(end) = self.run(start) else { return };
        let text = self.text.get(start..end).unwrap_or_default();
        let is_edge = |byte: &u8| matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b'\'' | b']');
        let length = text.iter().rposition(|byte| !is_edge(byte)).map_or(0, |last| last + 1);
        let text = text.get(..length).unwrap_or_default();
        let mut url = std::mem::take(&mut self.pass.url);
        url.clear();
        if url_into(text, &mut url) {
            let (tables, at, hits) = (self.tables, self.at, &mut self.pass.hits);
            let mut exact = |form: &[u8]| tables.urls.find_exact(form, &mut |atom| put(hits, at, atom, text));
            exact(&url);
            if let Some(scheme) = memchr::memmem::find(&url, b"://")
                && tables.bare_urls
                && url.iter().take(scheme).all(u8::is_ascii_alphanumeric)
            {
                exact(url.get(scheme + 3..).unwrap_or_default());
            }
            tables.like_urls.each(text, &mut self.pass.urls, &mut |atom| put(hits, at, atom, text));
        }
        self.pass.url = url;
    }

    /// What stands behind the last stroke of a whole value may be a file's name with spaces, or without a dot.
    fn base_name(&mut self) {
        if self.tables.files.is_empty() && self.tables.like_files.is_empty() {
            return;
        }
        let start = memchr::memrchr2(b'/', b'\\', self.text).map_or(0, |at| at + 1);
        let name = self.text.get(start..).unwrap_or_default().trim_ascii();
        if name.is_empty() || name.len() > FILE_NAME_MAX {
            return;
        }
        let (tables, at, hits) = (self.tables, self.at, &mut self.pass.hits);
        if tables.files.fits(name) {
            tables.files.find(hash_of(name), name, &mut |atom| put(hits, at, atom, name));
        }
        tables.like_files.each(name, &mut self.pass.files, &mut |atom| put(hits, at, atom, name));
    }
}

/// The bits of an IPv4 address in four decimal numbers; leading zeros are refused, as everywhere here.
fn four(word: &[u8]) -> Option<u32> {
    if !(7..=15).contains(&word.len()) {
        return None;
    }
    let (mut bits, mut parts) = (0u32, 0);
    for part in word.split(|byte| *byte == b'.') {
        let number = match part {
            [a @ b'0'..=b'9'] => u32::from(a - b'0'),
            [a @ b'1'..=b'9', b @ b'0'..=b'9'] => u32::from(a - b'0') * 10 + u32::from(b - b'0'),
            [a @ b'1'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0')
            }
            _ => return None,
        };
        if number > 255 {
            return None;
        }
        bits = bits << 8 | number;
        parts += 1;
    }
    (parts == 4).then_some(bits)
}

/// The kind of patterns a table of texts is for; kept here, so that a new kind is not forgotten.
pub(crate) fn like(tables: &mut Tables, kind: Kind) -> Option<&mut Texts> {
    match kind {
        Kind::Domain => Some(&mut tables.like_domains),
        Kind::Url => Some(&mut tables.like_urls),
        Kind::FileName => Some(&mut tables.like_files),
        Kind::Email => Some(&mut tables.like_emails),
        Kind::Ip | Kind::Hash | Kind::Vulnerability => None,
    }
}
