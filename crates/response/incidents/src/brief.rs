//! What a notice is drafted from: an obligation, or a statement that an organisation makes though no law asks for it.

use std::sync::OnceLock;

use obligations::{Audience, Content, Library, Obligation};
use serde::Deserialize;

use crate::case::{Case, CaseError};

/// What a notice has to say, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct Brief<'a> {
    /// The id that drafts are kept under, such as `GDPR-33-1` or `STAFF`.
    pub id: &'a str,
    /// What is done by it, in a few words.
    pub title: &'a str,
    /// The text that asks for it; `None` where no law does.
    pub citation: Option<&'a str>,
    /// Who is told, where the facts name nobody.
    pub recipient: &'a str,
    /// What kind of reader that is.
    pub audience: Audience,
    /// What has to be said.
    pub contents: &'a [Content],
}

impl<'a> From<&'a Obligation> for Brief<'a> {
    fn from(of: &'a Obligation) -> Self {
        Self {
            id: &of.id,
            title: &of.title,
            citation: Some(&of.citation),
            recipient: &of.recipient,
            audience: of.audience,
            contents: &of.contents,
        }
    }
}

/// A statement that no law asks for, from `content/notices/statements.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    id: String,
    title: String,
    audience: Audience,
    recipient: String,
    contents: Vec<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    statement: Vec<Statement>,
}

/// The statements that no law asks for: to staff, the press, partners, ethics committees and insurers.
///
/// # Errors
/// When those that are shipped are broken, which a test excludes.
pub fn statements() -> Result<impl Iterator<Item = Brief<'static>>, CaseError> {
    static FILE: OnceLock<Result<File, String>> = OnceLock::new();
    let read = || {
        toml::from_str(include_str!("../../../../content/notices/statements.toml"))
            .map_err(|error: toml::de::Error| format!("content/notices/statements.toml: {error}"))
    };
    let file = FILE.get_or_init(read).as_ref().map_err(|why| CaseError(why.clone()))?;
    Ok(file.statement.iter().map(|one| Brief {
        id: &one.id,
        title: &one.title,
        citation: None,
        recipient: &one.recipient,
        audience: one.audience,
        contents: &one.contents,
    }))
}

/// Whether an id is that of a statement.
#[must_use]
pub fn is_statement(id: &str) -> bool {
    statements().is_ok_and(|mut all| all.any(|one| one.id == id))
}

/// What a notice of an incident is drafted from: the version of the obligation that the incident is judged by, or a statement.
///
/// # Errors
/// When there is neither under that id.
pub fn brief_of<'l>(case: &Case, library: &'l Library, id: &str) -> Result<Brief<'l>, CaseError> {
    match statements()?.find(|one| one.id == id) {
        Some(statement) => Ok(statement),
        None => case.judged_by(library, id).map(Brief::from),
    }
}
