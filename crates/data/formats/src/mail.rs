//! E-mail messages (RFC 5322, MIME: RFC 2045 to 2047 and 2231) and mailboxes (RFC 4155, mboxo and mboxrd), streamed
//! message by message and part by part.
//!
//! Headers are fields, text and HTML bodies are text of the message, everything else opens as a member. `>From `
//! lines of mailboxes stay quoted, so that offsets stay true.

mod decode;
mod feed;
mod header;
mod part;

use model::Format;

use crate::{Place, Qualifiers, ReadError, Reader, Source};

use feed::Feed;

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if feed::is_from_line(head) {
        let second = memchr::memchr(b'\n', head).and_then(|end| head.get(end + 1..)).unwrap_or_default();
        return header::name(second).is_some().then_some(Format::Mbox);
    }
    header::is_message(head, complete).then_some(Format::Eml)
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut feed = Feed::new(source, format == Format::Mbox)?;
    if format == Format::Mbox {
        return read_mailbox(&mut feed, reader);
    }
    part::read_message(&mut feed, "", reader)
}

fn read_mailbox(feed: &mut Feed<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut number = 0_u64;
    while let Some((line, offset)) = feed.next_message()? {
        reader.check()?;
        if number > 0 {
            reader.record()?;
        }
        number += 1;
        let prefix = format!("message {number}");
        let sender = line.split(|byte| *byte == b' ').nth(1).and_then(|word| std::str::from_utf8(word).ok());
        if let Some(sender) = sender.filter(|sender| sender.contains('@')) {
            let place = format!("{prefix} envelope sender");
            reader.field(&crate::Field {
                vocabulary: crate::Vocabulary::Email,
                path: "X-Envelope-From.address",
                place: Place::Path(&place),
                value: sender,
                raw: crate::Raw::Verbatim { start: offset + b"From ".len() as u64 },
                qualifiers: Qualifiers::default(),
            })?;
        }
        part::read_message(feed, &prefix, reader)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
