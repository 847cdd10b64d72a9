//! The sheet for the wall: plain text of 80 columns, and one page of HTML.

use std::fmt::Write as _;

use super::outline::{Outline, Row};

/// Columns of the text.
const COLUMNS: usize = 80;
/// Columns by which one call further is moved to the right.
const STEP: usize = 2;
/// Calls that are moved to the right; what is deeper has its number before it.
const DEPTH_MAX: usize = 12;

const TITLE: &str = "Communication plan";
const ADVICE: &str =
    "For the day on which no system works. Keep it on paper, away from the systems, and print it anew when it changes.";

/// Columns that a character takes: two for those of East Asian scripts (after Unicode Standard Annex #11, by ranges), none for marks that
/// stand on the one before.
const fn columns(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Writes a text from a column on, broken at blanks, and within a word where it is longer than a line.
fn wrap(out: &mut String, indent: usize, text: &str) {
    let room = COLUMNS - indent;
    let mut line = String::new();
    let mut end = |line: &mut String| {
        if !line.is_empty() {
            let _ = writeln!(out, "{:indent$}{line}", "");
            line.clear();
        }
    };
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > room {
            end(&mut line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if width(&line) + columns(c) > room {
                end(&mut line);
            }
            line.push(c);
        }
    }
    end(&mut line);
}

fn head(row: &Row) -> String {
    if row.depth > DEPTH_MAX { format!("({}) {}", row.depth, row.head) } else { row.head.clone() }
}

pub(super) fn text(outline: &Outline) -> String {
    let mut out = String::new();
    wrap(&mut out, 0, &format!("{}: {}", TITLE.to_uppercase(), outline.organisation));
    for line in &outline.lines {
        wrap(&mut out, 0, line);
    }
    out.push('\n');
    wrap(&mut out, 0, ADVICE);
    for section in &outline.sections {
        let _ = write!(out, "\n{}\n{}\n", section.title.to_uppercase(), "=".repeat(section.title.len()));
        for row in &section.rows {
            let indent = STEP * row.depth.min(DEPTH_MAX);
            wrap(&mut out, indent, &head(row));
            for line in &row.lines {
                wrap(&mut out, indent + 2 * STEP, line);
            }
        }
    }
    out
}

/// A text as it may stand in HTML, between tags and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "body{font:11pt/1.35 sans-serif;margin:2cm auto;max-width:18cm;color:#000}h1{font-size:18pt;margin:0}\
h2{font-size:13pt;border-bottom:1pt solid #000;margin:1.2em 0 .4em}.row{margin:.35em 0;break-inside:avoid}.head{font-weight:bold}\
@media print{body{margin:0}}@page{margin:1.5cm}";

pub(super) fn html(outline: &Outline) -> String {
    let organisation = escaped(&outline.organisation);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{TITLE}: {organisation}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{TITLE}: {organisation}</h1>\n<p>"
    );
    for line in &outline.lines {
        let _ = writeln!(out, "{}<br>", escaped(line));
    }
    let _ = writeln!(out, "</p>\n<p>{ADVICE}</p>");
    for section in &outline.sections {
        let _ = writeln!(out, "<h2>{}</h2>", section.title);
        for row in &section.rows {
            let indent = 6 * row.depth.min(DEPTH_MAX);
            let _ = write!(
                out,
                "<div class=\"row\" style=\"margin-left:{indent}mm\"><div class=\"head\">{}</div>",
                escaped(&head(row))
            );
            for line in &row.lines {
                let _ = write!(out, "<div>{}</div>", escaped(line));
            }
            out.push_str("</div>\n");
        }
    }
    out.push_str("</body>\n</html>\n");
    out
}
