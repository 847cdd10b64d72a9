//! Lazaret's command line. All wiring is in `app`.

mod access;
mod adopting;
mod answering;
mod app;
mod behaving;
mod catalogue;
mod cli;
mod clocks;
mod config;
mod data;
mod detecting;
mod exposing;
mod failure;
mod findings;
mod guarding;
mod hunting;
mod incidents;
mod knowing;
mod mailing;
mod planning;
mod playing;
mod recovering;
mod responding;
mod scan;
mod up;
mod watching;

fn main() -> std::process::ExitCode {
    app::main()
}
