//! Days as squares, a week a column: what came of each at a glance. Every kind has a sign of its own, so that it is told without
//! colour too.

use jiff::civil::Date;

/// A square, and what lies between two.
const CELL: f64 = 16.0;
const GAP: f64 = 3.0;
/// Room for the names of days to the left, and of months above.
const LEFT: f64 = 34.0;
const ABOVE: f64 = 16.0;

/// What came of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done and proven.
    Proven,
    /// It was done, and is not proven.
    Unproven,
    /// It was tried.
    Failed,
    /// It was due.
    Missed,
    /// Nothing was due.
    Quiet,
}

impl Outcome {
    /// Its class in the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Unproven => "unproven",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Quiet => "quiet-day",
        }
    }

    /// Its sign, as a path of SVG within a square at this place.
    fn sign(self, x: f64, y: f64) -> String {
        match self {
            Self::Proven => format!("M{} {}l3 3.2l5 -6.4", x + 4.0, y + 8.2),
            Self::Unproven => format!("M{} {}h8", x + 4.0, y + 8.0),
            Self::Failed => format!("M{} {}l7 7m0 -7l-7 7", x + 4.5, y + 4.5),
            Self::Missed => format!("M{} {}v5m0 2.4v1.2", x + 8.0, y + 3.6),
            Self::Quiet => String::new(),
        }
    }
}

/// A day, and what is told of it.
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) outcome: Outcome,
    pub(crate) title: String,
}

/// A day in its place.
pub(crate) struct Square {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) class: &'static str,
    pub(crate) sign: String,
    pub(crate) title: String,
}

/// Words in their place.
pub(crate) struct Word {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) text: String,
}

/// The whole picture.
pub(crate) struct Calendar {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) squares: Vec<Square>,
    pub(crate) words: Vec<Word>,
}

/// Days, oldest first and without gaps, as squares.
pub(crate) fn calendar(days: &[Day]) -> Calendar {
    let step = CELL + GAP;
    let row = |date: Date| f64::from(date.weekday().to_monday_zero_offset());
    let (mut squares, mut words, mut x) = (Vec::with_capacity(days.len()), Vec::new(), LEFT);
    let mut named = f64::NEG_INFINITY;
    for (at, day) in days.iter().enumerate() {
        let down = row(day.date);
        if at > 0 && down == 0.0 {
            x += step;
        }
        // A month is named above the week that its first day lies in, unless the last name would run into it.
        if (day.date.day() == 1 || at == 0) && x - named > 2.0 * step {
            words.push(Word { x, y: ABOVE - 5.0, text: day.date.strftime("%b").to_string() });
            named = x;
        }
        let y = ABOVE + down * step;
        let sign = day.outcome.sign(x, y);
        squares.push(Square { x, y, class: day.outcome.class(), sign, title: day.title.clone() });
    }
    let names = [(0.0, "Mon"), (2.0, "Wed"), (4.0, "Fri")];
    words.extend(names.map(|(at, name)| Word { x: 0.0, y: ABOVE + at * step + 12.0, text: name.to_owned() }));
    Calendar { width: x + step, height: ABOVE + 7.0 * step, squares, words }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;

    use super::{Day, Outcome, calendar};

    fn days(count: i64) -> Vec<Day> {
        // 2026-11-24 is a Tuesday.
        let day = |at: i64| Day {
            date: date(2026, 11, 24).checked_add(at.days()).unwrap(),
            outcome: if at == 3 { Outcome::Failed } else { Outcome::Proven },
            title: at.to_string(),
        };
        (0..count).map(day).collect()
    }

    #[test]
    fn a_week_is_a_column_that_begins_with_monday() {
        let drawn = calendar(&days(20));
        let place = |at: usize| (drawn.squares[at].x, drawn.squares[at].y);
        assert_eq!(place(5).0, place(0).0, "Sunday is the end of the week");
        assert_eq!(place(6).1, drawn.squares.iter().map(|square| square.y).fold(f64::MAX, f64::min));
        assert!(place(6).0 > place(0).0 && place(7).0 == place(6).0 && place(7).1 > place(6).1);
        assert_eq!(place(7).1, place(0).1, "a week later is in the same row");
        assert_eq!(drawn.squares[3].class, "failed");
        assert_ne!(drawn.squares[3].sign.len(), drawn.squares[4].sign.len());
    }

    #[test]
    fn everything_lies_within_and_months_do_not_run_into_each_other() {
        let drawn = calendar(&days(182));
        assert_eq!(drawn.squares.len(), 182);
        assert!(drawn.squares.iter().all(|square| square.x + 16.0 <= drawn.width && square.y + 16.0 <= drawn.height));
        let months: Vec<&str> = drawn.words.iter().filter(|word| word.x > 0.0).map(|word| word.text.as_str()).collect();
        assert_eq!(months, ["Nov", "Jan", "Feb", "Mar", "Apr", "May"], "December begins too near");
        assert!(calendar(&[]).squares.is_empty());
    }
}
