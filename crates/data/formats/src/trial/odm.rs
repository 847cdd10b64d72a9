//! CDISC ODM 1.3 and 2.0 and Define-XML: subjects' data by item, and the texts of the metadata.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::window::Window;
use crate::{Field, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

/// Attributes whose values say something about a study, a site or a person, or are written by one.
const ATTRIBUTES: [&str; 9] = [
    "SubjectKey",
    "SubjectName",
    "StudyOID",
    "LocationOID",
    "UserOID",
    "Comment",
    "Label",
    "Description",
    "StudySubjectID",
];

/// Kinds of children that are counted in one element.
const CHILDREN_MAX: usize = 256;

/// Whether the root element of an XML document is `ODM`.
pub(super) fn sniff(head: &[u8]) -> bool {
    let mut decoded = Vec::new();
    let head = match encoding_rs::Encoding::for_bom(head) {
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => {
            decoded.extend_from_slice(encoding.decode(head.get(..4096).unwrap_or(head)).0.as_bytes());
            decoded.as_slice()
        }
        _ => head,
    };
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if !rest.starts_with(b"<") {
        return false;
    }
    while let Some(inner) = rest.strip_prefix(b"<") {
        let end = match inner {
            [b'!', b'-', b'-', ..] => memchr::memmem::find(inner, b"-->").map(|at| at + 3),
            [b'?' | b'!', ..] => memchr::memchr(b'>', inner).map(|at| at + 1),
            _ => {
                let name = inner.split(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')).next().unwrap_or(&[]);
                return name == b"ODM" || name.ends_with(b":ODM");
            }
        };
        let Some(end) = end else { return false };
        rest = inner.get(end..).unwrap_or(&[]).trim_ascii_start();
    }
    false
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let limits = reader.limits();
    let (limit, depth) = (limits.value_bytes_max, limits.nesting_max);
    let window = Window::new(source)?;
    let mut xml = quick_xml::Reader::from_reader(Utf8 { window, run: 0, run_max: limit.saturating_mul(4) });
    xml.config_mut().check_end_names = false;
    let mut walk =
        Walk { reader, open: Vec::new(), place: String::new(), text: String::new(), study: String::new(), limit };
    let mut buffer = Vec::new();
    for count in 0_u64.. {
        if count.is_multiple_of(4096) {
            walk.reader.check()?;
        }
        buffer.clear();
        xml.get_mut().run = 0;
        let event = xml.read_event_into(&mut buffer).map_err(|error| wrong(&error, xml.buffer_position()))?;
        match event {
            Event::Eof => break,
            Event::Start(start) => {
                if walk.open.len() >= depth {
                    return Err(Problem::limit(format!(
                        "elements nest deeper than {depth}; raise `limits.nesting_max` to read on"
                    ))
                    .into());
                }
                walk.start(&start)?;
            }
            Event::Empty(start) => {
                walk.start(&start)?;
                walk.end()?;
            }
            Event::End(_) => walk.end()?,
            Event::Text(text) => walk.push(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => walk.push(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                match quick_xml::escape::unescape(&format!("&{name};")) {
                    Ok(text) => walk.push(&text),
                    Err(_) => walk.push(" "),
                }
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    if walk.open.is_empty() {
        return Ok(());
    }
    Err(Problem::truncated(format!("the document ends with {} elements open", walk.open.len())).into())
}

fn wrong(error: &quick_xml::Error, position: u64) -> ReadError {
    match error {
        quick_xml::Error::Io(error) => io::Error::new(error.kind(), error.to_string()).into(),
        _ => {
            Problem::malformed(format!("the XML is not well formed near byte {position}; the rest is not read")).into()
        }
    }
}

/// The window as a reader, which gives up on a single token without end.
struct Utf8<'a> {
    window: Window<'a>,
    /// Bytes of the present token.
    run: usize,
    run_max: usize,
}

impl Read for Utf8<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let n = there.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), there.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Utf8<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.run > self.run_max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a tag or text is longer than the limits allow"));
        }
        if self.window.bytes().is_empty() && !self.window.fill() {
            self.window.finish().map_err(|error| match error {
                ReadError::Io(error) => error,
                other => io::Error::other(other.to_string()),
            })?;
        }
        Ok(self.window.bytes())
    }

    fn consume(&mut self, amount: usize) {
        self.run += amount;
        self.window.consume(amount);
    }
}

/// An element that is open.
struct Element {
    name: String,
    /// Of items: their OID.
    item: Option<String>,
    place_len: usize,
    children: Vec<(String, u64)>,
}

struct Walk<'w, 'r, 'b> {
    reader: &'w mut Reader<'r, 'b>,
    open: Vec<Element>,
    place: String,
    text: String,
    study: String,
    limit: usize,
}

