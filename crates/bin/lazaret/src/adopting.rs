//! `lazaret study adopt`: objects of a folder or bucket sealed into a study, one after the other, so that it can be stopped
//! and gone on with at any time.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use guard::Request;
use landscape::sources::SourceSpec;
use landscape::sources::whole::{Listed, list};
use model::StudyId;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cli::{AdoptArgs, Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::Counter;
use crate::scan::{Bar, printable, size};

/// Objects that are listed ahead.
const LISTED_AHEAD: usize = 1_024;
/// Objects that are sealed at a time.
const AT_A_TIME: usize = 4;

/// What became of the objects.
#[derive(Debug, Default)]
struct Sums {
    sealed: u64,
    already: u64,
    removed: u64,
    left: u64,
    failed: u64,
    bytes: u64,
}

impl Sums {
    fn count(&mut self, told: &Value) {
        match told.get("state").and_then(Value::as_str) {
            Some("sealed") => {
                self.sealed += 1;
                self.bytes += told.get("bytes").and_then(Value::as_u64).unwrap_or(0);
            }
            Some("already") => self.already += 1,
            Some("left") => self.left += 1,
            _ => self.failed += 1,
        }
        self.removed += u64::from(told.get("removed") == Some(&Value::Bool(true)));
    }

    fn told(&self) -> Value {
        let Self { sealed, already, removed, left, failed, bytes } = self;
        json!({ "summary": {
            "sealed": sealed, "already": already, "removed": removed, "left": left, "failed": failed, "bytes": bytes,
        } })
    }

    fn words(&self) -> String {
        let Self { sealed, already, removed, left, failed, bytes } = self;
        format!(
            "{sealed} sealed ({}), {already} sealed before, {removed} originals removed, {left} left, {failed} failed",
            size(*bytes)
        )
    }
}

/// What all requests of one adoption share.
struct Task {
    study: StudyId,
    from: String,
    prefix: String,
    removes: bool,
}

impl Task {
    fn request(&self, object: &str) -> Request {
        Request::StudyAdopt {
            study: self.study.clone(),
            prefix: self.prefix.clone(),
            from: self.from.clone(),
            object: object.to_owned(),
            remove: self.removes,
        }
    }
}

pub(crate) fn run(global: &Global, arguments: &AdoptArgs) -> Result<Outcome, Failure> {
    let study = arguments.study.parse().map_err(|error: model::BadStudyId| Failure::usage(error.to_string()))?;
    let place = |error: landscape::sources::SourceError| Failure::usage(error.to_string());
    let spec: SourceSpec = arguments.from.parse().map_err(place)?;
    let spec = match spec {
        // The server may run in another folder.
        SourceSpec::Folder(_) => SourceSpec::Folder(spec.location().map_err(place)?.into()),
        other => other,
    };
    let task = Task {
        study,
        from: spec.to_string(),
        prefix: arguments.prefix.clone().unwrap_or_default(),
        removes: arguments.remove,
    };
    let config = Config::read(global.config.as_deref())?;
    let runtime = runtime()?;
    let stop = Arc::new(AtomicBool::new(false));
    let sums = runtime.block_on(async {
        let on_signal = Arc::clone(&stop);
        let signal = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                on_signal.store(true, Ordering::Relaxed);
            }
        });
        let counter = Arc::new(Counter::new(global, &config, true));
        let adopted = adopt(global, arguments, spec, task, &counter, &stop).await;
        counter.close().await;
        signal.abort();
        adopted
    })?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::failed("stopped", anyhow::anyhow!("stopped: {}", sums.words()))
            .hint("run the same command again to go on"));
    }
    if sums.failed > 0 {
        return Err(Failure::failed("adopt", anyhow::anyhow!("{} objects were not adopted", sums.failed))
            .hint("their lines say why; run the same command again once that is mended"));
    }
    Ok(Outcome::Done)
}

async fn adopt(
    global: &Global,
    arguments: &AdoptArgs,
    spec: SourceSpec,
    task: Task,
    counter: &Arc<Counter>,
    stop: &Arc<AtomicBool>,
) -> Result<Sums, Failure> {
    let (send, mut listed) = mpsc::channel(LISTED_AHEAD);
    let (excluded, runtime) = (vec![global.data_dir.clone()], tokio::runtime::Handle::current());
    let stops = Arc::clone(stop);
    let listing = tokio::task::spawn_blocking(move || {
        let mut each = |one| !stops.load(Ordering::Relaxed) && send.blocking_send(one).is_ok();
        list(&spec, &excluded, runtime, &mut each)
    });
    let bar = Bar::new(!global.quiet && arguments.format == ListFormat::Text && std::io::stderr().is_terminal());
    let (task, mut sums, mut open) = (Arc::new(task), Sums::default(), JoinSet::new());
    loop {
        let room = open.len() < AT_A_TIME && !stop.load(Ordering::Relaxed);
        let told = tokio::select! {
            Some(done) = open.join_next() => done.unwrap_or_else(|_stopped| json!({ "state": "failed" })),
            one = listed.recv(), if room => match one {
                None if open.is_empty() => break,
                None => match open.join_next().await {
                    Some(done) => done.unwrap_or_else(|_stopped| json!({ "state": "failed" })),
                    None => break,
                },
                Some(Listed::Left { name, why }) => json!({ "object": name, "state": "left", "why": why }),
                Some(Listed::Object { name, .. }) => {
                    let (task, counter) = (Arc::clone(&task), Arc::clone(counter));
                    open.spawn(async move { one_object(&task, &counter, &name).await });
                    continue;
                }
            },
            else => break,
        };
        sums.count(&told);
        bar.passed(1, told.get("bytes").and_then(Value::as_u64).unwrap_or(0));
        print(&told, arguments.format)?;
    }
    bar.clear();
    drop(listed);
    match listing.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Failure::failed("source", error)),
        Err(_stopped) => return Err(Failure::failed("source", anyhow::anyhow!("listing was stopped"))),
    }
    match arguments.format {
        ListFormat::Json => print(&sums.told(), ListFormat::Json)?,
        ListFormat::Text => crate::catalogue::print(&mut std::io::stdout().lock(), &[sums.words()]).map(drop)?,
    }
    Ok(sums)
}

async fn one_object(task: &Task, counter: &Counter, name: &str) -> Value {
    match counter.obey(task.request(name)).await {
        Ok(mut told) => told.pop().unwrap_or_default(),
        Err(failure) => json!({ "object": name, "state": "failed", "why": failure.words() }),
    }
}

fn print(told: &Value, format: ListFormat) -> Result<(), Failure> {
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    let line = match format {
        ListFormat::Json => told.to_string(),
        ListFormat::Text => {
            let labels = told.get("labels").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let labels: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
            let more = if text("why").is_empty() { labels.join(" ") } else { text("why").to_owned() };
            format!("{:<8}{}  {more}", text("state"), printable(text("object"))).trim_end().to_owned()
        }
    };
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed("output", error)),
        _ => Ok(()),
    }
}
