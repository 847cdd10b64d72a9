//! The report after the action: what happened when, how long it took, what was late, what is learnt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use playbooks::{Role, State, TaskState, Work};
use serde::Serialize;

use crate::case::{Case, What, due_ms};

/// What was asked of people or of Lazaret in a playbook, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The step.
    pub name: String,
    /// Whom; `Lazaret` where nobody was.
    pub whom: String,
    /// When it was asked, in milliseconds since 1970 on the incident's clock.
    pub at: i64,
    /// How long until it was answered, in milliseconds; none: it was not.
    pub took: Option<i64>,
    /// What became of it: `done`, `refused`, `failed`, `late`, `withdrawn`, `open`.
    pub became: &'static str,
    /// By whom, or why not.
    pub note: String,
    /// It was answered after it should have been, or not in time at all.
    pub is_late: bool,
}

/// A playbook that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// What it asked, in order.
    pub asked: Vec<Asked>,
}

/// A clock of the law, and whether it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// The obligation.
    pub obligation: String,
    /// How it stands.
    pub status: String,
    /// When it ends or ended, in milliseconds since 1970, UTC.
    pub due_at: Option<i64>,
    /// It ended, and nothing was submitted.
    pub is_missed: bool,
}

/// The figures and lists of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// It was practised.
    pub is_exercise: bool,
    /// What it is called.
    pub title: String,
    /// From being opened to the last entry, in milliseconds on the incident's clock.
    pub lasted: i64,
    /// To the first containment; none: nobody was contained.
    pub to_containment: Option<i64>,
    /// To the first exposure that was told.
    pub to_exposure: Option<i64>,
    /// To the first clocks.
    pub to_clocks: Option<i64>,
    /// To the first draft.
    pub to_draft: Option<i64>,
    /// To the first notice that was submitted.
    pub to_notice: Option<i64>,
    /// Playbooks.
    pub ran: Vec<Ran>,
    /// Clocks.
    pub clocks: Vec<Clock>,
    /// Decisions with their reasons, in order.
    pub decisions: Vec<(String, String)>,
    /// Lessons.
    pub lessons: Vec<String>,
    /// Tasks that are not done, with whose they are.
    pub open_tasks: Vec<(String, Role)>,
    /// Who wrote how many entries.
    pub took_part: BTreeMap<String, u64>,
    /// Privileged notes: how many there are. They are not in the report.
    pub privileged: usize,
    /// Their texts with who wrote them, where they were asked for.
    pub privileged_notes: Vec<(String, String)>,
}

impl Report {
    /// Of an incident as it stands at `now`, in milliseconds since 1970, UTC.
    #[must_use]
    pub fn of(case: &Case, now: i64) -> Self {
        let opened = case.entries.first().map_or(0, |entry| entry.at);
        // An exercise counts by its own clock, which entries put forward.
        let mut ahead = 0;
        let mut report = Self {
            is_exercise: case.is_exercise,
            title: case.title.clone(),
            lasted: 0,
            to_containment: None,
            to_exposure: None,
            to_clocks: None,
            to_draft: None,
            to_notice: None,
            ran: Vec::new(),
            clocks: Vec::new(),
            decisions: Vec::new(),
            lessons: Vec::new(),
            open_tasks: Vec::new(),
            took_part: BTreeMap::new(),
            privileged: case.privileged(),
            privileged_notes: Vec::new(),
        };
        for entry in &case.entries {
            let since = entry.at.saturating_add(ahead).saturating_sub(opened);
            *report.took_part.entry(entry.by.clone()).or_default() += 1;
            report.lasted = since;
            let first = |slot: &mut Option<i64>| {
                slot.get_or_insert(since);
            };
            match &entry.what {
                What::Containment { on: true, .. } => first(&mut report.to_containment),
                What::Exposure { .. } => first(&mut report.to_exposure),
                What::Clocks { .. } => first(&mut report.to_clocks),
                What::Draft { .. } => first(&mut report.to_draft),
                What::Sent { .. } => first(&mut report.to_notice),
                What::Decision { text, reason } => report.decisions.push((text.clone(), reason.clone())),
                What::Lesson { text } => report.lessons.push(text.clone()),
                What::Forward { minutes } => ahead += i64::from(*minutes) * 60_000,
                _ => {}
            }
        }
        report.ran = case.runs.keys().map(|number| ran(case, *number)).collect();
        report.clocks = case.clocks.iter().filter_map(|(id, clock)| self::clock(case, id, clock, now)).collect();
        let open = case.tasks.iter().filter(|task| task.done.is_none());
        report.open_tasks = open.map(|task| (task.text.clone(), task.role)).collect();
        report
    }

    /// Puts the texts of privileged notes in. Whoever calls it sees to it that they are for whoever reads it.
    pub fn tell_privileged(&mut self, case: &Case) {
        let notes = case.entries.iter().filter_map(|entry| match &entry.what {
            What::Note { text, privileged: true } => Some((entry.by.clone(), text.clone())),
            _ => None,
        });
        self.privileged_notes = notes.collect();
    }

