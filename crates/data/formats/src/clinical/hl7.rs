//! HL7 v2 messages, single, many in a file, or batched (HL7 v2.8.2 chapter 2).

mod delimiters;
pub(crate) mod embedded;
mod segment;

use encoding_rs::{Encoding, UTF_8};

use crate::text::encoding;
use crate::window::Window;
use crate::{Problem, ReadError, Reader, Source};

use delimiters::Delimiters;
use segment::Message;

pub(crate) fn sniff(head: &[u8], _complete: bool) -> bool {
    let mut opening = [0; 8];
    for (into, byte) in opening.iter_mut().zip(encoding::opening(head)) {
        *into = byte;
    }
    Delimiters::of(&opening).is_some()
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let encoding = told_encoding(source.head());
    let mut window = match encoding {
        Some(encoding) => Window::with_encoding(source, encoding)?,
        None => Window::new(source)?,
    };
    let mut message = Message::new();
    // A segment with a document inside may be far longer than a value elsewhere.
    let limit = reader.limits().whole_bytes_max / 2;
    let mut checked = 0;
    while let Some(end) = segment_end(&mut window, limit) {
        if end >= limit && !window.has_ended() {
            let name = message.name();
            reader.problem(Problem::limit(format!(
                "a segment after `{name}` is longer than {limit} bytes; what comes after its first {limit} bytes was not read"
            )))?;
            message.read(&mut window, end, reader)?;
            window.consume(end);
            skip_segment(&mut window);
            continue;
        }
        message.read(&mut window, end, reader)?;
        window.consume(end + 1);
        if window.offset() - checked > 1 << 20 {
            checked = window.offset();
            reader.check()?;
        }
    }
    window.finish()
}

/// How long the segment is that the window begins with, without its end. `None`: nothing is left.
fn segment_end(window: &mut Window<'_>, limit: usize) -> Option<usize> {
    let mut seen = 0;
    loop {
        let bytes = window.bytes();
        if let Some(at) = memchr::memchr2(b'\r', b'\n', bytes.get(seen..).unwrap_or_default()) {
            return Some(seen + at);
        }
        seen = bytes.len();
        if seen >= limit {
            return Some(limit);
        }
        if !window.fill() {
            return (seen > 0).then_some(seen);
        }
    }
}

fn skip_segment(window: &mut Window<'_>) {
    loop {
        let bytes = window.bytes();
        if let Some(at) = memchr::memchr2(b'\r', b'\n', bytes) {
            window.consume(at + 1);
            return;
        }
        window.consume(bytes.len());
        if !window.fill() {
            return;
        }
    }
}

/// The encoding that MSH-18 of the first message tells (HL7 table 0211), unless the bytes prove otherwise.
fn told_encoding(head: &[u8]) -> Option<&'static Encoding> {
    let found = encoding::detect(head);
    if found.bom_bytes > 0 || (found.encoding == UTF_8 && !found.ascii_so_far) || !found.encoding.is_ascii_compatible()
    {
        return None;
    }
    let start = memchr::memmem::find(head, b"MSH")?;
    let line = head.get(start..)?.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let delimiters = Delimiters::of(line)?;
    let told = line.split(|byte| *byte == delimiters.field).nth(17)?;
    told.split(|byte| *byte == delimiters.repetition).find_map(charset)
}

/// HL7 table 0211. Later repetitions name what escape sequences switch to: with a Japanese set among them it is
/// ISO-2022-JP as a whole.
fn charset(name: &[u8]) -> Option<&'static Encoding> {
    let label: &str = match name {
        b"8859/1" => "windows-1252",
        b"8859/2" => "iso-8859-2",
        b"8859/3" => "iso-8859-3",
        b"8859/4" => "iso-8859-4",
        b"8859/5" => "iso-8859-5",
        b"8859/6" => "iso-8859-6",
        b"8859/7" => "iso-8859-7",
        b"8859/8" => "iso-8859-8",
        b"8859/9" => "windows-1254",
        b"8859/15" => "iso-8859-15",
        b"ISO IR87" | b"ISO IR159" | b"ISO IR14" => "iso-2022-jp",
        b"GB 18030-2000" => "gb18030",
        b"KS X 1001" => "euc-kr",
        b"BIG-5" => "big5",
        b"SHIFT_JIS" | b"SJIS" | b"MS932" | b"Windows-31J" => "shift_jis",
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests;
