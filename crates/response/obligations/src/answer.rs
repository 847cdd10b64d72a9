//! Facts and obligations in; clocks out.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Serialize, Serializer};

use crate::condition::{Pattern, Truth, sum};
use crate::facts::{DelayKind, Facts, Value};
use crate::library::{Delaying, Library};
use crate::obligation::{Confidence, LawStatus, Obligation};
use crate::period::{End, Moment, Period, Start};

/// Where a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed by a time.
    Due,
    /// Owed at once; the text has no number.
    Promptly,
    /// Not owed.
    NotTriggered,
    /// That depends on what is unknown, or on an earlier notice.
    Waiting,
    /// Law enforcement asked for a delay.
    Tolled,
    /// The notice was sent.
    Met,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Promptly => "promptly",
            Self::NotTriggered => "not_triggered",
            Self::Waiting => "waiting",
            Self::Tolled => "tolled",
            Self::Met => "met",
        }
    }
}

/// How to answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The present, if it plays a part.
    pub at: Option<Timestamp>,
    /// What is only proposed stands in the place of the law.
    pub with_proposed: bool,
}

/// A delay by law enforcement, as it bears on a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tolled {
    /// The last day of the delay.
    pub until: Date,
    /// The date without it.
    pub undelayed_due_on: Date,
    /// The text.
    pub citation: String,
}

/// A later step of the same duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// What it is.
    pub name: String,
    /// By when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Clocked>,
    /// By which day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
}

/// An instant with the offset of the organisation's time zone then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocked {
    /// The instant.
    pub instant: Timestamp,
    /// Seconds that the local clock is ahead of UTC.
    pub offset_seconds: i32,
}

impl Clocked {
    pub(crate) fn of(instant: Timestamp, zone: &TimeZone) -> Self {
        Self { instant, offset_seconds: zone.to_offset(instant).seconds() }
    }
}

impl std::fmt::Display for Clocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let offset = jiff::tz::Offset::from_seconds(self.offset_seconds).unwrap_or(jiff::tz::Offset::UTC);
        let local = offset.to_datetime(self.instant);
        let (date, time) = (local.date(), local.time());
        let (sign, ahead) =
            if self.offset_seconds < 0 { ('-', -self.offset_seconds) } else { ('+', self.offset_seconds) };
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            ahead / 3_600,
            ahead / 60 % 60
        )
    }
}

impl Serialize for Clocked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the attribute that calls it wants")]
const fn is_in_force(status: &LawStatus) -> bool {
    matches!(status, LawStatus::InForce)
}

/// What is to be said of one obligation and one incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer<'l> {
    /// Its id.
    pub obligation: &'l str,
    /// Where it stands.
    pub status: Status,
    /// From when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Clocked>,
    /// From which day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_on: Option<Date>,
    /// By when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Clocked>,
    /// By which day, where the text counts in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    /// The day to which weekends and holidays move it, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_due_on: Option<Date>,
    /// The day to aim for, where the number of the law is an outer limit, or guidance has one where the law has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_on: Option<Date>,
    /// Whether the time is over. Told where the present plays a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// How much time is left, negative where it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<i64>,
    /// Who is to be told.
    pub recipient: &'l str,
    /// Each of them, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// For which jurisdictions there is one each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients_for: Vec<String>,
    /// The text.
    pub citation: &'l str,
    /// Because of which facts and which text.
    pub because: String,
    /// What to answer, so that it is settled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<String>,
    /// A delay by law enforcement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolled: Option<Tolled>,
    /// Later steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// What else to know, such as facts that do not fit together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether it is law.
    #[serde(skip_serializing_if = "is_in_force")]
    pub law: LawStatus,
    /// The date of the text.
    pub text_version: Date,
    /// How well it was checked.
    pub confidence: Confidence,
}

/// Where a start is unknown.
enum Began {
    At(Moment),
    /// The fact to ask for.
    Unknown(usize),
    /// The earlier notice to wait for, by index.
    Notice(usize),
}

