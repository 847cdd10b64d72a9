//! Questions in SQL over the record, as the console asks them. Who answers is not known here.

use lake::saved::{Parameter, Saved};
use model::{Answer, By};

/// A question with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HuntQuestion {
    /// The saved hunt that it comes from.
    pub id: Option<String>,
    /// The question.
    pub sql: String,
    /// Values for its parameters.
    pub parameters: Vec<Parameter>,
}

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HuntAnswer {
    /// Names of columns.
    pub columns: Vec<String>,
    /// Rows, each with a value a column.
    pub rows: Vec<Vec<HuntValue>>,
    /// Whether there is more.
    pub is_cut: bool,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// A value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HuntValue {
    /// None.
    Null,
    /// A number, as it is written.
    Number(String),
    /// Anything else.
    Text(String),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HuntFault {
    /// The question is wrong.
    #[error("{0}")]
    Wrong(String),
    /// It could not be answered.
    #[error("{0}")]
    Failed(String),
}

/// Answers questions.
pub trait Hunt: Send + Sync + 'static {
    /// Saved hunts, by id.
    ///
    /// # Errors
    /// When a file of hunts cannot be read; in words.
    fn library(&self) -> Result<Vec<Saved>, HuntFault>;

    /// Records the question, then answers it with at most `rows_max` rows.
    fn ask<'a>(
        &'a self,
        question: HuntQuestion,
        rows_max: u32,
        by: &'a By,
    ) -> Answer<'a, Result<HuntAnswer, HuntFault>>;
}
