//! Segments into fields, repetitions, components and subcomponents, borrowed from the window.

use super::delimiters::Delimiters;
use crate::clinical::base64;
use crate::window::{Positions, Window};
use crate::{Escape, Field, Member, Place, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

/// Identifiers (CX): the assigning authority stands in component 4, the kind in 5.
const CX: &[&str] = &[
    "PID-2", "PID-3", "PID-4", "PID-18", "PID-21", "MRG-1", "MRG-2", "MRG-3", "MRG-4", "MRG-5", "MRG-6", "PV1-5",
    "PV1-19", "PV1-50", "NK1-33", "IN1-3", "IN1-49", "GT1-2",
];
/// Staff (XCN): authority in component 9, kind of the identifier in 13.
const XCN: &[&str] = &[
    "EVN-5", "PD1-4", "PV1-7", "PV1-8", "PV1-9", "PV1-17", "PV1-52", "PV2-13", "ORC-10", "ORC-11", "ORC-12", "ORC-19",
    "OBR-10", "OBR-16", "OBR-28", "DG1-16", "OBX-16", "RXA-10", "TXA-5", "TXA-9", "TXA-10", "TXA-11", "TXA-22",
    "AIP-3", "PR1-8", "PR1-11", "PR1-12", "ROL-4",
];
/// Telephones (XTN): equipment in component 3, use in 2.
const XTN: &[&str] = &[
    "PID-13", "PID-14", "PID-40", "NK1-5", "NK1-6", "NK1-7", "NK1-31", "GT1-6", "GT1-7", "IN1-7", "ORC-14", "ORC-23",
    "OBR-17", "PRT-15", "STF-10", "ROL-12",
];

/// What is remembered from segment to segment.
pub(super) struct Message {
    delimiters: Delimiters,
    /// Segment names with how often each came in the present message.
    counts: Vec<([u8; 3], u64)>,
    /// Something has been reported since the last boundary between records.
    reported: bool,
    /// `PID`.
    name: String,
    /// `PID-5` and `OBX[2]-5`, then with component.
    path: String,
    place: String,
    spare: String,
    decoded: String,
}

impl Message {
    pub(super) fn new() -> Self {
        Self {
            delimiters: Delimiters::default(),
            counts: Vec::new(),
            reported: false,
            name: String::new(),
            path: String::new(),
            place: String::new(),
            spare: String::new(),
            decoded: String::new(),
        }
    }

    /// The segment read last.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads the segment in the window's first `end` bytes.
    pub(super) fn read(
        &mut self,
        window: &mut Window<'_>,
        end: usize,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let (bytes, mut positions) = window.parts();
        let whole = bytes.get(..end).unwrap_or_default();
        // MLLP frames messages by 0x0B and 0x1C.
        let framing = |byte: &&u8| matches!(**byte, 0x0B | 0x1C | b' ' | b'\t');
        let start = whole.iter().take_while(framing).count();
        let end = end - whole.iter().rev().take_while(|byte| matches!(**byte, 0x0B | 0x1C)).count().min(end);
        let Some(segment) = bytes.get(start..end).filter(|segment| !segment.is_empty()) else { return Ok(()) };
        let mut at = start;
        if let Some(delimiters) = Delimiters::of(segment) {
            self.delimiters = delimiters;
        }
        let header = matches!(segment.get(..3), Some(b"MSH" | b"FHS" | b"BHS"));
        if !self.begin(segment, reader)? {
            // A line break inside a value: the line goes on where the last one stopped.
            return self.value(&mut positions, at, end, Qualifiers::default(), reader);
        }
        let verbatim = self.free_text(segment);
        let separator = self.delimiters.field;
        // A header's first field is the separator itself, its second holds the other delimiters.
        let (name, first) = if header { (1, 3) } else { (0, 1) };
        for (number, field) in (name..).zip(segment.split(|byte| *byte == separator)) {
            if number >= first && !field.is_empty() {
                self.field(&mut positions, at, field, number, verbatim, reader)?;
            }
            at += field.len() + 1;
        }
        Ok(())
    }

    /// Notes which segment begins; `false` when this is no segment.
    fn begin(&mut self, segment: &[u8], reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
        let Some(&[a, b, c]) = segment.first_chunk::<3>() else { return Ok(false) };
        let is_name =
            a.is_ascii_uppercase() && [b, c].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_name || segment.get(3).is_some_and(|byte| *byte != self.delimiters.field) {
            return Ok(false);
        }
        let name = [a, b, c];
        if &name == b"MSH" {
            self.counts.clear();
            self.boundary(reader)?;
        }
        let count = match self.counts.iter_mut().find(|known| known.0 == name) {
            Some(known) => {
                known.1 += 1;
                known.1
            }
            None => {
                self.counts.push((name, 1));
                1
            }
        };
        if &name == b"PID" && count > 1 {
            self.boundary(reader)?;
        }
        self.name.clear();
        self.name.extend(name.map(char::from));
        self.place.clear();
        self.place.push_str(&self.name);
        if count > 1 {
            push_index(&mut self.place, count);
        }
        Ok(true)
    }

    fn boundary(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if std::mem::take(&mut self.reported) { reader.record() } else { Ok(()) }
    }

    /// The field that holds free text, in which `^` and `&` stand for themselves: notes, and results of type TX, FT, ST.
    fn free_text(&self, segment: &[u8]) -> Option<u64> {
        match self.name.as_str() {
            "NTE" => Some(3),
            "OBX" => {
                let kind = segment.split(|byte| *byte == self.delimiters.field).nth(2);
                matches!(kind, Some(b"TX" | b"FT" | b"ST")).then_some(5)
            }
            _ => None,
        }
    }

    /// Field `number`, which lies at `at`.
    fn field(
        &mut self,
        positions: &mut Positions<'_>,
        mut at: usize,
        field: &[u8],
        number: u64,
        verbatim: Option<u64>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let segment_place = self.place.len();
        self.path.clear();
        self.path.push_str(&self.name);
        self.path.push('-');
        push_number(&mut self.path, number);
        self.place.push('-');
        push_number(&mut self.place, number);
        let field_place = self.place.len();
        let delimiters = self.delimiters;
        for (repetition, piece) in (1..).zip(field.split(|byte| *byte == delimiters.repetition)) {
            if !piece.is_empty() {
                if repetition > 1 {
                    push_index(&mut self.place, repetition);
                }
                if verbatim == Some(number) {
                    self.value(positions, at, at + piece.len(), Qualifiers::default(), reader)?;
                } else {
                    self.repetition(positions, at, piece, reader)?;
                }
            }
            self.place.truncate(field_place);
            at += piece.len() + 1;
        }
        self.place.truncate(segment_place);
        Ok(())
    }

    fn repetition(
        &mut self,
        positions: &mut Positions<'_>,
        mut at: usize,
        piece: &[u8],
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let delimiters = self.delimiters;
        if memchr::memchr2(delimiters.component, delimiters.subcomponent, piece).is_none() {
            return self.value(positions, at, at + piece.len(), Qualifiers::default(), reader);
        }
        let parts = || piece.split(move |byte| *byte == delimiters.component);
        let qualifiers = self.qualifiers(&parts);
        let document = parts().nth(3).is_some_and(|encoding| encoding.eq_ignore_ascii_case(b"Base64"));
        let (path, place) = (self.path.len(), self.place.len());
        let single = parts().nth(1).is_none();
        for (component, part) in (1..).zip(parts()) {
            if !part.is_empty() {
                if !single {
                    self.push_part(component);
                }
                if document && component == 5 {
                    self.document(part, reader)?;
                } else {
                    self.component(positions, at, part, qualifiers, reader)?;
                }
            }
            self.path.truncate(path);
            self.place.truncate(place);
            at += part.len() + 1;
        }
        Ok(())
    }

    fn component(
        &mut self,
        positions: &mut Positions<'_>,
        mut at: usize,
        part: &[u8],
        qualifiers: Qualifiers<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let subcomponent = self.delimiters.subcomponent;
        if memchr::memchr(subcomponent, part).is_none() {
            return self.value(positions, at, at + part.len(), qualifiers, reader);
        }
        let (path, place) = (self.path.len(), self.place.len());
        for (number, sub) in (1..).zip(part.split(|byte| *byte == subcomponent)) {
            if !sub.is_empty() {
                self.push_part(number);
                self.value(positions, at, at + sub.len(), qualifiers, reader)?;
                self.path.truncate(path);
                self.place.truncate(place);
            }
            at += sub.len() + 1;
        }
        Ok(())
    }

    /// What stands beside the value in its repetition.
    fn qualifiers<'t, I: Iterator<Item = &'t [u8]>>(&self, parts: &impl Fn() -> I) -> Qualifiers<'t> {
        let text = |number: usize| {
            let part = parts().nth(number - 1).unwrap_or_default();
            let named = part.split(|byte| *byte == self.delimiters.subcomponent).find(|sub| !sub.is_empty());
            std::str::from_utf8(named.unwrap_or_default()).unwrap_or_default()
        };
        let path = self.path.as_str();
        if CX.contains(&path) {
            Qualifiers { issuer: text(4), kind: text(5) }
        } else if XCN.contains(&path) {
            Qualifiers { issuer: text(9), kind: text(13) }
        } else if XTN.contains(&path) {
            let equipment = text(3);
            Qualifiers { issuer: "", kind: if equipment.is_empty() { text(2) } else { equipment } }
        } else {
            Qualifiers::default()
        }
    }

    /// A document in base64 (data type ED).
    fn document(&mut self, data: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let Some(bytes) = std::str::from_utf8(data).ok().and_then(base64::decode) else {
            let place = &self.place;
            return reader.problem(crate::Problem::malformed(format!("the document in `{place}` is not base64")));
        };
        self.reported = true;
        let member = Member { name: &self.place, len: Some(bytes.len() as u64) };
        reader.member(&member, Source::bytes(&bytes))
    }

    fn value(
        &mut self,
        positions: &mut Positions<'_>,
        start: usize,
        end: usize,
        qualifiers: Qualifiers<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let (mut value, mut raw) = positions.plain(start, end, &mut self.spare);
        // Two quotation marks mean that the receiver shall delete what it has (section 2.5.3).
        if value == "\"\"" {
            return Ok(());
        }
        if memchr::memchr(self.delimiters.escape, value.as_bytes()).is_some() {
            let exact = self.delimiters.unescape(value, &mut self.decoded);
            raw = match raw {
                Raw::Verbatim { .. } => positions.escaped(start, end, Escape::Hl7, exact),
                Raw::Encoded { start: from, .. } => Raw::Whole { start: from, end: positions.offset(end) },
                other => other,
            };
            value = &self.decoded;
        }
        self.reported = true;
        reader.field(&Field {
            vocabulary: Vocabulary::Hl7,
            path: &self.path,
            place: Place::Path(&self.place),
            value,
            raw,
            qualifiers,
        })
    }

    fn push_part(&mut self, number: u64) {
        self.path.push('.');
        push_number(&mut self.path, number);
        self.place.push('.');
        push_number(&mut self.place, number);
    }
}

fn push_index(into: &mut String, index: u64) {
    into.push('[');
    push_number(into, index);
    into.push(']');
}

fn push_number(into: &mut String, number: u64) {
    if number >= 10 {
        push_number(into, number / 10);
    }
    into.push(char::from(b'0' + (number % 10) as u8));
}
