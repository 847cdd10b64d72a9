//! The XML of document parts, event by event, with bounded tokens.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::{Problem, ReadError};

/// One part being read.
pub(super) struct Xml<'a> {
    inner: quick_xml::Reader<Bounded<Box<dyn Read + 'a>>>,
    run: Rc<Cell<usize>>,
    buffer: Vec<u8>,
    scratch: String,
    depth: usize,
    depth_max: usize,
}

/// What a reader of a part has to know.
pub(super) enum Piece<'x> {
    Start(Element<'x>),
    End(&'x str),
    Text(&'x str),
}

/// An element with its attributes.
pub(super) struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// The name without its prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// The value of an attribute by its name without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.0.html_attributes().with_checks(false).flatten().find(|attribute| local(attribute.key.0) == name).map(
            |attribute| match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => value.into_owned(),
                Err(_) => attribute.value.to_string(),
            },
        )
    }

    /// All attributes by their names without prefix.
    pub(super) fn attributes(&self) -> Vec<(String, String)> {
        let mut attributes = self.0.html_attributes();
        let attributes = attributes.with_checks(false).flatten();
        attributes
            .map(|attribute| {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                let value = value.map_or_else(|_| attribute.value.to_string(), |value| value.into_owned());
                (local(attribute.key.0).to_owned(), value)
            })
            .collect()
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl<'a> Xml<'a> {
    /// `token_bytes_max` bounds one tag or stretch of text, `depth_max` the nesting.
    pub(super) fn new(part: impl Read + 'a, token_bytes_max: usize, depth_max: usize) -> Self {
        let run = Rc::new(Cell::new(0));
        let part: Box<dyn Read + 'a> = Box::new(part);
        let bounded = Bounded { inner: BufReader::new(part), run: Rc::clone(&run), run_max: token_bytes_max };
        let mut inner = quick_xml::Reader::from_reader(bounded);
        let config = inner.config_mut();
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        Self { inner, run, buffer: Vec::new(), scratch: String::new(), depth: 0, depth_max }
    }

    /// The next piece, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece<'_>>, ReadError> {
        loop {
            self.buffer.clear();
            self.run.set(0);
            let position = self.inner.buffer_position();
            // The buffer is lent out, so what is skipped is told from what is given by looking at it twice.
            match self.inner.read_event_into(&mut self.buffer).map_err(|error| damaged(error, position))? {
                Event::Eof if self.depth == 0 => return Ok(None),
                Event::Eof => return Err(Problem::truncated("a part of the document ends early").into()),
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > self.depth_max {
                        let message = format!(
                            "elements nest deeper than {}; raise `limits.nesting_max` to read on",
                            self.depth_max
                        );
                        return Err(Problem::limit(message).into());
                    }
                    return Ok(Some(Piece::Start(Element(start.into_owned()))));
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    local(end.name().0).clone_into(&mut self.scratch);
                    return Ok(Some(Piece::End(&self.scratch)));
                }
                Event::Text(text) => {
                    self.scratch.clear();
                    self.scratch.push_str(&text.xml_content(XmlVersion::Implicit1_0));
                    return Ok(Some(Piece::Text(&self.scratch)));
                }
                Event::CData(text) => {
                    self.scratch.clear();
                    self.scratch.push_str(&text.xml_content(XmlVersion::Implicit1_0));
                    return Ok(Some(Piece::Text(&self.scratch)));
                }
                Event::GeneralRef(reference) => {
                    let name: &str = &reference;
                    self.scratch.clear();
                    match quick_xml::escape::unescape(&format!("&{name};")) {
                        Ok(text) => self.scratch.push_str(&text),
                        Err(_) => self.scratch.push(' '),
                    }
                    return Ok(Some(Piece::Text(&self.scratch)));
                }
                Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
            }
        }
    }
}

fn damaged(error: quick_xml::Error, position: u64) -> ReadError {
    match error {
        quick_xml::Error::Io(error) => match std::sync::Arc::try_unwrap(error) {
            Ok(error) => error.into(),
            Err(shared) => io::Error::new(shared.kind(), shared.to_string()).into(),
        },
        _ => Problem::malformed(format!("the XML of a part is not well formed near byte {position}")).into(),
    }
}

/// Gives up on a single token without end.
struct Bounded<R> {
    inner: BufReader<R>,
    run: Rc<Cell<usize>>,
    run_max: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.run.get() > self.run_max {
            let message = format!(
                "one piece of text or one tag is longer than {} bytes; raise `limits.value_bytes_max` to read on",
                self.run_max
            );
            return Err(ReadError::from(Problem::limit(message)).into());
        }
        self.inner.fill_buf()
    }
    fn consume(&mut self, n: usize) {
        self.run.set(self.run.get() + n);
        self.inner.consume(n);
    }
}
