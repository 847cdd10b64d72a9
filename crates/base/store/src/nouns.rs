//! The nouns of access in columns: ids as bytes, closed sets as text.

use std::str::FromStr;

use model::{PrincipalId, StudyId};

use crate::{Row, StoreError, Value};

impl From<PrincipalId> for Value {
    fn from(id: PrincipalId) -> Self {
        id.as_bytes().as_slice().into()
    }
}

impl From<Option<PrincipalId>> for Value {
    fn from(id: Option<PrincipalId>) -> Self {
        Self::Bytes(id.map(|id| id.as_bytes().to_vec()))
    }
}

impl From<&StudyId> for Value {
    fn from(id: &StudyId) -> Self {
        id.as_str().into()
    }
}

impl From<Option<&StudyId>> for Value {
    fn from(id: Option<&StudyId>) -> Self {
        Self::Text(id.map(|id| id.as_str().to_owned()))
    }
}

/// The principal in `column`.
pub(crate) fn principal(row: &Row, column: usize) -> Result<PrincipalId, StoreError> {
    principal_opt(row, column)?.ok_or(StoreError::Shape { column, found: "nothing", wanted: "a principal" })
}

/// The principal in `column`, or `None` where it is null.
pub(crate) fn principal_opt(row: &Row, column: usize) -> Result<Option<PrincipalId>, StoreError> {
    let wanted = |bytes: Vec<u8>| {
        let bytes: Result<[u8; 16], _> = bytes.try_into();
        bytes.map(PrincipalId::from_bytes).map_err(|_bytes| shape(column, "a principal"))
    };
    row.bytes_opt(column)?.map(wanted).transpose()
}

/// The text in `column` as one of a closed set or another noun.
pub(crate) fn parsed<T: FromStr>(row: &Row, column: usize, wanted: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_unknown| shape(column, wanted))
}

/// As [`parsed`], or `None` where it is null.
pub(crate) fn parsed_opt<T: FromStr>(row: &Row, column: usize, wanted: &'static str) -> Result<Option<T>, StoreError> {
    row.text_opt(column)?.map(|text| text.parse().map_err(|_unknown| shape(column, wanted))).transpose()
}

/// Words separated by spaces in `column`, each as one of a closed set.
pub(crate) fn words<T: FromStr>(text: &str, column: usize, wanted: &'static str) -> Result<Vec<T>, StoreError> {
    text.split_ascii_whitespace().map(|word| word.parse().map_err(|_unknown| shape(column, wanted))).collect()
}

/// Words separated by spaces.
pub(crate) fn joined<T: ToString>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn shape(column: usize, wanted: &'static str) -> StoreError {
    StoreError::Shape { column, found: "something else", wanted }
}
