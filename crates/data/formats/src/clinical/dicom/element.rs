//! Tags, value representations and element headers (DICOM PS3.5 sections 6.2 and 7.1).

use std::fmt;

use super::dictionary;

/// An element's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag {
    pub(super) group: u16,
    pub(super) element: u16,
}

pub(super) const ITEM: Tag = Tag::new(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag::new(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag::new(0xFFFE, 0xE0DD);

impl Tag {
    pub(super) const fn new(group: u16, element: u16) -> Self {
        Self { group, element }
    }

    /// Odd groups are private (PS3.5 section 7.8).
    pub(super) const fn is_private(self) -> bool {
        self.group % 2 == 1
    }

    /// Reserves a block of private elements (PS3.5 section 7.8.1).
    pub(super) const fn is_private_creator(self) -> bool {
        self.is_private() && self.element >= 0x10 && self.element <= 0xFF
    }

    /// Eight upper-case hex digits.
    pub(super) fn hex(self) -> [u8; 8] {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let number = (u32::from(self.group) << 16) | u32::from(self.element);
        std::array::from_fn(|at| {
            let nibble = (number >> (28 - 4 * at)) & 0xF;
            DIGITS.get(nibble as usize).copied().unwrap_or(b'0')
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.group, self.element)
    }
}

/// A value representation: two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vr(pub(super) [u8; 2]);

/// What has to be done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, several values divided by backslashes; `charset` when (0008,0005) governs it.
    Text { charset: bool, multiple: bool },
    /// A person's name.
    Name,
    /// Little or big numbers of this many bytes.
    Number { bytes: usize, form: Form },
    /// A tag as value.
    TagValue,
    /// Nested items.
    Sequence,
    /// Pixels, curves, waveforms, tables: never loaded.
    Bulk,
    /// Bytes that may hold anything.
    Bytes,
}

/// How a binary number is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Unsigned,
    Signed,
    Float,
}

impl Vr {
    pub(super) const UN: Self = Self(*b"UN");
    pub(super) const SQ: Self = Self(*b"SQ");

    /// Whether PS3.5 section 6.2 defines it.
    pub(super) fn is_standard(self) -> bool {
        self.kind().is_some()
    }

    /// Whether an explicit header has two reserved bytes and a 32-bit length (PS3.5 table 7.1-1).
    pub(super) fn has_long_length(self) -> bool {
        matches!(
            &self.0,
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
        )
    }

    /// What to do with its values; `None` when the standard does not define it.
    pub(super) fn kind(self) -> Option<Kind> {
        let text = |charset, multiple| Kind::Text { charset, multiple };
        let number = |bytes, form| Kind::Number { bytes, form };
        Some(match &self.0 {
            b"AE" | b"AS" | b"CS" | b"DA" | b"DS" | b"DT" | b"IS" | b"TM" | b"UI" => text(false, true),
            b"LO" | b"SH" | b"UC" => text(true, true),
            b"LT" | b"ST" | b"UT" => text(true, false),
            b"UR" => text(false, false),
            b"PN" => Kind::Name,
            b"US" => number(2, Form::Unsigned),
            b"SS" => number(2, Form::Signed),
            b"UL" => number(4, Form::Unsigned),
            b"SL" => number(4, Form::Signed),
            b"UV" => number(8, Form::Unsigned),
            b"SV" => number(8, Form::Signed),
            b"FL" => number(4, Form::Float),
            b"FD" => number(8, Form::Float),
            b"AT" => Kind::TagValue,
            b"SQ" => Kind::Sequence,
            b"OD" | b"OF" | b"OL" | b"OV" | b"OW" => Kind::Bulk,
            b"OB" | b"UN" => Kind::Bytes,
            _ => return None,
        })
    }
}

/// How element headers and numbers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

impl Encoding {
    pub(super) const EXPLICIT_LITTLE: Self = Self { explicit: true, big_endian: false };
    pub(super) const IMPLICIT_LITTLE: Self = Self { explicit: false, big_endian: false };

    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    pub(super) fn tag(self, bytes: &[u8]) -> Option<Tag> {
        Some(Tag::new(self.u16(bytes, 0)?, self.u16(bytes, 2)?))
    }
}

/// An element's header as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: Tag,
    pub(super) vr: Vr,
    /// `None`: undefined length, ended by a delimiter.
    pub(super) length: Option<u32>,
    /// Bytes of the header itself.
    pub(super) bytes: u64,
    /// The file does not tell the representation; it comes from the dictionary, if from anywhere.
    pub(super) unknown: bool,
}

/// The header at the start of `bytes`, of which there should be twelve; `None` when there are too few.
///
/// Two bytes that cannot be a representation are read as the implicit form, as writers mix the two. Unknown
/// representations have a 32-bit length when their 16-bit one is zero and reserved, otherwise a 16-bit one.
pub(super) fn header(bytes: &[u8], encoding: Encoding) -> Option<Header> {
    let tag = encoding.tag(bytes)?;
    let defined = |length: u32| (length != u32::MAX).then_some(length);
    if tag.group == 0xFFFE {
        return Some(Header { tag, vr: Vr::UN, length: defined(encoding.u32(bytes, 4)?), bytes: 8, unknown: false });
    }
    let stated = Vr([*bytes.get(4)?, *bytes.get(5)?]);
    if !encoding.explicit || !stated.0.iter().all(u8::is_ascii_uppercase) {
        let vr = dictionary::lookup(tag).unwrap_or(Vr::UN);
        let unknown = encoding.explicit;
        return Some(Header { tag, vr, length: defined(encoding.u32(bytes, 4)?), bytes: 8, unknown });
    }
    let short = encoding.u16(bytes, 6)?;
    let long = if stated.is_standard() {
        stated.has_long_length()
    } else {
        short == 0 && encoding.u32(bytes, 8).is_some_and(|length| length > 0 && length < 1 << 24)
    };
    let (length, bytes) = if long { (defined(encoding.u32(bytes, 8)?), 12) } else { (Some(u32::from(short)), 8) };
    let unknown = stated == Vr::UN || !stated.is_standard();
    Some(Header { tag, vr: believed(tag, stated), length, bytes, unknown })
}

/// The representation to go by: the dictionary's where the stated one is unknown, or would hide text or a name as
/// numbers or bytes.
fn believed(tag: Tag, stated: Vr) -> Vr {
    let Some(known) = dictionary::lookup(tag) else {
        return if stated.is_standard() { stated } else { Vr::UN };
    };
    let readable = matches!(known.kind(), Some(Kind::Text { .. } | Kind::Name));
    match stated.kind() {
        None if known == Vr::SQ => Vr::UN,
        None => known,
        Some(Kind::Number { .. } | Kind::Bulk) if readable => known,
        Some(Kind::Bytes) if readable || stated == Vr::UN => known,
        Some(_) => stated,
    }
}
