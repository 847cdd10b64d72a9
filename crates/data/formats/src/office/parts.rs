//! The parts of a document package: opening them, their relationships, and the document's properties.

use std::collections::HashMap;

use crate::archive::zip::{self, Directory};
use crate::source::ReadSeek;
use crate::{Field, Place, Problem, Qualifiers, Raw, ReadError, Reader, Vocabulary};

use super::xml::{Piece, Xml};

/// Parts that say how a document looks and not what is in it.
const BOILERPLATE: &[&str] = &[
    "[Content_Types].xml",
    "META-INF/manifest.xml",
    "mimetype",
    "calcChain.xml",
    "commentsExtended.xml",
    "commentsIds.xml",
    "fontTable.xml",
    "manifest.rdf",
    "numbering.xml",
    "presProps.xml",
    "presentation.xml",
    "settings.xml",
    "styles.xml",
    "stylesWithEffects.xml",
    "tableStyles.xml",
    "viewProps.xml",
    "webSettings.xml",
];
/// Relationships that are kept of one part.
const RELATIONSHIPS_MAX: usize = 100_000;

/// A document package whose parts are ticked off as they are read.
pub(super) struct Package<'a> {
    file: &'a mut (dyn ReadSeek + 'a),
    directory: &'a Directory,
    done: Vec<bool>,
}

impl<'a> Package<'a> {
    pub(super) fn new(file: &'a mut (dyn ReadSeek + '_), directory: &'a Directory) -> Self {
        // SAFETY of lifetimes: both borrows end with the package.
        Self { file: shorten(file), directory, done: vec![false; directory.entries.len()] }
    }

    /// Names of the parts that begin and end like this, in the order of the numbers in them.
    pub(super) fn names(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let is_meant = |name: &&str| {
            name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)).is_some_and(|stem| !stem.contains('/'))
        };
        let names = self.directory.entries.iter().map(|entry| entry.name.trim_start_matches('/'));
        let mut names: Vec<String> = names.filter(is_meant).map(str::to_owned).collect();
        names.sort_by_key(|name| number_in(name));
        names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.directory.named(name).is_some()
    }

    /// Reads a part with `read`; a damaged part is a problem of the document, whose other parts go on.
    pub(super) fn part(
        &mut self,
        name: &str,
        reader: &mut Reader<'_, '_>,
        read: impl FnOnce(&mut Xml<'_>, &mut Reader<'_, '_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Some(entry) = self.directory.named(name) else { return Ok(()) };
        self.tick(name);
        let (token_max, depth_max) = (reader.limits().value_bytes_max, reader.limits().nesting_max);
        let outcome = zip::open(&mut *self.file, entry, reader.meter())
            .and_then(|stream| read(&mut Xml::new(stream, token_max, depth_max), reader));
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => match error.into_problem() {
                Some(problem) => {
                    reader.problem(Problem::new(problem.kind, format!("in `{name}`: {}", problem.message)))
                }
                None => Err(crate::Halt.into()),
            },
        }
    }

    /// The targets of a part's relationships by their ids, as names in the package.
    pub(super) fn relationships(
        &mut self,
        name: &str,
        reader: &mut Reader<'_, '_>,
    ) -> Result<HashMap<String, String>, ReadError> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut targets = HashMap::new();
        self.part(&format!("{folder}/_rels/{file}.rels"), reader, |xml, _| {
            while let Some(piece) = xml.next()? {
                if let Piece::Start(element) = piece
                    && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
                    && targets.len() < RELATIONSHIPS_MAX
                {
                    targets.insert(id, resolve(folder, &target));
                }
            }
            Ok(())
        })?;
        Ok(targets)
    }

    /// Core, application and custom properties (ECMA-376 Part 2, section 11, and Part 1, section 15.2.12) or an
    /// OpenDocument meta part.
    pub(super) fn properties(&mut self, names: &[&str], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        for name in names {
            self.part(name, reader, |xml, reader| {
                let mut path = String::new();
                let mut value = String::new();
                while let Some(piece) = xml.next()? {
                    match piece {
                        Piece::Start(element) => {
                            value.clear();
                            match element.attribute("name") {
                                Some(custom) => path = format!("custom.{custom}"),
                                None if path.starts_with("custom.") && is_value_type(element.name()) => {}
                                None => element.name().clone_into(&mut path),
                            }
                        }
                        Piece::Text(text) => value.push_str(text),
                        Piece::End(_) => {
                            // Counts of pages and words, and switches, say nothing about anybody.
                            let is_count = !path.starts_with("custom.") && value.trim().parse::<u64>().is_ok();
                            if !is_count && !matches!(value.trim(), "true" | "false") {
                                document_field(&path, value.trim(), reader)?;
                            }
                            value.clear();
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Opens what no reader asked for as members: pictures, embedded documents, macros, data behind charts.
    pub(super) fn read_rest(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let directory = self.directory;
        for (entry, done) in directory.entries.iter().zip(std::mem::take(&mut self.done)) {
            let name = &*entry.name;
            let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
            let is_boilerplate = BOILERPLATE.contains(&name)
                || BOILERPLATE.contains(&file)
                || ["rels", "odttf"].iter().any(|ending| file.rsplit_once('.').is_some_and(|(_, e)| e == *ending))
                || ["theme/", "_rels/", "printerSettings/", "Thumbnails/"].iter().any(|folder| name.contains(folder));
            if !done && !is_boilerplate && !entry.is_folder() {
                zip::read_member(&mut *self.file, entry, reader)?;
            }
        }
        Ok(())
    }

    fn tick(&mut self, name: &str) {
        let at = self.directory.entries.iter().position(|e| e.name.trim_start_matches('/').eq_ignore_ascii_case(name));
        if let Some(done) = at.and_then(|at| self.done.get_mut(at)) {
            *done = true;
        }
    }
}

fn shorten<'a>(file: &'a mut (dyn ReadSeek + '_)) -> &'a mut (dyn ReadSeek + 'a) {
    file
}

/// Elements of the types namespace around a custom property's value.
fn is_value_type(name: &str) -> bool {
    matches!(name, "lpwstr" | "lpstr" | "bstr" | "filetime" | "date" | "i4" | "int" | "bool" | "r8" | "decimal")
}

/// Reports a document property.
pub(super) fn document_field(path: &str, value: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    reader.field(&Field {
        vocabulary: Vocabulary::Document,
        path,
        place: Place::Path(path),
        value,
        raw: Raw::None,
        qualifiers: Qualifiers::default(),
    })
}

/// The first number in a part's file name, so that `slide10` comes behind `slide9`.
pub(super) fn number_in(name: &str) -> u64 {
    let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
    let digits: String = file.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// A relationship's target as a name in the package.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(path.pop()),
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}
