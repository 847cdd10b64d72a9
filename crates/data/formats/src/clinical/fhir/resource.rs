//! One resource, held until it can be told.

use std::ops::Range;

use encoding_rs::Encoding;

use super::qualify;
use crate::clinical::base64;
use crate::json::Scalar;
use crate::markup::blank;
use crate::{Escape, Field, Member, Place, Qualifiers, Raw, ReadError, Reader, Source, Text, Vocabulary};

/// How much of a resource's text is held.
pub(super) const HELD_BYTES_MAX: usize = 1 << 20;
/// How many values of it.
const HELD_VALUES_MAX: usize = 1 << 15;

/// A piece of [`Resource::text`].
pub(super) type Span = Range<usize>;

/// An object or array.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    /// Its parent's index; the root is its own.
    pub parent: usize,
    /// Empty for an array's elements.
    pub key: Span,
    /// Its number in its array.
    pub index: Option<u64>,
    pub array: bool,
    /// Elements begun so far.
    count: u64,
    /// What its own keys say.
    pub system: Option<Span>,
    pub url: Option<Span>,
    pub coded: bool,
    /// `type.coding.code` and `assigner.display` below it.
    pub type_code: Option<Span>,
    pub assigner: Option<Span>,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub parent: usize,
    pub key: Span,
    index: Option<u64>,
    pub value: Span,
    raw: Held,
}

/// [`Raw`] without its borrow.
#[derive(Debug, Clone)]
enum Held {
    Verbatim(u64),
    Encoded(u64, &'static Encoding),
    Escaped(u64, Span),
    Whole(u64, u64),
}

#[derive(Debug, Default)]
pub(super) struct Resource {
    text: String,
    elements: Vec<Element>,
    leaves: Vec<Leaf>,
    /// Indices of the elements that are open.
    open: Vec<usize>,
    kind: String,
    /// What the bundle calls it by: `Bundle.entry.fullUrl`.
    pub full_url: String,
    /// Tells it from other resources of the object.
    pub number: u64,
}

impl Resource {
    pub(super) fn new(number: u64) -> Self {
        Self { number, elements: vec![Element::default()], open: vec![0], ..Self::default() }
    }

    /// Whether an object that begins here, under `key`, is a resource of its own (FHIR R5 `Bundle.entry.resource`,
    /// `Parameters.parameter.resource`, `DomainResource.contained`).
    pub(super) fn begins_resource(&self, key: &str) -> bool {
        if !key.is_empty() {
            return key == "resource";
        }
        let inner = self.inner();
        inner.array && self.slice(&inner.key) == "contained"
    }

    /// The innermost open element has one more.
    pub(super) fn count_element(&mut self) -> Option<u64> {
        let at = self.open.last().copied().unwrap_or(0);
        let inner = self.elements.get_mut(at)?;
        inner.array.then(|| {
            inner.count += 1;
            inner.count - 1
        })
    }

    pub(super) fn open(&mut self, key: &str, array: bool) {
        let index = self.count_element();
        let parent = self.open.last().copied().unwrap_or(0);
        let key = self.hold_key(key);
        self.open.push(self.elements.len());
        self.elements.push(Element { parent, key, index, array, ..Element::default() });
    }

    /// Closes the innermost element; `true` when it was the resource itself.
    pub(super) fn close(&mut self) -> bool {
        self.open.pop();
        self.open.is_empty()
    }

    pub(super) fn leaf(&mut self, key: &str, scalar: &Scalar<'_>) {
        let parent = self.open.last().copied().unwrap_or(0);
        let index = self.count_element();
        if parent == 0 && key == "resourceType" && scalar.text.len() <= 64 {
            self.kind = scalar.text.to_owned();
        }
        let key_span = self.hold_key(key);
        let value = self.hold(scalar.text);
        let raw = match scalar.raw {
            Raw::Verbatim { start } => Held::Verbatim(start),
            Raw::Encoded { start, encoding } => Held::Encoded(start, encoding),
            Raw::Escaped { start, raw, .. } => Held::Escaped(start, self.hold(raw)),
            Raw::Whole { start, end } => Held::Whole(start, end),
            Raw::None => Held::Whole(0, 0),
        };
        qualify::note(&mut self.elements, &self.text, parent, key, &value);
        self.leaves.push(Leaf { parent, key: key_span, index, value, raw });
    }

    /// Whether it is time to report what is held.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() > HELD_BYTES_MAX || self.leaves.len() > HELD_VALUES_MAX
    }

    /// The place of `key` in the innermost open element.
    pub(super) fn place_of(&self, key: &str) -> String {
        let (mut path, mut place) = (String::new(), String::new());
        self.write_element(self.open.last().copied().unwrap_or(0), &mut path, &mut place);
        place + "." + key
    }

