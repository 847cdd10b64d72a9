//! The content files as they were when the program was built: TOML as JSON, everything else as it is.

use serde::de::DeserializeOwned;

use crate::engine::EngineError;

include!(concat!(env!("OUT_DIR"), "/content.rs"));

/// How the text of a content file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// As people write it.
    Toml,
    /// As it is embedded.
    Json,
}

impl Written {
    /// Reads a content file.
    pub(crate) fn read<T: DeserializeOwned>(self, file: &str, text: &str) -> Result<T, EngineError> {
        let wrong = |why: String| EngineError::File { file: file.to_owned(), why };
        match self {
            Self::Toml => toml::from_str(text).map_err(|error| wrong(error.to_string())),
            Self::Json => serde_json::from_str(text).map_err(|error| wrong(error.to_string())),
        }
    }
}

/// The embedded text of a file.
pub(crate) fn file(name: &str) -> &'static str {
    FILES.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text)
}
