//! XMP packets (ISO 16684-1): properties by their prefixed names.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::{Problem, ReadError, Reader};

use super::field;

/// Reports every property: attributes of `rdf:Description` and text of elements, called by the nearest property.
pub(super) fn report(packet: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let packet = String::from_utf8_lossy(packet);
    let depth = reader.limits().nesting_max;
    let mut xml = quick_xml::Reader::from_str(&packet);
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    loop {
        let event = match xml.read_event() {
            Ok(event) => event,
            Err(_) => return reader.problem(Problem::malformed("the image's XMP packet is not well formed")),
        };
        match event {
            Event::Eof => return Ok(()),
            Event::Start(start) => {
                if open.len() >= depth {
                    return reader.problem(Problem::limit("the image's XMP packet nests too deep"));
                }
                open.push(name(&start));
                value.clear();
                attributes(&start, reader)?;
            }
            Event::Empty(start) => attributes(&start, reader)?,
            Event::End(_) => {
                flush(&open, &mut value, reader)?;
                open.pop();
                // GIF files hold bytes behind the packet that are no XML.
                if open.is_empty() {
                    return Ok(());
                }
            }
            Event::Text(text) => value.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => value.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                if let Ok(text) = quick_xml::escape::unescape(&format!("&{name};")) {
                    value.push_str(&text);
                }
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.name().as_ref().to_owned()
}

fn attributes(start: &BytesStart<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    for attribute in start.attributes().with_checks(false).filter_map(Result::ok) {
        let key: &str = attribute.key.as_ref();
        if is_structural(key) {
            continue;
        }
        let path = format!("xmp.{key}");
        if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
            field(reader, &path, &value)?;
        }
    }
    Ok(())
}

fn flush(open: &[String], value: &mut String, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let property = open.iter().rev().find(|name| !is_structural(name));
    if let Some(property) = property.filter(|_| !value.trim().is_empty()) {
        field(reader, &format!("xmp.{property}"), value)?;
    }
    value.clear();
    Ok(())
}

fn is_structural(name: &str) -> bool {
    ["rdf:", "xmlns", "xml:", "x:", "xmptk"].iter().any(|prefix| name.starts_with(prefix))
}
