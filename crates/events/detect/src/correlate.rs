//! Matches of single rules in, in whatever order; correlations that hold, out.
//!
//! Windows slide over the time that events tell, not over the time they arrive. For each group the matches of the last two
//! windows are kept in order of time, so that an event that comes late, by no more than one window, counts as if it had come in
//! time. What is kept is bounded: beyond [`Bound::entries_max`] the group that was quiet for longest is given up, and counted
//! in [`Correlator::evicted`].

use crate::correlation::{Correlation, Kind};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Matches kept over all correlations and groups.
    pub entries_max: usize,
}

impl Default for Bound {
    fn default() -> Self {
        Self { entries_max: 2_000_000 }
    }
}

/// A correlation that held.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// Its place among the correlations.
    pub index: usize,
    /// When: the time of the last event of the window, in milliseconds since 1970.
    pub time_ms: i64,
    /// The fields of the group and their values.
    pub group: Vec<(String, String)>,
    /// The number that kept to the bounds.
    pub number: f64,
    /// The events of the window, as they were called, oldest first: the newest [`EVENTS_MAX`].
    pub events: Vec<u64>,
    /// Older events of the window, which are not among them.
    pub events_left: usize,
}

/// Events of a window that a correlation names.
pub const EVENTS_MAX: usize = 100;

#[derive(Debug)]
struct Entry {
    time_ms: i64,
    /// Which rule of the correlation.
    rule: usize,
    /// What the caller calls the event.
    event: u64,
    value: Value,
}

#[derive(Debug)]
enum Value {
    None,
    Text(Box<str>),
    Number(f64),
}

#[derive(Debug, Default)]
struct Group {
    entries: VecDeque<Entry>,
    /// Distinct values within the newest window, and how often each is there.
    distinct: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    /// Index of the first entry that `distinct` counts.
    counted_from: usize,
    newest_ms: i64,
    fired_ms: Option<i64>,
}

/// Puts matches together.
pub struct Correlator<'c> {
    correlations: &'c [Correlation],
    /// For each id or name, the correlations it takes part in and its place there.
    members: HashMap<&'c str, Vec<(usize, usize)>>,
    groups: Vec<HashMap<Box<str>, Group, foldhash::fast::RandomState>>,
    kept: usize,
    bound: Bound,
    evicted: u64,
}

/// The most correlations that may stand on one another.
const DEPTH_MAX: usize = 8;

impl<'c> Correlator<'c> {
    /// One over correlations.
    pub fn new(correlations: &'c [Correlation], bound: Bound) -> Self {
        let mut members: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        for (index, correlation) in correlations.iter().enumerate() {
            for (place, rule) in correlation.rules.iter().enumerate() {
                members.entry(rule.as_str()).or_default().push((index, place));
            }
        }
        let mut groups = Vec::new();
        groups.resize_with(correlations.len(), HashMap::default);
        Self { correlations, members, groups, kept: 0, bound, evicted: 0 }
    }

