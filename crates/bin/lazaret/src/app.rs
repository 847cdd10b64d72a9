//! The wiring: the only place that knows every part.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Global, LogFormat};
use crate::failure::{Failure, Outcome};
use crate::{
    access, behaving, catalogue, clocks, detecting, exposing, findings, guarding, hunting, incidents, knowing,
    planning, playing, recovering, scan, up,
};

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
    quiet_panics();
    if let Command::Verify(arguments) = &cli.command {
        return guarding::verify(&cli.global, arguments);
    }
    match run(cli) {
        Ok(outcome) => outcome.into(),
        Err(failure) => failure.tell(),
    }
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.command {
        Command::Up(arguments) => up::run(&cli.global, &arguments),
        Command::Scan(arguments) => scan::run(&cli.global, &arguments),
        Command::Search(arguments) => catalogue::search(&cli.global, &arguments),
        Command::Label(arguments) => catalogue::label(&cli.global, &arguments),
        Command::Schedule(command) => catalogue::schedule(&cli.global, &command),
        Command::Invite(arguments) => catalogue::invite(&cli.global, &arguments),
        Command::Recognizers(arguments) => catalogue::recognizers(&arguments),
        Command::Study(command) => guarding::study(&cli.global, &command),
        Command::User(command) => guarding::user(&cli.global, &command),
        Command::Grant(arguments) => guarding::grant(&cli.global, &arguments),
        Command::Revoke(arguments) => guarding::revoke(&cli.global, &arguments),
        Command::AccessKey(command) => guarding::access_key(&cli.global, &command),
        Command::Objects(command) => guarding::objects(&cli.global, &command),
        Command::Access(command) => access::run(&cli.global, &command),
        Command::Findings(command) => findings::run(&cli.global, &command),
        Command::Intake(command) => guarding::intake(&cli.global, &command),
        Command::ScimToken(command) => guarding::scim_token(&cli.global, &command),
        Command::Quarantine(command) => guarding::quarantine(&cli.global, &command),
        Command::Backup(command) => recovering::run(&cli.global, &command),
        Command::Keys(command) => guarding::keys(&cli.global, &command),
        Command::Exposure(arguments) => exposing::run(&cli.global, &arguments),
        Command::Incidents(command) => incidents::run(&cli.global, &command),
        Command::Plan(command) => planning::run(&cli.global, &command),
        Command::Playbooks(command) => playing::run(&command),
        Command::Obligations(arguments) => clocks::run(&cli.global, &arguments),
        Command::Behave(arguments) => behaving::run(&arguments),
        Command::Intel(command) => knowing::run(&cli.global, &command),
        Command::Hunt(arguments) => hunting::run(&cli.global, &arguments),
        Command::Detect(arguments) => detecting::run(&cli.global, &arguments),
        // Its exit codes are its own: it was answered before.
        Command::Verify(_) => Ok(Outcome::Done),
    }
}

/// A foreign parser that panics on a damaged file is caught and reported as that file's problem; its trace is for logs
/// alone. Any other panic is a fault of ours and told as such.
fn quiet_panics() {
    let own = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|place| place.file().contains("registry")) {
            tracing::debug!(%panic, "a parser gave up");
        } else {
            own(panic);
        }
    }));
}

fn logging(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_env("LAZARET_LOG").unwrap_or_else(|_| {
        // The S3 library logs every refusal as an error; what was refused and why is in the record.
        let s3 = if global.verbose > 1 { level } else { "off" };
        EnvFilter::new(format!("{level},s3s={s3}"))
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}
