//! Portable Document Format (ISO 32000-1): the text of each page, form fields, annotations, document information and
//! attachments. `lopdf` reads the file's structure: it bounds nesting (arrays, page trees) and detects cycles of
//! references; every stream that we or it decompress is bounded by [`STREAM_BYTES_MAX`], and a panic in it is caught.

mod cmap;
mod content;
mod document;
mod font;

use lopdf::{Dictionary, Document, LoadOptions, Object};

use crate::foreign::guarded;
use crate::{Place, Problem, Raw, ReadError, Reader, Source, Text};

/// The most that one stream may decompress to, in bytes.
const STREAM_BYTES_MAX: usize = 32 << 20;
/// The most content of one page, in bytes.
const PAGE_BYTES_MAX: usize = 16 << 20;
/// Page numbers that are listed in one problem.
const PAGES_LISTED_MAX: usize = 10;

/// `%PDF-`, or within the first kilobyte behind other bytes, as readers accept (ISO 32000-1, annex H.3.4.1).
pub(super) fn is_pdf(head: &[u8]) -> bool {
    let start = head.get(..1024).unwrap_or(head);
    head.starts_with(b"%PDF-")
        || memchr::memmem::find(start, b"\n%PDF-1.").is_some()
            && memchr::memmem::find(head, b" obj").is_some()
            && start.iter().any(|byte| *byte >= 0x80)
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let bytes = source.into_bytes(reader.room_to_hold())?;
    let options = LoadOptions { max_decompressed_size: Some(STREAM_BYTES_MAX), ..LoadOptions::default() };
    let loaded = guarded(|| Document::load_mem_with_options(&bytes, options))?;
    let document = loaded.map_err(|error| match error {
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => encrypted(),
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => {
            Problem::limit(format!("a stream expands to more than {STREAM_BYTES_MAX} bytes"))
        }
        _ if is_cut(&bytes) => Problem::truncated("the document ends before its end mark"),
        _ => Problem::malformed("the document's structure is damaged"),
    })?;
    if document.is_encrypted() {
        return Err(encrypted().into());
    }
    reader.holds(bytes.len());
    document::read_information(&document, reader)?;
    read_pages(&document, reader)?;
    document::read_objects(&document, reader)?;
    reader.releases(bytes.len());
    if is_cut(&bytes) {
        reader.problem(Problem::truncated("the document ends before its end mark; what was found was read"))?;
    }
    Ok(())
}

fn encrypted() -> Problem {
    Problem::encrypted("the document is protected by a password; remove it first")
}

fn is_cut(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(2048)..).unwrap_or_default();
    memchr::memmem::find(tail, b"%%EOF").is_none()
}

fn read_pages(document: &Document, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut fonts = content::Fonts::new();
    let (mut undecoded, mut pictures) = (Vec::new(), Vec::new());
    let mut pages = 0;
    for (number, page) in (1u32..).zip(document.page_iter()) {
        reader.check()?;
        pages += 1;
        let outcome = guarded(|| content::page(document, page, &mut fonts));
        let found = match outcome.and_then(|found| found) {
            Ok(found) => found,
            Err(problem) => {
                reader.problem(Problem::new(problem.kind, format!("page {number}: {}", problem.message)))?;
                continue;
            }
        };
        let place = format!("page {number}");
        reader.text(&Text { text: &found.text, place: Place::Path(&place), raw: Raw::None, last: false })?;
        if found.undecoded > 0 {
            undecoded.push(number);
        } else if found.text.trim().is_empty() && found.pictures > 0 {
            pictures.push(number);
        }
    }
    if pages == 0 {
        reader.problem(Problem::malformed("no page was found"))?;
    }
    if !undecoded.is_empty() {
        let message = format!("text in fonts without a mapping to characters was not decoded on {}", list(&undecoded));
        reader.problem(Problem::unsupported(message))?;
    }
    if !pictures.is_empty() {
        let message = format!("only pictures and no text on {}; recognise their text first", list(&pictures));
        reader.problem(Problem::unsupported(message))?;
    }
    Ok(())
}

/// `pages 1, 2, 3 and 7 more`.
fn list(pages: &[u32]) -> String {
    let listed: Vec<String> = pages.iter().take(PAGES_LISTED_MAX).map(u32::to_string).collect();
    let more = pages.len().saturating_sub(PAGES_LISTED_MAX);
    let noun = if pages.len() == 1 { "page" } else { "pages" };
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{tail}", listed.join(", "))
}

/// The object behind references.
fn resolve<'d>(document: &'d Document, object: &'d Object) -> Option<&'d Object> {
    document.dereference(object).ok().map(|(_, object)| object)
}

fn entry<'d>(document: &'d Document, dictionary: &'d Dictionary, key: &[u8]) -> Option<&'d Object> {
    dictionary.get(key).ok().and_then(|object| resolve(document, object))
}

fn dictionary<'d>(document: &'d Document, parent: &'d Dictionary, key: &[u8]) -> Option<&'d Dictionary> {
    match entry(document, parent, key)? {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

fn number(object: &Object) -> Option<f32> {
    object.as_float().ok()
}

/// A text string: UTF-16 or UTF-8 with its mark, else PDFDocEncoding, which is Latin where it matters.
fn text_string(object: &Object) -> Option<String> {
    let bytes = object.as_str().ok()?;
    Some(match bytes {
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    })
}
