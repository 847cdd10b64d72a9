//! Texts of letters as they are shipped: read, and cut at their fields.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::{Kind, LetterError};
use crate::drafts::LANGUAGES;

const FILES: [(&str, &str, &str); 5] = [
    (
        "en",
        include_str!("../../../../../content/letters/en.toml"),
        include_str!("../../../../../content/notices/en.toml"),
    ),
    (
        "de",
        include_str!("../../../../../content/letters/de.toml"),
        include_str!("../../../../../content/notices/de.toml"),
    ),
    (
        "fr",
        include_str!("../../../../../content/letters/fr.toml"),
        include_str!("../../../../../content/notices/fr.toml"),
    ),
    (
        "es",
        include_str!("../../../../../content/letters/es.toml"),
        include_str!("../../../../../content/notices/es.toml"),
    ),
    (
        "ja",
        include_str!("../../../../../content/letters/ja.toml"),
        include_str!("../../../../../content/notices/ja.toml"),
    ),
];

/// How names of texts to next of kin end.
const KIN: &str = "-kin";

/// A place in a text that is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Name,
    Kin,
    Date,
    Reference,
    Organisation,
    WhatHappened,
    BreachedOn,
    DiscoveredOn,
    Categories,
    People,
    Cause,
    Consequences,
    Measures,
    Steps,
    Contact,
    Principals,
    Publication,
    Other,
}

impl Field {
    pub(super) const ALL: [Self; 18] = [
        Self::Name,
        Self::Kin,
        Self::Date,
        Self::Reference,
        Self::Organisation,
        Self::WhatHappened,
        Self::BreachedOn,
        Self::DiscoveredOn,
        Self::Categories,
        Self::People,
        Self::Cause,
        Self::Consequences,
        Self::Measures,
        Self::Steps,
        Self::Contact,
        Self::Principals,
        Self::Publication,
        Self::Other,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kin => "kin",
            Self::Date => "date",
            Self::Reference => "reference",
            Self::Organisation => "organisation",
            Self::WhatHappened => "what_happened",
            Self::BreachedOn => "breached_on",
            Self::DiscoveredOn => "discovered_on",
            Self::Categories => "categories",
            Self::People => "people",
            Self::Cause => "cause",
            Self::Consequences => "consequences",
            Self::Measures => "measures",
            Self::Steps => "steps",
            Self::Contact => "contact",
            Self::Principals => "principals",
            Self::Publication => "publication",
            Self::Other => "other",
        }
    }

    /// The field that says a content of obligations.
    pub(super) fn saying(content: &str) -> Option<Self> {
        Some(match content {
            "nature" => Self::WhatHappened,
            "data" => Self::Categories,
            "people" => Self::People,
            "cause" => Self::Cause,
            "consequences" => Self::Consequences,
            "measures" => Self::Measures,
            "steps" => Self::Steps,
            "contact" => Self::Contact,
            "principals" => Self::Principals,
            "publication" => Self::Publication,
            "other" => Self::Other,
            _ => return None,
        })
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Field(Field),
}

/// A line of a text, cut at its fields.
pub(super) type Line = Vec<Piece>;

/// The text of one kind of letter.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) subject: Line,
    pub(super) paragraphs: Vec<Vec<Line>>,
}

impl Template {
    /// Every field that it has.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        let lines = std::iter::once(&self.subject).chain(self.paragraphs.iter().flatten());
        lines.flatten().filter_map(|piece| match piece {
            Piece::Field(field) => Some(*field),
            Piece::Text(_) => None,
        })
    }
}

/// One language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) code: &'static str,
    date: String,
    months: Vec<String>,
    words: BTreeMap<String, String>,
    /// Words of content/notices, of which letters use some.
    notices: Notices,
    templates: BTreeMap<Kind, Template>,
    /// Texts to the next of kin or personal representatives of those who have died, where a law wants them.
    to_kin: BTreeMap<Kind, Template>,
}

