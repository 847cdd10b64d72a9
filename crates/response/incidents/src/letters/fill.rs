//! Texts filled with what all letters have in common, and whether they say what the law wants.

use std::collections::BTreeSet;

use obligations::Library;

use super::fields::{self, asked, places};
use super::template::{Field, Language, Line, Piece, Template, languages};
use super::{Common, Kind, LetterError};
use crate::drafts::Checked;
use crate::plan::Pattern;

/// What a letter has in any case, whatever the law says.
const ALWAYS: [Field; 5] = [Field::Date, Field::Reference, Field::Organisation, Field::WhatHappened, Field::Contact];

/// A text that waits for names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Kin,
}

/// One language of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    language: &'static str,
    subject: Vec<Part>,
    body: Vec<Part>,
}

impl Version {
    fn text(&self, name: &str, kin: &str) -> Text {
        let filled = |parts: &[Part]| -> String {
            let text = parts.iter().map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Name => name,
                Part::Kin => kin,
            });
            text.collect()
        };
        Text { subject: filled(&self.subject), text: filled(&self.body) }
    }
}

/// A text to one reader, or to the public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The subject, on one line.
    pub subject: String,
    /// The text, plain, paragraphs parted by an empty line.
    pub text: String,
}

/// A letter in all languages, filled but for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    kind: Kind,
    versions: Vec<Version>,
    /// Texts to next of kin, where the law wants them.
    to_kin: Vec<Version>,
    fallback: &'static str,
    sender: Vec<String>,
    checked: Vec<Checked>,
    unfilled: Vec<&'static str>,
    is_email_first: bool,
}

impl Prepared {
    /// What kind of letter it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What the law wants said, with where it says so, and whether it is.
    #[must_use]
    pub fn checked(&self) -> &[Checked] {
        &self.checked
    }

    /// Names of fields that every text has and of which nothing is known; the texts have a mark in their place.
    #[must_use]
    pub fn unfilled(&self) -> &[&'static str] {
        &self.unfilled
    }

    /// Whether everything is said and filled. Letters can be made from one that is not, to be looked at; they should not be sent.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        super::is_complete(&self.checked) && self.unfilled.is_empty()
    }

    /// The language of letters to those of whom none is known, or one in which there are no letters.
    #[must_use]
    pub const fn fallback(&self) -> &'static str {
        self.fallback
    }

    /// The same, with e-mail before post where a recipient has both. Letters under 45 CFR 164.404 still go by e-mail only to those who
    /// agreed to it.
    #[must_use]
    pub fn email_first(mut self) -> Self {
        self.is_email_first = true;
        self
    }

    pub(super) const fn is_email_first(&self) -> bool {
        self.is_email_first
    }

    pub(super) fn sender(&self) -> &[String] {
        &self.sender
    }

    /// The text in a language, to a name; texts for the public have no name in them. `None`: no such language.
    #[must_use]
    pub fn text(&self, language: &str, name: &str) -> Option<Text> {
        Some(self.versions.iter().find(|version| version.language == language)?.text(name, ""))
    }

    /// The text to `kin`, the next of kin or personal representative of `name`, who has died. `None`: no such language, or no law wants it.
    #[must_use]
    pub fn text_to_kin(&self, language: &str, name: &str, kin: &str) -> Option<Text> {
        Some(self.to_kin.iter().find(|version| version.language == language)?.text(name, kin))
    }

    /// The language of a letter to somebody who reads this one: `de` for `de-AT`.
    pub(super) fn language(&self, asked: &str) -> &'static str {
        let asked = asked.split(['-', '_']).next().unwrap_or_default().trim().to_lowercase();
        let found = self.versions.iter().find(|version| version.language == asked);
        found.map_or(self.fallback, |version| version.language)
    }
}

/// Fills a letter of a kind, in all languages, with what is known.
///
/// What the law wants said is told from the `contents` of obligations: for partners, the press and the website those of the laws of the places where
/// people are affected, or of all laws where that is not known. A line of which nothing is known is left out, unless the law wants
/// it or a letter cannot be without it: there stands a mark, and [`Prepared::is_complete`] is false.
///
/// # Errors
/// When the texts that are shipped are broken.
pub fn prepare(kind: Kind, common: &Common<'_>) -> Result<Prepared, LetterError> {
    let library = obligations::in_force()
        .map_err(|why| LetterError::Content { file: "obligations".to_owned(), why: why.to_string() })?;
    let languages = languages()?;
    let organisation = &common.plan.organisation;
    let own = organisation.languages.iter().find_map(|own| languages.iter().find(|one| one.code == own));
    let Some(first) = own.or_else(|| languages.first()) else {
        return Err(LetterError::Content { file: "en.toml".to_owned(), why: "there are no languages".to_owned() });
    };
    let library = &*library;
    let wanted = wanted(kind, common, library);
    let must: BTreeSet<Field> = ALWAYS.into_iter().chain(wanted.iter().filter_map(|(field, _)| *field)).collect();
    let is_known = |field: Field| fields::value(field, kind, common, first).is_some();
    let mut checked: Vec<Checked> = Vec::new();
    for (field, mut one) in wanted {
        one.is_said = match field {
            Some(field) => is_known(field),
            None => one.is_said,
        };
        one.question = if one.is_said { None } else { field.map(|field| question(field, library)).or(one.question) };
        checked.push(one);
    }
    let (mut versions, mut to_kin) = (Vec::with_capacity(languages.len()), Vec::new());
    let mut unfilled = BTreeSet::new();
    for language in languages {
        let filling = Filling { kind, common, language, must: &must, library };
        to_kin.extend(language.to_kin(kind).map(|template| filling.version(template)));
        if let Some(template) = language.template(kind) {
            versions.push(filling.version(template));
            let open = template.fields().filter(|field| must.contains(field) && !is_known(*field));
            unfilled.extend(open);
        }
    }
    Ok(Prepared {
        kind,
        versions,
        to_kin,
        fallback: first.code,
        sender: fields::sender(common),
        checked,
        unfilled: unfilled.into_iter().map(Field::as_str).collect(),
        is_email_first: false,
    })
}

