//! `lazaret backup`: backups of the data folder, their proof, restores and drills.

mod bring;
mod schedule;
mod settings;
mod watched;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use guard::recovering::{Staging, about};
use guard::{BackupRequest, Guarded, Operator, Request};
use serde_json::{Value, json};

use bring::{blocking, bring, seconds, try_out};
pub(crate) use schedule::keep_backed_up;
pub(crate) use settings::RecoverySettings;
use settings::Repositories;

use crate::cli::{Global, ListFormat, UpArgs};
use crate::config::Config;
use crate::data::{now, runtime};
use crate::failure::{Failure, Outcome};
use crate::guarding::Counter;

/// Where backups lie; the settings say it unless it is given here. Passwords are `LAZARET_BACKUP_PASSWORD` and
/// `LAZARET_BACKUP_KEY_PASSWORD`, or lie in files that the settings name.
#[derive(Debug, Clone, Args)]
pub(crate) struct At {
    /// The repository of everything but keys: a folder.
    #[arg(long, value_name = "PLACE")]
    pub repository: Option<String>,
    /// The repository of keys, apart from it.
    #[arg(long, value_name = "PLACE")]
    pub key_repository: Option<String>,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Make a backup, restore it into scratch and prove that it is one.
    Create {
        #[command(flatten)]
        at: At,
        /// Do not restore and prove it now.
        #[arg(long)]
        unproven: bool,
    },
    /// Show the snapshots of both repositories.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Check both repositories.
    Check {
        #[command(flatten)]
        at: At,
        /// Read every byte too.
        #[arg(long)]
        read_data: bool,
        /// Also restore the newest snapshot into scratch and prove it.
        #[arg(long)]
        prove: bool,
    },
    /// Whether somebody encrypted watched folders, and the last backup before it.
    Suspect {
        #[command(flatten)]
        at: At,
    },
    /// Restore a data folder. Stopped and started again, it goes on.
    Restore(RestoreArgs),
    /// Restore into scratch against the clock, prove what is there, and hold it against the targets in the settings.
    Drill {
        #[command(flatten)]
        at: At,
        /// The snapshot: the beginning of its id, or `latest`.
        #[arg(long, default_value = "latest")]
        snapshot: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub at: At,
    /// The snapshot: the beginning of its id, or `latest`.
    #[arg(default_value = "latest")]
    pub snapshot: String,
    /// The folder to restore into: empty, or not there yet.
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// The root key's file, which is in no backup; it is put where it belongs.
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// Studies whose objects come back first, in this order; may be given several times.
    #[arg(long = "study", value_name = "ID")]
    pub studies: Vec<model::StudyId>,
    /// Then start the server on it, with the settings that were backed up unless `--config` gives others.
    #[arg(long)]
    pub start: bool,
    /// Where the console listens after `--start`.
    #[arg(long, env = "LAZARET_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Where S3 listens after `--start`.
    #[arg(long, env = "LAZARET_S3_LISTEN", value_name = "ADDRESS:PORT")]
    pub s3_listen: Option<std::net::SocketAddr>,
}

pub(crate) fn run(global: &Global, command: &BackupCommand) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    let at = match command {
        BackupCommand::Create { at, .. }
        | BackupCommand::List { at }
        | BackupCommand::Check { at, .. }
        | BackupCommand::Suspect { at }
        | BackupCommand::Drill { at, .. } => at,
        BackupCommand::Restore(arguments) => &arguments.at,
    };
    let runtime = runtime()?;
    let (main, keys) = (at.repository.as_deref(), at.key_repository.as_deref());
    let repositories = config.recovery.repositories(main, keys, runtime.handle())?;
    match command {
        BackupCommand::Create { unproven, .. } => {
            let made = runtime.block_on(create(global, &config, &repositories, !unproven))?;
            show(&made, at.format, &made_lines)
        }
        BackupCommand::List { .. } => {
            let all = runtime.block_on(list(&repositories))?;
            show(&all, at.format, &list_lines)
        }
        BackupCommand::Check { read_data, prove, .. } => {
            let found = runtime.block_on(check(global, &config, &repositories, *read_data, *prove))?;
            show(&found, at.format, &|value| vec![serde_json::to_string_pretty(value).unwrap_or_default()])?;
            verdict(&found)
        }
        BackupCommand::Drill { snapshot, .. } => {
            let report = runtime.block_on(drill(global, &config, &repositories, snapshot))?;
            show(&report, at.format, &drill_lines)?;
            verdict(&report)
        }
        BackupCommand::Suspect { .. } => {
            let found = runtime.block_on(watched::suspect(&config.recovery, &repositories))?;
            let is_found = !found["suspicion"].is_null();
            show(&found, at.format, &watched::lines)?;
            Ok(if is_found { Outcome::Found } else { Outcome::Done })
        }
        BackupCommand::Restore(arguments) => {
            let brought = runtime.block_on(restore(&config, &repositories, arguments))?;
            show(&brought, at.format, &restored_lines)?;
            drop(runtime);
            if arguments.start { start(global, arguments) } else { Ok(Outcome::Done) }
        }
    }
}

