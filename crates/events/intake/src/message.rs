//! One message, as syslog carries it, in; one record out.

use crate::Family;
use crate::family::Sniffer;
use crate::json::Scanner;
use crate::lines::check_utf8;
use crate::text;

/// Reads messages that come one by one, such as from a socket, where each is a record of its own.
pub struct Messages {
    sniffer: Sniffer,
    json: Vec<u8>,
}

impl Default for Messages {
    fn default() -> Self {
        Self { sniffer: Sniffer::new(), json: Vec::new() }
    }
}

impl Messages {
    /// The family of a message, and its record as one JSON object. A message that is one JSON object is handed through; so
    /// is one that follows the header of syslog, where it is of a family that is known. Anything else is read as a line of
    /// text, whatever characters of control it holds.
    ///
    /// # Errors
    /// Says what is wrong: it is not UTF-8, or empty.
    pub fn read<'a>(&'a mut self, message: &'a [u8]) -> Result<(Family, &'a [u8]), String> {
        let message = message.trim_ascii();
        let text = check_utf8(message)?;
        if text.is_empty() {
            return Err("the message is empty".to_owned());
        }
        if is_object(message) {
            return Ok((self.sniffer.family(message), message));
        }
        let family = text::parse(text, &mut self.json);
        if family == Family::Syslog
            && let Some(inner) = memchr::memmem::find(message, b" {").and_then(|at| message.get(at + 1..))
            && is_object(inner)
        {
            let inner_family = self.sniffer.family(inner);
            if inner_family != Family::Json {
                return Ok((inner_family, inner));
            }
        }
        Ok((family, &self.json))
    }
}

/// Whether the brackets of one object open and close at the ends.
fn is_object(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'{') && bytes.last() == Some(&b'}') && Scanner::default().run(bytes) == Some(bytes.len())
}
