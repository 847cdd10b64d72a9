//! A message's parts (RFC 2046): bodies as text of the message, everything else as members.

use encoding_rs::Encoding;
use mail_parser::ContentType;

use crate::read::Part;
use crate::{Member, Problem, ReadError, Reader, Source};

use super::decode::{self, Decoded};
use super::feed::{Body, Delimiter, Feed};
use super::header::Headers;

/// Multiparts within multiparts, at most.
const NESTING_MAX: usize = 32;

/// Reads the message at the cursor, up to its end. `prefix`: its place in its mailbox.
pub(super) fn read_message(feed: &mut Feed<'_>, prefix: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let headers = read_headers(feed, reader)?;
    headers.report(prefix, reader)?;
    let mut message = Message { feed, reader, prefix, depth: 0, is_cut_short: false };
    message.entity(&headers, "", false)?;
    // What follows the last boundary, or a body that was no more than a line.
    message.between()?;
    if message.is_cut_short {
        reader.problem(Problem::truncated("the message ends before its last part does"))?;
    }
    Ok(())
}

fn read_headers(feed: &mut Feed<'_>, reader: &mut Reader<'_, '_>) -> Result<Headers, ReadError> {
    let headers = Headers::new(feed.headers()?);
    if headers.is_cut() {
        reader
            .problem(Problem::limit("the headers of a message are longer than 1 MiB; the rest of them was not read"))?;
    }
    Ok(headers)
}

struct Message<'m, 'a, 'r, 'b> {
    feed: &'m mut Feed<'a>,
    reader: &'m mut Reader<'r, 'b>,
    prefix: &'m str,
    /// Multiparts that are open.
    depth: usize,
    is_cut_short: bool,
}

impl Message<'_, '_, '_, '_> {
    /// Reads what follows `headers`. `number`: the part's number as IMAP counts (RFC 3501 section 6.4.5), empty for
    /// the message itself. `is_digest`: without a type of its own it is a message (RFC 2046 section 5.1.5).
    fn entity(&mut self, headers: &Headers, number: &str, is_digest: bool) -> Result<(), ReadError> {
        let content = headers.content("Content-Type");
        let kind = content.as_ref().map_or("text", ContentType::ctype).to_ascii_lowercase();
        let kind = if is_digest && content.is_none() { "message".to_owned() } else { kind };
        let subtype = content.as_ref().and_then(ContentType::subtype).unwrap_or("plain").to_ascii_lowercase();
        let parameter = |name: &str| content.as_ref().and_then(|content| content.attribute(name));
        if kind == "multipart"
            && let Some(boundary) = parameter("boundary").filter(|boundary| !boundary.is_empty())
        {
            return self.multipart(boundary, &subtype, number);
        }
        let is_sealed = kind == "application"
            && (subtype == "pgp-encrypted"
                || (subtype.ends_with("pkcs7-mime")
                    && parameter("smime-type").is_some_and(|of| of.starts_with("enveloped"))));
        if is_sealed {
            self.sealed()?;
        }
        let disposition = headers.content("Content-Disposition");
        let file_name = disposition.as_ref().and_then(|disposition| disposition.attribute("filename"));
        let file_name = file_name.or_else(|| parameter("name")).map(str::to_owned);
        if let Some(file_name) = &file_name {
            headers.report_file_name(file_name, &self.place(number), self.reader)?;
        }
        let is_attached = disposition.is_some_and(|disposition| disposition.ctype().eq_ignore_ascii_case("attachment"));
        let encoding = headers.text("Content-Transfer-Encoding").and_then(|name| decode::Encoding::named(&name));
        let is_body = kind == "text" && matches!(subtype.as_str(), "plain" | "html") && !is_attached;
        if is_body && file_name.is_none() {
            let charset = parameter("charset").and_then(charset);
            return self.body(encoding, charset, subtype == "html", number);
        }
        self.member(file_name, encoding, number)
    }

