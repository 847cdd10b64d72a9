//! Clocks along a line of time: a row each under the heading of its jurisdiction, from where it starts to where it ends. Hours and years stand
//! on one line, so that time is drawn by its logarithm.

/// How far apart the first moments are drawn: the logarithm is of time in these.
const UNIT_MS: f64 = 6.0 * 3_600_000.0;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The shortest line.
const SPAN_MS_MIN: i64 = 2 * DAY_MS;
const ROW: f64 = 34.0;
const HEADING: f64 = 30.0;
/// Room for the times above, and between two of them at least.
const ABOVE: f64 = 22.0;
const TICK_GAP: f64 = 52.0;
/// Room at both ends, so that nothing is cut.
const SIDE: f64 = 8.0;
/// Times that are marked, as far as they are on the line.
const TICKS: [(i64, &str); 11] = [
    (6 * HOUR_MS, "6 hours"),
    (DAY_MS, "1 day"),
    (3 * DAY_MS, "3 days"),
    (7 * DAY_MS, "1 week"),
    (14 * DAY_MS, "2 weeks"),
    (30 * DAY_MS, "30 days"),
    (60 * DAY_MS, "60 days"),
    (120 * DAY_MS, "120 days"),
    (365 * DAY_MS, "1 year"),
    (730 * DAY_MS, "2 years"),
    (3_650 * DAY_MS, "10 years"),
];

/// A clock to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Under which heading.
    pub(crate) lane: String,
    pub(crate) label: String,
    /// When it ends, in words.
    pub(crate) due: String,
    /// In milliseconds since 1970, UTC; `None`: at once.
    pub(crate) start_ms: Option<i64>,
    pub(crate) due_ms: Option<i64>,
    /// `late`, `waiting`, `proposed` and so on.
    pub(crate) class: &'static str,
}

/// A heading or a clock in its place.
pub(crate) struct Row {
    /// Where its words stand.
    pub(crate) y: f64,
    /// Where its line is drawn.
    pub(crate) line_y: f64,
    pub(crate) x: f64,
    pub(crate) end: f64,
    pub(crate) label: String,
    pub(crate) due: String,
    pub(crate) class: &'static str,
    pub(crate) is_heading: bool,
}

/// A time that is marked.
pub(crate) struct Tick {
    pub(crate) x: f64,
    pub(crate) label: &'static str,
    /// `start`, `middle` or `end`.
    pub(crate) anchor: &'static str,
}

/// The whole picture.
pub(crate) struct Deadlines {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) rows: Vec<Row>,
    pub(crate) ticks: Vec<Tick>,
    /// Where the present is, if it is on the line.
    pub(crate) now: Option<f64>,
}

/// Clocks, those of a lane together in the order of their ends; `None` where there are none.
pub(crate) fn deadlines(clocks: &[Clock], now_ms: i64, width: f64) -> Option<Deadlines> {
    let times = || clocks.iter().flat_map(|clock| [clock.start_ms, clock.due_ms]).flatten();
    let origin = times().min().unwrap_or(now_ms);
    let last = times().max().unwrap_or(now_ms).max(origin + SPAN_MS_MIN);
    let at = place(origin, last, width);
    let mut lanes: Vec<&str> = Vec::new();
    for clock in clocks {
        if !lanes.contains(&clock.lane.as_str()) {
            lanes.push(&clock.lane);
        }
    }
    let (mut rows, mut y) = (Vec::new(), ABOVE);
    for lane in lanes {
        y += HEADING;
        let heading = Row {
            y: y - 8.0,
            line_y: y,
            x: 0.0,
            end: width,
            label: lane.to_owned(),
            due: String::new(),
            class: "",
            is_heading: true,
        };
        rows.push(heading);
        let mut own: Vec<&Clock> = clocks.iter().filter(|clock| clock.lane == lane).collect();
        own.sort_by_key(|clock| clock.due_ms.unwrap_or(i64::MIN));
        for clock in own {
            let x = at(clock.start_ms.unwrap_or(origin));
            rows.push(Row {
                y: y + 14.0,
                line_y: y + 23.0,
                x,
                end: clock.due_ms.map_or(x, &at).max(x),
                label: clock.label.clone(),
                due: clock.due.clone(),
                class: clock.class,
                is_heading: false,
            });
            y += ROW;
        }
    }
    let now = (origin..=last).contains(&now_ms).then(|| at(now_ms));
    (!clocks.is_empty()).then(|| Deadlines { width, height: y + 6.0, rows, ticks: ticks(origin, last, &at), now })
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
fn place(origin: i64, last: i64, width: f64) -> impl Fn(i64) -> f64 {
    let log = move |at: i64| ((at - origin).max(0) as f64 / UNIT_MS).ln_1p();
    let whole = log(last);
    move |at: i64| SIDE + (width - 2.0 * SIDE) * (log(at) / whole).min(1.0)
}

fn ticks(origin: i64, last: i64, at: &impl Fn(i64) -> f64) -> Vec<Tick> {
    let mut ticks = vec![Tick { x: at(origin), label: "start", anchor: "start" }];
    let end = at(last);
    for (after, label) in TICKS {
        let x = at(origin.saturating_add(after));
        let is_apart = ticks.last().is_none_or(|before| x - before.x >= TICK_GAP);
        if origin.saturating_add(after) <= last && is_apart {
            let anchor = if end - x < TICK_GAP / 2.0 { "end" } else { "middle" };
            ticks.push(Tick { x, label, anchor });
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(lane: &str, start: i64, due: Option<i64>) -> Clock {
        let text = |at: i64| at.to_string();
        Clock {
            lane: lane.to_owned(),
            label: due.map_or_else(String::new, text),
            due: String::new(),
            start_ms: Some(start),
            due_ms: due,
            class: "",
        }
    }

    #[test]
    fn what_ends_later_stands_further_right_and_lanes_stay_together() {
        let (day, year) = (DAY_MS, 365 * DAY_MS);
        let clocks = [
            clock("EU", 0, Some(3 * day)),
            clock("US", 0, Some(year)),
            clock("EU", 0, Some(day)),
            clock("EU", 0, None),
        ];
        let drawn = deadlines(&clocks, 2 * day, 360.0).unwrap();
        let told: Vec<(bool, &str)> = drawn.rows.iter().map(|row| (row.is_heading, row.label.as_str())).collect();
        let (one, three, all) = (day.to_string(), (3 * day).to_string(), year.to_string());
        assert_eq!(told, [(true, "EU"), (false, ""), (false, &one), (false, &three), (true, "US"), (false, &all)]);
        let ends: Vec<f64> = drawn.rows.iter().filter(|row| !row.is_heading).map(|row| row.end).collect();
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
        assert!(ends[0] >= SIDE && ends[3] <= 360.0 - SIDE, "{ends:?}");
        assert!(drawn.now.is_some_and(|now| ends[1] < now && now < ends[2]));
        assert!(drawn.ticks.windows(2).all(|pair| pair[1].x - pair[0].x >= TICK_GAP));
        assert!(drawn.height > drawn.rows.last().unwrap().line_y);
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_one_moment_is_a_line_too() {
        assert!(deadlines(&[], 0, 360.0).is_none());
        let drawn = deadlines(&[clock("EU", 5, Some(5))], -7, 360.0).unwrap();
        assert!(drawn.rows.iter().all(|row| row.end.is_finite()) && drawn.now.is_none());
    }
}
