//! A table for people: what was found, most telling first.

use std::io::Write;

use landscape::report::ObjectReport;

use super::{Output, Summary};

#[derive(Default)]
pub(super) struct Table {
    header: bool,
}

impl Output for Table {
    fn object(&mut self, report: &ObjectReport, out: &mut dyn Write) -> std::io::Result<()> {
        if !self.header {
            writeln!(out, "{:<34} {:>9} {:<12} {:>8}  OBJECT", "LABELS", "BYTES", "FORMAT", "PEOPLE")?;
            self.header = true;
        }
        let labels: Vec<&str> = report.labels.iter().map(|label| label.as_str()).collect();
        let people = if report.subjects == 0 { "-".to_owned() } else { report.subjects.to_string() };
        writeln!(
            out,
            "{:<34} {:>9} {:<12} {people:>8}  {}",
            labels.join(","),
            size(report.bytes),
            report.format.as_str(),
            printable(&report.object)
        )?;
        if !report.identifiers.is_empty() {
            let found: Vec<String> =
                report.identifiers.iter().map(|found| format!("{} {}", found.kind, found.count)).collect();
            writeln!(out, "    {}", found.join(" · "))?;
        }
        for span in &report.spans {
            let offsets = span.offsets.map(|(start, end)| format!(" [{start}..{end}]")).unwrap_or_default();
            let confidence = (span.confidence * 100.0).round();
            writeln!(out, "    {:<18} {confidence:>3}% {}{offsets}", span.kind.as_str(), printable(&span.place))?;
            if let Some(why) = &span.why {
                writeln!(out, "        {}", printable(why))?;
            }
        }
        for error in &report.errors {
            writeln!(out, "    not read: {} [{}]", printable(&error.message), error.kind.code())?;
        }
        Ok(())
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a rate shown with one decimal")]
        let rate = summary.bytes as f64 / 1e6 / summary.seconds.max(0.001);
        writeln!(
            out,
            "\n{} objects, {} in {:.1} s ({rate:.1} MB/s), {} with something unreadable",
            summary.objects,
            size(summary.bytes),
            summary.seconds,
            summary.unreadable
        )?;
        for (label, count) in &summary.by_label {
            writeln!(out, "  {:<24} {count:>8}", label.as_str())?;
        }
        Ok(())
    }
}

/// Bytes as people say them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", UNITS[unit]) }
}

/// Names and places come from files: nothing in them may steer a terminal, nor turn what is written around.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns_text(c) { '\u{FFFD}' } else { c }).collect()
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9, section 2).
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_cannot_steer_a_terminal_or_turn_text_around() {
        assert_eq!(super::printable("ok\u{202E}gpj.txt\u{1B}[2J"), "ok\u{FFFD}gpj.txt\u{FFFD}[2J");
        assert_eq!(super::printable("患者.csv"), "患者.csv");
    }
}