impl Library {
    /// What is to be said of each obligation that the facts could concern: one answer an id, in the order of the library.
    #[must_use]
    pub fn answers(&self, facts: &Facts, options: Options) -> Vec<Answer<'_>> {
        let day = self.reference_day(facts);
        let mut answers = Vec::with_capacity(8);
        for group in &self.groups {
            let Some(versions) = self.obligations().get(group.clone()) else { continue };
            if versions.iter().all(|version| version.roles & facts.roles == 0) {
                continue;
            }
            if let Some(version) = chosen(versions, day, options.with_proposed)
                && version.roles & facts.roles != 0
            {
                answers.push(self.answer(version, facts, options));
            }
        }
        answers
    }

    /// The version of an obligation that [`Library::answers`] judges facts by.
    #[must_use]
    pub fn version(&self, id: &str, facts: &Facts, options: Options) -> Option<&Obligation> {
        let day = self.reference_day(facts);
        let group = self.groups.iter().find_map(|group| {
            let versions = self.obligations().get(group.clone())?;
            versions.first().is_some_and(|version| version.id == id).then_some(versions)
        });
        chosen(group?, day, options.with_proposed)
    }

    /// The day by which it is told which text applies: the first day that a fact gives.
    fn reference_day(&self, facts: &Facts) -> Option<Date> {
        let given = |name: &str| {
            let fact = self.vocabulary().fact(name)?;
            match facts.value(fact) {
                Value::Instant(at) => Some(facts.day(at)),
                Value::Day(day) => Some(day),
                _ => None,
            }
        };
        given("aware_at").or_else(|| given("discovered_on"))
    }

    fn answer<'l>(&'l self, of: &'l Obligation, facts: &Facts, options: Options) -> Answer<'l> {
        let truth = of.when.judge(facts);
        let mut answer = Answer {
            obligation: &of.id,
            status: Status::NotTriggered,
            start_at: None,
            start_on: None,
            due_at: None,
            due_on: None,
            legal_due_on: None,
            target_on: None,
            overdue: None,
            seconds_left: None,
            recipient: &of.recipient,
            recipients: Vec::new(),
            recipients_for: Vec::new(),
            citation: &of.citation,
            because: String::new(),
            questions: Vec::new(),
            tolled: None,
            stages: Vec::new(),
            notes: Vec::new(),
            law: of.status,
            text_version: of.text_version,
            confidence: of.confidence,
        };
        let mut reasons = Vec::new();
        if truth != Truth::Unknown {
            of.when.because(facts, self.vocabulary(), &mut reasons);
        }
        if truth != Truth::False {
            self.reckon(of, facts, options, truth, &mut answer, &mut reasons);
        }
        answer.because = self.because(of, facts, &reasons);
        answer
    }

    fn reckon(
        &self,
        of: &Obligation,
        facts: &Facts,
        options: Options,
        truth: Truth,
        answer: &mut Answer<'_>,
        reasons: &mut Vec<String>,
    ) {
        of.when.questions(facts, self.vocabulary(), &mut answer.questions);
        let period = self.applicable_period(of, facts, answer, reasons);
        answer.status = if truth == Truth::Unknown { Status::Waiting } else { Status::Due };
        self.name_recipients(of, facts, answer);
        match self.began(&of.start, facts) {
            Began::At(moment) => self.run(of, period, moment, facts, answer),
            Began::Unknown(fact) => {
                // Without a number there is nothing to reckon, unless the start itself is what triggers it.
                if *period != Period::Promptly || of.starts_on_request {
                    answer.status = Status::Waiting;
                }
                let question = self.vocabulary().question(fact).to_owned();
                if !answer.questions.contains(&question) {
                    answer.questions.push(question);
                }
            }
            Began::Notice(id) => {
                answer.status = Status::Waiting;
                let id = self.id(id);
                answer.questions.push(format!("When was the notice for {id} submitted?"));
                reasons.push(format!("the notice for {id} has not been submitted yet"));
            }
        }
        if answer.status == Status::Due && *period == Period::Promptly {
            answer.status = Status::Promptly;
        }
        self.toll(of, facts, options, answer, reasons);
        self.meet(of, facts, answer, reasons);
        for stage in &of.stages {
            if let Began::At(moment) = self.began(&stage.start, facts) {
                let (instant, day) = both(moment, facts);
                let (mut due_at, mut due_on) = (None, None);
                match stage.period.end(instant, day, self.calendars()) {
                    Some(End::At(at)) => due_at = Some(Clocked::of(at, &facts.zone)),
                    Some(End::On(on)) => due_on = Some(on),
                    None => {}
                }
                answer.stages.push(Stage { name: stage.name.clone(), due_at, due_on });
            }
        }
        if let Some(at) = options.at {
            tell_time(at, facts, answer);
        }
    }

    /// The period that these facts ask for; the shortest of those that they may ask for.
    fn applicable_period<'o>(
        &self,
        of: &'o Obligation,
        facts: &Facts,
        answer: &mut Answer<'_>,
        reasons: &mut Vec<String>,
    ) -> &'o Period {
        let mut shortest: Option<&Period> = None;
        let shorter = |one: Option<&'o Period>, other: &'o Period| match one {
            Some(one) if one.rough_hours() <= other.rough_hours() => one,
            _ => other,
        };
        for (when, period) in &of.other_periods {
            match when.judge(facts) {
                Truth::True => {
                    when.because(facts, self.vocabulary(), reasons);
                    return shorter(shortest, period);
                }
                Truth::Unknown => {
                    when.questions(facts, self.vocabulary(), &mut answer.questions);
                    shortest = Some(shorter(shortest, period));
                }
                Truth::False => {}
            }
        }
        shorter(shortest, &of.period)
    }

    fn began(&self, starts: &[Start], facts: &Facts) -> Began {
        let mut missing = None;
        for start in starts {
            let fact = match start {
                Start::Notice(id) => match facts.notice(*id) {
                    Some(Some(at)) => return Began::At(Moment::Instant(at)),
                    Some(None) | None => {
                        missing.get_or_insert(Began::Notice(*id));
                        continue;
                    }
                },
                Start::Fact(fact) | Start::DayOf(fact) => *fact,
            };
            match (facts.value(fact), start) {
                (Value::Instant(at), Start::DayOf(_)) => return Began::At(Moment::Day(facts.day(at))),
                (Value::Instant(at), _) => return Began::At(Moment::Instant(at)),
                (Value::Day(day), _) => return Began::At(Moment::Day(day)),
                _ => {
                    missing.get_or_insert(Began::Unknown(fact));
                }
            }
        }
        missing.unwrap_or(Began::Unknown(usize::MAX))
    }

    fn run(&self, of: &Obligation, period: &Period, moment: Moment, facts: &Facts, answer: &mut Answer<'_>) {
        let (instant, day) = both(moment, facts);
        match moment {
            Moment::Instant(at) => answer.start_at = Some(Clocked::of(at, &facts.zone)),
            Moment::Day(on) => answer.start_on = Some(on),
        }
        match period.end(instant, day, self.calendars()) {
            Some(End::At(at)) => answer.due_at = Some(Clocked::of(at, &facts.zone)),
            Some(End::On(on)) => {
                answer.due_on = Some(on);
                let rolled = of.rolls.and_then(|calendar| self.calendars().get(calendar)?.rolled(on));
                answer.legal_due_on = rolled.filter(|rolled| *rolled != on);
            }
            None if period.is_exact() => {
                answer.status = Status::Waiting;
                answer.questions.push("At what time of that day?".to_owned());
            }
            None => {}
        }
        answer.target_on = of.target_days.and_then(|days| day.checked_add(days.days()).ok());
        if let Some(guidance) = &of.guidance {
            if let Some(End::On(on)) = guidance.period.end(instant, day, self.calendars()) {
                answer.target_on = Some(on);
            }
            answer.notes.push(guidance.cites.clone());
        }
        if day < of.from {
            answer.notes.push(format!("this text applies from {}; the incident lies before", of.from));
        }
    }

    /// The notice that was sent for it.
    fn meet(&self, of: &Obligation, facts: &Facts, answer: &mut Answer<'_>, reasons: &mut Vec<String>) {
        let own = self.vocabulary().id(&of.id).and_then(|id| facts.notice(id));
        let Some(submitted_at) = own else { return };
        if answer.status == Status::Waiting {
            answer.notes.push("a notice for it was submitted already".to_owned());
            return;
        }
        answer.status = Status::Met;
        let at = submitted_at.map_or_else(String::new, |at| format!(" at {}", Clocked::of(at, &facts.zone)));
        reasons.push(format!("its notice was submitted{at}"));
        if let (Some(at), Some(start)) = (submitted_at, answer.start_at)
            && at < start.instant
        {
            answer.notes.push("the notice was submitted before its clock began; check both times".to_owned());
        }
    }

    /// A delay that law enforcement asked for.
    fn toll(
        &self,
        of: &Obligation,
        facts: &Facts,
        options: Options,
        answer: &mut Answer<'_>,
        reasons: &mut Vec<String>,
    ) {
        let (Some(delay), Some(rule), Some(undelayed)) = (facts.delay, self.delaying(&of.regime), answer.due_on) else {
            return;
        };
        if !of.delayable {
            return;
        }
        let Delaying { citation, says, oral_days_max } = rule;
        let oral_end = delay.stated_on.and_then(|stated_on| stated_on.checked_add(oral_days_max.days()).ok());
        let until = match (delay.kind, delay.until) {
            (Some(DelayKind::Written), until) => until,
            (Some(DelayKind::Oral), until) => oral_end.map(|end| until.map_or(end, |until| until.min(end))),
            (None, _) => None,
        };
        let Some(until) = until else {
            answer.status = Status::Waiting;
            answer.questions.push(
                "How did law enforcement ask to wait, in writing or by word of mouth, when, and until when?".to_owned(),
            );
            return;
        };
        answer.due_on = Some(until.max(undelayed));
        let is_over = options.at.is_some_and(|at| facts.day(at) > until);
        if answer.status == Status::Due && !is_over {
            answer.status = Status::Tolled;
        }
        answer.tolled = Some(Tolled { until, undelayed_due_on: undelayed, citation: citation.clone() });
        reasons.push(format!("law enforcement asked to wait until {until} ({citation}: {says})"));
    }

    fn name_recipients(&self, of: &Obligation, facts: &Facts, answer: &mut Answer<'_>) {
        let Some((pattern, limit)) = &of.recipients_for else { return };
        for jurisdiction in concerned(pattern, *limit, facts) {
            let name = self.authority(&of.regime, &jurisdiction);
            answer.recipients.push(name.map_or_else(
                || format!("{} ({jurisdiction})", of.recipient),
                |name| format!("{name} ({jurisdiction})"),
            ));
            answer.recipients_for.push(jurisdiction);
        }
    }

    fn because(&self, of: &Obligation, facts: &Facts, reasons: &[String]) -> String {
        let mut text = String::with_capacity(64 + of.citation.len() + of.says.len());
        for (index, role) in self.vocabulary().role_names(of.roles & facts.roles).enumerate() {
            let between = if index == 0 { "as " } else { " and " };
            text.push_str(between);
            text.push_str(role);
        }
        for reason in reasons {
            text.push_str("; ");
            text.push_str(reason);
        }
        let _ = write!(text, ". {}: {}", of.citation, of.says);
        text
    }

    fn id(&self, index: usize) -> &str {
        let named = |obligation: &&Obligation| self.vocabulary().id(&obligation.id) == Some(index);
        self.obligations().iter().find(named).map_or("", |obligation| obligation.id.as_str())
    }
}

