//! One entry of the record about an object, as the lake gives it and exposure takes it.

/// Who did what to which object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched<'a> {
    /// Its number in the record.
    pub entry: u64,
    /// When, in milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// What was done, by Lazaret's name of the activity: `download`, `released`, `preview` and so on.
    pub activity: &'a str,
    /// Whether it was let.
    pub is_success: bool,
    /// Who, by id.
    pub principal: &'a str,
    /// The study.
    pub study: &'a str,
    /// The object, by id.
    pub object: &'a str,
    /// The version, by id; empty where none is told.
    pub version: &'a str,
    /// As which action policy judged it: `read`, `read-deidentified`.
    pub action: &'a str,
    /// Bytes, where they are told.
    pub bytes: Option<u64>,
}