/// `holds` of a report as the end of a command.
fn verdict(report: &Value) -> Result<Outcome, Failure> {
    if report["holds"] == true {
        return Ok(Outcome::Done);
    }
    Err(Failure::faulty("not-proven", "it does not hold; what is wrong stands above")
        .hint("an older snapshot may be whole: `lazaret backup drill --snapshot ID` tells"))
}

fn show(value: &Value, format: ListFormat, lines: &dyn Fn(&Value) -> Vec<String>) -> Result<Outcome, Failure> {
    let lines = match format {
        ListFormat::Json => vec![value.to_string()],
        ListFormat::Text => lines(value),
    };
    crate::catalogue::print(&mut std::io::stdout().lock(), &lines)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn made_lines(value: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "snapshot {}: {} files, {} bytes, {} bytes added; root {}",
        text(&value["snapshot"]),
        value["files"],
        value["bytes"],
        value["added_bytes"],
        text(&value["root"])
    )];
    let problems = value["problems"].as_array().into_iter().flatten();
    lines.extend(
        problems.map(|one| crate::scan::printable(&format!("left out: {}: {}", text(&one["path"]), text(&one["why"])))),
    );
    match &value["proof"] {
        Value::Null => lines.push("not proven: `lazaret backup check --prove` restores and proves it".to_owned()),
        proof => lines.push(format!(
            "proven: {} objects of {} opened, canary {}",
            proof["sample"]["opened"],
            proof["sample"]["of"],
            text(&proof["canary"])
        )),
    }
    lines
}

fn list_lines(value: &Value) -> Vec<String> {
    let line = |one: &Value| {
        let made = jiff::Timestamp::from_millisecond(one["made_ms"].as_i64().unwrap_or_default()).unwrap_or_default();
        let id = text(&one["id"]);
        format!(
            "{}  {made:.0}  {} files  {} bytes  {}",
            id.get(..8).unwrap_or(&id),
            one["files"],
            one["bytes"],
            text(&one["host"])
        )
    };
    let of = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut lines: Vec<String> = of("main").iter().map(line).collect();
    lines.extend(of("keys").iter().map(|one| format!("{}  (keys)", line(one))));
    lines.into_iter().map(|line| crate::scan::printable(&line)).collect()
}

fn drill_lines(value: &Value) -> Vec<String> {
    vec![
        format!(
            "snapshot {}: {}",
            text(&value["snapshot"]),
            if value["holds"] == true { "holds" } else { "does NOT hold" }
        ),
        format!("newest entry is {} old, target {}", text(&value["rpo"]), text(&value["rpo_target"])),
        format!("restored and proven in {}, target {}", text(&value["rto"]), text(&value["rto_target"])),
        serde_json::to_string_pretty(&value["proof"]).unwrap_or_default(),
    ]
}

fn restored_lines(value: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "restored snapshot {}: {} files, {} bytes; root {}",
        text(&value["snapshot"]),
        value["files"],
        value["bytes"],
        text(&value["restored_root"])
    )];
    if value["keys_snapshot"].is_null() {
        lines.push("there are no keys in the key repository: nothing that is sealed can be opened".to_owned());
    }
    lines
}

/// Who records what is done: a running server, this process over the data folder, or the server itself.
enum Desk<'a> {
    Counter(&'a Counter),
    Server(&'a Guarded),
}

impl Desk<'_> {
    async fn record(&self, request: BackupRequest) -> Result<Value, Failure> {
        let answer = match self {
            Self::Counter(counter) => counter.obey(Request::Backup(request)).await?,
            Self::Server(guarded) => {
                let operator = Operator { user: guard::own_name(), through: "schedule" };
                let answer = guarded.obey(&operator, Request::Backup(request)).await;
                answer.map_err(|error| Failure::failed("refused", anyhow::anyhow!(guard::whole(&error))))?
            }
        };
        Ok(answer.into_iter().next().unwrap_or_default())
    }

    /// Records what came of something. What fails is told as it failed.
    async fn end(&self, kind: &str, id: &str, done: &Result<Value, Failure>) -> Result<(), Failure> {
        let (told, failure) = match done {
            Ok(value) => {
                let holds = value["holds"] != false;
                let told = format!("snapshot {}, root {}", text(&value["snapshot"]), text(&value["root"]));
                (told, (!holds).then(|| format!("{kind}:not-proven")))
            }
            Err(_) => (String::new(), Some(format!("{kind}:failed"))),
        };
        let request = BackupRequest::End { kind: kind.to_owned(), id: id.to_owned(), told, failure };
        self.record(request).await.map(drop)
    }
}