#[derive(Debug, Deserialize)]
struct Notices {
    words: BTreeMap<String, String>,
    category: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    language: String,
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    date: String,
    months: Vec<String>,
    words: BTreeMap<String, String>,
    letter: BTreeMap<String, WrittenLetter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLetter {
    subject: String,
    body: String,
}

impl Language {
    fn read(code: &'static str, letters: &str, notices: &str) -> Result<Self, String> {
        let Written { language, date, months, words, letter, .. } =
            toml::from_str(letters).map_err(|error| error.to_string())?;
        let notices: Notices = toml::from_str(notices).map_err(|error| error.to_string())?;
        if language != code || months.len() != 12 {
            return Err("`language` is that of the file, and a year has twelve `months`".to_owned());
        }
        let (mut templates, mut to_kin) = (BTreeMap::new(), BTreeMap::new());
        for (name, WrittenLetter { subject, body }) in letter {
            let of_kin = name.strip_suffix(KIN);
            let kind =
                Kind::parse(of_kin.unwrap_or(&name)).ok_or_else(|| format!("there is no kind of letter `{name}`"))?;
            let paragraph = |text: &str| text.lines().map(cut).collect::<Result<Vec<Line>, String>>();
            let paragraphs = body.trim().split("\n\n").map(paragraph).collect::<Result<_, _>>();
            let template = Template { subject: cut(&subject)?, paragraphs: paragraphs? };
            let of = if of_kin.is_some() { &mut to_kin } else { &mut templates };
            of.insert(kind, template);
        }
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| !templates.contains_key(kind)) {
            return Err(format!("there is no letter `{}`", kind.as_str()));
        }
        match Kind::ALL.into_iter().find(|kind| kind.writes_to_kin() != to_kin.contains_key(kind)) {
            Some(kind) => Err(format!("`{}{KIN}` is there without need, or missing", kind.as_str())),
            None => Ok(Self { code, date, months, words, notices, templates, to_kin }),
        }
    }

    pub(super) fn template(&self, kind: Kind) -> Option<&Template> {
        self.templates.get(&kind)
    }

    /// The text to the next of kin of somebody who has died.
    pub(super) fn to_kin(&self, kind: Kind) -> Option<&Template> {
        self.to_kin.get(&kind)
    }

    pub(super) fn word(&self, name: &str) -> &str {
        self.words.get(name).or_else(|| self.notices.words.get(name)).map_or("", String::as_str)
    }

    pub(super) fn category(&self, id: &str) -> Option<&str> {
        self.notices.category.get(id).map(String::as_str)
    }

    /// What stands where something is missing.
    pub(super) fn missing(&self, what: &str) -> String {
        self.word("missing").replace("{what}", what)
    }

    /// What parts items of a list.
    pub(super) fn comma(&self) -> &'static str {
        if self.code == "ja" { "、" } else { ", " }
    }

    /// A day, as it is written in this language.
    pub(super) fn day(&self, day: Date) -> String {
        let month = usize::try_from(day.month()).ok().and_then(|month| self.months.get(month.saturating_sub(1)));
        let number = match self.words.get("first_day") {
            Some(first) if day.day() == 1 => first.clone(),
            _ => day.day().to_string(),
        };
        let text = self.date.replace("{day}", &number);
        let text = text.replace("{month}", month.map_or("", String::as_str));
        text.replace("{year}", &day.year().to_string())
    }
}

/// Cuts a line at its fields.
fn cut(line: &str) -> Result<Line, String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("`{line}`: a field is not closed"))?;
        let field = Field::ALL.into_iter().find(|field| field.as_str() == name);
        let field = field.ok_or_else(|| format!("there is no field `{{{name}}}`"))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Field(field));
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("`{line}`: a brace belongs to no field"));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// All languages, in the order of [`LANGUAGES`].
pub(super) fn languages() -> Result<&'static [Language], LetterError> {
    static READ: OnceLock<Result<Vec<Language>, LetterError>> = OnceLock::new();
    let all = READ.get_or_init(|| {
        let read = |(code, letters, notices): &(&'static str, &str, &str)| {
            let why = |why| LetterError::Content { file: format!("{code}.toml"), why };
            Language::read(code, letters, notices).map_err(why)
        };
        FILES.iter().map(read).collect()
    });
    debug_assert!(FILES.map(|(code, ..)| code) == LANGUAGES, "letters are written in the languages of notices");
    all.as_deref().map_err(Clone::clone)
}