impl Walk<'_, '_, '_> {
    fn push(&mut self, text: &str) {
        if self.text.len() < self.limit {
            self.text.push_str(text);
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        self.flush()?;
        let name: String = start.local_name().as_ref().to_owned();
        if name == "SubjectData" {
            self.reader.record()?;
        }
        let attributes: Vec<(String, String)> = start
            .attributes()
            .with_checks(false)
            .filter_map(Result::ok)
            .map(|attribute| {
                let key: &str = attribute.key.as_ref();
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                let value = value.map_or_else(|_| attribute.value.as_ref().to_owned(), std::borrow::Cow::into_owned);
                (key.to_owned(), value)
            })
            .collect();
        let of = |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        if let Some(study) = of("StudyOID").or_else(|| of("OID").filter(|_| name == "Study")) {
            study.clone_into(&mut self.study);
        }
        let item = of("ItemOID").filter(|_| name.starts_with("ItemData")).map(str::to_owned);
        self.enter(&name, item.as_deref());
        for (key, value) in &attributes {
            let local = key.rsplit(':').next().unwrap_or(key);
            let study_oid = name == "Study" && key == "OID";
            if ATTRIBUTES.contains(&local) || study_oid || (name == "Location" && key == "Name") {
                self.attribute(&name, key, value)?;
            }
        }
        if let (Some(item), Some(value)) = (&item, of("Value")) {
            self.report(item, value)?;
        }
        if let Some(last) = self.open.last_mut() {
            last.item = item;
        }
        Ok(())
    }

    fn enter(&mut self, name: &str, item: Option<&str>) {
        let place_len = self.place.len();
        let mut number = 1;
        if let Some(parent) = self.open.last_mut() {
            let known = parent.children.iter().position(|(child, _)| child == name);
            if let Some((_, count)) = known.and_then(|at| parent.children.get_mut(at)) {
                *count += 1;
                number = *count;
            } else if parent.children.len() < CHILDREN_MAX {
                parent.children.push((name.to_owned(), 1));
            }
        }
        // The root says nothing about where a value lies.
        if name != "ODM" {
            if !self.place.is_empty() {
                self.place.push('/');
            }
            let _ = match item {
                Some(item) => write!(self.place, "{name}[{item}]"),
                None if number > 1 || name == "SubjectData" => write!(self.place, "{name}[{number}]"),
                None => write!(self.place, "{name}"),
            };
        }
        self.open.push(Element { name: name.to_owned(), item: None, place_len, children: Vec::new() });
    }

    fn end(&mut self) -> Result<(), ReadError> {
        self.flush()?;
        if let Some(element) = self.open.pop() {
            self.place.truncate(element.place_len);
        }
        Ok(())
    }

    /// Reports the text of the innermost element.
    fn flush(&mut self) -> Result<(), ReadError> {
        let text = std::mem::take(&mut self.text);
        let value = text.trim();
        let Some(element) = self.open.last().filter(|_| !value.is_empty()) else { return Ok(()) };
        // In ODM 2.0 an item's values are children of it.
        let item = self.open.iter().rev().take(2).find_map(|element| element.item.clone());
        match item {
            Some(item) => self.report(&item, value),
            None => {
                let path = self.text_path(&element.name);
                self.report(&path, value)
            }
        }
    }

    /// `User/Address/City`, `GlobalVariables/StudyName`, and in metadata `ItemDef.Description.TranslatedText`.
    fn text_path(&self, name: &str) -> String {
        let names: Vec<_> = self.open.iter().map(|element| element.name.as_str()).collect();
        let from = |start: usize, by: &str| names.get(start..).map_or_else(|| name.to_owned(), |part| part.join(by));
        for root in ["User", "GlobalVariables", "AuditRecord", "Signature"] {
            if let Some(start) = names.iter().rposition(|known| *known == root) {
                return from(start, "/");
            }
        }
        from(names.len().saturating_sub(3), ".")
    }

    fn attribute(&mut self, element: &str, key: &str, value: &str) -> Result<(), ReadError> {
        let length = self.place.len();
        let _ = write!(self.place, "/@{key}");
        let outcome = self.report(&format!("{element}/@{key}"), value);
        self.place.truncate(length);
        outcome
    }

    fn report(&mut self, path: &str, value: &str) -> Result<(), ReadError> {
        self.reader.field(&Field {
            vocabulary: Vocabulary::Odm,
            path,
            place: Place::Path(&self.place),
            value,
            raw: Raw::None,
            qualifiers: Qualifiers { issuer: if path.contains('/') { &self.study } else { "" }, kind: "" },
        })
    }
}

