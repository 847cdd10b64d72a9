//! Values with the place they were found at.

use encoding_rs::Encoding;

/// Where a value lies, in its format's own terms. Printed as the contract's `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The 1-based line on which the text begins; values inside it count on from there.
    Line(u64),
    /// A path in the format's own terms, with indices: `Patient.name[0].family`, `PID-5.1`, `(0010,0010)`, `page 3`.
    Path(&'a str),
}

/// How an escaped value's bytes relate to its decoded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// JSON string escapes, `\n`, `\u00e9`, surrogate pairs.
    Json,
    /// Doubled quotes inside a quoted CSV cell (the quote is `"`).
    Csv,
    /// HL7 v2 escapes with the usual escape character: `\F\`, `\.br\`, `\X0D\`.
    Hl7,
    /// XML and HTML character references and the usual named ones. Any other reference counts as undecoded.
    Xml,
}

/// How positions in decoded text map to byte offsets in the file as it lies on disk.
#[derive(Debug, Clone, Copy)]
pub enum Raw<'a> {
    /// Byte `i` of the text is byte `start + i` of the file.
    Verbatim {
        /// File offset of the text's first byte.
        start: u64,
    },
    /// Decoded from `encoding` without escapes.
    Encoded {
        /// File offset of the text's first character.
        start: u64,
        /// What the file is encoded in.
        encoding: &'static Encoding,
    },
    /// Decoded from UTF-8 text with escapes.
    Escaped {
        /// File offset of the raw value's first byte.
        start: u64,
        /// The value as it stands in the file.
        raw: &'a str,
        /// The escapes that were decoded.
        escape: Escape,
    },
    /// Only the value as a whole can be placed: `start..end` in the file.
    Whole {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// No offsets: compressed, binary or nested data.
    None,
}

impl Raw<'_> {
    /// The same place `by` bytes further on.
    pub(crate) fn shifted(self, by: u64) -> Self {
        match self {
            Self::Verbatim { start } => Self::Verbatim { start: start + by },
            Self::Encoded { start, encoding } => Self::Encoded { start: start + by, encoding },
            Self::Escaped { start, raw, escape } => Self::Escaped { start: start + by, raw, escape },
            Self::Whole { start, end } => Self::Whole { start: start + by, end: end + by },
            Self::None => Self::None,
        }
    }

    /// The file's byte range of `text[start..end]`, or `None` where there are no offsets.
    #[must_use]
    pub fn locate(&self, text: &str, start: usize, end: usize) -> Option<(u64, u64)> {
        match *self {
            Self::Verbatim { start: base } => Some((base + start as u64, base + end as u64)),
            Self::Whole { start, end } => Some((start, end)),
            Self::None => None,
            Self::Encoded { start: base, encoding } => {
                let before = encoded_len(text.get(..start)?, encoding);
                let inside = encoded_len(text.get(start..end)?, encoding);
                Some((base + before, base + before + inside))
            }
            Self::Escaped { start: base, raw, escape } => {
                let first = escaped_len(raw, start, escape);
                let last = first + escaped_len(raw.get(first..)?, end - start, escape);
                Some((base + first as u64, base + last as u64))
            }
        }
    }
}

/// Bytes that `text` takes in `encoding`, from the encoding's first state on.
fn encoded_len(text: &str, encoding: &'static Encoding) -> u64 {
    Measure::new(encoding).advance(text)
}

/// Counts the bytes that text takes in an encoding, piece after piece.
///
/// It does not encode: some decoders read more than their encoders write (JIS X 0212 in EUC-JP), and
/// ISO-2022-JP has a state that outlives a piece.
pub(crate) struct Measure {
    encoding: &'static Encoding,
    /// ISO-2022-JP: the character set that is switched on.
    set: JisSet,
    /// Length of an escape sequence that the next character is known to come after.
    owed: u64,
}

