//! The `pilothouse` program: arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use pilothouse::cli::{Action, Cli};
use pilothouse::clock::Clock;
use pilothouse::{app, config};

fn main() -> ExitCode {
    let clock = Clock::start();
    match run(Cli::parse(), clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "pilothouse: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, clock: Clock) -> anyhow::Result<()> {
    let action = cli.command;
    let config = config::load(config::Inputs {
        cli,
        env: std::env::vars_os().collect(),
        folder: std::env::current_dir()?,
        exe: std::env::current_exe().ok(),
    })?;
    match action {
        Some(Action::Config) => Ok(std::io::stdout().write_all(config.table().as_bytes())?),
        None => app::run(&config, clock),
    }
}
