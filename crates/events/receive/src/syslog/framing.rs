//! Where one message of a stream ends and the next begins (RFC 6587, section 3.4).

/// The longest message that is taken whole, in bytes. RFC 5425, section 4.3.1, asks for 8,192 at least.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// The most digits of an octet count that is believed.
const DIGITS_MAX: usize = 9;

/// A message as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its bytes, as far as they are kept.
    pub bytes: Vec<u8>,
    /// Bytes behind them that are not kept.
    pub cut_bytes: u64,
    /// What is wrong with it, if something is.
    pub problem: Option<&'static str>,
}

enum State {
    /// A message begins.
    Start,
    /// So many bytes of a counted message are still to come.
    Counted(u64),
    /// Up to the next line feed.
    Line,
}

/// Cuts a stream into messages. Both ways of RFC 6587 are understood, each message for itself: one that begins with a count
/// of octets and a blank before its `<` is counted (3.4.1), any other ends with a line feed (3.4.2).
pub struct Framer {
    input: Vec<u8>,
    at: usize,
    state: State,
    message: Vec<u8>,
    cut_bytes: u64,
}

impl Default for Framer {
    fn default() -> Self {
        Self { input: Vec::new(), at: 0, state: State::Start, message: Vec::new(), cut_bytes: 0 }
    }
}

impl Framer {
    /// Adds what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next message that is there as a whole.
    pub fn message(&mut self) -> Option<Message> {
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            match self.state {
                State::Start => {
                    // Line feeds and NULs between messages carry nothing.
                    let blank = rest.iter().take_while(|byte| matches!(**byte, b'\n' | b'\r' | 0 | b' ')).count();
                    self.at += blank;
                    self.state = begin(rest.get(blank..).unwrap_or_default(), &mut self.at)?;
                }
                State::Counted(left) => {
                    let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.take(here);
                    let left = left - here as u64;
                    if left > 0 {
                        self.state = State::Counted(left);
                        return None;
                    }
                    return Some(self.end(None));
                }
                State::Line => match memchr::memchr(b'\n', rest) {
                    Some(end) => {
                        self.take(end);
                        self.at += 1;
                        return Some(self.end(None));
                    }
                    None => {
                        self.take(rest.len());
                        return None;
                    }
                },
            }
        }
    }

    /// The stream is over: what is left of it. A line without a line feed is a message; a counted message that is not whole
    /// is told as what it is.
    pub fn finish(&mut self) -> Option<Message> {
        let problem = match self.state {
            State::Counted(_) => Some("the connection ended within a message"),
            State::Line | State::Start => None,
        };
        let left = self.input.len() - self.at;
        self.take(left);
        let message = self.end(problem);
        (!message.bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)).then_some(message)
    }

    /// Takes `count` bytes into the message, as far as they are kept.
    fn take(&mut self, count: usize) {
        let kept = count.min(MESSAGE_BYTES_MAX.saturating_sub(self.message.len()));
        self.message.extend_from_slice(self.input.get(self.at..self.at + kept).unwrap_or_default());
        self.cut_bytes += (count - kept) as u64;
        self.at += count;
    }

    fn end(&mut self, problem: Option<&'static str>) -> Message {
        self.state = State::Start;
        let mut bytes = std::mem::take(&mut self.message);
        while matches!(bytes.last(), Some(b'\r' | b'\n' | 0)) {
            bytes.pop();
        }
        Message { bytes, cut_bytes: std::mem::take(&mut self.cut_bytes), problem }
    }
}

/// How the message that begins with `rest` is framed; `None` as long as that cannot be told.
fn begin(rest: &[u8], at: &mut usize) -> Option<State> {
    let first = rest.first()?;
    if !matches!(first, b'1'..=b'9') {
        return Some(State::Line);
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS_MAX {
        return Some(State::Line);
    }
    match (rest.get(digits)?, rest.get(digits + 1)) {
        (b' ', None) => None,
        (b' ', Some(b'<')) => {
            let count = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
            *at += digits + 1;
            Some(State::Counted(count))
        }
        _ => Some(State::Line),
    }
}

#[cfg(test)]
mod tests {
    use super::{Framer, MESSAGE_BYTES_MAX, Message};
    use proptest::prelude::*;

    fn all(framer: &mut Framer, bytes: &[u8], step: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        for piece in bytes.chunks(step) {
            framer.feed(piece);
            messages.extend(std::iter::from_fn(|| framer.message()));
        }
        messages
    }

    fn texts(messages: &[Message]) -> Vec<String> {
        messages.iter().map(|message| String::from_utf8(message.bytes.clone()).unwrap()).collect()
    }

    #[test]
    fn counted_messages_and_lines_may_follow_each_other() {
        let stream = b"<34>one\r\n14 <34>two\nlines!\n9 <34>three\n2026 is no count\n\0\n<1>last";
        for step in 1..stream.len() {
            let mut framer = Framer::default();
            let mut messages = all(&mut framer, stream, step);
            messages.extend(framer.finish());
            let expected = ["<34>one", "<34>two\nlines!", "<34>three", "2026 is no count", "<1>last"];
            assert_eq!(texts(&messages), expected, "step {step}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_says_so() {
        let long = "x".repeat(MESSAGE_BYTES_MAX + 5);
        for stream in [format!("<1>{long}\n<1>next\n"), format!("{} <1>{long}7 <1>next", long.len() + 3)] {
            let messages = all(&mut Framer::default(), stream.as_bytes(), 4_096);
            assert_eq!(messages.len(), 2);
            assert_eq!((messages[0].bytes.len(), messages[0].cut_bytes), (MESSAGE_BYTES_MAX, 8));
            assert_eq!(messages[1].bytes, b"<1>next");
        }
    }

    #[test]
    fn what_ends_too_early_is_told() {
        let mut framer = Framer::default();
        assert!(all(&mut framer, b"100 <34>half", 3).is_empty());
        assert_eq!(framer.finish().unwrap().problem, Some("the connection ended within a message"));
        assert_eq!(framer.finish(), None);
    }

    proptest! {
        #[test]
        fn any_stream_is_cut_alike_however_it_comes(stream in any::<Vec<u8>>(), step in 1_usize..40) {
            let mut whole = Framer::default();
            let mut expected = all(&mut whole, &stream, stream.len().max(1));
            expected.extend(whole.finish());
            let mut framer = Framer::default();
            let mut messages = all(&mut framer, &stream, step);
            messages.extend(framer.finish());
            prop_assert_eq!(messages, expected);
        }
    }
}