/// A character set of ISO-2022-JP, as far as lengths go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum JisSet {
    /// ASCII and JIS Roman.
    #[default]
    Roman,
    /// Half-width katakana, a byte each.
    Katakana,
    TwoByte,
}

impl JisSet {
    /// What the escape sequence at the start of `bytes` switches to.
    pub(crate) fn switched_to(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1B, b'$', b'@' | b'B', ..] => Some(Self::TwoByte),
            [0x1B, b'(', b'B' | b'J', ..] => Some(Self::Roman),
            [0x1B, b'(', b'I', ..] => Some(Self::Katakana),
            _ => None,
        }
    }
}

impl Measure {
    pub(crate) fn new(encoding: &'static Encoding) -> Self {
        Self { encoding, set: JisSet::default(), owed: 0 }
    }

    /// Goes on from a place where an escape sequence that switches to `set` begins.
    pub(crate) fn switch(&mut self, set: JisSet) {
        (self.set, self.owed) = (set, 3);
    }

    /// Bytes that `text` takes after what was measured before.
    pub(crate) fn advance(&mut self, text: &str) -> u64 {
        let encoding = self.encoding;
        if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
            return text.chars().map(|c| c.len_utf16() as u64 * 2).sum();
        }
        if encoding == encoding_rs::UTF_8 {
            return text.len() as u64;
        }
        if encoding.is_single_byte() {
            return text.chars().count() as u64;
        }
        if encoding == encoding_rs::ISO_2022_JP {
            return text.chars().map(|c| self.jis(c)).sum();
        }
        text.chars().map(|c| if c.is_ascii() { 1 } else { multibyte_len(c, encoding) }).sum()
    }

    /// A character in ISO-2022-JP with the escape sequence that it needs (RFC 1468).
    fn jis(&mut self, c: char) -> u64 {
        let set = match c {
            // JIS Roman has these two in the places of others.
            '\0'..='\x7F' | '¥' | '‾' => JisSet::Roman,
            '\u{FF61}'..='\u{FF9F}' => JisSet::Katakana,
            _ => JisSet::TwoByte,
        };
        let switch = std::mem::take(&mut self.owed) + if set == self.set { 0 } else { 3 };
        self.set = set;
        switch + if set == JisSet::TwoByte { 2 } else { 1 }
    }
}

fn multibyte_len(c: char, encoding: &'static Encoding) -> u64 {
    let half_width_kana = matches!(c, '\u{FF61}'..='\u{FF9F}');
    // Big5 writes E with circumflex and a second accent as one (WHATWG Encoding, Big5 decoder).
    if encoding == encoding_rs::BIG5 && matches!(c, '\u{304}' | '\u{30C}') {
        return 0;
    }
    if encoding == encoding_rs::SHIFT_JIS {
        return if half_width_kana || c == '\u{80}' { 1 } else { 2 };
    }
    let mut bytes = [0; 4];
    let (encoded, _, unmappable) = encoding.encode(c.encode_utf8(&mut bytes));
    match (unmappable, encoding == encoding_rs::EUC_JP) {
        (false, _) => encoded.len() as u64,
        (true, true) => 3,
        // GBK is decoded as GB 18030, whose four-byte sequences its own encoder does not write (WHATWG Encoding §10.1).
        (true, false) if encoding == encoding_rs::GBK => 4,
        (true, false) => 2,
    }
}

/// How many bytes of `raw` decode to the first `decoded` bytes.
fn escaped_len(raw: &str, decoded: usize, escape: Escape) -> usize {
    let bytes = raw.as_bytes();
    let (mut at, mut out) = (0, 0);
    while out < decoded && at < bytes.len() {
        let (raw_len, decoded_len) = step(raw, at, escape);
        at += raw_len;
        out += decoded_len;
    }
    at
}