    /// Whether no value is held.
    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Reports all values held and lets go of them.
    pub(super) fn report(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let leaves = std::mem::take(&mut self.leaves);
        let (mut path, mut place, mut decoded) = (String::new(), String::new(), String::new());
        let (mut parent, mut path_len, mut place_len) = (usize::MAX, 0, 0);
        let full_url = std::mem::take(&mut self.full_url);
        if !full_url.is_empty() {
            self.write_element(0, &mut path, &mut place);
            push_part("fullUrl", None, &mut path, &mut place);
            let (vocabulary, place, qualifiers) = (Vocabulary::Fhir, Place::Path(&place), Qualifiers::default());
            reader.field(&Field { vocabulary, path: &path, place, value: &full_url, raw: Raw::None, qualifiers })?;
        }
        for leaf in &leaves {
            if leaf.parent != parent {
                self.write_element(leaf.parent, &mut path, &mut place);
                (parent, path_len, place_len) = (leaf.parent, path.len(), place.len());
            }
            path.truncate(path_len);
            place.truncate(place_len);
            push_part(self.slice(&leaf.key), leaf.index, &mut path, &mut place);
            self.report_leaf(leaf, &path, &place, &mut decoded, reader)?;
        }
        self.let_go();
        Ok(())
    }

    fn report_leaf(
        &self,
        leaf: &Leaf,
        path: &str,
        place: &str,
        decoded: &mut String,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let value = self.slice(&leaf.value);
        let raw = match &leaf.raw {
            Held::Verbatim(start) => Raw::Verbatim { start: *start },
            Held::Encoded(start, encoding) => Raw::Encoded { start: *start, encoding },
            Held::Escaped(start, raw) => Raw::Escaped { start: *start, raw: self.slice(raw), escape: Escape::Json },
            Held::Whole(start, end) => Raw::Whole { start: *start, end: *end },
        };
        let key = self.slice(&leaf.key);
        if key == "div" && path.ends_with(".text.div") {
            let whole = raw.locate(value, 0, value.len());
            // A tag's blanks are as many as its bytes here, which is more than its characters where some take several.
            let exact = blank::narrative(value, decoded) && (value.is_ascii() || !matches!(raw, Raw::Encoded { .. }));
            let raw = match (exact, whole) {
                (false, Some((start, end))) => Raw::Whole { start, end },
                _ => raw,
            };
            return reader.text(&Text { text: decoded, place: Place::Path(place), raw, last: true });
        }
        if key == "data"
            && let Some(bytes) = document(value)
        {
            return reader.member(&Member { name: place, len: Some(bytes.len() as u64) }, Source::bytes(&bytes));
        }
        let qualifiers = qualify::qualifiers(&self.elements, &self.text, leaf, decoded);
        let place = Place::Path(place);
        reader.field(&Field { vocabulary: Vocabulary::Fhir, path, place, value, raw, qualifiers })
    }

    /// Forgets everything but the open elements and what they know.
    fn let_go(&mut self) {
        let old = std::mem::take(&mut self.text);
        let elements = std::mem::take(&mut self.elements);
        let mut keep = |span: &Span| {
            let start = self.text.len();
            self.text.push_str(old.get(span.clone()).unwrap_or_default());
            start..self.text.len()
        };
        for (depth, at) in self.open.iter_mut().enumerate() {
            let Some(element) = elements.get(*at) else { continue };
            self.elements.push(Element {
                parent: depth.saturating_sub(1),
                key: keep(&element.key),
                system: element.system.as_ref().map(&mut keep),
                url: element.url.as_ref().map(&mut keep),
                type_code: element.type_code.as_ref().map(&mut keep),
                assigner: element.assigner.as_ref().map(&mut keep),
                ..element.clone()
            });
            *at = depth;
        }
    }

    /// Writes an element's generic path and its place.
    fn write_element(&self, at: usize, path: &mut String, place: &mut String) {
        path.clear();
        place.clear();
        let kind = if self.kind.is_empty() { "Resource" } else { &self.kind };
        path.push_str(kind);
        place.push_str(kind);
        let mut chain = Vec::new();
        let mut at = at;
        while at != 0 && chain.len() <= self.elements.len() {
            let Some(element) = self.elements.get(at) else { break };
            chain.push(element);
            at = element.parent;
        }
        for element in chain.into_iter().rev() {
            push_part(self.slice(&element.key), element.index, path, place);
        }
    }

    fn inner(&self) -> &Element {
        static NONE: Element = Element {
            parent: 0,
            key: 0..0,
            index: None,
            array: false,
            count: 0,
            system: None,
            url: None,
            coded: false,
            type_code: None,
            assigner: None,
        };
        self.open.last().and_then(|at| self.elements.get(*at)).unwrap_or(&NONE)
    }

    fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn hold(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// Keys of what is added to a primitive value begin with `_` (FHIR R5 section 2.6.2.2); their paths do not.
    fn hold_key(&mut self, key: &str) -> Span {
        self.hold(key.strip_prefix('_').unwrap_or(key))
    }
}

fn push_part(key: &str, index: Option<u64>, path: &mut String, place: &mut String) {
    // Longer keys are no FHIR, and nesting multiplies them.
    let key = key.get(..key.len().min(128)).unwrap_or_default();
    if !key.is_empty() {
        path.push('.');
        path.push_str(key);
        place.push('.');
        place.push_str(key);
    }
    if let Some(index) = index {
        place.push('[');
        place.push_str(&index.to_string());
        place.push(']');
    }
}

/// The bytes of an attachment. Sampled data also stand under `data`: numbers with single spaces between.
fn document(value: &str) -> Option<Vec<u8>> {
    if value.len() < 16 || value.contains([' ', '.']) {
        return None;
    }
    base64::decode(value)
}
