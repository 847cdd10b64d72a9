//! Long runs of blanks made short before a text is searched, with the way back to the places in the text itself.
//!
//! Readers blank tags with white space of the same length so that offsets stay right. A label and its value, or two
//! words of a name, then lie as far apart as the tags between them are long, while recognisers expect the one or two
//! blanks that a reader of the page sees.

use model::Format;

/// A run that is worth shortening.
const RUN: &[u8] = b"   ";

/// A text with its runs of blanks shortened. Kept to be filled again.
#[derive(Debug, Default)]
pub(super) struct Squeezed {
    pub text: String,
    /// Places in `text` after which something was left out, and how much in all up to there; in order.
    cuts: Vec<(usize, usize)>,
}

/// What a run of blanks stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// Tags, most often: one blank, one tab between cells.
    Tags,
    /// Itself: runs are columns, except behind a label's colon or equals sign.
    Columns,
}

impl Squeezed {
    /// Fills this with `text` as it is to be searched; false when that is the text as it is.
    pub(super) fn fill(&mut self, text: &str, format: Format) -> bool {
        if memchr::memmem::find(text.as_bytes(), RUN).is_none() {
            return false;
        }
        let blanks = match format {
            Format::Html | Format::Xml | Format::Ccda | Format::Fhir => Blanks::Tags,
            _ => Blanks::Columns,
        };
        self.text.clear();
        self.cuts.clear();
        let (mut from, mut out) = (0, 0);
        while let Some(found) = text.get(from..).and_then(|rest| memchr::memmem::find(rest.as_bytes(), RUN)) {
            let run = Run::around(text.as_bytes(), from + found, from);
            self.text.push_str(text.get(from..run.start).unwrap_or_default());
            let short = run.short(text.as_bytes(), blanks);
            self.text.push_str(short);
            out += run.end - run.start - short.len();
            self.cuts.push((self.text.len(), out));
            from = run.end;
        }
        self.text.push_str(text.get(from..).unwrap_or_default());
        out > 0
    }

    /// The place in the text itself of a range of the squeezed one.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        // What ends where blanks begin ends before them.
        let last = self.left_out(end.saturating_sub(1)) + end;
        (self.left_out(start) + start, last)
    }

    fn left_out(&self, at: usize) -> usize {
        let cut = self.cuts.partition_point(|cut| cut.0 <= at);
        cut.checked_sub(1).and_then(|cut| self.cuts.get(cut)).map_or(0, |cut| cut.1)
    }
}

/// A run of blanks and tabs.
struct Run {
    start: usize,
    end: usize,
    tab: bool,
}

impl Run {
    /// The run that holds `at`, not before `floor`.
    fn around(bytes: &[u8], at: usize, floor: usize) -> Self {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let before = bytes.get(floor..at).unwrap_or_default();
        let start = at - before.iter().rev().take_while(|byte| is_blank(byte)).count();
        let after = bytes.get(at..).unwrap_or_default();
        let end = at + after.iter().take_while(|byte| is_blank(byte)).count();
        let tab = memchr::memchr(b'\t', bytes.get(start..end).unwrap_or_default()).is_some();
        Self { start, end, tab }
    }

    fn short(&self, bytes: &[u8], blanks: Blanks) -> &'static str {
        let before = self.start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        let labelled = matches!(before, Some(b':' | b'='));
        match (blanks, self.tab) {
            (Blanks::Tags, true) => "\t",
            (Blanks::Tags, false) => " ",
            (Blanks::Columns, true) => "\t",
            (Blanks::Columns, false) if labelled => " ",
            // As much as it takes to be no gap between two words of a name.
            (Blanks::Columns, false) => "   ",
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Format;

    use super::Squeezed;

    fn places(text: &str, format: Format, wanted: &str) -> Option<(usize, usize)> {
        let mut squeezed = Squeezed::default();
        assert!(squeezed.fill(text, format), "{text:?}");
        let at = squeezed.text.find(wanted)?;
        Some(squeezed.original(at, at + wanted.len()))
    }

    #[test]
    fn places_lead_back_to_the_text() {
        let text = "a   MRN:      12345        67    end";
        let found = |wanted| places(text, Format::Html, wanted).map(|(start, end)| &text[start..end]);
        for word in ["a", "MRN:", "12345", "67", "end"] {
            assert_eq!(found(word), Some(word));
        }
        assert_eq!(found("MRN: 12345"), Some("MRN:      12345"));
        assert_eq!(found("a "), Some("a "), "a range that ends within blanks");
    }

    #[test]
    fn columns_stay_apart_where_no_tags_are() {
        let mut squeezed = Squeezed::default();
        assert!(squeezed.fill("Huber       Maria   MRN:       12", Format::Text));
        assert_eq!(squeezed.text, "Huber   Maria   MRN: 12");
        assert!(squeezed.fill("\t   Huber\t     \t  Maria    x", Format::Html));
        assert_eq!(squeezed.text, "\tHuber\tMaria x");
        assert!(!squeezed.fill("a  b", Format::Html));
    }

    proptest::proptest! {
        #[test]
        fn every_word_is_found_where_it_is(words in proptest::collection::vec("[a-z:é]{1,4}[ \t\n]{1,9}", 1..20)) {
            let text = words.concat();
            for format in [Format::Html, Format::Text] {
                let mut squeezed = Squeezed::default();
                if !squeezed.fill(&text, format) { continue }
                let mut at = 0;
                for word in squeezed.text.split_whitespace() {
                    let start = squeezed.text[at..].find(word).unwrap() + at;
                    at = start + word.len();
                    let (from, to) = squeezed.original(start, at);
                    assert_eq!(&text[from..to], word);
                }
            }
        }
    }
}
