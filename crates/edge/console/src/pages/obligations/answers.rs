//! What follows from facts: clocks that run, what waits, what is not owed, and what proposed laws would add.

use jiff::Timestamp;
use obligations::{Answer, Facts, LawStatus, Library, Obligation, Options, Status};

use super::form::Filled;
use crate::drawing::deadlines::{Clock, Deadlines, deadlines};
use crate::pages::incidents::clocks;

/// Widths of the picture: beside others, and on a phone.
const WIDTHS: (f64, f64) = (860.0, 350.0);

/// One clock, in words.
pub(super) struct Told {
    pub id: String,
    pub title: String,
    pub regime: String,
    /// `late`, `due`, `promptly`, `waiting`, `tolled`, `met`.
    pub kind: &'static str,
    /// The same as people say it.
    pub word: &'static str,
    pub due: String,
    /// How long is left or over; empty where that is not told.
    pub left: String,
    /// The day to which holidays move it, and the day to aim for.
    pub legal: String,
    pub target: String,
    pub recipients: Vec<String>,
    pub citation: String,
    pub source_url: String,
    pub because: String,
    /// Each with the id of the field that answers it.
    pub questions: Vec<(String, String)>,
    pub notes: Vec<String>,
    /// Later steps of the same duty.
    pub stages: Vec<String>,
    pub is_on_request: bool,
}

/// What a proposed law would change.
pub(super) struct Proposed {
    pub told: Told,
    /// What holds today; empty: nothing.
    pub today: String,
}

/// What follows from facts.
pub(super) struct Answers {
    pub running: Vec<Told>,
    pub waiting: Vec<Told>,
    /// Id, title, and why not.
    pub not_owed: Vec<(String, String, String)>,
    pub proposed: Vec<Proposed>,
    pub wide: Option<Deadlines>,
    pub narrow: Option<Deadlines>,
    /// Whether the present is on the line.
    pub is_now_drawn: bool,
    /// The first that is asked, where nobody said which roles the organisation has.
    pub roles_question: String,
    /// Names that mean nothing here.
    pub strange: Vec<String>,
}

impl Answers {
    /// Questions that clocks wait for.
    pub(super) fn asked(&self) -> Vec<String> {
        let told = self.waiting.iter().chain(&self.running).flat_map(|told| &told.questions);
        told.map(|(question, _)| question.clone())
            .chain([self.roles_question.clone()])
            .filter(|one| !one.is_empty())
            .collect()
    }

    /// The field of each question, once fields are known.
    pub(super) fn link(&mut self, form: &Filled) {
        let fields = || form.groups.iter().flat_map(|group| &group.fields);
        let told =
            self.running.iter_mut().chain(&mut self.waiting).chain(self.proposed.iter_mut().map(|one| &mut one.told));
        for (question, anchor) in told.flat_map(|told| &mut told.questions) {
            let field = fields().find(|field| field.question == *question);
            *anchor = field.map_or_else(|| "people".to_owned(), |field| format!("f-{}", field.name));
        }
    }
}

struct Asked<'a> {
    library: &'a Library,
    facts: &'a Facts,
    now_ms: i64,
}

