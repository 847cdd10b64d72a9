//! One entry of the record about an object, as the lake gives it and exposure takes it.

/// Who did what to which object. Names in it are texts ([`Touched`]), or numbers that whoever takes it gave them ([`Numbering`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<N> {
    /// Its number in the record.
    pub entry: u64,
    /// When, in milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// What was done, by Lazaret's name of the activity: `download`, `released`, `preview` and so on.
    pub activity: N,
    /// Whether it was let.
    pub is_success: bool,
    /// Who, by id.
    pub principal: N,
    /// The study.
    pub study: N,
    /// The object, by id.
    pub object: N,
    /// The version, by id; empty where none is told.
    pub version: N,
    /// As which action policy judged it: `read`, `read-deidentified`.
    pub action: N,
    /// Bytes, where they are told.
    pub bytes: Option<u64>,
    /// The first of them within the object, counted from 0, where that is told.
    pub first_byte: Option<u64>,
}

/// An access with its names as texts.
pub type Touched<'a> = Access<&'a str>;

/// Whoever takes accesses by the million gives texts numbers: a column that keeps each of its texts once has it numbered once, and not
/// in every row.
pub trait Numbering {
    /// The number of a text, the same whenever it is asked for.
    fn number(&mut self, text: &str) -> u32;
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