async fn create(global: &Global, config: &Config, repositories: &Repositories, proves: bool) -> Result<Value, Failure> {
    if !global.data_dir.is_dir() {
        return Err(Failure::usage(format!("there is no data folder `{}`", global.data_dir.display()))
            .hint("give the folder with `--data-dir`"));
    }
    let counter = Counter::new(global, config, false);
    let done = recorded(&Desk::Counter(&counter), global, config, repositories, proves).await;
    counter.close().await;
    done
}

/// Makes a backup and records its beginning and its end.
async fn recorded(
    desk: &Desk<'_>,
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    proves: bool,
) -> Result<Value, Failure> {
    let id = format!("{}", now());
    let begun = desk.record(BackupRequest::Begin { id: id.clone() }).await?;
    let done = back_up(global, config, repositories, &id, &begun["canary"], proves).await;
    desk.end("backup", &id, &done).await?;
    done
}

async fn back_up(
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    id: &str,
    canary: &Value,
    proves: bool,
) -> Result<Value, Failure> {
    let settings = &config.recovery;
    let material = settings.material(config, global.config.as_deref());
    let staged = |error: guard::OpsError| Failure::failed("backup", anyhow::anyhow!(guard::whole(&error)));
    let mut staging = Staging::begin(&global.data_dir, now()).map_err(staged)?;
    let mut pieces = Vec::new();
    if material.has_database {
        pieces.push(staging.database().await.map_err(staged)?);
    } else {
        tracing::warn!(
            "the catalogue lies in PostgreSQL and is not in this backup; back it up with `pg_dump` at the same time"
        );
    }
    let keys = staging.keys().await.map_err(staged)?;
    let host = host();
    let (key_repository, named, time) = (repositories.keys.clone(), host.clone(), now());
    let key_about = json!({ "backup": id });
    let keys_made = blocking(move || recovery::make(&key_repository, keys, key_about, &named, time)).await?;
    let (record, reach) = staging.record().map_err(staged)?;
    pieces.extend(record);
    pieces.extend(staging.rest(&material));
    pieces.extend(watched::listing(settings, repositories, &mut staging.problems).await?);
    let about = about(id, reach, canary, material.has_database);
    let (repository, time) = (repositories.main.clone(), now());
    let mut made = blocking(move || recovery::make(&repository, pieces, about, &host, time)).await?;
    made.problems.append(&mut staging.problems);
    made.problems.extend(keys_made.problems.iter().cloned());
    drop(staging);
    let (main, keys, keep, keep_keys) =
        (repositories.main.clone(), repositories.keys.clone(), settings.keep(), settings.keep_keys());
    // Keys that are over must go, or what was shredded could come back; other snapshots may stay, such as where a lock keeps them.
    let expired = blocking(move || Ok((main.expire(&keep, now()), keys.expire(&keep_keys, now())?))).await?;
    if let Err(error) = &expired.0 {
        tracing::warn!(%error, "snapshots that are over stay in the main repository");
    }
    let proven =
        if proves { Some(try_out(repositories, settings, &made.snapshot, root(global, config)?).await?) } else { None };
    let holds = proven.as_ref().map(|proven| proven.proof.holds);
    let mut value = serde_json::to_value(&made).map_err(|error| Failure::failed("output", error))?;
    value["keys_snapshot"] = json!(keys_made.snapshot);
    value["entries"] = json!(reach.entries);
    value["expired"] =
        json!({ "main": expired.0.map(|gone| gone.snapshots).unwrap_or_default(), "keys": expired.1.snapshots });
    value["holds"] = json!(holds);
    value["proof"] = json!(proven.as_ref().map(|proven| &proven.proof));
    value["proof_seconds"] = json!(proven.as_ref().map(|proven| proven.seconds));
    Ok(value)
}

