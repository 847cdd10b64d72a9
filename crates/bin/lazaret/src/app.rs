//! The wiring: the only place that knows every part.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Global, LogFormat};
use crate::failure::{Failure, Outcome};
use crate::scan;

pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not faults.
            let exit = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(exit);
        }
    };
    logging(&cli.global);
    match run(cli) {
        Ok(outcome) => outcome.into(),
        Err(failure) => failure.tell(),
    }
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.command {
        Command::Scan(arguments) => scan::run(&cli.global, &arguments),
    }
}

fn logging(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_env("LAZARET_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}
