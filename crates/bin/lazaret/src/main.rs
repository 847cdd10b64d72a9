//! Lazaret's command line. All wiring is in `app`.

mod access;
mod adopting;
mod app;
mod behaving;
mod catalogue;
mod cli;
mod config;
mod data;
mod detecting;
mod failure;
mod guarding;
mod hunting;
mod scan;
mod up;

fn main() -> std::process::ExitCode {
    app::main()
}
