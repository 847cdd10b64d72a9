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
    /// The first of them within the object, counted from 0, where that is told.
    pub first_byte: Option<u64>,
}

/// One entry of the record about anything, as a timeline takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted<'a> {
    /// Who did what, and to which object if to any.
    pub touched: Touched<'a>,
    /// Whether it was refused or failed.
    pub is_failure: bool,
    /// Why, as a code; empty where it was not.
    pub code: &'a str,
    /// Another thing that it was done to, as `kind:id`.
    pub entity: &'a str,
    /// Whether Lazaret itself says so, and not the log of another system.
    pub is_own: bool,
}
