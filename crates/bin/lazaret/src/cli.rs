//! The command line as people type it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Label;
use recognize::engine::NamesTier;

/// Find, guard and account for the regulated and precious data of a life-science organisation.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where Lazaret keeps what it knows.
    #[arg(long, global = true, env = "LAZARET_DATA_DIR", default_value = "./lazaret-data")]
    pub data_dir: PathBuf,
    /// Settings as TOML; command-line options win over it.
    #[arg(long, global = true, env = "LAZARET_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// No progress and no logs below errors.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// More logs; twice for all of them.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How logs are written to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find what files hold: identifiers, labels, laws, and how many people they are about.
    Scan(ScanArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders to read.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ScanFormat,
    /// Report every occurrence with its place, not only counts.
    #[arg(long)]
    pub spans: bool,
    /// Say for each occurrence why it is believed; implies --spans.
    #[arg(long)]
    pub explain: bool,
    /// How person names are looked for in free text.
    #[arg(long, value_enum, default_value = "model")]
    pub names: Names,
    /// Worker threads; as many as there are processors by default.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Keep nothing: do not write to the data folder.
    #[arg(long)]
    pub no_store: bool,
    /// Exit with 3 when an object carries this label; may be given several times.
    #[arg(long, value_name = "LABEL")]
    pub fail_on: Vec<Label>,
    /// Give up on one object after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub object_timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Names {
    /// Only where structure tells (columns, fields, tags).
    Off,
    /// Also word lists, titles and triggers in free text.
    Fast,
    /// Also judged by the trained tagger.
    Model,
}

impl From<Names> for NamesTier {
    fn from(names: Names) -> Self {
        match names {
            Names::Off => Self::Off,
            Names::Fast => Self::Fast,
            Names::Model => Self::Model,
        }
    }
}
