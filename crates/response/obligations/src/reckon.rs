//! Facts and obligations in; clocks out.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::answer::{Answer, Clocked, Options, Stage, Status, Tolled};
use crate::condition::{Pattern, Reasons, Truth, sum};
use crate::contradiction::Contradiction;
use crate::facts::{DelayKind, Facts, Value};
use crate::library::{Delaying, Library};
use crate::obligation::{LaterStage, LawStatus, Obligation};
use crate::period::{End, Moment, Period, Start};

/// From when a period runs, as far as that is known.
#[derive(Clone, Copy)]
enum Began {
    At {
        moment: Moment,
        /// Its day is that of an instant, in the organisation's time zone.
        is_of_instant: bool,
    },
    /// No later than on this day, that of the second fact; the first is the one to ask for.
    AtLatest(Date, usize, usize),
    /// The fact to ask for.
    Unknown(usize),
    /// The earlier notice to wait for, by index.
    Notice(usize),
}

impl Library {
    /// What is to be said of each obligation that the facts could concern: one answer an id, in the order of the library. Where the
    /// roles of the organisation are unknown, those that it may owe wait for them.
    #[must_use]
    pub fn answers(&self, facts: &Facts, options: Options) -> Vec<Answer<'_>> {
        let day = self.reference_day(facts);
        let contradictions = self.contradictions(facts, options.at);
        let concerns = |of: &Obligation| !facts.has_roles() || of.roles & facts.roles != 0;
        let mut answers = Vec::with_capacity(if facts.has_roles() { 12 } else { self.groups.len() });
        for group in &self.groups {
            let Some(versions) = self.obligations().get(group.clone()) else { continue };
            if !versions.iter().any(concerns) {
                continue;
            }
            let Some(version) = chosen(versions, day, options.with_proposed).filter(|version| concerns(version)) else {
                continue;
            };
            let mut answer = self.answer(version, facts, options);
            if !facts.has_roles() && answer.status == Status::NotTriggered {
                continue;
            }
            if !contradictions.is_empty() {
                let told = contradictions.iter().filter(|one: &&Contradiction| one.concerns(version));
                answer.notes.extend(told.map(|one| Cow::Owned(one.says.clone())));
            }
            answers.push(answer);
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
        let when = of.when.judge(facts);
        let requested = of.requested.as_ref().map_or(Truth::True, |requested| requested.judge(facts));
        let truth = when.and(requested);
        let mut answer = Answer {
            obligation: &of.id,
            status: Status::NotTriggered,
            on_request: false,
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
            source_url: of.source_url.as_deref(),
            because: String::new(),
            questions: Vec::new(),
            tolled: None,
            stages: Vec::new(),
            notes: Vec::new(),
            law: of.status,
            text_version: of.text_version,
            confidence: of.confidence,
        };
        let mut reasons = Reasons(self.roles_in_words(of, facts));
        if truth == when && when != Truth::Unknown {
            of.when.because(facts, self.vocabulary(), &mut reasons);
        }
        if let Some(condition) = of.requested.as_ref().filter(|_| requested == truth && requested != Truth::Unknown) {
            condition.because(facts, self.vocabulary(), &mut reasons);
        }
        if truth == Truth::False {
            let hint = of.hint.as_ref().filter(|hint| !facts.is_given(hint.fact));
            answer.notes.extend(
                hint.filter(|hint| hint.when.judge(facts) != Truth::False)
                    .map(|hint| Cow::Borrowed(hint.says.as_str())),
            );
        } else {
            self.reckon(of, facts, options, truth, &mut answer, &mut reasons);
            answer.on_request = answer.status == Status::Waiting
                && when == Truth::True
                && requested == Truth::Unknown
                && facts.has_roles();
        }
        answer.because = because(of, reasons);
        answer
    }

