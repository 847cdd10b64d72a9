//! Recognising a format by its first bytes.

use model::Format;

use crate::{archive, chemistry, clinical, delimited, genomics, image, mail, office, tables, text, tree, trial};

/// What an object is, judged by its first bytes (up to 64 KiB). `complete`: `head` is the whole object.
///
/// Binary signatures come first, then structured text from the most to the least distinctive, then delimited
/// tables, then text; what is none of them is binary.
#[must_use]
pub fn detect(head: &[u8], complete: bool) -> Format {
    type Sniff = fn(&[u8], bool) -> Option<Format>;
    const BINARY: [Sniff; 6] =
        [office::sniff, genomics::sniff, clinical::sniff, trial::sniff, tables::sniff, archive::sniff];
    const TEXT: [Sniff; 3] = [mail::sniff, tree::sniff, chemistry::sniff];
    for sniff in BINARY.iter().chain(&TEXT) {
        if let Some(format) = sniff(head, complete) {
            return format;
        }
    }
    if image::is_image(head) {
        return Format::Image;
    }
    if !text::is_text(head, complete) {
        return Format::Binary;
    }
    if delimited::is_table(head, complete) { Format::Csv } else { Format::Text }
}
