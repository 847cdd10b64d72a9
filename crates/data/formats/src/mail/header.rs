//! Header fields: cut apart, decoded and reported.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, ContentType, HeaderValue};

use crate::foreign::guarded;
use crate::{Field, Place, Qualifiers, Raw, ReadError, Reader, Vocabulary};

use super::feed::HeaderBlock;

/// Header names are longer only in attacks.
const NAME_BYTES_MAX: usize = 128;
/// Header lines that are looked at to tell a message.
const LINES_LOOKED_AT: usize = 400;

/// Fields that only mail programs write (RFC 5322 section 3.6, RFC 2045, RFC 6376): one of them and any other known one
/// make a message.
const BY_PROGRAMS: [&str; 10] = [
    "Message-ID",
    "Received",
    "MIME-Version",
    "Return-Path",
    "Delivered-To",
    "DKIM-Signature",
    "X-Mailer",
    "In-Reply-To",
    "References",
    "Content-Transfer-Encoding",
];
/// Fields that people also write above notes and memos.
const BY_PEOPLE: [&str; 9] = ["From", "To", "Cc", "Bcc", "Date", "Subject", "Reply-To", "Sender", "Content-Type"];

/// Fields that hold addresses.
const ADDRESSES: [&str; 20] = [
    "From",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Sender",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Resent-Sender",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "Disposition-Notification-To",
    "Errors-To",
    "X-Envelope-From",
    "X-Forwarded-To",
    "Mail-Followup-To",
];

/// Other fields that have a meaning of their own, as the registry spells them (RFC 4021).
const OTHERS: [&str; 14] = [
    "Comments",
    "Keywords",
    "Organization",
    "Thread-Topic",
    "Content-Description",
    "Content-Disposition",
    "Content-ID",
    "Authentication-Results",
    "Received-SPF",
    "List-Id",
    "List-Unsubscribe",
    "User-Agent",
    "Resent-Date",
    "X-Originating-IP",
];

/// The name of the field that `line` begins with (RFC 5322 section 3.6.8).
pub(super) fn name(line: &[u8]) -> Option<&str> {
    let start = line.get(..NAME_BYTES_MAX).unwrap_or(line);
    let end = start.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b':')?;
    // Obsolete syntax allows white space before the colon (section 4.5).
    let after = start.get(end..)?.trim_ascii_start();
    let name = std::str::from_utf8(start.get(..end)?).ok()?;
    (after.first() == Some(&b':') && !name.is_empty()).then_some(name)
}

/// Whether text begins with the header of a message: nothing but fields up to the first empty line, two of them known,
/// and not only such as people write above a note, unless the sender is an address.
pub(super) fn is_message(head: &[u8], complete: bool) -> bool {
    let mut known = std::collections::BTreeSet::new();
    let (mut by_programs, mut has_sender, mut ended) = (false, false, false);
    for (at, line) in head.split(|byte| *byte == b'\n').take(LINES_LOOKED_AT).enumerate() {
        if line.trim_ascii().is_empty() {
            ended = at > 0;
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) && at > 0 {
            continue;
        }
        let Some(name) = name(line) else {
            // The head may end within a line.
            ended = !complete && head.ends_with(line) && known.len() > 1;
            if ended {
                break;
            }
            return false;
        };
        let is = |known: &&&str| name.eq_ignore_ascii_case(known);
        has_sender |= name.eq_ignore_ascii_case("From") && line.contains(&b'@');
        if let Some(found) = BY_PROGRAMS.iter().find(is) {
            by_programs = true;
            known.insert(*found);
        }
        known.extend(BY_PEOPLE.iter().find(is));
    }
    known.len() >= 2 && (by_programs || has_sender) && (ended || complete || head.len() >= crate::source::HEAD_BYTES)
}

/// The headers of one message or part.
pub(super) struct Headers {
    block: HeaderBlock,
    /// Name, start and end of the value in the block.
    fields: Vec<(String, usize, usize)>,
}

