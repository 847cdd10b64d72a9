//! `lazaret backup`: backups of the data folder, their proof, restores and drills.

mod bring;
mod deeds;
mod locks;
mod settings;
mod watched;
mod works;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use recovery::Progress;
use serde_json::{Value, json};

use bring::{blocking, bring};
use deeds::Deed;
pub(crate) use settings::RecoverySettings;
use settings::Repositories;
pub(crate) use works::Works;

use crate::cli::{Global, ListFormat, UpArgs};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};

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
    /// Look at the main repository as it was at a time, such as `2026-11-30T20:05:00Z`: in a bucket that keeps old versions.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// The same for the key repository.
    #[arg(long, value_name = "TIME")]
    pub keys_as_of: Option<Timestamp>,
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
    /// What was deleted and overwritten in buckets that keep old versions, and as of when the repositories were whole.
    Versions {
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
        | BackupCommand::Versions { at }
        | BackupCommand::Drill { at, .. } => at,
        BackupCommand::Restore(arguments) => &arguments.at,
    };
    let runtime = runtime()?;
    let (main, keys) = (at.repository.as_deref(), at.key_repository.as_deref());
    let is_written = matches!(command, BackupCommand::Create { .. } | BackupCommand::Versions { .. });
    if is_written && (at.as_of.is_some() || at.keys_as_of.is_some()) {
        return Err(Failure::usage(
            "`--as-of` looks at repositories as they were; `create` and `versions` take them as they are",
        ));
    }
    let repositories = config.recovery.repositories(main, keys, runtime.handle())?.as_of(at.as_of, at.keys_as_of)?;
    let done = |deed: Deed| runtime.block_on(deeds::command(global, &config, &repositories, &deed));
    match command {
        BackupCommand::Create { unproven, .. } => {
            show(&done(Deed::BackUp { proves: !unproven })?, at.format, &made_lines)
        }
        BackupCommand::List { .. } => {
            let all = runtime.block_on(list(&repositories))?;
            show(&all, at.format, &list_lines)
        }
        BackupCommand::Check { read_data, prove, .. } => {
            let found = done(Deed::Check { reads_data: *read_data, proves: *prove })?;
            show(&found, at.format, &|value| vec![serde_json::to_string_pretty(value).unwrap_or_default()])?;
            verdict(&found)
        }
        BackupCommand::Drill { snapshot, .. } => {
            let report = done(Deed::Drill { snapshot: snapshot.clone() })?;
            show(&report, at.format, &drill_lines)?;
            verdict(&report)
        }
        BackupCommand::Suspect { .. } => {
            let found = done(Deed::Look)?;
            let is_found = !found["suspicion"].is_null();
            show(&found, at.format, &watched::lines)?;
            Ok(if is_found { Outcome::Found } else { Outcome::Done })
        }
        BackupCommand::Versions { .. } => {
            let found = runtime.block_on(locks::histories(&repositories))?;
            show(&found, at.format, &locks::history_lines)?;
            Ok(if found["holds"] == true { Outcome::Done } else { Outcome::Found })
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
    lines.extend(locks::line(&value["lock"]));
    lines.extend(value["lock"]["gap"].as_str().map(|gap| format!("warning: {gap}")));
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
    let mut lines = vec![
        format!(
            "snapshot {}: {}",
            text(&value["snapshot"]),
            if value["holds"] == true { "holds" } else { "does NOT hold" }
        ),
        format!("newest entry is {} old, target {}", text(&value["rpo"]), text(&value["rpo_target"])),
        format!("restored and proven in {}, target {}", text(&value["rto"]), text(&value["rto_target"])),
    ];
    lines.extend(stage_lines(&value["restore"]["stages"]));
    lines.push(serde_json::to_string_pretty(&value["proof"]).unwrap_or_default());
    lines
}

/// What came back when.
fn stage_lines(stages: &Value) -> Vec<String> {
    let of = stages.as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |stage: &Value| match stage["files"].as_u64() {
        Some(0) => format!("{}: nothing of it is in this backup", text(&stage["what"])),
        _ => format!(
            "{}: {} files, {} bytes, there after {:.1} s",
            text(&stage["what"]),
            stage["files"],
            stage["bytes"],
            stage["seconds"].as_f64().unwrap_or_default()
        ),
    };
    of.iter().map(line).collect()
}

fn restored_lines(value: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "restored snapshot {}: {} files, {} bytes; root {}",
        text(&value["snapshot"]),
        value["files"],
        value["bytes"],
        text(&value["restored_root"])
    )];
    lines.extend(stage_lines(&value["stages"]));
    if value["keys_snapshot"].is_null() {
        lines.push("there are no keys in the key repository: nothing that is sealed can be opened".to_owned());
    }
    lines
}

async fn list(repositories: &Repositories) -> Result<Value, Failure> {
    let both = repositories.clone();
    let (main, keys) = blocking(move || Ok((both.main.snapshots()?, both.keys.snapshots()?))).await?;
    Ok(json!({ "main": main, "keys": keys }))
}

async fn restore(config: &Config, repositories: &Repositories, arguments: &RestoreArgs) -> Result<Value, Failure> {
    let studies = if arguments.studies.is_empty() { &config.recovery.study_order } else { &arguments.studies };
    let brought = bring(repositories, &arguments.snapshot, &arguments.into, studies, &Progress::default()).await?;
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
