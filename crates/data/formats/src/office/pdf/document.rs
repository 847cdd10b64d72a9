//! What a document says beside its pages: information, metadata, form fields, annotations, attachments.

use std::io::Cursor;

use lopdf::{Dictionary, Document, Object};

use crate::office::parts::document_field;
use crate::office::xml::{Piece, Xml};
use crate::{Field, Member, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Text, Vocabulary};

use super::{STREAM_BYTES_MAX, dictionary, entry, resolve, text_string};

/// Objects that are looked through.
const OBJECTS_BETWEEN_CHECKS: usize = 4096;

/// The information dictionary under the names that other documents use, and the XMP packet.
pub(super) fn read_information(document: &Document, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    if let Some(information) = dictionary(document, &document.trailer, b"Info") {
        for (key, value) in information.iter() {
            let Some(value) = resolve(document, value).and_then(text_string) else { continue };
            let name = match key.as_slice() {
                b"Author" => "creator".to_owned(),
                b"Creator" => "creatorTool".to_owned(),
                b"CreationDate" => "created".to_owned(),
                b"ModDate" => "modified".to_owned(),
                b"Title" | b"Subject" | b"Keywords" | b"Producer" => String::from_utf8_lossy(key).to_ascii_lowercase(),
                other => format!("custom.{}", String::from_utf8_lossy(other)),
            };
            document_field(&name, value.trim(), reader)?;
        }
    }
    let catalog = document.catalog().ok();
    let metadata = catalog.and_then(|catalog| entry(document, catalog, b"Metadata"));
    if let Some(Object::Stream(stream)) = metadata
        && let Ok(packet) = stream.get_plain_content_with_limit(STREAM_BYTES_MAX)
    {
        return match read_xmp(&packet, reader) {
            Err(ReadError::Problem(problem)) => {
                reader.problem(Problem::new(problem.kind, format!("in the metadata packet: {}", problem.message)))
            }
            outcome => outcome,
        };
    }
    Ok(())
}

/// XMP (ISO 16684-1): properties as elements, lists of `rdf:li`, or attributes of descriptions.
fn read_xmp(packet: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let (token_max, depth_max) = (reader.limits().value_bytes_max, reader.limits().nesting_max);
    let mut xml = Xml::new(packet, token_max, depth_max);
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(element) => {
                value.clear();
                if element.name() == "Description" {
                    for (name, value) in element.attributes().into_iter().filter(|(name, _)| name != "about") {
                        document_field(&format!("xmp.{name}"), &value, reader)?;
                    }
                }
                open.push(element.name().to_owned());
            }
            Piece::Text(text) => value.push_str(text),
            Piece::End(_) => {
                let name = open.iter().rev().find(|name| !matches!(name.as_str(), "li" | "Seq" | "Bag" | "Alt"));
                let path = format!("xmp.{}", name.map_or("", String::as_str));
                document_field(&path, value.trim(), reader)?;
                value.clear();
                open.pop();
            }
        }
    }
    Ok(())
}

/// Form fields, annotations and attachments, wherever in the document they hang.
pub(super) fn read_objects(document: &Document, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    for (count, object) in document.objects.values().enumerate() {
        if count.is_multiple_of(OBJECTS_BETWEEN_CHECKS) {
            reader.check()?;
        }
        let Object::Dictionary(found) = object else { continue };
        if found.has(b"EF") {
            attachment(document, found, reader)?;
        }
        if let (Some(name), Some(value)) = (text_entry(document, found, b"T"), entry(document, found, b"V")) {
            form_field(document, &name, value, reader)?;
        }
        if found.has(b"Subtype") && (found.has(b"Rect") || found.has_type(b"Annot")) {
            annotation(document, found, reader)?;
        }
    }
    Ok(())
}

fn text_entry(document: &Document, found: &Dictionary, key: &[u8]) -> Option<String> {
    entry(document, found, key).and_then(text_string)
}

fn form_field(document: &Document, name: &str, value: &Object, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let values: Vec<String> = match value {
        Object::Array(values) => values.iter().filter_map(|v| resolve(document, v).and_then(text_string)).collect(),
        Object::Name(name) => vec![String::from_utf8_lossy(name).into_owned()],
        value => text_string(value).into_iter().collect(),
    };
    let place = format!("field {name}");
    for value in &values {
        reader.field(&Field {
            vocabulary: Vocabulary::Keys,
            path: name,
            place: Place::Path(&place),
            value,
            raw: Raw::None,
            qualifiers: Qualifiers::default(),
        })?;
    }
    Ok(())
}

fn annotation(document: &Document, found: &Dictionary, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let contents = text_entry(document, found, b"Contents").unwrap_or_default();
    let link = dictionary(document, found, b"A").and_then(|action| text_entry(document, action, b"URI"));
    for text in [contents, link.unwrap_or_default()] {
        reader.text(&Text { text: &text, place: Place::Path("annotation"), raw: Raw::None, last: true })?;
    }
    let is_widget = found.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Widget");
    match text_entry(document, found, b"T") {
        Some(author) if !is_widget => document_field("author", &author, reader),
        _ => Ok(()),
    }
}

fn attachment(document: &Document, found: &Dictionary, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let name = text_entry(document, found, b"UF").or_else(|| text_entry(document, found, b"F"));
    let name = name.unwrap_or_else(|| "attachment".to_owned());
    let Some(files) = dictionary(document, found, b"EF") else { return Ok(()) };
    let file = entry(document, files, b"UF").or_else(|| entry(document, files, b"F"));
    let Some(Object::Stream(stream)) = file else { return Ok(()) };
    let member = Member { name: &name, len: None };
    match stream.get_plain_content_with_limit(STREAM_BYTES_MAX) {
        Ok(content) => {
            reader.expanded(content.len() as u64, content.len() as u64, Some(stream.content.len() as u64))?;
            reader.member(&member, Source::seek(Cursor::new(content))?)
        }
        Err(_) => reader.unreadable_member(
            &member,
            Problem::limit(format!("the attachment is damaged or expands to more than {STREAM_BYTES_MAX} bytes")),
        ),
    }
}