/// Length of the escape or character at `at`, raw and decoded.
fn step(raw: &str, at: usize, escape: Escape) -> (usize, usize) {
    let bytes = raw.as_bytes();
    match (escape, bytes.get(at)) {
        (Escape::Json, Some(b'\\')) => json_step(raw, at),
        (Escape::Csv, Some(b'"')) if bytes.get(at + 1) == Some(&b'"') => (2, 1),
        (Escape::Xml, Some(b'&')) => xml_step(raw, at),
        (Escape::Hl7, Some(b'\\')) => hl7_step(raw, at),
        _ => (1, 1),
    }
}

fn json_step(raw: &str, at: usize) -> (usize, usize) {
    let unit = |from: usize| raw.get(from + 2..from + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    if raw.as_bytes().get(at + 1) != Some(&b'u') {
        return (2, 1);
    }
    match unit(at) {
        Some(high @ 0xD800..0xDC00) => match unit(at + 6) {
            Some(0xDC00..0xE000) if raw.get(at + 6..at + 8) == Some("\\u") => (12, 4),
            _ => (6, char::REPLACEMENT_CHARACTER.len_utf8() + usize::from(high == 0)),
        },
        Some(code) => (6, char::from_u32(code).map_or(3, char::len_utf8)),
        None => (1, 1),
    }
}

fn hl7_step(raw: &str, at: usize) -> (usize, usize) {
    let rest = raw.as_bytes().get(at + 1..).unwrap_or_default();
    let Some(end) = rest.iter().take(64).position(|byte| *byte == b'\\') else { return (1, 1) };
    match rest.get(..end).unwrap_or_default() {
        b"F" | b"S" | b"T" | b"R" | b"E" => (3, 1),
        b"H" | b"N" => (3, 0),
        [b'.', ..] => (end + 2, 1),
        [b'X', hex @ ..] if !hex.is_empty() && hex.len() % 2 == 0 && hex.iter().all(u8::is_ascii_hexdigit) => {
            (end + 2, hex.len() / 2)
        }
        _ => (1, 1),
    }
}

fn xml_step(raw: &str, at: usize) -> (usize, usize) {
    match crate::markup::reference(raw.get(at..).unwrap_or_default()) {
        Some((c, len)) => (len, c.len_utf8()),
        None => (1, 1),
    }
}

/// A stretch of free text: whole lines where the format has lines.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The decoded text, at most about 1 MiB. Tags of markup are white space of the same length, so that words keep
    /// their places and their neighbours.
    pub text: &'a str,
    /// Where it lies.
    pub place: Place<'a>,
    /// How its positions map to the file.
    pub raw: Raw<'a>,
    /// Whether this stretch ends a document (so that a name in one cannot run into the next).
    pub last: bool,
}

/// The vocabulary that gives a field's path its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vocabulary {
    /// FHIR element paths: `Patient.name.family`. Contained and bundled resources start at their own type.
    Fhir,
    /// HL7 v2: `PID-5.1` (segment, field, component; subcomponents as `PID-5.1.2`).
    Hl7,
    /// CDA: element path below `ClinicalDocument` without it, attributes as `@name`: `recordTarget/patientRole/id/@extension`.
    Cda,
    /// DICOM tags as eight upper-case hex digits: `00100010`; inside sequences the innermost tag alone.
    Dicom,
    /// CDISC: `DOMAIN.VARIABLE`: `DM.USUBJID`.
    Cdisc,
    /// ODM: element/@attribute or `ItemData` by its OID.
    Odm,
    /// VCF, SAM, BAM and other genomic headers: `VCF.sample`, `SAM.RG.SM`, `SAM.PG.CL`.
    Genomics,
    /// Chemistry and structure files: `SDF.<data item>`, `PDB.AUTHOR`.
    Chemistry,
    /// E-mail headers: `From`, `To.name`, `To.address`, `Subject`.
    Email,
    /// Document properties and image metadata: `creator`, `lastModifiedBy`, `exif.Artist`, `exif.GPSLatitude`.
    Document,
    /// Any other tree: keys joined by `.`, arrays without index: `patients.contact.email`.
    Keys,
    /// Columns of any table: the header's own text.
    Header,
}