    fn reckon<'l>(
        &'l self,
        of: &'l Obligation,
        facts: &Facts,
        options: Options,
        truth: Truth,
        answer: &mut Answer<'l>,
        reasons: &mut Reasons,
    ) {
        of.when.questions(facts, self.vocabulary(), &mut answer.questions);
        if let Some(requested) = &of.requested {
            requested.questions(facts, self.vocabulary(), &mut answer.questions);
        }
        let period = self.applicable_period(of, facts, answer, reasons);
        answer.status = if truth == Truth::Unknown { Status::Waiting } else { Status::Due };
        self.name_recipients(of, facts, truth, answer);
        let began = match (self.began(self.applicable_starts(of, facts, reasons), facts), of.start_at_latest) {
            (Began::Unknown(missing), Some(instead)) => match facts.value(instead) {
                Value::Instant(at) => Began::AtLatest(facts.day(at), missing, instead),
                Value::Day(day) => Began::AtLatest(day, missing, instead),
                _ => Began::Unknown(missing),
            },
            (began, _) => began,
        };
        self.begin(of, period, began, facts, answer, reasons);
        if answer.status == Status::Due && *period == Period::Promptly {
            answer.status = Status::Promptly;
        }
        self.toll(of, facts, options, answer, reasons);
        if !facts.has_roles() {
            // Whether anything else has to be asked depends on it, and it is the same question of every obligation.
            answer.status = Status::Waiting;
            answer.questions.clear();
            answer.questions.push(self.vocabulary().roles_question().into());
        }
        self.meet(of, facts, answer, reasons);
        for stage in &of.stages {
            answer.stages.extend(self.stage(stage, truth, facts));
        }
        if let Some(at) = options.at {
            tell_time(at, facts, answer);
        }
    }

    /// The clock from where it begins, or what to ask so that it can.
    fn begin<'l>(
        &'l self,
        of: &'l Obligation,
        period: &Period,
        began: Began,
        facts: &Facts,
        answer: &mut Answer<'l>,
        reasons: &mut Reasons,
    ) {
        match began {
            Began::At { moment, is_of_instant } => {
                self.run(of, period, moment, facts, answer);
                if is_of_instant && !facts.has_zone() && answer.due_on.is_some() {
                    answer.notes.push("`timezone` is not given: its day is taken in UTC".into());
                }
            }
            Began::AtLatest(day, missing, instead) => {
                self.run(of, period, Moment::Day(day), facts, answer);
                if *period != Period::Promptly {
                    answer.status = Status::Waiting;
                }
                self.ask(missing, answer);
                let (missing, instead) = (self.vocabulary().fact_name(missing), self.vocabulary().fact_name(instead));
                let note = format!(
                    "`{missing}` is not given: reckoned from the day of `{instead}`, than which it cannot be later; it may be earlier, and \
                     the time over sooner"
                );
                answer.notes.push(note.into());
            }
            Began::Unknown(fact) => {
                // Without a number there is nothing to reckon.
                if *period != Period::Promptly {
                    answer.status = Status::Waiting;
                }
                self.ask(fact, answer);
            }
            Began::Notice(id) => {
                answer.status = Status::Waiting;
                let id = self.id(id);
                answer.questions.push(format!("When was the notice for {id} submitted?").into());
                reasons.push(&["the notice for ", id, " has not been submitted yet"]);
            }
        }
    }

    fn ask<'l>(&'l self, fact: usize, answer: &mut Answer<'l>) {
        let question = self.vocabulary().question(fact);
        if !answer.questions.iter().any(|asked| asked == question) {
            answer.questions.push(question.into());
        }
    }

    /// The period that these facts ask for; the shortest of those that they may ask for.
    fn applicable_period<'o>(
        &'o self,
        of: &'o Obligation,
        facts: &Facts,
        answer: &mut Answer<'o>,
        reasons: &mut Reasons,
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

    /// From what these facts have the period run.
    fn applicable_starts<'o>(&self, of: &'o Obligation, facts: &Facts, reasons: &mut Reasons) -> &'o [Start] {
        for (when, starts) in &of.other_starts {
            if when.judge(facts) == Truth::True {
                when.because(facts, self.vocabulary(), reasons);
                return starts;
            }
        }
        &of.start
    }

    fn began(&self, starts: &[Start], facts: &Facts) -> Began {
        let mut missing = None;
        for start in starts {
            let fact = match start {
                Start::Notice(id) => match facts.notice(*id) {
                    Some(Some(at)) => return Began::At { moment: Moment::Instant(at), is_of_instant: true },
                    Some(None) | None => {
                        missing.get_or_insert(Began::Notice(*id));
                        continue;
                    }
                },
                Start::Fact(fact) | Start::DayOf(fact) => *fact,
            };
            match (facts.value(fact), start) {
                (Value::Instant(at), Start::DayOf(_)) => {
                    return Began::At { moment: Moment::Day(facts.day(at)), is_of_instant: true };
                }
                (Value::Instant(at), _) => return Began::At { moment: Moment::Instant(at), is_of_instant: true },
                (Value::Day(day), _) => return Began::At { moment: Moment::Day(day), is_of_instant: false },
                _ => {
                    missing.get_or_insert(Began::Unknown(fact));
                }
            }
        }
        missing.unwrap_or(Began::Unknown(usize::MAX))
    }

    fn run<'l>(&'l self, of: &'l Obligation, period: &Period, moment: Moment, facts: &Facts, answer: &mut Answer<'l>) {
        let (instant, day) = both(moment, facts);
        match moment {
            Moment::Instant(at) => answer.start_at = Some(Clocked::of(at, &facts.zone)),
            Moment::Day(on) => answer.start_on = Some(on),
        }
        match period.end(instant, day, self.calendars()) {
            Some(End::At(at)) => answer.due_at = Some(Clocked::of(at, &facts.zone)),
            Some(End::On(on)) => {
                answer.due_on = Some(on);
                if let Some(calendar) = of.rolls.and_then(|calendar| self.calendars().get(calendar)) {
                    answer.legal_due_on = calendar.rolled(on).filter(|rolled| *rolled != on);
                    answer.notes.extend(calendar.not_announced(on).map(Cow::Owned));
                }
            }
            None if period.is_exact() => {
                answer.status = Status::Waiting;
                answer.questions.push("At what time of that day?".into());
            }
            None => {}
        }
        answer.target_on = of.target_days.and_then(|days| day.checked_add(days.days()).ok());
        if let Some(guidance) = &of.guidance {
            if let Some(End::On(on)) = guidance.period.end(instant, day, self.calendars()) {
                answer.target_on = Some(on);
            }
            answer.notes.push(guidance.cites.as_str().into());
        }
        if day < of.from {
            answer.notes.push(format!("this text applies from {}; the incident lies before", of.from).into());
        }
    }

    /// A later step, where these facts have one.
    fn stage(&self, stage: &LaterStage, truth: Truth, facts: &Facts) -> Option<Stage> {
        let when = stage.when.judge(facts);
        if when == Truth::False {
            return None;
        }
        let (mut due_at, mut due_on) = (None, None);
        if let Began::At { moment, .. } = self.began(&stage.start, facts) {
            let (instant, day) = both(moment, facts);
            match stage.period.end(instant, day, self.calendars()) {
                Some(End::At(at)) => due_at = Some(Clocked::of(at, &facts.zone)),
                Some(End::On(on)) => due_on = Some(on),
                None => {}
            }
        }
        let is_known = truth.and(when) == Truth::True && facts.has_roles();
        let status = match facts.notice(stage.notice) {
            Some(_) if is_known => Status::Met,
            None if is_known && stage.period == Period::Promptly => Status::Promptly,
            None if is_known && (due_at.is_some() || due_on.is_some()) => Status::Due,
            _ => Status::Waiting,
        };
        let obligation = self.id(stage.notice).to_owned();
        Some(Stage { name: stage.name.clone(), obligation, status, due_at, due_on })
    }

    /// The notice that was sent for it.
    fn meet(&self, of: &Obligation, facts: &Facts, answer: &mut Answer<'_>, reasons: &mut Reasons) {
        let Some(submitted_at) = facts.notice(of.index) else { return };
        if answer.status == Status::Waiting {
            answer.notes.push("a notice for it was submitted already".into());
            return;
        }
        answer.status = Status::Met;
        let at = submitted_at.map_or_else(String::new, |at| format!(" at {}", Clocked::of(at, &facts.zone)));
        reasons.push(&["its notice was submitted", &at]);
        let is_early = submitted_at.is_some_and(|at| {
            answer.start_at.is_some_and(|start| at < start.instant)
                || answer.start_on.is_some_and(|start| facts.day(at) < start)
        });
        if is_early {
            answer.notes.push("the notice was submitted before its clock began; check both times".into());
        }
    }

    /// A delay that law enforcement asked for.
    fn toll(&self, of: &Obligation, facts: &Facts, options: Options, answer: &mut Answer<'_>, reasons: &mut Reasons) {
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
            // Nobody should aim for a day on which notice may not be given yet.
            answer.target_on = None;
            answer.questions.push(
                "How did law enforcement ask to wait, in writing or by word of mouth, when, and until when?".into(),
            );
            return;
        };
        answer.due_on = Some(until.max(undelayed));
        answer.target_on = answer.target_on.map(|target| target.max(until));
        let is_over = options.at.is_some_and(|at| facts.day(at) > until);
        if answer.status == Status::Due && !is_over {
            answer.status = Status::Tolled;
        }
        answer.tolled = Some(Tolled { until, undelayed_due_on: undelayed, citation: citation.clone() });
        let _ = write!(reasons.next(), "law enforcement asked to wait until {until} ({citation}: {says})");
    }

    fn name_recipients<'l>(&'l self, of: &'l Obligation, facts: &Facts, truth: Truth, answer: &mut Answer<'l>) {
        if let Some((_, recipient)) = of.other_recipients.iter().find(|(when, _)| when.judge(facts) == Truth::True) {
            answer.recipient = recipient;
        }
        let recipient = answer.recipient;
        let named = |jurisdiction: &str| match self.authority(&of.regime, jurisdiction) {
            Some(name) => format!("{name} ({jurisdiction})"),
            None => format!("{recipient} ({jurisdiction})"),
        };
        if let Some((fact, Value::Word(word))) = of.recipient_is.map(|fact| (fact, facts.value(fact))) {
            let jurisdiction = self.vocabulary().word(fact, word);
            answer.recipients = vec![named(jurisdiction)];
            answer.recipients_for = vec![jurisdiction.to_owned()];
            return;
        }
        let Some((pattern, limit)) = &of.recipients_for else { return };
        let jurisdictions = concerned(pattern, *limit, facts);
        answer.recipients = jurisdictions.iter().map(|jurisdiction| named(jurisdiction)).collect();
        answer.recipients_for = jurisdictions;
        if let Some(fact) = of.recipient_is.filter(|_| answer.recipients.is_empty() && truth == Truth::True) {
            answer.questions.push(self.vocabulary().question(fact).into());
        }
    }

    /// As whom the organisation owes it, with room for the reasons behind it.
    fn roles_in_words(&self, of: &Obligation, facts: &Facts) -> String {
        let mut text = String::with_capacity(224 + of.citation.len() + of.says.len());
        if !facts.has_roles() {
            text.push_str("`roles` is not given");
        }
        for (index, role) in self.vocabulary().role_names(of.roles & facts.roles).enumerate() {
            let between = if index == 0 { "as " } else { " and " };
            text.push_str(between);
            text.push_str(role);
        }
        text
    }

    fn id(&self, index: usize) -> &str {
        let named = |obligation: &&Obligation| obligation.index == index;
        self.obligations().iter().find(named).map_or("", |obligation| obligation.id.as_str())
    }
}

fn because(of: &Obligation, reasons: Reasons) -> String {
    let mut text = reasons.0;
    for part in [". ", of.citation.as_str(), ": ", of.says.as_str()] {
        text.push_str(part);
    }
    text
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
