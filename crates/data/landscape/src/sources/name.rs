//! What objects are called in the catalogue: text that every engine keeps, of bounded length, different for different
//! objects.

use std::borrow::Cow;
use std::path::Path;

/// Bytes of a name. An index entry of PostgreSQL holds 2,704 (a third of a page, less its header); the rest is for what
/// is kept beside it.
pub(crate) const NAME_BYTES_MAX: usize = 2_000;
/// Hex digits of a digest that tells apart what looks the same.
const DIGITS: usize = 16;

/// The name of a file by its path below the source's root, with `/` between parts on every system. One that is not
/// UTF-8 is shown as far as it goes, followed by `~` and a digest of its bytes, and so is one that holds the replacement
/// character itself: names that differ on disk differ here.
pub(crate) fn of_path(relative: &Path) -> String {
    let raw = relative.as_os_str().as_encoded_bytes();
    let text = match std::str::from_utf8(raw) {
        Ok(text) if !text.contains(char::REPLACEMENT_CHARACTER) => text.to_owned(),
        _ => format!("{}~{}", String::from_utf8_lossy(raw), digest(raw)),
    };
    let text = if std::path::MAIN_SEPARATOR == '/' { text } else { text.replace(std::path::MAIN_SEPARATOR, "/") };
    bounded(&text).into_owned()
}

/// A name that the catalogue can keep: without the null character, which PostgreSQL refuses, and cut, with a digest of
/// all of it, where it is too long.
pub(crate) fn bounded(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_BYTES_MAX && !name.contains('\0') {
        return Cow::Borrowed(name);
    }
    let shown = name.get(..name.floor_char_boundary(NAME_BYTES_MAX - DIGITS - "…~".len())).unwrap_or_default();
    let cut = if shown.len() < name.len() { "…" } else { "" };
    Cow::Owned(format!("{}{cut}~{}", shown.replace('\0', "\u{FFFD}"), digest(name.as_bytes())))
}

/// Text that every engine keeps.
pub(crate) fn storable(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{FFFD}");
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut hex = blake3::hash(bytes).to_hex().to_string();
    hex.truncate(DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, bounded, of_path};
    use std::path::Path;

    #[cfg(unix)]
    #[test]
    fn names_that_differ_on_disk_differ() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes: &[u8]| of_path(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(name("a/Übersicht.csv".as_bytes()), "a/Übersicht.csv");
        let latin = name(b"caf\xE9.txt");
        assert!(latin.starts_with("caf\u{FFFD}.txt~"), "{latin}");
        assert_ne!(latin, name(b"caf\xE8.txt"));
        // A file called exactly like that cannot take its place.
        assert_ne!(name(latin.as_bytes()), latin);
    }

    #[test]
    fn long_names_are_cut_and_still_differ() {
        let long = "ä".repeat(3_000);
        let other = format!("{long}x");
        assert!(bounded(&long).len() <= NAME_BYTES_MAX);
        assert_ne!(bounded(&long), bounded(&other));
        assert_eq!(bounded("a\0b").chars().filter(|c| *c == '\0').count(), 0);
        assert_ne!(bounded("a\0b"), bounded("a\u{FFFD}b"));
        assert_eq!(bounded("a/b!c"), "a/b!c");
    }
}