#[cfg(test)]
mod tests {
    use model::Format;

    use crate::testing::{Recorder, corpus, survives_truncation};

    const CLINICAL: &str = r#"<?xml version="1.0"?><!-- ODM -->
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" FileType="Snapshot">
<AdminData><User OID="U1"><FirstName>Inga</FirstName><LastName>Vestigator</LastName></User></AdminData>
<ClinicalData StudyOID="ST-1" MetaDataVersionOID="1">
<SubjectData SubjectKey="001"><SiteRef LocationOID="L1"/><StudyEventData StudyEventOID="SE"><FormData FormOID="F">
<ItemGroupData ItemGroupOID="IG"><ItemData ItemOID="IT.DM.BRTHDTC" Value="1961-02-03"/>
<ItemDataString ItemOID="IT.DM.NOTE">seen &amp; well</ItemDataString></ItemGroupData></FormData></StudyEventData></SubjectData>
<SubjectData SubjectKey="002"><ItemGroupData><ItemData ItemOID="IT.AGE"><Value>91</Value></ItemData></ItemGroupData>
</SubjectData></ClinicalData></ODM>"#;

    #[test]
    fn items_belong_to_their_subject() {
        let seen = Recorder::read(CLINICAL.as_bytes());
        assert_eq!((seen.format(), seen.problems.len()), (Format::Odm, 0), "{:?}", seen.problems);
        let keys: Vec<_> = seen.fields.iter().filter(|f| f.path == "SubjectData/@SubjectKey").collect();
        assert_eq!((keys[0].value.as_str(), keys[0].issuer.as_str(), keys[1].value.as_str()), ("001", "ST-1", "002"));
        assert_ne!(keys[0].record, keys[1].record);
        let birth = seen.field("IT.DM.BRTHDTC");
        assert_eq!((birth.value.as_str(), birth.record), ("1961-02-03", keys[0].record));
        assert!(birth.place.ends_with("SubjectData[1]/StudyEventData/FormData/ItemGroupData/ItemData[IT.DM.BRTHDTC]"));
        assert_eq!(seen.values("IT.DM.NOTE"), ["seen & well"]);
        assert_eq!((seen.values("IT.AGE"), seen.field("IT.AGE").record), (vec!["91"], keys[1].record));
        assert_eq!(seen.values("User/LastName"), ["Vestigator"]);
    }

    #[test]
    fn define_xml_metadata_are_texts() {
        let Some(folder) = corpus("cdisc/sdtm") else { return };
        let seen = Recorder::read(&std::fs::read(folder.join("define.xml")).unwrap());
        assert_eq!((seen.format(), seen.problems.len()), (Format::Odm, 0), "{:?}", seen.problems);
        assert_eq!(seen.values("GlobalVariables/StudyName"), ["CDISCPILOT01"]);
        assert!(seen.values("ItemDef.Description.TranslatedText").len() > 600);
    }

    #[test]
    fn every_truncation_is_survived() {
        survives_truncation(CLINICAL.as_bytes());
        let seen = Recorder::read(&CLINICAL.as_bytes()[..600]);
        assert!(!seen.problems.is_empty());
    }
}