/// What the law wants said, each with the field that says it. What several laws want stands there once, with all citations.
fn wanted(kind: Kind, common: &Common<'_>, library: &Library) -> Vec<(Option<Field>, Checked)> {
    let places = places(common);
    let concerns = |pattern: &str| {
        let pattern = Pattern::parse(pattern);
        places.is_empty() || pattern.is_some_and(|pattern| places.iter().any(|place| pattern.holds(place)))
    };
    let mut all: Vec<(Option<Field>, Checked)> = Vec::new();
    let mut add = |field: Option<Field>, id: &str, text: &str, cites: &str| {
        if let Some((_, found)) = all.iter_mut().find(|(_, one)| one.id == id) {
            if !found.cites.contains(cites) {
                found.cites = format!("{}; {cites}", found.cites);
            }
        } else {
            let (id, text, cites) = (id.to_owned(), text.to_owned(), cites.to_owned());
            all.push((field, Checked { id, text, cites, is_said: false, question: None }));
        }
    };
    for (id, _) in kind.basis().iter().filter(|(_, pattern)| concerns(pattern)) {
        let in_force = |of: &&obligations::Obligation| of.id == *id && of.status == obligations::LawStatus::InForce;
        let Some(of) = library.obligations().iter().rev().find(in_force) else { continue };
        for content in &of.contents {
            add(Field::saying(&content.id), &content.id, &content.text, &content.cites);
            if of.regime == "hipaa" && content.id == "nature" {
                add(Some(Field::BreachedOn), "breached_on", "the date of the breach", &content.cites);
                add(Some(Field::DiscoveredOn), "discovered_on", "the date of its discovery", &content.cites);
            }
        }
        if kind == Kind::Substitute && of.regime == "hipaa" {
            add(None, "toll_free", "a toll-free number, active for at least 90 days", "164.404(d)(2)(ii)");
        }
    }
    let has_toll_free =
        common.plan.organisation.toll_free.as_deref().is_some_and(|number| !crate::plan::shape::is_placeholder(number));
    for (_, one) in all.iter_mut().filter(|(field, _)| field.is_none()) {
        one.is_said = one.id == "toll_free" && has_toll_free;
        one.question = Some("Which number can people call free of charge? Write `toll_free` in the plan.".to_owned());
    }
    all
}

/// What to answer so that a field is filled.
fn question(field: Field, library: &Library) -> String {
    let fixed = match field {
        Field::Reference => "How does the organisation name the incident?",
        Field::Categories | Field::People => {
            "How many people in which countries are affected, and which kinds of data?"
        }
        _ => "",
    };
    let of_fact = asked(field).and_then(|fact| library.vocabulary().question_of(fact));
    if fixed.is_empty() { of_fact.unwrap_or(field.as_str()).to_owned() } else { fixed.to_owned() }
}

/// Fills one language.
struct Filling<'a> {
    kind: Kind,
    common: &'a Common<'a>,
    language: &'a Language,
    must: &'a BTreeSet<Field>,
    library: &'a Library,
}

impl Filling<'_> {
    fn version(&self, template: &Template) -> Version {
        let mut body: Vec<Part> = Vec::new();
        for paragraph in &template.paragraphs {
            let lines: Vec<Vec<Part>> = paragraph.iter().filter_map(|line| self.line(line, false)).collect();
            let has_fields = |line: &&Line| line.iter().any(|piece| matches!(piece, Piece::Field(_)));
            let fielded = paragraph.iter().filter(has_fields);
            // A heading alone is no paragraph.
            if fielded.clone().count() > 0 && fielded.filter(|line| self.line(line, false).is_some()).count() == 0 {
                continue;
            }
            if !body.is_empty() {
                push(&mut body, "\n\n");
            }
            for (index, line) in lines.into_iter().enumerate() {
                if index > 0 {
                    push(&mut body, "\n");
                }
                for part in line {
                    match part {
                        Part::Text(text) => push(&mut body, &text),
                        name => body.push(name),
                    }
                }
            }
        }
        let subject = self.line(&template.subject, true).unwrap_or_default();
        Version { language: self.language.code, subject, body }
    }

    /// A line, unless nothing is known of any of its fields and nobody needs them. A subject has the first line of each value.
    fn line(&self, line: &Line, is_subject: bool) -> Option<Vec<Part>> {
        let (mut parts, mut fields, mut left_out) = (Vec::new(), 0, 0);
        for piece in line {
            match piece {
                Piece::Text(text) => push(&mut parts, text),
                Piece::Field(Field::Name) => {
                    fields += 1;
                    parts.push(Part::Name);
                }
                Piece::Field(Field::Kin) => {
                    fields += 1;
                    parts.push(Part::Kin);
                }
                Piece::Field(field) => {
                    fields += 1;
                    match fields::value(*field, self.kind, self.common, self.language) {
                        Some(value) if is_subject => push(&mut parts, value.lines().next().unwrap_or_default()),
                        Some(value) => push(&mut parts, &value),
                        None if self.must.contains(field) => {
                            push(&mut parts, &self.language.missing(&question(*field, self.library)));
                        }
                        None => left_out += 1,
                    }
                }
            }
        }
        (fields == 0 || left_out < fields).then_some(parts)
    }
}

fn push(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push_str(more),
        _ => parts.push(Part::Text(more.to_owned())),
    }
}
