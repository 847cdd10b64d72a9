//! Lazaret's command line. All wiring is in `app`.

mod app;
mod cli;
mod failure;
mod scan;

fn main() -> std::process::ExitCode {
    app::main()
}