    /// Matches that were given up for want of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Matches kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Takes a match of the rule with this id and name on an event that the caller calls `event`; `value` gives the event's
    /// fields.
    pub fn take(
        &mut self,
        id: &str,
        name: Option<&str>,
        (event, time_ms): (u64, i64),
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Correlated> {
        let mut found = Vec::new();
        self.take_at(&[Some(id), name], (event, time_ms), value, &mut found, 0);
        found
    }

    fn take_at(
        &mut self,
        called: &[Option<&str>],
        (event, time_ms): (u64, i64),
        value: &dyn Fn(&str) -> Option<String>,
        found: &mut Vec<Correlated>,
        depth: usize,
    ) {
        let mut places: Vec<(usize, usize)> =
            called.iter().flatten().filter_map(|name| self.members.get(name)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        for (index, place) in places {
            let Some(held) = self.put(index, place, (event, time_ms), value) else { continue };
            let correlation = self.correlations.get(index);
            found.push(held.clone());
            if let Some(correlation) = correlation.filter(|_| depth < DEPTH_MAX) {
                let of_group =
                    |field: &str| held.group.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone());
                self.take_at(
                    &[Some(&correlation.head.id), correlation.head.name.as_deref()],
                    (event, held.time_ms),
                    &of_group,
                    found,
                    depth + 1,
                );
            }
        }
    }

    fn put(
        &mut self,
        index: usize,
        place: usize,
        (event, time_ms): (u64, i64),
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Correlated> {
        let correlation = self.correlations.get(index)?;
        let rule = correlation.rules.get(place)?;
        let field_of = |field: &str| {
            correlation
                .aliases
                .get(field)
                .and_then(|of| of.get(rule))
                .map_or_else(|| value(field), |field| value(field))
        };
        let mut group = Vec::with_capacity(correlation.group_by.len());
        let mut key = String::new();
        for field in &correlation.group_by {
            // An event without the field belongs to no group.
            let value = field_of(field)?;
            key.push_str(&value);
            key.push('\u{1f}');
            group.push((field.clone(), value));
        }
        let counted = match correlation.kind {
            Kind::EventCount | Kind::Temporal | Kind::TemporalOrdered => Value::None,
            Kind::ValueCount => Value::Text(
                correlation
                    .fields
                    .iter()
                    .map(|field| field_of(field))
                    .collect::<Option<Vec<_>>>()?
                    .join("\u{1f}")
                    .into(),
            ),
            _ => Value::Number(
                field_of(correlation.fields.first()?)?.trim().parse().ok().filter(|number: &f64| number.is_finite())?,
            ),
        };
        let state = self.groups.get_mut(index)?.entry(key.into()).or_default();
        let before = state.entries.len();
        let held = state.insert(correlation, Entry { time_ms, rule: place, event, value: counted });
        let (events, events_left) = held.map(|(end, _)| state.events(correlation, end)).unwrap_or_default();
        self.kept = (self.kept + state.entries.len()).saturating_sub(before);
        if self.kept > self.bound.entries_max {
            self.make_room();
        }
        held.map(|(time_ms, number)| Correlated { index, time_ms, group, number, events, events_left })
    }

    /// Gives up the groups that were quiet for longest, a tenth of all that is kept.
    fn make_room(&mut self) {
        let mut quiet: Vec<i64> =
            self.groups.iter().flat_map(|groups| groups.values().map(|group| group.newest_ms)).collect();
        if quiet.is_empty() {
            return;
        }
        let at = quiet.len() / 10;
        let limit = *quiet.select_nth_unstable(at).1;
        let mut gone = 0;
        for groups in &mut self.groups {
            groups.retain(|_, group| {
                let stays = group.newest_ms > limit;
                gone += if stays { 0 } else { group.entries.len() };
                stays
            });
        }
        self.kept = self.kept.saturating_sub(gone);
        self.evicted += gone as u64;
    }
}

impl Group {
    /// Puts an entry in its place in time and says whether the correlation holds now, for the window's end and number.
    fn insert(&mut self, correlation: &Correlation, entry: Entry) -> Option<(i64, f64)> {
        let span = correlation.timespan_ms;
        let time_ms = entry.time_ms;
        if self.entries.is_empty() {
            self.newest_ms = time_ms;
        }
        self.newest_ms = self.newest_ms.max(time_ms);
        // Too late to share a window with anything that is still kept.
        if time_ms <= self.newest_ms.saturating_sub(span.saturating_mul(2)) {
            return None;
        }
        let in_order = self.entries.back().is_none_or(|last| last.time_ms <= time_ms);
        if in_order {
            self.count(&entry, true);
            self.entries.push_back(entry);
        } else {
            let at = self.entries.partition_point(|known| known.time_ms <= time_ms);
            if at < self.counted_from {
                self.counted_from += 1;
            } else {
                self.count(&entry, true);
            }
            self.entries.insert(at, entry);
        }
        self.forget(span);
        if self.fired_ms.is_some_and(|fired| (time_ms - fired).abs() < span) {
            return None;
        }
        let held = if in_order {
            self.newest(correlation).map(|number| (time_ms, number))
        } else {
            self.late(correlation, time_ms)
        };
        if let Some((end, _)) = held {
            self.fired_ms = Some(end);
        }
        held
    }

    /// The events of the window that ends at `end`, at most [`EVENTS_MAX`], and how many older ones it has.
    fn events(&self, correlation: &Correlation, end: i64) -> (Vec<u64>, usize) {
        let from = self.entries.partition_point(|entry| entry.time_ms < end.saturating_sub(correlation.timespan_ms));
        let to = self.entries.partition_point(|entry| entry.time_ms <= end);
        let first = from.max(to.saturating_sub(EVENTS_MAX));
        (self.entries.range(first..to).map(|entry| entry.event).collect(), first - from)
    }

    fn count(&mut self, entry: &Entry, more: bool) {
        let Value::Text(text) = &entry.value else { return };
        if more {
            *self.distinct.entry(text.clone()).or_default() += 1;
        } else if let Some(count) = self.distinct.get_mut(text) {
            *count -= 1;
            if *count == 0 {
                self.distinct.remove(text);
            }
        }
    }

    /// Leaves out of the count what fell out of the newest window, and gives up what is older than two.
    fn forget(&mut self, span: i64) {
        let window = self.newest_ms.saturating_sub(span);
        while let Some(entry) = self.entries.get(self.counted_from).filter(|entry| entry.time_ms < window) {
            if let Value::Text(text) = &entry.value
                && let Some(count) = self.distinct.get_mut(text)
            {
                *count -= 1;
                if *count == 0 {
                    self.distinct.remove(text);
                }
            }
            self.counted_from += 1;
        }
        while self.counted_from > 0
            && self.entries.front().is_some_and(|entry| entry.time_ms <= window.saturating_sub(span))
        {
            self.entries.pop_front();
            self.counted_from -= 1;
        }
    }

    /// The number of the newest window, if it holds.
    fn newest(&self, correlation: &Correlation) -> Option<f64> {
        let from = self.counted_from;
        #[expect(clippy::cast_precision_loss, reason = "counts are bounded by memory")]
        let quick = match correlation.kind {
            Kind::EventCount => Some((self.entries.len() - from) as f64),
            Kind::ValueCount => Some(self.distinct.len() as f64),
            _ => None,
        };
        let number = quick.or_else(|| number(correlation, self.entries.range(from..)))?;
        holds(correlation, number).then_some(number)
    }

    /// The first window with the late entry in it that holds.
    fn late(&self, correlation: &Correlation, time_ms: i64) -> Option<(i64, f64)> {
        let first = self.entries.partition_point(|entry| entry.time_ms < time_ms);
        let mut ends: Vec<i64> = self
            .entries
            .range(first..)
            .map(|entry| entry.time_ms)
            .take_while(|end| *end <= time_ms.saturating_add(correlation.timespan_ms))
            .collect();
        ends.dedup();
        ends.into_iter().find_map(|end| {
            let from =
                self.entries.partition_point(|entry| entry.time_ms < end.saturating_sub(correlation.timespan_ms));
            let to = self.entries.partition_point(|entry| entry.time_ms <= end);
            number(correlation, self.entries.range(from..to))
                .filter(|number| holds(correlation, *number))
                .map(|number| (end, number))
        })
    }
}

fn holds(correlation: &Correlation, number: f64) -> bool {
    let temporal = matches!(correlation.kind, Kind::Temporal | Kind::TemporalOrdered);
    #[expect(clippy::cast_precision_loss, reason = "a correlation has few rules")]
    let all = correlation.rules.len() as f64;
    if temporal && correlation.bounds == crate::correlation::Bounds::default() {
        number >= all
    } else {
        correlation.bounds.hold(number)
    }
}

/// The number of a window, worked out from all its entries.
fn number<'e>(correlation: &Correlation, entries: impl Iterator<Item = &'e Entry>) -> Option<f64> {
    let mut numbers = Vec::new();
    let mut distinct = std::collections::HashSet::new();
    let mut seen = BTreeMap::new();
    let (mut count, mut next) = (0usize, 0usize);
    for entry in entries {
        count += 1;
        seen.insert(entry.rule, ());
        if entry.rule == next {
            next += 1;
        }
        match &entry.value {
            Value::Text(text) => {
                distinct.insert(text);
            }
            Value::Number(number) => numbers.push(*number),
            Value::None => {}
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are bounded by memory")]
    Some(match correlation.kind {
        Kind::EventCount => count as f64,
        Kind::ValueCount => distinct.len() as f64,
        Kind::Temporal => seen.len() as f64,
        Kind::TemporalOrdered => next as f64,
        Kind::ValueSum => numbers.iter().sum(),
        Kind::ValueAvg if numbers.is_empty() => return None,
        Kind::ValueAvg => numbers.iter().sum::<f64>() / numbers.len() as f64,
        Kind::ValueMedian => percentile(&mut numbers, 50.0)?,
        Kind::ValuePercentile => percentile(&mut numbers, correlation.percentile)?,
    })
}

/// The percentile with linear interpolation between the closest ranks.
fn percentile(numbers: &mut [f64], percent: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks lie within the numbers"
    )]
    let (rank, low, high) = {
        let rank = percent / 100.0 * numbers.len().checked_sub(1)? as f64;
        (rank, rank.floor() as usize, rank.ceil() as usize)
    };
    let (low_number, high_number) = (*numbers.get(low)?, *numbers.get(high)?);
    Some(low_number + (high_number - low_number) * (rank - rank.floor()))
}
