//! The text that a page shows, in the order it is shown, with lines and words told apart by where it is shown
//! (ISO 32000-1, sections 8 and 9).

use std::collections::BTreeMap;
use std::rc::Rc;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::font::{self, Font};
use super::{PAGE_BYTES_MAX, dictionary, entry, number};
use crate::Problem;

/// Forms within forms.
const FORM_DEPTH_MAX: usize = 12;
/// Forms that one page may show; a page that shows more is not a document.
const FORMS_MAX: usize = 2000;
/// A gap of this many ems parts words, and one of that many parts columns.
const WORD_GAP_EMS: f32 = 0.18;
const COLUMN_GAP_EMS: f32 = 2.0;
/// The most text of one page, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// What was found on a page.
#[derive(Default)]
pub(super) struct Found {
    pub(super) text: String,
    /// Characters that could not be decoded.
    pub(super) undecoded: u64,
    pub(super) pictures: u64,
}

/// Fonts by their object, kept between pages.
pub(super) type Fonts = BTreeMap<ObjectId, Rc<Font>>;

/// Reads one page.
pub(super) fn page(document: &Document, page: ObjectId, fonts: &mut Fonts) -> Result<Found, Problem> {
    let too_large = |_error| Problem::limit(format!("its content is larger than {PAGE_BYTES_MAX} bytes"));
    let content = document.get_page_content_with_limit(page, PAGE_BYTES_MAX).map_err(too_large)?;
    let (own, inherited) =
        document.get_page_resources(page).map_err(|_error| Problem::malformed("its resources are damaged"))?;
    let mut resources: Vec<&Dictionary> = own.into_iter().collect();
    resources.extend(inherited.iter().filter_map(|id| document.get_dictionary(*id).ok()));
    let mut show = Show { document, fonts, found: Found::default(), state: State::default(), pen: None, forms: 0 };
    show.content(&content, &resources, 0)?;
    Ok(show.found)
}

/// `[a b c d e f]`: maps `(x, y)` to `(ax + cy + e, bx + dy + f)`.
type Matrix = [f32; 6];
const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `m`, then `n`.
fn multiply(m: Matrix, n: Matrix) -> Matrix {
    [
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    ]
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    text: Matrix,
    line: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    character_space: f32,
    word_space: f32,
    scale: f32,
    rise: f32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            ctm: IDENTITY,
            text: IDENTITY,
            line: IDENTITY,
            font: None,
            size: 0.0,
            leading: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            rise: 0.0,
        }
    }
}

/// Where the last shown character ended: along its line, across it, and how large it was.
#[derive(Clone, Copy)]
struct Pen {
    along: f32,
    across: f32,
    em: f32,
    direction: (f32, f32),
}

struct Show<'s> {
    document: &'s Document,
    fonts: &'s mut Fonts,
    found: Found,
    state: State,
    pen: Option<Pen>,
    forms: usize,
}