/// The version of a text that applied on a day: the newest that had begun, or the first there is.
fn chosen(versions: &[Obligation], day: Option<Date>, with_proposed: bool) -> Option<&Obligation> {
    let proposed = versions.iter().rfind(|version| version.status == LawStatus::Proposed);
    if let (Some(proposed), true) = (proposed, with_proposed) {
        return Some(proposed);
    }
    let in_force = || versions.iter().filter(|version| version.status == LawStatus::InForce);
    let Some(day) = day else { return in_force().next_back() };
    let begun = in_force().rfind(|version| version.from <= day);
    match begun {
        Some(version) if version.to.is_some_and(|to| to < day) => None,
        Some(version) => Some(version),
        None => in_force().next(),
    }
}

fn both(moment: Moment, facts: &Facts) -> (Option<Timestamp>, Date) {
    match moment {
        Moment::Instant(at) => (Some(at), facts.day(at)),
        Moment::Day(on) => (None, on),
    }
}

/// Jurisdictions of which more than `limit` people are known, sorted.
fn concerned(pattern: &Pattern, limit: u64, facts: &Facts) -> Vec<String> {
    let affected = facts.affected().unwrap_or_default();
    let mut named: Vec<&str> =
        affected.iter().map(|one| &*one.jurisdiction).filter(|name| pattern.holds(name)).collect();
    named.sort_unstable();
    named.dedup();
    named.retain(|name| sum(affected.iter().filter(|one| &*one.jurisdiction == *name)).0 > limit);
    named.into_iter().map(str::to_owned).collect()
}

fn tell_time(at: Timestamp, facts: &Facts, answer: &mut Answer<'_>) {
    let end = match (answer.due_at, answer.due_on) {
        (Some(due), _) => Some(due.instant),
        (None, Some(on)) => {
            let next = on.tomorrow().ok();
            next.and_then(|next| next.to_zoned(facts.zone.clone()).ok()).map(|midnight| midnight.timestamp())
        }
        (None, None) => None,
    };
    let Some(end) = end else { return };
    let is_day = answer.due_at.is_none();
    answer.seconds_left = Some(end.as_second().saturating_sub(at.as_second()));
    let is_late = if is_day { at >= end } else { at > end };
    answer.overdue = Some(is_late && answer.status != Status::Met);
}