/// This machine's name, by which a snapshot finds the one before it.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Where the root key is, for a data folder that runs here.
fn root(global: &Global, config: &Config) -> Result<(PathBuf, guard::RootKeyAt), Failure> {
    Ok((global.data_dir.join(guard::KEYS), crate::guarding::root_key(config)?))
}

async fn list(repositories: &Repositories) -> Result<Value, Failure> {
    let both = repositories.clone();
    let (main, keys) = blocking(move || Ok((both.main.snapshots()?, both.keys.snapshots()?))).await?;
    Ok(json!({ "main": main, "keys": keys }))
}

async fn check(
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    reads_data: bool,
    proves: bool,
) -> Result<Value, Failure> {
    let both = repositories.clone();
    let (main, keys) = blocking(move || Ok((both.main.check(reads_data)?, both.keys.check(reads_data)?))).await?;
    let proven = match proves && main.holds && keys.holds {
        true => Some(try_out(repositories, &config.recovery, "latest", root(global, config)?).await?),
        false => None,
    };
    let holds = main.holds && keys.holds && proven.as_ref().is_none_or(|proven| proven.proof.holds);
    Ok(json!({ "holds": holds, "main": main, "keys": keys, "proof": proven }))
}

async fn drill(
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    snapshot: &str,
) -> Result<Value, Failure> {
    let counter = Counter::new(global, config, false);
    let id = format!("{}", now());
    let done = drilled(global, config, repositories, snapshot).await;
    let recorded = Desk::Counter(&counter).end("drill", &id, &done).await;
    counter.close().await;
    let done = done?;
    recorded?;
    Ok(done)
}

async fn drilled(
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    snapshot: &str,
) -> Result<Value, Failure> {
    let targets = config.recovery.targets();
    let asked_ms = now();
    let proven = try_out(repositories, &config.recovery, snapshot, root(global, config)?).await?;
    let age = |since: i64| Duration::from_millis(u64::try_from(asked_ms - since).unwrap_or(0));
    let rpo = age(proven.proof.newest_entry_ms.unwrap_or(proven.restore.made_ms));
    let rto = Duration::from_secs_f64(proven.seconds);
    let holds = proven.proof.holds && rpo <= targets.rpo && rto <= targets.rto;
    Ok(json!({
        "snapshot": proven.restore.snapshot,
        "root": proven.restore.root,
        "holds": holds,
        "rpo_seconds": rpo.as_secs(),
        "rpo_target_seconds": targets.rpo.as_secs(),
        "rpo": seconds(rpo),
        "rpo_target": seconds(targets.rpo),
        "rto_seconds": proven.seconds,
        "rto_target_seconds": targets.rto.as_secs(),
        "rto": seconds(rto),
        "rto_target": seconds(targets.rto),
        "restore": proven.restore,
        "proof": proven.proof,
    }))
}

async fn restore(config: &Config, repositories: &Repositories, arguments: &RestoreArgs) -> Result<Value, Failure> {
    let studies = if arguments.studies.is_empty() { &config.recovery.study_order } else { &arguments.studies };
    let brought = bring(repositories, &arguments.snapshot, &arguments.into, studies).await?;
    if let Some(from) = &arguments.root_key {
        put_root_key(from, &arguments.into)?;
    }
    serde_json::to_value(&brought).map_err(|error| Failure::failed("output", error))
}

/// Puts the root key's file where it belongs, for its owner alone.
fn put_root_key(from: &Path, into: &Path) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: std::io::Error| {
        Failure::failed(
            "root-key",
            anyhow::anyhow!("the root key `{}` cannot be put in place: {error}", from.display()),
        )
    };
    let bytes = zeroize::Zeroizing::new(std::fs::read(from).map_err(failed)?);
    let to = into.join(guard::KEYS).join("root.json");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(to).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// The server on a restored folder: from a backup to the console by one command.
fn start(global: &Global, arguments: &RestoreArgs) -> Result<Outcome, Failure> {
    let mut global = global.clone();
    global.data_dir.clone_from(&arguments.into);
    let kept = arguments.into.join("restored/settings/lazaret.toml");
    if global.config.is_none() && kept.is_file() {
        global.config = Some(kept);
    }
    let config = Config::read(global.config.as_deref())?;
    if config.guard.root_key.is_none() && !arguments.into.join(guard::KEYS).join("root.json").is_file() {
        return Err(Failure::usage("everything is restored, and there is no root key to open it with")
            .hint("put the root key's file at `keys/root.json` of the folder, or give it with `--root-key`, then start `lazaret up`"));
    }
    crate::up::run(&global, &UpArgs { sample: false, listen: arguments.listen, s3_listen: arguments.s3_listen })
}
