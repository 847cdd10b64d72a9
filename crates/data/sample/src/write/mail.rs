//! E-mail messages (RFC 5322, RFC 2045) and mailboxes (RFC 4155).

use std::fmt::Write as _;

use super::text::base64;

/// A message.
pub struct Message<'a> {
    /// `Name <address>`.
    pub from: &'a str,
    /// `Name <address>`.
    pub to: &'a str,
    /// Subject line, ASCII.
    pub subject: &'a str,
    /// Date in the form of RFC 5322.
    pub date: &'a str,
    /// Plain text.
    pub body: &'a str,
    /// File name, media type, content.
    pub attachments: Vec<(&'a str, &'a str, Vec<u8>)>,
}

impl Message<'_> {
    /// The message with CRLF line ends; names outside ASCII are written as encoded words (RFC 2047).
    pub fn eml(&self, number: u32) -> String {
        let boundary = format!("=_part_{number:08}");
        let mut text = format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{number}.aurelion@example.com>\r\nMIME-Version: 1.0\r\n",
            mailbox(self.from),
            mailbox(self.to),
            self.subject,
            self.date
        );
        let body = self.body.replace('\n', "\r\n");
        if self.attachments.is_empty() {
            let _ = write!(
                text,
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
            );
            return text;
        }
        let _ = write!(
            text,
            "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
        );
        for (name, media, content) in &self.attachments {
            let _ = write!(
                text,
                "--{boundary}\r\nContent-Type: {media}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            );
            for line in base64(content).as_bytes().chunks(76) {
                text.push_str(&String::from_utf8_lossy(line));
                text.push_str("\r\n");
            }
        }
        let _ = write!(text, "--{boundary}--\r\n");
        text
    }
}

fn mailbox(whole: &str) -> String {
    if whole.is_ascii() {
        return whole.to_owned();
    }
    let (name, address) = whole.split_once('<').unwrap_or((whole, ""));
    format!("=?UTF-8?B?{}?= <{address}", base64(name.trim().as_bytes()))
}

/// A mailbox of messages, each behind its `From ` line.
pub fn mbox(messages: &[String]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str("From sender@example.com Thu Mar  5 09:30:00 2026\n");
        for line in message.replace("\r\n", "\n").lines() {
            if line.starts_with("From ") {
                text.push('>');
            }
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}
