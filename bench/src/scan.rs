//! `bench scan`: how fast recognition and reading are, how much memory large objects take, how soon a scan starts.

mod corpora;
mod dicom;
mod large;
mod peers;
mod start;
mod workloads;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::table::{self, Line, Style};

/// What was asked for.
#[derive(Debug, Clone)]
struct Options {
    /// Size of each generated corpus.
    megabytes: usize,
    /// Large objects at their full 5 GB.
    full: bool,
    peers: bool,
    /// Where corpora are written; kept and used again when it was named.
    data: PathBuf,
    /// Only the workload with this name.
    only: Option<String>,
    /// Set in the child process that runs one workload.
    child: bool,
    style: Style,
}

pub fn run(arguments: &[String]) -> Result<()> {
    let scratch = tempfile::tempdir().context("cannot create a folder for the corpora")?;
    let options = Options::parse(arguments, scratch.path())?;
    std::fs::create_dir_all(&options.data)?;
    if options.child {
        let name = options.only.as_deref().unwrap_or_default();
        let line = workloads::find(name).context("no such workload")?.run(&options)?;
        return table::line(Style::Json, &line);
    }
    table::head(options.style)?;
    let mut failed = 0;
    for workload in workloads::ALL.iter().filter(|workload| options.wants(workload.name)) {
        match in_child(workload.name, &options) {
            Ok(line) => table::line(options.style, &line)?,
            Err(error) => {
                failed += 1;
                table::complain(&format!("`{}` failed: {error:#}", workload.name));
            }
        }
    }
    if options.peers {
        for line in peers::run(&options)? {
            table::line(options.style, &line)?;
        }
    }
    if failed > 0 { bail!("{failed} workloads failed") } else { Ok(()) }
}

impl Options {
    fn parse(arguments: &[String], scratch: &Path) -> Result<Self> {
        let mut options = Self {
            megabytes: 100,
            full: false,
            peers: false,
            data: scratch.to_owned(),
            only: None,
            child: false,
            style: Style::Text,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--megabytes" => options.megabytes = value()?.parse().context("`--megabytes` needs a whole number")?,
                "--full" => options.full = true,
                "--peers" => options.peers = true,
                "--data" => options.data = value()?.into(),
                "--only" => options.only = Some(value()?.clone()),
                "--child" => options.child = true,
                "--format" => {
                    options.style = match value()?.as_str() {
                        "text" => Style::Text,
                        "json" => Style::Json,
                        other => bail!("`--format {other}` is neither `text` nor `json`"),
                    }
                }
                other => bail!("`{other}` is no option of `bench scan`"),
            }
        }
        if let Some(name) = &options.only
            && workloads::find(name).is_none()
        {
            let names: Vec<_> = workloads::ALL.iter().map(|workload| workload.name).collect();
            bail!("there is no workload `{name}`; there are {}", names.join(", "));
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == name)
    }
}

/// Runs a workload in a process of its own, so that its peak memory and start-up are its own.
fn in_child(name: &str, options: &Options) -> Result<Line> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["scan", "--child", "--only", name, "--megabytes", &options.megabytes.to_string(), "--data"]);
    command.arg(&options.data);
    if options.full {
        command.arg("--full");
    }
    let output = command.stderr(std::process::Stdio::inherit()).output().context("cannot start the bench again")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value =
        serde_json::from_str(text.trim()).with_context(|| format!("its process ended with {}", output.status))?;
    Line::from_json(&value).context("its process answered with something else")
}
