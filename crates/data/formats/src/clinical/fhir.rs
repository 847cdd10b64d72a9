//! FHIR R4 and R5 resources as JSON and NDJSON: single, bundled, contained.
//!
//! A resource is held until it ends, so that each value is told with what stands beside it whatever the order of
//! keys. One that is larger than [`resource::HELD_BYTES_MAX`] is told in parts with what is known by then.

mod qualify;
mod resource;

use crate::clinical::base64;
use crate::json::{Event, Json, Scalar, ScalarKind};
use crate::text::encoding;
use crate::{Limits, Member, Problem, ReadError, Reader, Source};

use resource::Resource;

/// Contained and bundled resources nest no deeper in valid documents; what does is read as part of its parent.
const RESOURCES_DEEP_MAX: usize = 8;

pub(crate) fn sniff(head: &[u8], _complete: bool) -> bool {
    if !encoding::opening(head).next().is_some_and(|first| matches!(first, b'{' | b'[')) {
        return false;
    }
    let text = encoding::head_text(head);
    memchr::memmem::find(text.as_bytes(), b"\"resourceType\"").is_some() && names_a_resource(&text)
}

/// Whether a resource's type is told at the document's top, in an element of its array, or in a bundle's entry.
fn names_a_resource(text: &str) -> bool {
    let Ok(mut json) = Json::new(Source::bytes(text.as_bytes()), &Limits::default()) else { return false };
    let (mut is_type, mut bundle, mut depth, mut in_array) = (false, false, 0, false);
    loop {
        match json.next() {
            Ok(Event::Key(key)) => {
                let at_top = depth == 1 || (in_array && depth == 2);
                is_type = key == "resourceType" && (at_top || (bundle && depth == 4));
                bundle |= key == "entry" && at_top;
            }
            Ok(Event::Scalar(scalar)) => {
                if is_type && scalar.text.starts_with(|c: char| c.is_ascii_uppercase()) {
                    return true;
                }
            }
            Ok(Event::BeginArray) => {
                in_array |= depth == 0;
                is_type = false;
            }
            Ok(Event::End) | Err(_) => return false,
            Ok(_) => is_type = false,
        }
        depth = json.depth();
    }
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut json = Json::new(source, reader.limits())?;
    let mut walk =
        Walk { held: Vec::new(), key: String::new(), full_url: String::new(), large: None, begun: 0, told: None };
    let (mut documents, mut damaged, mut checked) = (0_u64, 0_u64, 0);
    loop {
        match walk.step(&mut json, reader) {
            Ok(true) => {}
            Ok(false) => break,
            Err(ReadError::Problem(problem)) => {
                walk.abandon(reader)?;
                // One damaged line of NDJSON is that line's matter.
                if documents == 0 {
                    return Err(problem.into());
                }
                damaged += 1;
                if damaged == 1 {
                    reader.problem(problem)?;
                }
                if !json.skip_line() {
                    break;
                }
            }
            Err(error) => {
                walk.abandon(reader)?;
                return Err(error);
            }
        }
        documents += u64::from(json.depth() == 0);
        if json.offset() - checked > 1 << 20 {
            checked = json.offset();
            reader.check()?;
        }
    }
    if damaged > 1 {
        reader.problem(Problem::malformed(format!("{damaged} lines in all are damaged and were read in part")))?;
    }
    match json.fault() {
        Some(problem) if damaged == 0 => reader.problem(problem),
        _ => Ok(()),
    }
}

/// The resources that are open, outermost first.
struct Walk {
    held: Vec<Resource>,
    /// The key of the value that comes next; empty inside arrays.
    key: String,
    /// The address of the bundle's entry at hand.
    full_url: String,
    /// A document in base64 that comes in parts.
    large: Option<String>,
    /// Resources begun so far.
    begun: u64,
    /// The resource that was told of last.
    told: Option<u64>,
}

impl Walk {
    /// Takes one event; `false` at the end of the input.
    fn step(&mut self, json: &mut Json<'_>, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
        match json.next()? {
            Event::Key(key) => {
                self.key.clear();
                self.key.push_str(key);
            }
            Event::BeginObject => {
                let nested = self.held.last().is_some_and(|outer| outer.begins_resource(&self.key));
                if self.held.is_empty() || (nested && self.held.len() < RESOURCES_DEEP_MAX) {
                    if let Some(outer) = self.held.last_mut() {
                        outer.count_element();
                    }
                    self.begun += 1;
                    let full_url = std::mem::take(&mut self.full_url);
                    let mut resource = Resource::new(self.begun);
                    resource.full_url = full_url;
                    self.held.push(resource);
                } else if let Some(resource) = self.held.last_mut() {
                    resource.open(&self.key, false);
                }
                self.key.clear();
            }
            Event::BeginArray => {
                if let Some(resource) = self.held.last_mut() {
                    resource.open(&self.key, true);
                }
                self.key.clear();
            }
            Event::EndObject | Event::EndArray => {
                self.full_url.clear();
                self.close(reader)?;
            }
            Event::Scalar(scalar) => self.scalar(&scalar, reader)?,
            Event::End => return Ok(false),
        }
        Ok(true)
    }

    fn close(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let ended = self.held.last_mut().is_some_and(Resource::close);
        match ended.then(|| self.held.pop()).flatten() {
            Some(mut resource) => self.tell(&mut resource, reader),
            None => Ok(()),
        }
    }

    /// Reports what is held of a resource, as a record of its own.
    fn tell(&mut self, resource: &mut Resource, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if resource.is_empty() {
            return Ok(());
        }
        self.turn_to(resource.number, reader)?;
        resource.report(reader)
    }

    /// What is reported next belongs to resource `number`.
    fn turn_to(&mut self, number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        match self.told.replace(number) {
            Some(last) if last != number => reader.record(),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let Some(resource) = self.held.last_mut() else { return Ok(()) };
        if scalar.kind == ScalarKind::Null {
            resource.count_element();
        } else if self.large.is_some() || (scalar.more && self.key == "data") {
            self.large_document(scalar, reader)?;
        } else {
            if self.key == "fullUrl" && !scalar.more {
                scalar.text.clone_into(&mut self.full_url);
            }
            resource.leaf(&self.key, scalar);
            if resource.is_full()
                && let Some(mut resource) = self.held.pop()
            {
                self.tell(&mut resource, reader)?;
                self.held.push(resource);
            }
        }
        if !scalar.more {
            self.key.clear();
        }
        Ok(())
    }

    fn large_document(&mut self, scalar: &Scalar<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let limit = reader.limits().whole_bytes_max;
        let held = self.large.get_or_insert_default();
        if held.len() <= limit {
            held.push_str(scalar.text);
        }
        if scalar.more {
            return Ok(());
        }
        let text = self.large.take().unwrap_or_default();
        let Some(resource) = self.held.last() else { return Ok(()) };
        let (number, place) = (resource.number, resource.place_of(&self.key));
        if text.len() > limit {
            return reader.problem(Problem::limit(format!(
                "the document in `{place}` is larger than {limit} bytes; raise `limits.whole_bytes_max` to read it"
            )));
        }
        match base64::decode(&text) {
            Some(bytes) => {
                self.turn_to(number, reader)?;
                reader.member(&Member { name: &place, len: Some(bytes.len() as u64) }, Source::bytes(&bytes))
            }
            None => reader.problem(Problem::malformed(format!("the document in `{place}` is not base64"))),
        }
    }

    /// Tells what is held of resources that will not end.
    fn abandon(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.large = None;
        self.key.clear();
        while let Some(mut resource) = self.held.pop() {
            self.tell(&mut resource, reader)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
