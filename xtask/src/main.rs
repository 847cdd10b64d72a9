//! The project's own chores: `cargo xtask test`, `bench`, `soak`, `structure`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool for developers")]

mod bench;
mod names;
mod run;
mod setup;
mod soak;
mod structure;
mod test;
mod train;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().map_or(("help", &[] as &[String]), |(c, rest)| (c.as_str(), rest));
    match command {
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "soak" => soak::run(rest),
        "structure" => structure::run(),
        "setup" => setup::run(),
        "names" => names::build(&run::root()),
        "train-names" => train::run(&run::root()),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no `cargo xtask {other}`\n\n{HELP}"),
    }
}

const HELP: &str = "\
cargo xtask test        install what the tests need, then run all of them
cargo xtask bench NAME  measure; without NAME: list what can be measured
cargo xtask soak [NAME] [--minutes N]
                        fuzz every parser (or one) for N minutes each, 2 by default; `recovery` kills
                        1,000 backups and restores instead
cargo xtask structure   check crate directions, file and function sizes
cargo xtask setup       install what the tests need and nothing else
cargo xtask names       pack the lists of person names under content/names
cargo xtask train-names learn the tagger of person names anew from generated text";
