//! `lazaret-verify`: the auditor's program. Small, without network but for the witness, and without a database.

mod arguments;
mod witness;

use std::process::ExitCode;

use verify::command::{self, USAGE};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut out, mut complaints) = (std::io::stdout().lock(), std::io::stderr().lock());
    let code = match arguments::parse(&arguments) {
        Ok(arguments::Asked::Audit(request)) => command::run(&request, &mut out, &mut complaints),
        Ok(arguments::Asked::Witness(options)) => witness::run(&options, &mut complaints),
        Ok(arguments::Asked::Help) => arguments::help(&mut out),
        Err(message) => arguments::complain(&mut complaints, &message, USAGE),
    };
    ExitCode::from(code)
}
