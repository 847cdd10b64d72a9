//! The walk over the elements of a data set and the items nested in it.

use std::fmt::Write as _;

use crate::{Problem, ReadError, Reader};

use super::charset::Charset;
use super::element::{Encoding, Header, ITEM, ITEM_END, Kind, SEQUENCE_END, Tag, Vr, header};
use super::input::Input;

mod report;

pub(super) const CHARACTER_SET: Tag = Tag::new(0x0008, 0x0005);
const TRANSFER_SYNTAX: Tag = Tag::new(0x0002, 0x0010);
const ENCAPSULATED_DOCUMENT: Tag = Tag::new(0x0042, 0x0011);
const CONCEPT_NAME: Tag = Tag::new(0x0040, 0xA043);
/// Bytes of unknown representation that are looked at for text; longer ones are pixels and their like.
const UNKNOWN_BYTES_MAX: u32 = 1 << 20;

/// What is open: the data set itself, a sequence, or one of its items.
struct Frame {
    tag: Tag,
    is_item: bool,
    /// Where it ends; `None` until a delimiter.
    end: Option<u64>,
    encoding: Encoding,
    charset: Charset,
    /// Private creators: group, block, name.
    creators: Vec<(u16, u8, String)>,
    /// In structured reports the meaning of the concept that names this content item.
    concept: String,
    /// Length of the place before this frame was opened.
    place_len: usize,
    /// Items opened so far.
    items: u32,
}

/// A patient id that waits for its issuer, which follows it.
struct Pending {
    place: String,
    value: String,
}

/// One walk over one data set.
pub(super) struct Walk<'s, 'w, 'r, 'b> {
    input: Input<'s>,
    reader: &'w mut Reader<'r, 'b>,
    stack: Vec<Frame>,
    place: String,
    pending: Option<Pending>,
    transfer_syntax: String,
    counted: u64,
    elements: u64,
}

enum Step {
    More,
    End,
}

impl<'s, 'w, 'r, 'b> Walk<'s, 'w, 'r, 'b> {
    pub(super) fn new(input: Input<'s>, reader: &'w mut Reader<'r, 'b>, encoding: Encoding) -> Self {
        let root = Frame {
            tag: Tag::new(0, 0),
            is_item: true,
            end: None,
            encoding,
            charset: Charset::default(),
            creators: Vec::new(),
            concept: String::new(),
            place_len: 0,
            items: 0,
        };
        let counted = input.position();
        Self {
            input,
            reader,
            stack: vec![root],
            place: String::new(),
            pending: None,
            transfer_syntax: String::new(),
            counted,
            elements: 0,
        }
    }

    /// Reads group 0002 and gives the rest of the input back with the transfer syntax; `None` when the file ended in it.
    pub(super) fn meta(mut self) -> Result<Option<(Input<'s>, String)>, ReadError> {
        while self.input.peek(2)? == [0x02, 0x00] {
            if matches!(self.step()?, Step::End) {
                return Ok(None);
            }
        }
        Ok(Some((self.input, self.transfer_syntax)))
    }

    /// Reads everything.
    pub(super) fn dataset(mut self) -> Result<(), ReadError> {
        let outcome = self.all();
        self.flush_pending("")?;
        outcome
    }

    fn all(&mut self) -> Result<(), ReadError> {
        loop {
            self.close_ended()?;
            if matches!(self.step()?, Step::End) {
                return Ok(());
            }
        }
    }

    fn encoding(&self) -> Encoding {
        self.stack.last().map_or(Encoding::EXPLICIT_LITTLE, |frame| frame.encoding)
    }

    fn charset(&self) -> Charset {
        self.stack.last().map(|frame| frame.charset).unwrap_or_default()
    }

    /// Closes what ends here, even where something inside claims to be longer.
    fn close_ended(&mut self) -> Result<(), ReadError> {
        let position = self.input.position();
        let ended = self.stack.iter().position(|frame| frame.end.is_some_and(|end| end <= position));
        ended.map_or(Ok(()), |at| self.close_from(at))
    }

    fn close_from(&mut self, at: usize) -> Result<(), ReadError> {
        self.flush_pending("")?;
        if let Some(frame) = self.stack.get(at) {
            self.place.truncate(frame.place_len);
        }
        self.stack.truncate(at.max(1));
        Ok(())
    }

