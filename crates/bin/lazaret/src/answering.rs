//! Hunts of the console: recorded by the guard, answered by a process of its own (docs/adr/0013).

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::{Hunt, HuntAnswer, HuntFault, HuntQuestion, HuntValue};
use guard::Guarded;
use lake::saved::{self, Saved};
use model::{Answer, By};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Questions that are answered at once.
const ASKED_MAX: usize = 2;
/// How long a question may take, in seconds: somebody waits for the page.
const TIMEOUT_S: u64 = 20;
/// Memory for sorting, grouping and joining, in MiB.
const MEMORY_MIB: u64 = 1_024;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// How much longer than its time-out the process is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// Answers hunts.
pub(crate) struct Hunter {
    guarded: Arc<Guarded>,
    program: Result<PathBuf, String>,
    /// Where the catalogue lies, as the program is told.
    catalogue: Value,
    /// The organisation's own hunts.
    folder: PathBuf,
    places: Semaphore,
}

impl Hunter {
    /// Over a guard; `catalogue` says where the catalogue lies.
    pub(crate) fn new(guarded: Arc<Guarded>, catalogue: Value, folder: PathBuf) -> Self {
        let program = crate::hunting::hunter().map_err(|failure| failure.words());
        Self { guarded, program, catalogue, folder, places: Semaphore::new(ASKED_MAX) }
    }

    async fn answer(&self, question: HuntQuestion, rows_max: u32, by: &By) -> Result<HuntAnswer, HuntFault> {
        let program = self.program.clone().map_err(HuntFault::Wrong)?;
        let busy = || HuntFault::Wrong("Two hunts are under way; try again when one has ended.".to_owned());
        let _place = self.places.try_acquire().map_err(|_full: tokio::sync::TryAcquireError| busy())?;
        let values = question.parameters.iter().map(|one| format!("\n-- ${} = {}", one.name, one.value));
        let asked: String = std::iter::once(question.sql.clone()).chain(values).collect();
        let begun = self.guarded.begin_hunt_by(by, question.id.as_deref(), &asked).await;
        let begun = begun.map_err(|error| HuntFault::Failed(error.to_string()))?;
        let request = json!({
            "lake": begun.get("lake"), "key": begun.get("key"), "catalogue": self.catalogue, "sql": question.sql,
            "parameters": question.parameters, "format": "json", "timeout_s": TIMEOUT_S, "memory_mib": MEMORY_MIB,
            "rows_max": rows_max,
        });
        let request = zeroize::Zeroizing::new(request.to_string());
        let started = Instant::now();
        let mut command = Command::new(program);
        command.env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = run(command, &request);
        let waited = tokio::time::timeout(Duration::from_secs(TIMEOUT_S) + GRACE, running).await;
        let late = |_elapsed| HuntFault::Wrong(format!("The question took longer than {TIMEOUT_S} seconds."));
        let (out, told) = waited.map_err(late)??;
        let last: Value = told.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null);
        if let Some(why) = last.get("error").and_then(Value::as_str) {
            return Err(HuntFault::Wrong(why.to_owned()));
        }
        let mut answer = read(&out)?;
        answer.is_cut = last.get("is_cut") == Some(&Value::Bool(true));
        answer.milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(answer)
    }
}

/// Runs the program with `request`; what it answers and what it tells of itself.
async fn run(mut command: Command, request: &str) -> Result<(String, String), HuntFault> {
    let failed = |error: std::io::Error| HuntFault::Failed(format!("the program that answers could not run: {error}"));
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let giving = async {
        if let Some(mut stdin) = stdin {
            // Where it ended already, it says why itself.
            let _ended_early = stdin.write_all(request.as_bytes()).await;
        }
    };
    let (mut out, mut told) = (String::new(), String::new());
    let answering = async {
        match stdout {
            Some(stdout) => stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut out).await.map(drop),
            None => Ok(()),
        }
    };
    let telling = async {
        match stderr {
            Some(stderr) => stderr.take(1 << 20).read_to_string(&mut told).await.map(drop),
            None => Ok(()),
        }
    };
    let ((), answered, told_of) = tokio::join!(giving, answering, telling);
    answered.and(told_of).map_err(failed)?;
    let status = child.wait().await.map_err(failed)?;
    if !status.success() && told.trim().is_empty() {
        return Err(HuntFault::Failed(format!("the program that answers ended with {status}")));
    }
    Ok((out, told))
}

/// A row with its columns in their order.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Row;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a row")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Row(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn read(out: &str) -> Result<HuntAnswer, HuntFault> {
    let mut answer = HuntAnswer::default();
    for line in out.lines() {
        let Row(pairs) = serde_json::from_str(line)
            .map_err(|error| HuntFault::Wrong(format!("The answer is too large to be shown ({error}).")))?;
        if answer.columns.is_empty() {
            answer.columns = pairs.iter().map(|(name, _)| name.clone()).collect();
        }
        answer.rows.push(pairs.into_iter().map(|(_, value)| told(value)).collect());
    }
    Ok(answer)
}

fn told(value: Value) -> HuntValue {
    match value {
        Value::Null => HuntValue::Null,
        Value::Number(number) => HuntValue::Number(number.to_string()),
        Value::String(text) => HuntValue::Text(text),
        other => HuntValue::Text(other.to_string()),
    }
}

impl Hunt for Hunter {
    fn library(&self) -> Result<Vec<Saved>, HuntFault> {
        saved::library(Some(&self.folder)).map_err(|error| HuntFault::Failed(error.to_string()))
    }

    fn ask<'a>(
        &'a self,
        question: HuntQuestion,
        rows_max: u32,
        by: &'a By,
    ) -> Answer<'a, Result<HuntAnswer, HuntFault>> {
        Box::pin(self.answer(question, rows_max, by))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use console::HuntValue;

    #[test]
    fn columns_keep_their_order() {
        let answer = read("{\"z\":1,\"a\":null,\"m\":\"x\"}\n{\"z\":2.5,\"a\":true,\"m\":\"y\"}\n").unwrap();
        assert_eq!(answer.columns, ["z", "a", "m"]);
        assert_eq!(answer.rows[0], [HuntValue::Number("1".into()), HuntValue::Null, HuntValue::Text("x".into())]);
        assert_eq!(answer.rows[1][1], HuntValue::Text("true".into()));
        assert!(read("{\"z\":1").is_err());
    }
}
