//! Plain text in any encoding, in windows of whole lines.

pub(crate) mod encoding;

use crate::window::Window;
use crate::{Place, ReadError, Reader, Source, Text};

/// About how much is reported at a time.
const WINDOW_BYTES: usize = 1 << 20;

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut window = Window::new(source)?;
    read_window(&mut window, reader)
}

fn read_window(window: &mut Window<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut line = 1;
    let mut spare = String::new();
    loop {
        while window.bytes().len() < WINDOW_BYTES && window.fill() {}
        let end = whole_lines(window);
        if end == 0 {
            return window.finish();
        }
        let last = window.has_ended() && end == window.bytes().len();
        report(window, end, &mut line, last, &mut spare, reader)?;
        window.consume(end);
        reader.check()?;
    }
}

/// Reports the window's first `end` bytes: one text, or the stretches between damaged sequences.
fn report(
    window: &mut Window<'_>,
    end: usize,
    line: &mut u64,
    last: bool,
    spare: &mut String,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let decoded = window.is_decoded();
    let (bytes, mut positions) = window.parts();
    let mut at = 0;
    while at < end {
        let rest = bytes.get(at..end).unwrap_or_default();
        let (good, bad) = if decoded { up_to_replacement(rest) } else { up_to_damage(rest) };
        if good > 0 {
            let stop = at + good;
            let (text, raw) = positions.plain(at, stop, spare);
            reader.text(&Text { text, place: Place::Line(*line), raw, last: last && stop == end })?;
            *line += memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
        }
        at += good + bad;
    }
    Ok(())
}

/// How many bytes are well-formed, and how many damaged ones follow.
fn up_to_damage(bytes: &[u8]) -> (usize, usize) {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => (bytes.len(), 0),
        Err(error) => {
            let good = error.valid_up_to();
            (good, error.error_len().unwrap_or(bytes.len() - good))
        }
    }
}

/// The same for decoded text, where damage shows as a replacement character.
fn up_to_replacement(bytes: &[u8]) -> (usize, usize) {
    let sign = "\u{FFFD}".as_bytes();
    memchr::memmem::find(bytes, sign).map_or((bytes.len(), 0), |at| (at, sign.len()))
}

/// How many of the window's bytes to report next: whole lines, or, in a line longer than a window, up to white space.
fn whole_lines(window: &Window<'_>) -> usize {
    let bytes = window.bytes();
    if window.has_ended() && bytes.len() <= WINDOW_BYTES {
        return bytes.len();
    }
    let Some(full) = bytes.get(..WINDOW_BYTES) else { return bytes.len() };
    if let Some(at) = memchr::memrchr2(b'\n', b'\r', full) {
        return at + 1;
    }
    let tail = WINDOW_BYTES / 2;
    if let Some(at) = memchr::memrchr2(b' ', b'\t', full.get(tail..).unwrap_or_default()) {
        return tail + at + 1;
    }
    let boundary = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    (WINDOW_BYTES - 4..=WINDOW_BYTES).rev().find(boundary).unwrap_or(WINDOW_BYTES)
}

/// Whether the bytes are text in some encoding.
pub(crate) fn is_text(head: &[u8], _complete: bool) -> bool {
    let text = encoding::head_text(head);
    let (mut all, mut odd, mut parts) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        parts += usize::from(c == '\u{1}');
        odd += usize::from(
            (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1b}' | '\u{1a}'))
                || c == char::REPLACEMENT_CHARACTER,
        );
    }
    // Hive parts the cells of its tables with 0x01, and then nothing else is odd.
    odd * 50 <= all || odd == parts && parts * 2 < all
}

#[cfg(test)]
mod tests;
