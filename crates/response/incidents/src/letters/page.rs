//! Letters as they are printed and mailed.

use std::fmt::Write as _;

use super::Letter;
use crate::plan::escaped;

const STYLE: &str = "body{font:11pt/1.4 serif;margin:0 auto;max-width:16cm;color:#000}h1{font-size:12pt;margin:1.5em 0 1em}\
.sender{font-size:8pt}address{font-style:normal;margin:1em 0 2em}@page{margin:2cm 2.5cm}";

/// The end of a page of letters.
pub const PAGE_END: &str = "</body>\n</html>\n";

/// The beginning of a page of letters, which follow one by one ([`to_html`]) until [`PAGE_END`]. It asks for nothing from outside.
#[must_use]
pub fn page_begin(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escaped(title)
    )
}

/// A letter on a page of its own, for print: all values escaped, a page break after it.
#[must_use]
pub fn to_html(letter: &Letter) -> String {
    let lines = |all: &[String]| all.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br>");
    let mut out = format!(
        "<article lang=\"{}\" style=\"break-after:page\">\n<p class=\"sender\">{}</p>\n<address>{}</address>\n<h1>{}</h1>\n",
        escaped(letter.language),
        lines(&letter.sender),
        lines(&letter.address),
        escaped(&letter.subject)
    );
    for paragraph in letter.text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let _ = writeln!(out, "<p>{}</p>", escaped(paragraph).replace('\n', "<br>"));
    }
    out.push_str("</article>\n");
    out
}

/// A letter as an e-mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// To whom: an address alone.
    pub to: String,
    /// The subject, on one line.
    pub subject: String,
    /// The text, plain.
    pub body: String,
}

/// Names nobody.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").finish_non_exhaustive()
    }
}

/// A letter as an e-mail, if that is how it goes out.
#[must_use]
pub fn to_email(letter: &Letter) -> Option<Email> {
    let to = letter.email.clone()?;
    let subject = letter.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(Email { to, subject, body: format!("{}\n", letter.text) })
}
