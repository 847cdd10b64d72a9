//! `lazaret plan`: whom the organisation reaches, and how, when it happens. The plan is `plan.toml` in the data folder.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use incidents::plan::{self, Plan};
use serde_json::json;

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::failure::{Failure, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Write a skeleton of a plan to fill in, unless there is one.
    Init,
    /// Tell what is wrong with the plan, and what it leaves open.
    Check {
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Write the plan as a sheet for the wall: contact tree, roles, authorities, others.
    Print {
        /// As what.
        #[arg(long = "as", value_enum, default_value = "text")]
        form: Form,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// At most 80 columns.
    Text,
    /// One page that asks for nothing from outside.
    Html,
}

fn path(global: &Global) -> PathBuf {
    global.data_dir.join(guard::PLAN)
}

/// The plan of a data folder.
pub(crate) fn read(global: &Global) -> Result<Plan, Failure> {
    let path = path(global);
    let text = guard::plan_text(&path)
        .map_err(|error| Failure::failed("plan", anyhow::anyhow!("`{}`: {error}", path.display())))?;
    let text = text.ok_or_else(|| {
        Failure::usage(format!("there is no plan at `{}`", path.display()))
            .hint("`lazaret plan init` writes a skeleton of one")
    })?;
    Plan::parse(&text).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::usage(format!("`{}`: {}", path.display(), told.join("\n"))).hint("mend these lines of the plan")
    })
}

pub(crate) fn run(global: &Global, command: &PlanCommand) -> Result<Outcome, Failure> {
    match command {
        PlanCommand::Init => {
            let path = path(global);
            std::fs::create_dir_all(&global.data_dir).map_err(|error| {
                Failure::failed("plan", anyhow::anyhow!("`{}`: {error}", global.data_dir.display()))
            })?;
            let mut options = std::fs::OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o600).open(&path);
            let mut file = made.map_err(|error| {
                Failure::usage(format!("`{}` cannot be made: {error}", path.display()))
                    .hint("a plan that is there is not overwritten; move it away first")
            })?;
            let written = file.write_all(plan::EXAMPLE.as_bytes()).and_then(|()| file.sync_all());
            written.map_err(|error| Failure::failed("plan", anyhow::anyhow!("`{}`: {error}", path.display())))?;
            let told = format!("{} was written; fill it in, then `lazaret plan check`", path.display());
            print(&mut std::io::stdout().lock(), &[told])
        }
        PlanCommand::Check { format } => {
            let plan = read(global)?;
            let library = obligations::in_force().map_err(|error| Failure::failed("content", error))?;
            let gaps = plan.gaps(&library);
            let lines: Vec<String> = match format {
                ListFormat::Json => gaps.iter().map(|gap| json!(gap).to_string()).collect(),
                ListFormat::Text if gaps.is_empty() => vec!["the plan leaves nothing open".to_owned()],
                ListFormat::Text => gaps.iter().map(ToString::to_string).collect(),
            };
            print(&mut std::io::stdout().lock(), &lines)?;
            Ok(if gaps.is_empty() { Outcome::Done } else { Outcome::Found })
        }
        PlanCommand::Print { form } => {
            let plan = read(global)?;
            let text = match form {
                Form::Text => plan.to_text(),
                Form::Html => plan.to_html(),
            };
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            print(&mut std::io::stdout().lock(), &lines)
        }
    }
}