    fn account(&mut self) -> Result<(), ReadError> {
        self.elements += 1;
        if self.elements.is_multiple_of(1024) {
            self.reader.check()?;
        }
        if self.input.is_inflated() {
            let position = self.input.position();
            self.reader.expanded(position - self.counted, position, None)?;
            self.counted = position;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Step, ReadError> {
        self.account()?;
        let encoding = self.encoding();
        let head = self.input.peek(12)?;
        if head.is_empty() {
            return self.at_end();
        }
        let Some(found) = header(head, encoding) else {
            return if head.iter().all(|b| *b == 0) { Ok(Step::End) } else { Err(self.truncated(None)) };
        };
        if found.tag == Tag::new(0, 0) {
            return self.at_padding();
        }
        if found.tag.group == 0xFFFE {
            self.input.consume(8);
            return self.delimiter(found).map(|()| Step::More);
        }
        if self.stack.last().is_some_and(|frame| !frame.is_item) {
            return self.stray_in_sequence();
        }
        self.input.consume(usize::try_from(found.bytes).unwrap_or(8));
        self.element(found, encoding).map(|()| Step::More)
    }

    fn at_end(&mut self) -> Result<Step, ReadError> {
        if self.stack.len() > 1 {
            return Err(self.truncated(None));
        }
        Ok(Step::End)
    }

    /// Zeros behind the data set are padding; zeros within it mean that its structure is lost.
    fn at_padding(&mut self) -> Result<Step, ReadError> {
        let zeros = self.input.peek(4096)?.iter().all(|b| *b == 0);
        if zeros && self.stack.len() == 1 {
            return Ok(Step::End);
        }
        Err(self.malformed("null bytes stand where an element should begin"))
    }

    fn delimiter(&mut self, found: Header) -> Result<(), ReadError> {
        match found.tag {
            ITEM => self.open_item(found.length),
            ITEM_END => match self.stack.last() {
                Some(frame) if frame.is_item && self.stack.len() > 1 => self.close_from(self.stack.len() - 1),
                _ => Ok(()),
            },
            SEQUENCE_END => match self.stack.iter().rposition(|frame| !frame.is_item) {
                Some(at) => self.close_from(at),
                None => Ok(()),
            },
            _ => Err(self.malformed("an unknown delimiter stands where an element should begin")),
        }
    }

    fn open_item(&mut self, length: Option<u32>) -> Result<(), ReadError> {
        let end = length.map(|length| self.input.position() + u64::from(length));
        let place_len = self.place.len();
        let Some(sequence) = self.stack.last_mut().filter(|frame| !frame.is_item) else {
            return Err(self.malformed("an item stands outside a sequence"));
        };
        sequence.items += 1;
        let frame = Frame {
            tag: sequence.tag,
            is_item: true,
            end,
            encoding: sequence.encoding,
            charset: sequence.charset,
            creators: Vec::new(),
            concept: String::new(),
            place_len,
            items: 0,
        };
        let number = sequence.items;
        let _ = write!(self.place, "[{number}]/");
        self.push(frame)
    }

    fn open_sequence(&mut self, tag: Tag, length: Option<u32>, encoding: Encoding) -> Result<(), ReadError> {
        self.flush_pending("")?;
        let end = length.map(|length| self.input.position() + u64::from(length));
        let place_len = self.place.len();
        let _ = write!(self.place, "{tag}");
        let charset = self.charset();
        self.push(Frame {
            tag,
            is_item: false,
            end,
            encoding,
            charset,
            creators: Vec::new(),
            concept: String::new(),
            place_len,
            items: 0,
        })
    }

    fn push(&mut self, frame: Frame) -> Result<(), ReadError> {
        let depth = self.reader.limits().nesting_max;
        if self.stack.len() > depth {
            return Err(Problem::limit(format!(
                "sequences nest deeper than {depth}; raise `limits.nesting_max` to read on"
            ))
            .into());
        }
        self.stack.push(frame);
        Ok(())
    }

    /// An element where only items may stand: a sequence of known length is left at its end, another one ends here.
    fn stray_in_sequence(&mut self) -> Result<Step, ReadError> {
        let at = self.stack.len() - 1;
        let end = self.stack.last().and_then(|frame| frame.end);
        self.reader.problem(Problem::malformed(format!(
            "a sequence holds something else than items at byte {}",
            self.input.position()
        )))?;
        if let Some(end) = end {
            self.skip(end.saturating_sub(self.input.position()))?;
        }
        self.close_from(at)?;
        Ok(Step::More)
    }

    fn element(&mut self, found: Header, encoding: Encoding) -> Result<(), ReadError> {
        if found.tag != report::ISSUER_OF_PATIENT_ID {
            self.flush_pending("")?;
        }
        let kind = found.vr.kind().unwrap_or(Kind::Bytes);
        let Some(length) = found.length else { return self.undefined(found, kind, encoding) };
        if found.tag == ENCAPSULATED_DOCUMENT {
            return self.document(length);
        }
        match kind {
            Kind::Sequence => {
                let inner = if found.unknown { self.inner_encoding(encoding)? } else { encoding };
                self.open_sequence(found.tag, Some(length), inner)
            }
            Kind::Bulk => self.skip(u64::from(length)),
            Kind::Bytes if found.vr == Vr::UN && self.begins_item(length)? => {
                let inner = self.inner_encoding(encoding)?;
                self.open_sequence(found.tag, Some(length), inner)
            }
            Kind::Bytes if length > UNKNOWN_BYTES_MAX || !(found.vr == Vr::UN || found.tag.is_private()) => {
                self.skip(u64::from(length))
            }
            _ => self.value(found, kind, length, encoding),
        }
    }

    fn undefined(&mut self, found: Header, kind: Kind, encoding: Encoding) -> Result<(), ReadError> {
        if kind == Kind::Bulk || (kind == Kind::Bytes && found.vr != Vr::UN) {
            return self.fragments();
        }
        // PS3.5 section 6.2.2 note 4: an unknown representation of undefined length holds implicit little endian.
        let inner = if found.unknown { self.inner_encoding(encoding)? } else { encoding };
        self.open_sequence(found.tag, None, inner)
    }

    /// The encoding inside a sequence of unknown representation: implicit, unless its first element shows otherwise.
    fn inner_encoding(&mut self, outer: Encoding) -> Result<Encoding, ReadError> {
        let head = self.input.peek(14)?;
        let explicit = matches!(head.get(12..14), Some([a, b]) if Vr([*a, *b]).is_standard());
        let big_endian = outer.big_endian && head.starts_with(&[0xFF, 0xFE]);
        Ok(Encoding { explicit, big_endian })
    }

    fn begins_item(&mut self, length: u32) -> Result<bool, ReadError> {
        let head = self.input.peek(8)?;
        let Some(item) = header(head, Encoding::IMPLICIT_LITTLE) else { return Ok(false) };
        Ok(length >= 8 && item.tag == ITEM && item.length.is_none_or(|inner| inner <= length - 8))
    }

    /// Encapsulated pixels: fragments are stepped over by their headers (PS3.5 annex A.4).
    fn fragments(&mut self) -> Result<(), ReadError> {
        loop {
            self.account()?;
            let encoding = self.encoding();
            let Some(item) = header(self.input.peek(8)?, encoding) else { return Err(self.truncated(None)) };
            self.input.consume(8);
            match (item.tag, item.length) {
                (SEQUENCE_END, _) => return Ok(()),
                (ITEM, Some(length)) => self.skip(u64::from(length))?,
                _ => return Err(self.malformed("a pixel fragment has no header")),
            }
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ReadError> {
        if self.input.skip(bytes, self.reader)? < bytes {
            return Err(self.truncated(Some("a value is longer than what is left of the file")));
        }
        Ok(())
    }

    fn truncated(&self, why: Option<&str>) -> ReadError {
        let why = why.unwrap_or("the file ends within an element or sequence");
        Problem::truncated(format!("{why}, at byte {}", self.input.position())).into()
    }

    fn malformed(&self, why: &str) -> ReadError {
        Problem::malformed(format!("{why}, at byte {}; the rest is not read", self.input.position())).into()
    }
}