/// What stands beside a value and says more about it than its path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qualifiers<'a> {
    /// The issuer or assigning authority: FHIR `Identifier.system`, HL7 `PID-3.4`, DICOM `(0010,0021)`, CDA `id/@root`.
    pub issuer: &'a str,
    /// The kind within the path: FHIR identifier type code (`MR`, `SS`) or telecom system, HL7 `PID-3.5`, FHIR extension url.
    pub kind: &'a str,
}

/// One leaf of a tree-shaped format. Empty values are not reported.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// What gives `path` its meaning.
    pub vocabulary: Vocabulary,
    /// The generic path, without indices.
    pub path: &'a str,
    /// Where it lies, with indices.
    pub place: Place<'a>,
    /// The decoded value.
    pub value: &'a str,
    /// How its positions map to the file.
    pub raw: Raw<'a>,
    /// What stands beside it.
    pub qualifiers: Qualifiers<'a>,
}

/// How a cell's place is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableStyle {
    /// `line 12, email`: the row's line in the file and the column's header (or `column 3`).
    Delimited,
    /// `Sheet1!B7`: the table's name and a cell reference.
    Sheet,
    /// `DM.SUBJID[12]`: table, column and 1-based row; `SUBJID[12]` where the table has no name.
    Dataset,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Its name as the file has it; empty when there is no header.
    pub name: &'a str,
    /// Its label or comment, when the format has one (XPT labels, SQL comments).
    pub label: &'a str,
}

/// The columns of the rows that follow.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// Sheet, dataset or table name; empty for CSV.
    pub name: &'a str,
    /// [`Vocabulary::Header`], or [`Vocabulary::Cdisc`] where columns are variables of domain `name`.
    pub vocabulary: Vocabulary,
    /// How places are written.
    pub style: TableStyle,
    /// The columns, in order.
    pub columns: &'a [Column<'a>],
}

/// One cell.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The decoded value; may be empty.
    pub value: &'a str,
    /// How its positions map to the file.
    pub raw: Raw<'a>,
}

/// One row. It may have fewer or more cells than the table has columns.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// For [`TableStyle::Delimited`] the 1-based line of the file, for a sheet its row, for a dataset the observation.
    pub number: u64,
    /// Cells by column position.
    pub cells: &'a [Cell<'a>],
}

#[cfg(test)]
mod tests {
    use super::{Escape, Raw};

    #[test]
    fn escaped_values_map_to_the_bytes_on_disk() {
        let raw = Raw::Escaped { start: 100, raw: r#"a\n\u00e9 Ann\ud83d\ude00b"#, escape: Escape::Json };
        let text = "a\né Ann😀b";
        let at = text.find("Ann").unwrap();
        assert_eq!(raw.locate(text, at, at + 3), Some((110, 113)));
        let at = text.find('b').unwrap();
        assert_eq!(raw.locate(text, at, at + 1), Some((125, 126)));
    }

    #[test]
    fn entities_and_doubled_quotes_are_one_character() {
        let raw = Raw::Escaped { start: 0, raw: "a&amp;b&#233;c", escape: Escape::Xml };
        assert_eq!(raw.locate("a&béc", 5, 6), Some((13, 14)));
        let raw = Raw::Escaped { start: 0, raw: r#"x""y"#, escape: Escape::Csv };
        assert_eq!(raw.locate("x\"y", 2, 3), Some((3, 4)));
    }

    #[test]
    fn encoded_text_maps_by_the_encoding() {
        let raw = Raw::Encoded { start: 2, encoding: encoding_rs::UTF_16LE };
        assert_eq!(raw.locate("aé😀b", 7, 8), Some((2 + 2 + 2 + 4, 2 + 2 + 2 + 4 + 2)));
        let raw = Raw::Encoded { start: 0, encoding: encoding_rs::SHIFT_JIS };
        assert_eq!(raw.locate("a山田b", 7, 8), Some((5, 6)));
    }
}
