//! Statements of a source: what each line asks for.

use super::Wrong;
use super::lines::Line;
use crate::role::Role;
use crate::verb::Verb;

/// One statement: a step with what belongs to it.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) line: &'a Line,
    pub(super) title: String,
    pub(super) timeout_ms: Option<i64>,
    pub(super) what: What<'a>,
    /// What is done when it fails.
    pub(super) fails: Option<Vec<Statement<'a>>>,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum What<'a> {
    Ask(Role),
    Act(Verb),
    Call(&'a str),
    If { when: &'a str, then: Vec<Statement<'a>>, otherwise: Vec<Statement<'a>> },
    While { when: &'a str, most: u32, body: Vec<Statement<'a>> },
    Switch { on: &'a str, cases: Vec<(&'a str, Vec<Statement<'a>>)> },
    Together(Vec<Vec<Statement<'a>>>),
}

const WORDS: &[&str] = &["ask", "do", "call", "if", "while", "switch", "together"];
/// Words of outermost lines that describe the playbook.
const HEADS: &[&str] = &[
    "id",
    "name",
    "about",
    "rank",
    "types",
    "sectors",
    "labels",
    "cites",
    "var",
    "shares",
    "created",
    "modified",
    "exception",
];

/// Statements among the outermost lines, of which others describe the playbook.
pub(super) fn outermost(lines: &[Line]) -> Result<Vec<Statement<'_>>, Wrong> {
    lines.iter().filter(|line| !HEADS.contains(&line.word.as_str())).map(statement).collect()
}

/// Statements of a block.
pub(super) fn block(lines: &[Line]) -> Result<Vec<Statement<'_>>, Wrong> {
    lines.iter().map(statement).collect()
}

fn statement(line: &Line) -> Result<Statement<'_>, Wrong> {
    let at = line.number;
    let rest = line.rest.as_str();
    let (what, timed) = match line.word.as_str() {
        "ask" => {
            line.only(&["|", "takes", "gives", "delay", "activity", "fails", "why"])?;
            let (role, timed) = rest.split_once(' ').unwrap_or((rest, ""));
            let role = Role::parse(role)
                .ok_or_else(|| (at, format!("there is no role `{role}`; write one of {}", Role::names())))?;
            if line.text().is_empty() {
                return Err((at, "nothing is asked; say it in lines that begin with `|`".to_owned()));
            }
            (What::Ask(role), timed)
        }
        "do" => {
            line.only(&["|", "with", "gives", "delay", "fails"])?;
            let (verb, timed) = rest.split_once(' ').unwrap_or((rest, ""));
            let verb = Verb::parse(verb)
                .ok_or_else(|| (at, format!("there is no verb `{verb}`; write one of {}", Verb::names())))?;
            (What::Act(verb), timed)
        }
        "call" => {
            line.only(&["|", "takes", "gives", "delay", "fails"])?;
            let (name, timed) = rest.split_once(' ').unwrap_or((rest, ""));
            (What::Call(name), timed)
        }
        "if" => {
            line.only(&["|", "when", "then", "otherwise"])?;
            let then = block(line.block("then").unwrap_or_default())?;
            let otherwise = block(line.block("otherwise").unwrap_or_default())?;
            if then.is_empty() {
                return Err((at, "nothing is done where it holds; add statements below `then`".to_owned()));
            }
            (What::If { when: needed(line, "when")?, then, otherwise }, "")
        }
        "while" => {
            line.only(&["|", "when", "most", "again", "fails"])?;
            let most = needed(line, "most")?;
            let most =
                most.parse::<u32>().map_err(|error| (at, format!("`most {most}` is no whole number: {error}")))?;
            let body = block(line.block("again").unwrap_or_default())?;
            if body.is_empty() {
                return Err((at, "nothing is done again; add statements below `again`".to_owned()));
            }
            (What::While { when: needed(line, "when")?, most, body }, "")
        }
        "switch" => {
            line.only(&["|", "on", "case"])?;
            let cases = line.inner.iter().filter(|inner| inner.word == "case");
            let cases =
                cases.map(|case| Ok((case.rest.as_str(), block(&case.inner)?))).collect::<Result<Vec<_>, Wrong>>()?;
            if let Some((empty, _)) = cases.iter().find(|(_, body)| body.is_empty()) {
                return Err((at, format!("nothing is done in case `{empty}`; add statements below it")));
            }
            (What::Switch { on: needed(line, "on")?, cases }, "")
        }
        "together" => {
            line.only(&["|", "branch"])?;
            let branches = line.inner.iter().filter(|inner| inner.word == "branch");
            let branches = branches.map(|branch| block(&branch.inner)).collect::<Result<Vec<_>, _>>()?;
            if branches.len() < 2 || branches.iter().any(Vec::is_empty) {
                return Err((at, "two branches at least, each with statements, go together".to_owned()));
            }
            (What::Together(branches), "")
        }
        other => return Err((at, format!("`{other}` is no statement; write one of {}", WORDS.join(", ")))),
    };
    let (timeout_ms, title) = match what {
        What::Ask(_) | What::Act(_) | What::Call(_) => timed_title(at, timed)?,
        _ => (None, rest.to_owned()),
    };
    if title.is_empty() {
        return Err((at, "it has no title; write it at the end of the line".to_owned()));
    }
    let fails = line.block("fails").map(block).transpose()?;
    Ok(Statement { line, title, timeout_ms, what, fails })
}

fn needed<'a>(line: &'a Line, word: &str) -> Result<&'a str, Wrong> {
    line.below(word).ok_or_else(|| (line.number, format!("`{word}` is missing below `{}`", line.word)))
}

/// A time and then a title, as in `2h Isolate the server`; `-` is no time.
fn timed_title(at: usize, text: &str) -> Result<(Option<i64>, String), Wrong> {
    let (time, title) = text.split_once(' ').unwrap_or((text, ""));
    let timeout = if time == "-" { None } else { Some(wait(at, time)?) };
    Ok((timeout, title.trim().to_owned()))
}

/// `30m`, `2h` or `3d` in milliseconds.
pub(super) fn wait(at: usize, text: &str) -> Result<i64, Wrong> {
    let units = [('m', 60_000), ('h', 3_600_000), ('d', 86_400_000)];
    let read = units.iter().find_map(|(unit, ms)| {
        let number: i64 = text.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(*ms)
    });
    read.ok_or_else(|| (at, format!("`{text}` is no time; write minutes, hours or days as in `30m`, `2h`, `3d`")))
}
