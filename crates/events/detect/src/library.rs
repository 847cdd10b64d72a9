//! Folders of Sigma files in; rules, correlations and what was rejected, out.

use crate::correlation::Correlation;
use crate::rule::{self, Document, Expression, Filter, Rule};
use crate::test::Placeholders;
use std::path::{Path, PathBuf};

/// A rule file larger than this, in bytes, is refused; the largest published one has 60 KB.
const FILE_MAX: u64 = 4 << 20;
/// Files of one folder.
const FILES_MAX: usize = 200_000;

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Library {
    /// Rules over single events, filters applied.
    pub rules: Vec<Rule>,
    /// Rules over several.
    pub correlations: Vec<Correlation>,
    /// What was not taken, and why.
    pub rejected: Vec<Rejected>,
    /// What should be known of rules that were taken.
    pub warnings: Vec<Rejected>,
}

/// A file or a rule of it, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Rejected {
    /// The file.
    pub path: String,
    /// The reason, with the line.
    pub why: String,
}

/// Why no rules could be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder or file cannot be listed.
    #[error("rules at `{path}` cannot be read: {source}")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// More files than a folder of rules has.
    #[error("more than {FILES_MAX} rule files below `{0}`; name a narrower folder")]
    TooMany(String),
}

impl Library {
    /// Reads all `.yml` and `.yaml` files of folders, and files named themselves, on all processors.
    ///
    /// # Errors
    /// A folder that cannot be listed. Files that cannot be read are among [`Library::rejected`].
    pub fn load(paths: &[PathBuf], placeholders: &Placeholders) -> Result<Self, LibraryError> {
        let mut files = Vec::new();
        for path in paths {
            list(path, &mut files)?;
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let share = files.len().div_ceil(threads).max(1);
        let parts: Vec<Vec<Read>> = std::thread::scope(|scope| {
            let workers: Vec<_> = files
                .chunks(share)
                .map(|files| scope.spawn(move || files.iter().map(|path| read(path, placeholders)).collect()))
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_default()).collect()
        });
        Ok(Self::put_together(parts.into_iter().flatten()))
    }

    /// Reads texts that are in memory already, each with the name to tell it by.
    pub fn of(texts: &[(&str, &str)], placeholders: &Placeholders) -> Self {
        Self::put_together(texts.iter().map(|(name, text)| parsed((*name).to_owned(), text, placeholders)))
    }

    fn put_together(files: impl Iterator<Item = Read>) -> Self {
        let mut library = Self::default();
        let mut filters = Vec::new();
        for (path, documents, errors) in files {
            let note = |why: String| Rejected { path: path.clone(), why };
            library.rejected.extend(errors.into_iter().map(note));
            for document in documents {
                match document {
                    Document::Rule(rule) => {
                        library.warnings.extend(
                            rule.warnings
                                .iter()
                                .map(|why| Rejected { path: path.clone(), why: format!("{}: {why}", rule.title) }),
                        );
                        library.rules.push(*rule);
                    }
                    Document::Correlation(correlation) => library.correlations.push(*correlation),
                    Document::Filter(filter) => filters.push((path.clone(), filter)),
                }
            }
        }
        for (path, filter) in filters {
            if !library.apply(&filter) {
                library.rejected.push(Rejected {
                    path,
                    why: format!("filter `{}` fits no rule that was loaded", filter.title.escape_debug()),
                });
            }
        }
        library
    }

    fn apply(&mut self, filter: &Filter) -> bool {
        let mut fits = false;
        for rule in &mut self.rules {
            let named = filter.rules.is_empty()
                || filter.rules.iter().any(|name| *name == rule.id || Some(name) == rule.name.as_ref());
            if named && filter.logsource.covers(&rule.logsource) {
                fits = true;
                let own = std::mem::replace(&mut rule.expression, Expression::Any(Vec::new()));
                rule.expression = Expression::All(vec![own, filter.expression.clone()]);
            }
        }
        fits
    }
}

type Read = (String, Vec<Document>, Vec<String>);

fn read(path: &Path, placeholders: &Placeholders) -> Read {
    let name = path.display().to_string();
    let text = std::fs::metadata(path).and_then(|about| {
        if about.len() > FILE_MAX {
            Err(std::io::Error::other(format!("larger than {FILE_MAX} bytes")))
        } else {
            std::fs::read_to_string(path)
        }
    });
    match text {
        Err(error) => (name, Vec::new(), vec![error.to_string()]),
        Ok(text) => parsed(name, &text, placeholders),
    }
}

fn parsed(name: String, text: &str, placeholders: &Placeholders) -> Read {
    let (documents, errors) = rule::parse(text, placeholders);
    (name, documents, errors.iter().map(ToString::to_string).collect())
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), LibraryError> {
    let unreadable = |source| LibraryError::Unreadable { path: path.display().to_string(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries =
        std::fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let inner = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            list(&inner, files)?;
        } else if kind.is_file() && inner.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
        {
            files.push(inner);
        }
        if files.len() > FILES_MAX {
            return Err(LibraryError::TooMany(path.display().to_string()));
        }
    }
    Ok(())
}