impl Headers {
    pub(super) fn new(block: HeaderBlock) -> Self {
        let mut fields: Vec<(String, usize, usize)> = Vec::new();
        let mut at = 0;
        for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
            let end = at + line.len();
            let is_continued = matches!(line.first(), Some(b' ' | b'\t'));
            match (name(line).filter(|_| !is_continued), fields.last_mut()) {
                (Some(name), _) => {
                    let colon = memchr::memchr(b':', line).unwrap_or(0);
                    fields.push((name.to_owned(), at + colon + 1, end));
                }
                (None, Some(last)) => last.2 = end,
                (None, None) => {}
            }
            at = end;
        }
        Self { block, fields }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.block.is_cut
    }

    /// The parsed `Content-Type` or `Content-Disposition`.
    pub(super) fn content(&self, name: &str) -> Option<ContentType<'_>> {
        match guarded(|| self.stream(name).map(|mut stream| stream.parse_content_type())).ok()?? {
            HeaderValue::ContentType(content) => Some(content),
            _ => None,
        }
    }

    /// The decoded text of a field.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, start, end) = self.fields.iter().find(|field| field.0.eq_ignore_ascii_case(name))?;
        unstructured(self.block.bytes.get(*start..*end)?)
    }

    fn stream(&self, name: &str) -> Option<MessageStream<'_>> {
        let (_, start, end) = self.fields.iter().find(|field| field.0.eq_ignore_ascii_case(name))?;
        Some(MessageStream::new(self.block.bytes.get(*start..*end)?))
    }

    /// Reports all fields; `prefix` is the message's place in its mailbox.
    pub(super) fn report(&self, prefix: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        for (name, start, end) in &self.fields {
            let bytes = self.block.bytes.get(*start..*end).unwrap_or_default();
            let known = || ADDRESSES.iter().chain(&BY_PEOPLE).chain(&BY_PROGRAMS).chain(&OTHERS);
            let name = known().find(|known| name.eq_ignore_ascii_case(known)).map_or(name.as_str(), |known| known);
            let field = Value { name, prefix, bytes, start: self.block.offset + *start as u64 };
            if !ADDRESSES.contains(&name) || !field.addresses(reader)? {
                field.report("", None, &unstructured(bytes).unwrap_or_default(), reader)?;
            }
        }
        Ok(())
    }

    /// Reports the name of a part's file.
    pub(super) fn report_file_name(
        &self,
        file_name: &str,
        place: &str,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let field = Value { name: "attachment", prefix: place, bytes: &self.block.bytes, start: self.block.offset };
        field.report(".name", None, file_name, reader)
    }
}

/// A value decoded as free text (RFC 2047).
fn unstructured(bytes: &[u8]) -> Option<String> {
    // The parser wants a line end.
    let ended = [bytes.trim_ascii_end(), b"\n"].concat();
    match guarded(|| MessageStream::new(&ended).parse_unstructured().into_owned()).ok()? {
        HeaderValue::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}

/// One field's value.
struct Value<'h> {
    name: &'h str,
    prefix: &'h str,
    /// As it stands in the file.
    bytes: &'h [u8],
    /// File offset of `bytes`.
    start: u64,
}

impl Value<'_> {
    /// Reports names and addresses; `false` when there are none.
    fn addresses(&self, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
        let ended = [self.bytes.trim_ascii_end(), b"\n"].concat();
        let Ok(HeaderValue::Address(parsed)) = guarded(|| MessageStream::new(&ended).parse_address()) else {
            return Ok(false);
        };
        let mut all: Vec<&Addr<'_>> = Vec::new();
        match &parsed {
            Address::List(list) => all.extend(list),
            Address::Group(groups) => {
                for group in groups {
                    self.report("", None, group.name.as_deref().unwrap_or_default(), reader)?;
                    all.extend(&group.addresses);
                }
            }
        }
        for (addr, number) in all.iter().zip(1..) {
            let index = (all.len() > 1).then_some(number);
            self.report(".name", index, addr.name.as_deref().unwrap_or_default(), reader)?;
            self.report(".address", index, addr.address.as_deref().unwrap_or_default(), reader)?;
        }
        Ok(!all.is_empty())
    }

    fn report(
        &self,
        leaf: &str,
        index: Option<usize>,
        value: &str,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let value = value.trim();
        let index = index.map(|index| format!("[{index}]")).unwrap_or_default();
        let space = if self.prefix.is_empty() { "" } else { " " };
        let path = format!("{}{leaf}", self.name);
        let place = format!("{}{space}{}{index}{leaf}", self.prefix, self.name);
        let raw = match memchr::memmem::find(self.bytes, value.as_bytes()) {
            Some(at) => Raw::Verbatim { start: self.start + at as u64 },
            None => Raw::Whole { start: self.start, end: self.start + self.bytes.trim_ascii_end().len() as u64 },
        };
        let (vocabulary, qualifiers) = (Vocabulary::Email, Qualifiers::default());
        reader.field(&Field { vocabulary, path: &path, place: Place::Path(&place), value, raw, qualifiers })
    }
}
