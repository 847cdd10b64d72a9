//! The measurements behind the numbers that the project promises. `cargo xtask bench NAME` builds this in release and
//! runs one of them.
//!
//! Rates are per **CPU-second** (user and system time of the process), so that a busy machine does not change them
//! much. Every workload runs in a process of its own, so that its peak memory is its own. Corpora are generated.

mod catalogue;
mod console;
mod cost;
mod detect;
mod exposure;
mod guard;
mod lake;
mod ledger;
mod obligations;
mod policy;
mod receive;
mod recovery;
mod scan;
mod subjects;
mod table;
mod vault;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask bench NAME
  scan      rates of recognition and reading, memory on large objects, start-up
            [--only WORKLOAD] [--megabytes N] [--full] [--peers] [--data DIR] [--format text|json]
  subjects  distinct people over many objects [--format text|json]
  catalogue what the console asks, over a million objects and a million people
  console   pages of the console over the same
  policy    decisions over 10,000 studies and 100,000 principals, access keys looked up [--format text|json]
  vault     sealing, opening, ranges, rewrapping keys, providers of the root key [--format text|json]
  ledger    durable appends and their latency, the audit, a proof among a hundred million entries
  lake      events into sealed columns: size, rate, and questions [--events N] [--keep DIR]
  exposure  whose data was exposed, over 10 million entries [--lake DIR]
  obligations  legal clocks from facts, and the oracle that has to agree [--incidents N] [--no-oracle]
  detect    Sigma rules over logs, correlations, behaviour [--data DIR] [--peers] [--format text|json]
  receive   logs of other systems at a fixed rate into the ledger, killed and resumed
            [--seconds N] [--rate N] [--format json]
  guard     the S3 gateway with policy, vault, ledger and inspection behind it; containment under load
            [--only containment] [--format json]
  recovery  backup, check and restore beside restic; from a backup to the console [--megabytes N] [--format json]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let outcome = match name {
        "scan" => scan::run(rest),
        "subjects" => subjects::run(rest),
        "catalogue" => catalogue::run(),
        "console" => console::run(),
        "policy" => policy::run(rest),
        "vault" => vault::run(rest),
        "lake" => lake::run(rest),
        "ledger" => ledger::run(),
        "exposure" => exposure::run(rest),
        "obligations" => obligations::run(rest),
        "detect" => detect::run(rest),
        "guard" => guard::run(rest),
        "recovery" => recovery::run(rest),
        "recovery-do" => recovery::work(rest),
        "receive" => receive::run(rest),
        "receive-serve" => receive::serve(rest),
        "guard-serve" => guard::serve(rest),
        _ => Err(anyhow::anyhow!("there is no bench called `{name}`\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            table::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
