//! `lazaret access`: who can reach what and why, requests, reviews, policies.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use guard::{AccessRequest, Request};

use crate::cli::{Global, ListFormat};
use crate::failure::{Failure, Outcome};
use crate::guarding::tell;

/// The longest text of a policy that is read, in bytes.
const POLICY_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Who can reach a study or an object of it, by which grants and policies; and what of it is refused, with what to do.
    WhoCanReach {
        /// The study, or the study and an object in it.
        #[arg(value_name = "STUDY[/OBJECT]")]
        place: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// What somebody can reach.
    Reach {
        /// Its name.
        name: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Requests that wait, and grants that wait for a second person.
    Requests {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Approve a request, or countersign a grant.
    Approve {
        /// The grant's number.
        grant: u32,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Refuse a request.
    Reject {
        /// The grant's number.
        grant: u32,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Grants that nobody uses, and emergencies that nobody reviewed.
    Review {
        /// Not used for so many days.
        #[arg(long, default_value_t = 90, value_name = "N")]
        days: u32,
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Policies: those in force, and changes with what they would change.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show those in force.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show what a policy would change, and change nothing.
    Preview {
        /// Its text in Cedar.
        file: PathBuf,
        /// How the difference is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Put a policy in force.
    Apply {
        /// Its text in Cedar.
        file: PathBuf,
        /// The version that the preview showed; nothing is done when somebody changed the policy since.
        #[arg(long, value_name = "VERSION")]
        previewed: Option<u32>,
        /// How the difference is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Take a policy of the organisation out of force; what was shipped under its id holds again.
    Remove {
        /// Its id.
        id: String,
        /// How the difference is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

pub(crate) fn run(global: &Global, command: &AccessCommand) -> Result<Outcome, Failure> {
    const GRANT: &[&str] = &["kind", "grant", "emergency", "state", "name", "study", "role", "actions", "reason"];
    const DIFFERENCE: &[&str] = &["name", "study", "labels", "action", "case", "before", "after", "summary"];
    let (request, format, shown): (AccessRequest, ListFormat, &[&str]) = match command {
        AccessCommand::WhoCanReach { place, format } => {
            let (study, object) = place.split_once('/').map_or((place.as_str(), None), |(s, o)| (s, Some(o)));
            let study = study.parse().map_err(|error: model::BadStudyId| Failure::usage(error.to_string()))?;
            let object = object.filter(|object| !object.is_empty()).map(str::to_owned);
            let shown = &["name", "kind", "action", "allowed", "policies", "grants", "because", "hint"];
            (AccessRequest::Who { study, object }, *format, shown)
        }
        AccessCommand::Reach { name, format } => {
            let shown = &["study", "labels", "action", "allowed", "policies", "grants", "because", "hint"];
            (AccessRequest::Reach { name: name.clone() }, *format, shown)
        }
        AccessCommand::Requests { format } => (AccessRequest::Requests, *format, GRANT),
        AccessCommand::Approve { grant, format } => {
            (AccessRequest::Decide { grant: *grant, approve: true }, *format, &["grant", "state"])
        }
        AccessCommand::Reject { grant, format } => {
            (AccessRequest::Decide { grant: *grant, approve: false }, *format, &["grant", "state"])
        }
        AccessCommand::Review { days, format } => (AccessRequest::Review { days: *days }, *format, GRANT),
        AccessCommand::Policy(PolicyCommand::List { format }) => {
            (AccessRequest::PolicyList, *format, &["id", "effect", "version", "title", "hint"])
        }
        AccessCommand::Policy(PolicyCommand::Preview { file, format }) => {
            (AccessRequest::PolicyPreview { text: text(file)? }, *format, DIFFERENCE)
        }
        AccessCommand::Policy(PolicyCommand::Apply { file, previewed, format }) => {
            (AccessRequest::PolicyApply { text: text(file)?, version: *previewed }, *format, DIFFERENCE)
        }
        AccessCommand::Policy(PolicyCommand::Remove { id, format }) => {
            (AccessRequest::PolicyRemove { id: id.clone() }, *format, DIFFERENCE)
        }
    };
    tell(global, Request::Access(request), format, shown)
}

/// A policy's text.
fn text(file: &Path) -> Result<String, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("`{}` cannot be read: {why}", file.display()))
            .hint("give a file that holds one policy in Cedar, with `@id`, `@title`, `@why` and `@hint`")
    };
    let about = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if about.len() > POLICY_BYTES_MAX {
        return Err(wrong(format!("it is longer than {} KiB", POLICY_BYTES_MAX / 1024)));
    }
    std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))
}
