//! One value as text.

use std::borrow::Cow;

use super::{BINARY_BYTES_MAX, TEXT_CHARS_MAX};

/// Text as it is; bytes that are no UTF-8 become the replacement character. The statement asked for one character more
/// than [`TEXT_CHARS_MAX`]: whether it came tells whether the value was cut.
pub(super) fn text(bytes: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(bytes);
    if bytes.len() <= TEXT_CHARS_MAX {
        return (text.into_owned(), false);
    }
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => (text.get(..end).unwrap_or_default().to_owned(), true),
        None => (text.into_owned(), false),
    }
}

/// Bytes that are UTF-8 text as text, others as their length. The statement asked for one byte more than
/// [`BINARY_BYTES_MAX`].
pub(super) fn binary(bytes: &[u8]) -> (String, bool) {
    let is_cut = bytes.len() > BINARY_BYTES_MAX;
    let kept = bytes.get(..BINARY_BYTES_MAX).unwrap_or(bytes);
    if let Some(text) = readable(kept, is_cut) {
        return (text.into_owned(), is_cut);
    }
    if is_cut {
        // Nothing readable was left out: what is no text at its beginning is no text.
        return (format!("[more than {BINARY_BYTES_MAX} bytes]"), false);
    }
    (format!("[{} bytes]", bytes.len()), false)
}

/// The bytes as text, if they are UTF-8 without control characters that no text holds. A character cut in half at the
/// end of a cut value is dropped.
fn readable(bytes: &[u8], is_cut: bool) -> Option<Cow<'_, str>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_other) => return None,
    };
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    is_text.then_some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::{BINARY_BYTES_MAX, TEXT_CHARS_MAX, binary, text};

    #[test]
    fn text_is_cut_between_characters_and_says_so() {
        assert_eq!(text("Müller".as_bytes()), ("Müller".to_owned(), false));
        assert_eq!(text(b"M\xfcller"), ("M\u{fffd}ller".to_owned(), false));
        let long = "é".repeat(TEXT_CHARS_MAX + 1);
        let (cut, is_cut) = text(long.as_bytes());
        assert!(is_cut);
        assert_eq!(cut.chars().count(), TEXT_CHARS_MAX);
        assert!(!text("é".repeat(TEXT_CHARS_MAX).as_bytes()).1);
    }

    #[test]
    fn binary_values_are_text_or_a_length() {
        assert_eq!(binary("{\"name\": \"山田\"}\n".as_bytes()).0, "{\"name\": \"山田\"}\n");
        assert_eq!(binary(b"\x00\x01"), ("[2 bytes]".to_owned(), false));
        assert_eq!(binary(b"\xff\xd8\xff").0, "[3 bytes]");
        let image = vec![0xff; BINARY_BYTES_MAX + 1];
        assert_eq!(binary(&image), (format!("[more than {BINARY_BYTES_MAX} bytes]"), false));
        let note = "é".repeat(BINARY_BYTES_MAX).into_bytes();
        let (cut, is_cut) = binary(&[b"x", note.get(..BINARY_BYTES_MAX).unwrap()].concat());
        assert!(is_cut && cut.ends_with('é'), "half a character at the end is dropped");
    }
}