    fn multipart(&mut self, boundary: &str, subtype: &str, number: &str) -> Result<(), ReadError> {
        if self.depth >= NESTING_MAX {
            self.reader.problem(Problem::limit(format!(
                "parts are nested deeper than {NESTING_MAX}; what is deeper was read as text"
            )))?;
            return self.between();
        }
        if subtype == "encrypted" {
            self.sealed()?;
        }
        self.depth += 1;
        let level = self.feed.enter(boundary);
        let mut count = 0;
        loop {
            self.between()?;
            match self.feed.delimiter(level)? {
                Some(Delimiter::Part(_)) => {
                    self.reader.check()?;
                    count += 1;
                    let number = if number.is_empty() { count.to_string() } else { format!("{number}.{count}") };
                    let headers = read_headers(self.feed, self.reader)?;
                    self.entity(&headers, &number, subtype == "digest")?;
                }
                Some(Delimiter::Close(_)) => break,
                None => {
                    self.is_cut_short |= self.feed.is_at_end()?;
                    break;
                }
            }
        }
        self.feed.leave();
        self.depth -= 1;
        Ok(())
    }

    fn sealed(&mut self) -> Result<(), ReadError> {
        self.reader.problem(Problem::encrypted("a part of the message is encrypted; decrypt the message first"))
    }

    /// What stands before, between and after parts is text that hardly any program shows.
    fn between(&mut self) -> Result<(), ReadError> {
        let part = Part::Verbatim { offset: self.feed.offset(), line: self.feed.line() };
        let mut body = Body::new(self.feed);
        let source = Source::stream(&mut body, None)?;
        if source.head().trim_ascii().is_empty() && source.is_complete() {
            return Ok(());
        }
        self.reader.part(part, |reader| crate::text::read(source, reader))
    }

    /// Text or HTML of the message itself.
    fn body(
        &mut self,
        encoding: Option<decode::Encoding>,
        charset: Option<&'static Encoding>,
        is_html: bool,
        number: &str,
    ) -> Result<(), ReadError> {
        let place = self.place(if number.is_empty() { "1" } else { number });
        let verbatim = Part::Verbatim { offset: self.feed.offset(), line: self.feed.line() };
        let mut body = Body::new(self.feed);
        let (part, source) = match encoding {
            None => (verbatim, Source::stream(&mut body, None)?),
            Some(encoding) => (Part::Decoded { place }, Source::stream(Decoded::new(&mut body, encoding), None)?),
        };
        let source = source.encoded_in(charset);
        self.reader.part(part, |reader| {
            if is_html {
                crate::tree::read(model::Format::Html, source, reader)
            } else {
                crate::text::read(source, reader)
            }
        })?;
        // Where a reader gave up early, the parts that follow are still to be found.
        std::io::copy(&mut body, &mut std::io::sink())?;
        Ok(())
    }

    fn member(
        &mut self,
        file_name: Option<String>,
        encoding: Option<decode::Encoding>,
        number: &str,
    ) -> Result<(), ReadError> {
        let place = self.place(if number.is_empty() { "1" } else { number });
        let name = match (file_name, self.prefix) {
            (None, _) => place,
            (Some(file_name), "") => file_name,
            (Some(file_name), prefix) => format!("{prefix}/{file_name}"),
        };
        let member = Member { name: &name, len: None };
        let mut body = Body::new(self.feed);
        let source = match encoding {
            None => Source::stream(&mut body, None)?,
            Some(encoding) => Source::stream(Decoded::new(&mut body, encoding), None)?,
        };
        self.reader.member(&member, source)?;
        std::io::copy(&mut body, &mut std::io::sink())?;
        Ok(())
    }

    /// A part's place in the object.
    fn place(&self, number: &str) -> String {
        match (self.prefix, number) {
            ("", number) => format!("part {number}"),
            (prefix, "") => prefix.to_owned(),
            (prefix, number) => format!("{prefix} part {number}"),
        }
    }
}

/// The encoding that a `charset` parameter names. ASCII is what programs say that do not know.
fn charset(label: &str) -> Option<&'static Encoding> {
    if ["us-ascii", "ascii", "unknown-8bit"].iter().any(|ascii| label.trim().eq_ignore_ascii_case(ascii)) {
        return None;
    }
    Encoding::for_label(label.as_bytes())
}
