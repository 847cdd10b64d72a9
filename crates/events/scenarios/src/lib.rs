//! A seed in; the ordinary work of an organisation over a season out, with insiders in it and the truth about them.
//!
//! Everything is made up. Events come in order of time, as NDJSON in the shape of docs/reference/behaviour.md. Ordinary work
//! is the same with and without insiders. This crate must never know how it is judged: the first kinds were written before the
//! detector, those that are held out before it was tried on them, and all of it stays as it was, so that a score says something.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "made-up figures of small size"
)]

mod event;
mod insiders;
mod ordinary;
mod people;
mod rng;

pub use event::{Event, rfc3339};
pub use insiders::{Scenario, Truth};
pub use ordinary::FIRST_DAY;
use ordinary::World;
use people::Person;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The same seed makes the same events.
    pub seed: u64,
    /// People, programs and partners together.
    pub people: u32,
    /// Days.
    pub days: u32,
    /// Insiders of each kind.
    pub insiders_each: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, people: 1000, days: 90, insiders_each: 4 }
    }
}

/// A stream of events. Holds two days of them.
pub struct Stream {
    world: World,
    people: Vec<Person>,
    truths: Vec<Truth>,
    days: u32,
    next_day: u32,
    /// Sorted from the latest to the earliest.
    pending: Vec<Event>,
    /// What comes before this time is complete.
    complete_until: i64,
}

impl Stream {
    /// Prepares the stream, with insiders of [`Scenario::FIRST`].
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::with(options, &Scenario::FIRST)
    }

    /// Prepares the stream, with insiders of these kinds. Of kinds that follow others, those before do the same as without them.
    #[must_use]
    pub fn with(options: Options, kinds: &[Scenario]) -> Self {
        let count = options.people as usize;
        let studies = (count / 25).clamp(4, 60);
        let mut people = people::draw(options.seed, count, studies, options.days);
        let truths = insiders::pick(options.seed, &mut people, options.days, options.insiders_each, kinds);
        let world = World::new(options.seed, studies, options.days);
        Self { world, people, truths, days: options.days, next_day: 0, pending: Vec::new(), complete_until: i64::MIN }
    }

    /// The truth about the insiders.
    #[must_use]
    pub fn truths(&self) -> &[Truth] {
        &self.truths
    }

    fn make_day(&mut self) {
        let day = self.next_day;
        for person in &self.people {
            self.pending.extend(ordinary::day(&self.world, person, day));
        }
        for truth in self.truths.iter().filter(|truth| (truth.days.0..=truth.days.1).contains(&day)) {
            self.pending.extend(insiders::day(&self.world, &self.people[truth.index], truth, day));
        }
        // Stable, so that the order of what happens in the same second does not depend on anything else.
        self.pending.sort_by_key(|event| std::cmp::Reverse(event.time));
        self.next_day += 1;
        // The earliest event of the next local day is less than twenty hours before its midnight in UTC.
        self.complete_until = (FIRST_DAY + i64::from(self.next_day)) * 86_400 - 20 * 3600;
        if self.next_day == self.days {
            self.complete_until = i64::MAX;
        }
    }
}

impl Iterator for Stream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.pending.last() {
                Some(event) if event.time < self.complete_until => return self.pending.pop(),
                None if self.next_day >= self.days => return None,
                _ => self.make_day(),
            }
        }
    }
}