/// What follows from facts at a time; with what is proposed where that is wanted.
pub(super) fn answers(library: &Library, facts: &Facts, now_ms: i64, with_proposed: bool) -> Answers {
    let at = Timestamp::from_millisecond(now_ms).ok();
    let options = Options { at, ..obligations::options() };
    let asked = Asked { library, facts, now_ms };
    let all = library.answers(facts, options);
    let (mut running, mut waiting, mut not_owed, mut clocks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for answer in &all {
        let told = asked.told(answer, options);
        match answer.status {
            Status::NotTriggered => not_owed.push((told.id, told.title, told.because)),
            Status::Waiting => {
                clocks.extend(asked.drawn(answer, &told, options));
                waiting.push(told);
            }
            Status::Due | Status::Promptly | Status::Tolled | Status::Met => {
                clocks.extend(asked.drawn(answer, &told, options));
                running.push(told);
            }
        }
    }
    let proposals = Options { with_proposed: true, ..options };
    let would = if with_proposed { library.answers(facts, proposals) } else { Vec::new() };
    let mut proposed = Vec::new();
    for answer in would.iter().filter(|answer| answer.law == LawStatus::Proposed) {
        let today = all.iter().find(|today| today.obligation == answer.obligation);
        if today.is_none() && answer.status == Status::NotTriggered {
            continue;
        }
        let told = asked.told(answer, proposals);
        if answer.status != Status::NotTriggered {
            clocks.extend(asked.drawn(answer, &told, proposals).map(|clock| Clock { class: "proposed", ..clock }));
        }
        let today = today.map_or_else(String::new, |today| {
            let told = asked.told(today, options);
            format!("{} {}", told.word, told.due).trim_end().to_owned()
        });
        proposed.push(Proposed { told, today });
    }
    let due =
        |told: &Told| all.iter().find(|answer| answer.obligation == told.id).and_then(|answer| asked.due_ms(answer));
    running.sort_by_key(|told| (told.kind == "met", due(told).unwrap_or(i64::MIN)));
    waiting.sort_by_key(|told| (told.is_on_request, due(told).unwrap_or(i64::MAX)));
    let wide = deadlines(&clocks, now_ms, WIDTHS.0);
    Answers {
        is_now_drawn: wide.as_ref().is_some_and(|drawn| drawn.now.is_some()),
        wide,
        narrow: deadlines(&clocks, now_ms, WIDTHS.1),
        roles_question: if facts.has_roles() {
            String::new()
        } else {
            library.vocabulary().roles_question().to_owned()
        },
        strange: facts.strange.clone(),
        running,
        waiting,
        not_owed,
        proposed,
    }
}

impl Asked<'_> {
    fn of(&self, answer: &Answer<'_>, options: Options) -> Option<&Obligation> {
        self.library.version(answer.obligation, self.facts, options)
    }

    /// When a clock ends: to the second, or with the end of its day where the organisation is.
    fn due_ms(&self, answer: &Answer<'_>) -> Option<i64> {
        let day = || answer.due_on?.tomorrow().ok()?.to_zoned(self.facts.zone.clone()).ok();
        answer.due_at.map(|at| at.instant).or_else(|| day().map(|at| at.timestamp())).map(Timestamp::as_millisecond)
    }

    fn start_ms(&self, answer: &Answer<'_>) -> Option<i64> {
        let day = || answer.start_on?.to_zoned(self.facts.zone.clone()).ok();
        answer.start_at.map(|at| at.instant).or_else(|| day().map(|at| at.timestamp())).map(Timestamp::as_millisecond)
    }

    fn told(&self, answer: &Answer<'_>, options: Options) -> Told {
        let of = self.of(answer, options);
        let due_ms = self.due_ms(answer);
        let is_late = answer.overdue == Some(true) && answer.status != Status::Met;
        let (kind, word) = match answer.status {
            _ if is_late => ("late", "late"),
            Status::Due => ("due", "due"),
            Status::Promptly => ("promptly", "at once"),
            Status::NotTriggered => ("none", "not owed"),
            Status::Waiting => ("waiting", "waits for an answer"),
            Status::Tolled => ("tolled", "delayed"),
            Status::Met => ("met", "sent"),
        };
        let left = due_ms.filter(|_| !matches!(answer.status, Status::Met | Status::NotTriggered));
        let regime = of.map_or("", |of| &of.regime);
        let regime = self.library.regimes().iter().find(|(id, _)| id == regime).map_or("", |(_, name)| name);
        let mut notes: Vec<String> = answer.notes.iter().map(ToString::to_string).collect();
        notes.extend(answer.tolled.as_ref().map(|tolled| {
            format!("delayed until {} ({}); {} without that", tolled.until, tolled.citation, tolled.undelayed_due_on)
        }));
        let stage = |stage: &obligations::Stage| {
            let due = stage
                .due_at
                .map(|at| clocks::spaced(&at.to_string()))
                .or_else(|| stage.due_on.map(|on| on.to_string()));
            let due = due.unwrap_or_else(|| stage.status.as_str().replace('_', " "));
            format!("{}: {}, {due}", stage.name, stage.obligation)
        };
        Told {
            id: answer.obligation.to_owned(),
            title: of.map_or_else(String::new, |of| of.title.clone()),
            regime: regime.to_owned(),
            kind,
            word,
            due: answer
                .due_at
                .map(|at| clocks::spaced(&at.to_string()))
                .or_else(|| answer.due_on.map(|on| on.to_string()))
                .unwrap_or_default(),
            left: left.map_or_else(String::new, |due| {
                let span = clocks::left(due, self.now_ms);
                if due < self.now_ms { format!("{span} ago") } else { format!("in {span}") }
            }),
            legal: answer.legal_due_on.map_or_else(String::new, |on| on.to_string()),
            target: answer.target_on.map_or_else(String::new, |on| on.to_string()),
            recipients: match answer.recipients.as_slice() {
                [] => vec![answer.recipient.to_owned()],
                several => several.to_vec(),
            },
            citation: answer.citation.to_owned(),
            source_url: answer.source_url.unwrap_or_default().to_owned(),
            because: answer.because.clone(),
            questions: match self.facts.has_roles() {
                true => answer.questions.iter().map(|question| (question.to_string(), String::new())).collect(),
                // The same of every answer is asked once.
                false => Vec::new(),
            },
            notes,
            stages: answer.stages.iter().map(stage).collect(),
            is_on_request: answer.is_on_request(),
        }
    }

    /// A clock as it is drawn; `None`: nothing of it is on a line of time.
    fn drawn(&self, answer: &Answer<'_>, told: &Told, options: Options) -> Option<Clock> {
        let of = self.of(answer, options)?;
        let due_ms = self.due_ms(answer);
        // What waits for its start, too, is not there yet.
        if due_ms.is_none() && answer.status != Status::Promptly {
            return None;
        }
        let (due, left) = (if told.due.is_empty() { told.word } else { told.due.as_str() }, told.left.as_str());
        Some(Clock {
            lane: lane(of, &told.regime),
            label: told.id.clone(),
            due: if left.is_empty() { due.to_owned() } else { format!("{due}, {left}") },
            start_ms: self.start_ms(answer),
            due_ms,
            class: told.kind,
        })
    }
}

/// The heading under which a clock stands: its jurisdiction, or with whom the contract is.
fn lane(of: &Obligation, regime: &str) -> String {
    match (&of.jurisdiction, &of.partner) {
        (Some(place), _) => super::explore::place(place),
        (None, Some(partner)) => format!("Contract with {partner}"),
        (None, None) => regime.to_owned(),
    }
}
