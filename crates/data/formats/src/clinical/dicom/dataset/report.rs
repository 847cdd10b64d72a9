//! What a value of an element is reported as.

use std::fmt::Write as _;
use std::io::Read as _;

use crate::clinical::dicom::element::{Encoding, Form, Header, Kind, Tag};
use crate::clinical::dicom::value;
use crate::{Field, Member, Problem, Qualifiers, Raw, ReadError, Source, Vocabulary};

use super::{CHARACTER_SET, CONCEPT_NAME, Charset, Pending, TRANSFER_SYNTAX, Walk};

const PATIENT_ID: Tag = Tag::new(0x0010, 0x0020);
pub(super) const ISSUER_OF_PATIENT_ID: Tag = Tag::new(0x0010, 0x0021);
const CODE_MEANING: Tag = Tag::new(0x0008, 0x0104);
const RECORD_TYPE: Tag = Tag::new(0x0004, 0x1430);
/// Longer lists of numbers are curves, contours and tables, and nothing else.
const NUMBERS_MAX: usize = 16;
/// Group whose numbers describe pixels.
const PIXEL_GROUP: u16 = 0x0028;

impl Walk<'_, '_, '_, '_> {
    /// Reads and reports a value of known, bounded representation.
    pub(super) fn value(
        &mut self,
        found: Header,
        kind: Kind,
        length: u32,
        encoding: Encoding,
    ) -> Result<(), ReadError> {
        let limit = self.reader.limits().value_bytes_max;
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = self.input.peek(wanted.min(limit))?.to_vec();
        self.input.consume(bytes.len());
        if bytes.len() < wanted.min(limit) {
            if value::is_textual(&bytes) {
                self.report(found, kind, &bytes, encoding)?;
            }
            return Err(self.truncated(Some("a value is longer than what is left of the file")));
        }
        self.report(found, kind, &bytes, encoding)?;
        if wanted > limit {
            self.reader.problem(Problem::limit(format!(
                "only the first {limit} bytes of {} were searched; raise `limits.value_bytes_max` to read all of it",
                found.tag
            )))?;
        }
        self.skip((wanted - bytes.len()) as u64)
    }

    fn report(&mut self, found: Header, kind: Kind, bytes: &[u8], encoding: Encoding) -> Result<(), ReadError> {
        let tag = found.tag;
        if tag.element == 0 {
            return Ok(());
        }
        match kind {
            Kind::Number { bytes: width, form } => self.numbers(tag, bytes, width, form, encoding),
            Kind::TagValue => self.tags(tag, bytes, encoding),
            Kind::Name => self.names(tag, bytes),
            Kind::Text { charset, multiple } => self.texts(found, bytes, charset, multiple),
            Kind::Bytes if value::is_textual(bytes) => self.texts(found, bytes, true, true),
            // Private bytes often hold headers of their own, with names and numbers in clear.
            Kind::Bytes => crate::binary::strings(bytes, &format!("{}{tag}", self.place), self.reader),
            Kind::Bulk | Kind::Sequence => Ok(()),
        }
    }

    fn numbers(
        &mut self,
        tag: Tag,
        bytes: &[u8],
        width: usize,
        form: Form,
        encoding: Encoding,
    ) -> Result<(), ReadError> {
        if tag.group == PIXEL_GROUP || bytes.len() / width > NUMBERS_MAX {
            return Ok(());
        }
        for one in bytes.chunks_exact(width) {
            if let Some(number) = value::number(one, form, encoding) {
                self.emit(tag, &number, "")?;
            }
        }
        Ok(())
    }

    fn tags(&mut self, tag: Tag, bytes: &[u8], encoding: Encoding) -> Result<(), ReadError> {
        for one in bytes.chunks_exact(4).take(NUMBERS_MAX) {
            if let Some(named) = encoding.tag(one) {
                self.emit(tag, &named.to_string(), "")?;
            }
        }
        Ok(())
    }

    fn names(&mut self, tag: Tag, bytes: &[u8]) -> Result<(), ReadError> {
        let text = self.charset().decode(bytes).into_owned();
        for name in text.split('\\') {
            for (group, written) in value::name_groups(name) {
                self.emit(tag, &value::readable_name(written), group)?;
            }
        }
        Ok(())
    }

    fn texts(&mut self, found: Header, bytes: &[u8], charset: bool, multiple: bool) -> Result<(), ReadError> {
        let tag = found.tag;
        let numeric = matches!(&found.vr.0, b"DS" | b"IS") && value::is_numeric_list(bytes);
        if numeric && (tag.group == PIXEL_GROUP || memchr::memchr_iter(b'\\', bytes).count() >= NUMBERS_MAX) {
            return Ok(());
        }
        let declared = if charset { self.charset() } else { Charset::default() };
        let text = declared.decode(bytes).into_owned();
        self.note(tag, value::trimmed(&text))?;
        if !multiple {
            return self.emit(tag, value::trimmed(&text), "");
        }
        if tag == PATIENT_ID {
            return self.hold(tag, value::trimmed(&text));
        }
        for one in text.split('\\') {
            self.emit(tag, value::trimmed(one), "")?;
        }
        Ok(())
    }

