//! `lazaret findings`: what detection found, and what is done about it.

use clap::Subcommand;
use guard::{FindingsRequest, Request};

use crate::cli::{Global, ListFormat};
use crate::failure::{Failure, Outcome};
use crate::guarding::tell;

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60_000;

#[derive(Debug, Subcommand)]
pub(crate) enum FindingsCommand {
    /// Show findings, the most urgent first.
    List {
        /// Only those in this state: `new`, `in-progress`, `suppressed`, `resolved`, or `any`; new and in progress when not
        /// given.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show what one tells, with its evidence. That it is looked at is recorded.
    Show {
        /// Its number.
        id: u32,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Take one up, settle it, open it again, say something, or learn who it is about.
    Change {
        /// Its number.
        id: u32,
        /// `take-up`, `true-positive`, `false-positive`, `benign`, `reopen`, `note`, `unmask`.
        what: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let nobody be alarmed by a rule for some days.
    Suppress {
        /// The rule's id.
        rule: String,
        /// For how many days.
        #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=90))]
        days: i64,
        /// By this actor alone.
        #[arg(long)]
        name: Option<String>,
        /// In this study alone.
        #[arg(long, value_name = "ID")]
        study: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show suppressions that hold.
    Suppressions {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// End a suppression.
    EndSuppression {
        /// Its number.
        id: u32,
        /// Why.
        #[arg(long)]
        reason: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show rules, how often they matched, and what reviewers said.
    Rules {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

pub(crate) fn run(global: &Global, command: &FindingsCommand) -> Result<Outcome, Failure> {
    const LISTED: &[&str] =
        &["finding", "rank", "level", "state", "last", "title", "study", "principal", "subjects", "matches"];
    const SUPPRESSED: &[&str] = &["suppression", "rule", "principal", "study", "until", "matches", "held"];
    let (request, format, shown): (FindingsRequest, ListFormat, &[&str]) = match command {
        FindingsCommand::List { state, limit, format } => {
            (FindingsRequest::List { state: state.clone(), limit: *limit }, *format, LISTED)
        }
        FindingsCommand::Show { id, format } => (FindingsRequest::Show { id: *id }, *format, &[]),
        FindingsCommand::Change { id, what, reason, format } => {
            let shown = &["finding", "state", "verdict", "title", "name"];
            (FindingsRequest::Change { id: *id, what: what.clone(), reason: reason.clone() }, *format, shown)
        }
        FindingsCommand::Suppress { rule, days, name, study, reason, format } => {
            let study = study.as_deref().map(str::parse).transpose();
            let study = study.map_err(|error: model::BadStudyId| Failure::usage(error.to_string()))?;
            let until = crate::data::now().saturating_add(days.saturating_mul(DAY_MS));
            let (rule, name, reason) = (rule.clone(), name.clone(), reason.clone());
            (FindingsRequest::Suppress { rule, name, study, until, reason }, *format, SUPPRESSED)
        }
        FindingsCommand::Suppressions { format } => (FindingsRequest::Suppressions, *format, SUPPRESSED),
        FindingsCommand::EndSuppression { id, reason, format } => {
            (FindingsRequest::EndSuppression { id: *id, reason: reason.clone() }, *format, SUPPRESSED)
        }
        FindingsCommand::Rules { format } => {
            let shown =
                &["id", "level", "matches", "findings", "confirmed", "dismissed", "last", "title", "rejected", "why"];
            (FindingsRequest::Rules, *format, shown)
        }
    };
    tell(global, Request::Findings(request), format, shown)
}