impl Show<'_> {
    fn content(&mut self, content: &[u8], resources: &[&Dictionary], depth: usize) -> Result<(), Problem> {
        let damaged = |_error| Problem::malformed("its content is damaged");
        let content = Content::decode(content).map_err(damaged)?;
        let mut saved: Vec<State> = Vec::new();
        for operation in &content.operations {
            let operands = operation.operands.as_slice();
            match operation.operator.as_str() {
                "q" if saved.len() < 512 => saved.push(self.state.clone()),
                "Q" => {
                    if let Some(state) = saved.pop() {
                        self.state = state;
                    }
                }
                "cm" => {
                    if let Some(matrix) = matrix(operands) {
                        self.state.ctm = multiply(matrix, self.state.ctm);
                    }
                }
                "Do" => self.object(operands, resources, depth)?,
                "BI" | "EI" => self.found.pictures += 1,
                operator => self.text_operator(operator, operands, resources),
            }
            if self.found.text.len() > TEXT_BYTES_MAX {
                return Err(Problem::limit(format!("it shows more than {TEXT_BYTES_MAX} bytes of text")));
            }
        }
        Ok(())
    }

    fn object(&mut self, operands: &[Object], resources: &[&Dictionary], depth: usize) -> Result<(), Problem> {
        let Some(Ok(name)) = operands.first().map(Object::as_name) else { return Ok(()) };
        let document = self.document;
        let found =
            resources.iter().find_map(|r| dictionary(document, r, b"XObject").and_then(|x| entry(document, x, name)));
        let Some(Object::Stream(stream)) = found else { return Ok(()) };
        if !stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Form") {
            self.found.pictures += 1;
            return Ok(());
        }
        self.forms += 1;
        if depth >= FORM_DEPTH_MAX || self.forms > FORMS_MAX {
            return Err(Problem::limit(format!(
                "forms nest deeper than {FORM_DEPTH_MAX} or are more than {FORMS_MAX}"
            )));
        }
        let too_large =
            |_error| Problem::limit(format!("a form's content is damaged or larger than {PAGE_BYTES_MAX} bytes"));
        let content = stream.get_plain_content_with_limit(PAGE_BYTES_MAX).map_err(too_large)?;
        let outer = self.state.clone();
        if let Some(Object::Array(values)) = entry(document, &stream.dict, b"Matrix")
            && let Some(matrix) = matrix(values)
        {
            self.state.ctm = multiply(matrix, self.state.ctm);
        }
        let own = dictionary(document, &stream.dict, b"Resources");
        let inner: Vec<&Dictionary> = own.into_iter().chain(resources.iter().copied()).take(FORM_DEPTH_MAX).collect();
        let outcome = self.content(&content, &inner, depth + 1);
        self.state = outer;
        outcome
    }

    fn text_operator(&mut self, operator: &str, operands: &[Object], resources: &[&Dictionary]) {
        let value = |at: usize| operands.get(at).and_then(number).unwrap_or(0.0);
        match operator {
            "BT" => {
                self.state.text = IDENTITY;
                self.state.line = IDENTITY;
            }
            "Tf" => {
                self.state.font =
                    operands.first().and_then(|name| name.as_name().ok()).and_then(|n| self.font(n, resources));
                self.state.size = value(1);
            }
            "Tc" => self.state.character_space = value(0),
            "Tw" => self.state.word_space = value(0),
            "Tz" => self.state.scale = value(0) / 100.0,
            "TL" => self.state.leading = value(0),
            "Ts" => self.state.rise = value(0),
            "Td" => self.move_line(value(0), value(1)),
            "TD" => {
                self.state.leading = -value(1);
                self.move_line(value(0), value(1));
            }
            "Tm" => {
                if let Some(matrix) = matrix(operands) {
                    self.state.text = matrix;
                    self.state.line = matrix;
                }
            }
            "T*" => self.move_line(0.0, -self.state.leading),
            "Tj" => self.show(operands.first()),
            "'" => {
                self.move_line(0.0, -self.state.leading);
                self.show(operands.first());
            }
            "\"" => {
                self.state.word_space = value(0);
                self.state.character_space = value(1);
                self.move_line(0.0, -self.state.leading);
                self.show(operands.get(2));
            }
            "TJ" => self.show_spaced(operands.first()),
            _ => {}
        }
    }

    fn font(&mut self, name: &[u8], resources: &[&Dictionary]) -> Option<Rc<Font>> {
        let document = self.document;
        let (object, font) = resources.iter().find_map(|r| font::of_resources(document, r, name))?;
        let built = || Rc::new(Font::new(document, font));
        Some(match object.as_reference() {
            Ok(id) => Rc::clone(self.fonts.entry(id).or_insert_with(built)),
            Err(_) => built(),
        })
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.state.line = multiply([1.0, 0.0, 0.0, 1.0, x, y], self.state.line);
        self.state.text = self.state.line;
    }

    fn show_spaced(&mut self, operand: Option<&Object>) {
        let Some(Ok(items)) = operand.map(Object::as_array) else { return };
        for item in items {
            match number(item) {
                Some(thousandths) => self.advance(-thousandths / 1000.0 * self.state.size),
                None => self.show(Some(item)),
            }
        }
    }

    fn advance(&mut self, by: f32) {
        self.state.text = multiply([1.0, 0.0, 0.0, 1.0, by * self.state.scale, 0.0], self.state.text);
    }

    fn show(&mut self, operand: Option<&Object>) {
        let Some(Ok(mut bytes)) = operand.map(Object::as_str) else { return };
        let Some(font) = self.state.font.clone() else {
            self.found.undecoded += bytes.len() as u64;
            return;
        };
        let mut text = String::new();
        // Whoever calls stops at the limit; one string may go far beyond it.
        while !bytes.is_empty() && self.found.text.len() <= TEXT_BYTES_MAX {
            text.clear();
            let Some(shown) = font.take(&mut bytes, &mut text) else { break };
            self.found.undecoded += u64::from(!shown.is_decoded);
            let em = self.put(&text);
            let word_space = if shown.is_space { self.state.word_space } else { 0.0 };
            self.advance(shown.width * self.state.size + self.state.character_space + word_space);
            self.lift_pen(em);
        }
    }

    /// Adds a character with what parts it from the one before: nothing, a space, a tab or a new line.
    fn put(&mut self, text: &str) -> Pen {
        let place = multiply(self.state.text, self.state.ctm);
        let length = place[0].hypot(place[1]).max(f32::MIN_POSITIVE);
        let direction = (place[0] / length, place[1] / length);
        let em = (self.state.size.abs() * place[2].hypot(place[3])).max(f32::MIN_POSITIVE);
        let (x, y) = (place[4], place[5]);
        let along = x * direction.0 + y * direction.1;
        let across = y * direction.0 - x * direction.1;
        let here = Pen { along, across, em, direction };
        if let Some(last) = self.pen {
            let turned = (direction.0 * last.direction.0 + direction.1 * last.direction.1) < 0.9;
            let (gap, drop) = (along - last.along, (across - last.across).abs());
            let size = em.max(last.em);
            let separator = match () {
                () if turned || drop > size * 0.5 || gap < -size * 2.0 => "\n",
                () if gap > size * COLUMN_GAP_EMS => "\t",
                () if gap > size * WORD_GAP_EMS => " ",
                () => "",
            };
            let is_parted = self.found.text.ends_with(char::is_whitespace) || text.starts_with(char::is_whitespace);
            if !separator.is_empty() && (separator != " " || !is_parted) && !self.found.text.is_empty() {
                self.found.text.push_str(separator);
            }
        }
        self.found.text.push_str(text);
        here
    }

    fn lift_pen(&mut self, at: Pen) {
        let place = multiply(self.state.text, self.state.ctm);
        let along = place[4] * at.direction.0 + place[5] * at.direction.1;
        self.pen = Some(Pen { along, ..at });
    }
}

fn matrix(operands: &[Object]) -> Option<Matrix> {
    let mut matrix = IDENTITY;
    for (slot, operand) in matrix.iter_mut().zip(operands.get(..6)?) {
        *slot = number(operand)?;
    }
    Some(matrix)
}