    /// Takes in what governs values that follow.
    fn note(&mut self, tag: Tag, text: &str) -> Result<(), ReadError> {
        match tag {
            CHARACTER_SET => self.declare_charset(text)?,
            TRANSFER_SYNTAX => text.clone_into(&mut self.transfer_syntax),
            ISSUER_OF_PATIENT_ID => self.flush_pending(text)?,
            RECORD_TYPE if text == "PATIENT" => self.reader.record()?,
            CODE_MEANING => self.name_concept(text),
            _ if tag.is_private_creator() => {
                let block = u8::try_from(tag.element & 0xFF).unwrap_or(0);
                if let Some(frame) = self.stack.last_mut() {
                    frame.creators.push((tag.group, block, text.to_owned()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn declare_charset(&mut self, text: &str) -> Result<(), ReadError> {
        let (charset, known) = Charset::parse(text);
        if let Some(frame) = self.stack.last_mut() {
            frame.charset = charset;
        }
        if known {
            return Ok(());
        }
        self.reader.problem(Problem::unsupported(
            "the character set in (0008,0005) is not one of the standard; text is read as ISO 8859-1 or UTF-8",
        ))
    }

    /// In a structured report an item's concept name says what its value is.
    fn name_concept(&mut self, meaning: &str) {
        let Some(at) = self.stack.len().checked_sub(3) else { return };
        if self.stack.get(at + 1).is_some_and(|sequence| sequence.tag == CONCEPT_NAME)
            && let Some(item) = self.stack.get_mut(at)
        {
            meaning.clone_into(&mut item.concept);
        }
    }

    fn hold(&mut self, tag: Tag, value: &str) -> Result<(), ReadError> {
        self.flush_pending("")?;
        let place = format!("{}{tag}", self.place);
        self.pending = Some(Pending { place, value: value.to_owned() });
        Ok(())
    }

    /// Reports the patient id that waits, with its issuer.
    pub(super) fn flush_pending(&mut self, issuer: &str) -> Result<(), ReadError> {
        let Some(held) = self.pending.take() else { return Ok(()) };
        for one in held.value.split('\\') {
            self.reader.field(&Field {
                vocabulary: Vocabulary::Dicom,
                path: "00100020",
                place: crate::Place::Path(&held.place),
                value: value::trimmed(one),
                raw: Raw::None,
                qualifiers: Qualifiers { issuer, kind: "" },
            })?;
        }
        Ok(())
    }

    fn emit(&mut self, tag: Tag, value: &str, kind: &str) -> Result<(), ReadError> {
        if value.is_empty() {
            return Ok(());
        }
        let base = self.place.len();
        let _ = write!(self.place, "{tag}");
        let generic =
            if tag.is_private() && !tag.is_private_creator() { Tag::new(tag.group, tag.element & 0x00FF) } else { tag };
        let hex = generic.hex();
        let frame = self.stack.last();
        let block = tag.element >> 8;
        let issuer = frame
            .filter(|_| generic != tag)
            .and_then(|frame| frame.creators.iter().find(|(group, b, _)| *group == tag.group && u16::from(*b) == block))
            .map_or("", |(_, _, name)| name);
        let concept = if tag.group == 0x0040 && tag.element >= 0xA000 {
            frame.map_or("", |frame| frame.concept.as_str())
        } else {
            ""
        };
        let kind = if kind.is_empty() { concept } else { kind };
        self.reader.field(&Field {
            vocabulary: Vocabulary::Dicom,
            path: std::str::from_utf8(&hex).unwrap_or(""),
            place: crate::Place::Path(&self.place),
            value,
            raw: Raw::None,
            qualifiers: Qualifiers { issuer, kind },
        })?;
        self.place.truncate(base);
        Ok(())
    }

    /// Opens the encapsulated PDF, CDA or other document as a member.
    pub(super) fn document(&mut self, length: u32) -> Result<(), ReadError> {
        let end = self.input.position() + u64::from(length);
        let name = format!("{}(0042,0011)", self.place);
        let bytes = u64::from(length);
        let source = Source::stream(self.input.by_ref().take(bytes), Some(bytes))?;
        self.reader.member(&Member { name: &name, len: Some(bytes) }, source)?;
        self.skip(end.saturating_sub(self.input.position()))
    }
}
