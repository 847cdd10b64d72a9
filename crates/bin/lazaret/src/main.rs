//! Lazaret's command line. All wiring is in `app`.

mod access;
mod adopting;
mod answering;
mod app;
mod behaving;
mod catalogue;
mod cli;
mod config;
mod data;
mod detecting;
mod failure;
mod findings;
mod guarding;
mod hunting;
mod knowing;
mod recovering;
mod scan;
mod up;
mod watching;

fn main() -> std::process::ExitCode {
    app::main()
}
