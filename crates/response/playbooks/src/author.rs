//! The form in which shipped playbooks are written: short lines in, CACAO 2.0 in JSON out.
//!
//! Two spaces of indentation stand for what belongs to a line. `{name}` stands for a variable. Ids of steps come from the
//! playbook's id and the step's title, so that they stay when other steps change. The form is described in
//! `docs/reference/playbooks.md`; what ships is the JSON.

mod emit;
mod lines;
mod statement;

use std::collections::BTreeMap;

use serde_json::Value;

use lines::Line;

/// Why a source is no playbook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`, line {line}: {why}")]
pub struct AuthorError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub why: String,
}

/// A playbook as JSON, under the name of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The source's name without its ending.
    pub name: String,
    /// The playbook.
    pub playbook: Value,
}

impl Written {
    /// As it stands in content/playbooks.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", self.playbook)
    }
}

/// A line of a source and why it is wrong; the file is known further out.
pub(crate) type Wrong = (usize, String);

/// What is shared by all sources.
pub(crate) struct Shared {
    /// Works that playbooks cite, as CACAO writes them, by their short names.
    pub(crate) works: BTreeMap<String, Value>,
    /// Declarations of variables that several playbooks make.
    pub(crate) variables: BTreeMap<String, Vec<Line>>,
    /// Ids of playbooks by the names of their sources.
    pub(crate) ids: BTreeMap<String, String>,
}

/// Writes sources (name and text) as CACAO 2.0. One of them, `common.play`, lists what others share.
///
/// # Errors
/// The first line that is wrong.
pub fn write(sources: &[(&str, &str)]) -> Result<Vec<Written>, AuthorError> {
    let mut shared = Shared { works: BTreeMap::new(), variables: BTreeMap::new(), ids: BTreeMap::new() };
    let mut read = Vec::new();
    for (file, text) in sources {
        let fail = |(line, why): Wrong| AuthorError { file: (*file).to_owned(), line, why };
        let tree = lines::tree(text).map_err(fail)?;
        let name = file.strip_suffix(".play").unwrap_or(file);
        if name == "common" {
            emit::common(tree, &mut shared).map_err(fail)?;
        } else {
            let id = head(&tree, "id").map_err(fail)?;
            shared.ids.insert(name.to_owned(), format!("playbook--{id}"));
            read.push((*file, name, tree));
        }
    }
    let mut out = Vec::new();
    for (file, name, tree) in &read {
        let playbook = emit::playbook(name, tree, &shared).map_err(|(line, why)| AuthorError {
            file: (*file).to_owned(),
            line,
            why,
        })?;
        out.push(Written { name: (*name).to_owned(), playbook });
    }
    Ok(out)
}

/// What stands behind a word at the beginning of an outermost line.
pub(crate) fn head<'a>(tree: &'a [Line], word: &str) -> Result<&'a str, Wrong> {
    let line = tree.iter().find(|line| line.word == word);
    line.map(|line| line.rest.as_str())
        .ok_or_else(|| (1, format!("`{word}` is missing; add a line that begins with it")))
}
