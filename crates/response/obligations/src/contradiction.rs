//! Facts that do not go together. None stops a clock: whoever reads an answer is told which two facts to check.

use jiff::Timestamp;
use jiff::ToSpan as _;
use serde::Deserialize;

use crate::condition::{BETWEEN, Condition, Reads, Reasons, Truth};
use crate::facts::{Facts, Value};
use crate::library::{Library, Shape, Vocabulary};
use crate::obligation::Obligation;

/// More people than this there are not: the United Nations' World Population Prospects expect no more than 10.3 billion.
const PEOPLE_MAX: u64 = 10_300_000_000;

/// Facts that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The facts that it is about, by name.
    pub facts: Vec<String>,
    /// What does not go together, and why.
    pub says: String,
    concerns: Concern,
}

/// Which obligations a contradiction bears on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// Those that depend on one of these facts.
    Facts(u128),
    /// Those that depend on how many people are affected.
    People,
    /// Those that law enforcement can delay.
    Delay,
    /// The one with this index among ids.
    Notice(usize),
}

impl Contradiction {
    pub(crate) const fn concerns(&self, of: &Obligation) -> bool {
        match self.concerns {
            Concern::Facts(facts) => of.reads.facts & facts != 0,
            Concern::People => of.reads.people,
            Concern::Delay => of.delayable,
            Concern::Notice(notice) => of.index == notice,
        }
    }
}

/// Contradictions as they stand in content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    contradiction: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A day or instant that cannot lie after `later`.
    earlier: Option<String>,
    later: Option<String>,
    /// What cannot, or hardly, be so.
    when: Option<String>,
    says: String,
}

/// What cannot, or hardly, be so.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    /// The first cannot lie after the second.
    Order(usize, usize, String),
    /// It cannot be so.
    When(Condition, u128, String),
}

impl File {
    pub(crate) fn rules(self, vocabulary: &Vocabulary) -> Result<Vec<Rule>, String> {
        let timed = |name: &str| {
            let fact = vocabulary.fact(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
            match vocabulary.shape(fact) {
                Some(Shape::Instant | Shape::Day) => Ok(fact),
                _ => Err(format!("`{name}` is no time")),
            }
        };
        let rule = |Written { earlier, later, when, says }: Written| match (earlier, later, when) {
            (Some(earlier), Some(later), None) => Ok(Rule::Order(timed(&earlier)?, timed(&later)?, says)),
            (None, None, Some(when)) => {
                let condition = Condition::parse(&when, vocabulary).map_err(|why| format!("`{when}`: {why}"))?;
                let mut reads = Reads::default();
                condition.reads(&mut reads);
                Ok(Rule::When(condition, reads.facts, says))
            }
            _ => Err(format!("a contradiction has `earlier` and `later`, or `when`: {says}")),
        };
        self.contradiction.into_iter().map(rule).collect()
    }
}

impl Library {
    /// Facts that do not go together, and with `at` those that lie more than a day ahead of it.
    #[must_use]
    pub fn contradictions(&self, facts: &Facts, at: Option<Timestamp>) -> Vec<Contradiction> {
        let mut found = Vec::new();
        for rule in &self.contradictions {
            found.extend(self.broken(rule, facts));
        }
        self.absurd(facts, &mut found);
        if let Some(tomorrow) = at.and_then(|at| at.checked_add(24.hours()).ok()) {
            self.ahead(facts, tomorrow, &mut found);
        }
        found
    }

    fn broken(&self, rule: &Rule, facts: &Facts) -> Option<Contradiction> {
        let named = |fact: usize| self.vocabulary.fact_name(fact).to_owned();
        match rule {
            Rule::Order(earlier, later, says) => {
                let (first, second) = (facts.value(*earlier), facts.value(*later));
                let is_wrong = match (first, second) {
                    (Value::Instant(first), Value::Instant(second)) => first > second,
                    _ => day(first, facts)? > day(second, facts)?,
                };
                is_wrong.then(|| {
                    let (one, other) = (named(*earlier), named(*later));
                    let (first, second) = (told(first, facts), told(second, facts));
                    Contradiction {
                        says: format!("`{one}` ({first}) lies after `{other}` ({second}): {says}; check both"),
                        facts: vec![one, other],
                        concerns: Concern::Facts(1_u128 << earlier | 1_u128 << later),
                    }
                })
            }
            Rule::When(condition, mask, says) => (condition.judge(facts) == Truth::True).then(|| {
                let mut reasons = Reasons::default();
                condition.because(facts, &self.vocabulary, &mut reasons);
                let names = (0..128_usize).filter(|fact| *mask & 1_u128 << *fact != 0).map(named).collect();
                let says = format!("{}: {says}; check both", reasons.0.replace(BETWEEN, " and "));
                Contradiction { facts: names, says, concerns: Concern::Facts(*mask) }
            }),
        }
    }

    /// Counts of people that cannot be.
    fn absurd(&self, facts: &Facts, found: &mut Vec<Contradiction>) {
        let affected = facts.affected().unwrap_or_default();
        for (index, one) in affected.iter().enumerate() {
            let Some(count) = one.subjects.filter(|count| *count > PEOPLE_MAX) else { continue };
            let says = format!(
                "`affected[{index}].subjects` says {count} people in `{}`, more than there are; check it",
                one.jurisdiction
            );
            found.push(Contradiction { facts: vec!["affected".to_owned()], says, concerns: Concern::People });
        }
    }

    /// What lies more than a day ahead of the present.
    fn ahead(&self, facts: &Facts, tomorrow: Timestamp, found: &mut Vec<Contradiction>) {
        let last = facts.day(tomorrow);
        let mut push = |name: &str, concerns: Concern| {
            let says = format!("`{name}` lies ahead of the present; check it and the clock");
            found.push(Contradiction { facts: vec![name.to_owned()], says, concerns });
        };
        for fact in &self.timed {
            let is_ahead = match facts.value(*fact) {
                Value::Instant(at) => at > tomorrow,
                Value::Day(day) => day > last,
                _ => false,
            };
            if is_ahead {
                push(self.vocabulary.fact_name(*fact), Concern::Facts(1_u128 << *fact));
            }
        }
        if facts.delay.and_then(|delay| delay.stated_on).is_some_and(|stated_on| stated_on > last) {
            push("law_enforcement_delay.stated_on", Concern::Delay);
        }
        for notice in facts.notifications.iter().filter(|notice| notice.submitted_at.is_some_and(|at| at > tomorrow)) {
            push("notifications.submitted_at", Concern::Notice(notice.obligation));
        }
    }
}

fn day(value: Value, facts: &Facts) -> Option<jiff::civil::Date> {
    match value {
        Value::Instant(at) => Some(facts.day(at)),
        Value::Day(day) => Some(day),
        Value::Unknown | Value::Flag(_) | Value::Word(_) => None,
    }
}

fn told(value: Value, facts: &Facts) -> String {
    match value {
        Value::Instant(at) => crate::answer::Clocked::of(at, &facts.zone).to_string(),
        Value::Day(day) => day.to_string(),
        Value::Unknown | Value::Flag(_) | Value::Word(_) => String::new(),
    }
}
