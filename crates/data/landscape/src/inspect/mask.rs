//! Masked samples: enough to recognise what was found, too little to tell whose it is.

/// How many characters of a sample are kept, masked.
const SAMPLE_CHARS: usize = 40;

/// Letters and digits become `*`; the first letter of each word stays when the value is long enough for it to say
/// little. Punctuation keeps the shape.
pub(crate) fn mask(value: &str) -> String {
    let long = value.chars().count() >= 6;
    let mut masked = String::new();
    let mut inside = false;
    for c in value.chars().take(SAMPLE_CHARS) {
        if c.is_alphanumeric() {
            masked.push(if long && !inside && c.is_ascii_alphabetic() { c } else { '*' });
            inside = true;
        } else {
            masked.push(if c.is_control() { ' ' } else { c });
            inside = false;
        }
    }
    if value.chars().nth(SAMPLE_CHARS).is_some() {
        masked.push('…');
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn shape_stays_and_content_goes() {
        assert_eq!(mask("Jane Smith"), "J*** S****");
        assert_eq!(mask("123-45-6789"), "***-**-****");
        assert_eq!(mask("山田太郎"), "****");
        assert_eq!(mask("Ann"), "***");
        assert_eq!(mask("a\u{1b}[31mb123"), "a [*******".replace("*******", "***b***").replace('b', "*"));
        assert!(mask(&"x".repeat(100)).ends_with('…'));
    }
}