    /// The report as text in Markdown. `name` tells the names of people by their ids.
    #[must_use]
    pub fn markdown(&self, id: u32, name: &dyn Fn(&str) -> Option<String>) -> String {
        let mut text = format!("# After-action report: incident {id}\n\n{}\n", plain(&self.title));
        if self.is_exercise {
            text.push_str("\nThis was an exercise: nobody was contained and nothing was sent.\n");
        }
        let _ = write!(text, "\n| From being opened to | |\n| --- | --- |\n");
        let rows = [
            ("the first containment", self.to_containment),
            ("the first exposure that was told", self.to_exposure),
            ("the first clocks of the law", self.to_clocks),
            ("the first draft of a notice", self.to_draft),
            ("the first notice that was submitted", self.to_notice),
            ("the last entry", Some(self.lasted)),
        ];
        for (what, took) in rows {
            let _ = writeln!(text, "| {what} | {} |", took.map_or_else(|| "not done".to_owned(), span));
        }
        self.tell_runs(&mut text);
        self.tell_clocks(&mut text);
        section(
            &mut text,
            "Decisions",
            self.decisions.iter().map(|(what, why)| format!("{} Because: {}", plain(what), plain(why))),
        );
        section(&mut text, "Lessons", self.lessons.iter().map(|lesson| plain(lesson)));
        section(
            &mut text,
            "Still to do",
            self.open_tasks.iter().map(|(task, role)| format!("{} ({})", plain(task), role.title())),
        );
        let people = self
            .took_part
            .iter()
            .map(|(who, entries)| format!("{}: {entries} entries", plain(&name(who).unwrap_or_else(|| who.clone()))));
        section(&mut text, "Who took part", people);
        if !self.privileged_notes.is_empty() {
            let notes = self
                .privileged_notes
                .iter()
                .map(|(who, note)| format!("{}: {}", plain(&name(who).unwrap_or_else(|| who.clone())), plain(note)));
            section(&mut text, "Privileged notes", notes);
        } else if self.privileged > 0 {
            let _ = write!(text, "\n{} privileged notes are left out.\n", self.privileged);
        }
        text
    }

    fn tell_runs(&self, text: &mut String) {
        for ran in &self.ran {
            let late = ran.asked.iter().filter(|asked| asked.is_late).count();
            let _ = write!(
                text,
                "\n## Playbook: {}\n\n{}; {} steps asked or done, {late} late.\n\n| Step | By | Took | |\n| --- | --- | --- | --- |\n",
                plain(&ran.name),
                ran.state.as_str(),
                ran.asked.len()
            );
            for asked in &ran.asked {
                let became = if asked.is_late { format!("**{}**", asked.became) } else { asked.became.to_owned() };
                let note = if asked.note.is_empty() { String::new() } else { format!(": {}", plain(&asked.note)) };
                let took = asked.took.map_or_else(|| "-".to_owned(), span);
                let _ = writeln!(text, "| {} | {} | {took} | {became}{note} |", plain(&asked.name), plain(&asked.whom));
            }
        }
    }

    fn tell_clocks(&self, text: &mut String) {
        if self.clocks.is_empty() {
            return;
        }
        let _ = write!(text, "\n## Clocks of the law\n\n| Obligation | | Ends |\n| --- | --- | --- |\n");
        for clock in &self.clocks {
            let status = if clock.is_missed { "**missed**" } else { clock.status.as_str() };
            let due = clock.due_at.map_or_else(|| "-".to_owned(), time);
            let _ = writeln!(text, "| {} | {status} | {due} |", plain(&clock.obligation));
        }
    }
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("- {line}\n")).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n## {title}\n\n{}", lines.concat());
    }
}

/// Text of people in a line of Markdown: no line breaks, and nothing that ends a cell or begins markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '[' | '#' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn time(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |time| format!("{time:.0}"))
}

/// A span of milliseconds as people read it.
#[must_use]
pub fn span(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} s", ms.max(0) / 1_000),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn clock(case: &Case, id: &str, clock: &serde_json::Value, now: i64) -> Option<Clock> {
    let status = clock["status"].as_str().unwrap_or_default();
    if status == "not_triggered" {
        return None;
    }
    let due_at = due_ms(clock, &case.facts);
    let is_missed = status == "due" && due_at.is_some_and(|due| due < case.clock(now));
    Some(Clock { obligation: id.to_owned(), status: status.to_owned(), due_at, is_missed })
}

fn ran(case: &Case, number: u64) -> Ran {
    let Some(run) = case.runs.get(&number) else {
        return Ran { name: String::new(), state: State::Cancelled, asked: Vec::new() };
    };
    let asked = run.tasks().map(|(_, task)| {
        let (wanted, whom) = match &task.work {
            Work::Ask(ask) => (ask.wanted_at.or(ask.due_at), ask.role.map_or(ask.agent.as_str(), |role| role.title())),
            Work::Act(act) => (act.due_at, "Lazaret"),
        };
        let (became, at, note, failed_late) = match &task.state {
            TaskState::Open => ("open", None, String::new(), false),
            TaskState::Done { at, who } => ("done", Some(*at), who.clone().unwrap_or_default(), false),
            TaskState::Failed { at, who: Some(who), why } => ("refused", Some(*at), format!("{who}: {why}"), false),
            TaskState::Failed { at, who: None, why } => ("failed", Some(*at), why.clone(), false),
            TaskState::TimedOut { .. } => ("late", None, String::new(), true),
            TaskState::Withdrawn { .. } => ("withdrawn", None, String::new(), false),
        };
        let is_late = failed_late || at.zip(wanted).is_some_and(|(at, wanted)| at > wanted);
        Asked {
            name: task.name().to_owned(),
            whom: whom.to_owned(),
            at: task.opened_at,
            took: at.map(|at| at.saturating_sub(task.opened_at)),
            became,
            note,
            is_late,
        }
    });
    Ran {
        name: run.playbook().map_or("", |book| book.name.as_str()).to_owned(),
        state: run.state(),
        asked: asked.collect(),
    }
}
