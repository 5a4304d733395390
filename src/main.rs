//! The `pilothouse` program: arguments in, exit code out.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use pilothouse::cli::{Action, Cli, TokenChange};
use pilothouse::client::Failure;
use pilothouse::clock::Clock;
use pilothouse::{access, app, backup, client, config, doctor};

fn main() -> ExitCode {
    let clock = Clock::start();
    let failed = match run(Cli::parse(), clock) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    let (words, code) = match failed.downcast_ref::<Failure>() {
        Some(failure) => (failure.words(), failure.code()),
        // As for a flag that is wrong.
        None if failed.is::<config::ConfigError>() => (Some(format!("{failed:#}")), 2),
        None => (Some(format!("{failed:#}")), 1),
    };
    if let Some(words) = words {
        let _ = writeln!(std::io::stderr(), "pilothouse: {words}");
    }
    ExitCode::from(code)
}

fn run(cli: Cli, clock: Clock) -> anyhow::Result<()> {
    let action = cli.command.clone();
    let config = config::load(config::Inputs {
        cli,
        env: std::env::vars_os().collect(),
        folder: std::env::current_dir()?,
        exe: std::env::current_exe().ok(),
    });
    if let Some(Action::Doctor { json }) = action {
        return Ok(doctor::run(config, json, clock)?);
    }
    let config = config?;
    match action {
        Some(Action::Config { json: true }) => {
            let document = config::Live::new(&config, config.bridge.clone()).document();
            Ok(writeln!(std::io::stdout(), "{}", serde_json::Value::from(document))?)
        }
        Some(Action::Config { json: false }) => Ok(std::io::stdout().write_all(config.table().as_bytes())?),
        Some(Action::Token { json, change }) => {
            Ok(std::io::stdout().write_all(token(&config.data_dir, change, json, clock)?.as_bytes())?)
        }
        Some(Action::Backup { file }) => {
            let manifest = backup::write(&places(&config), &file, clock)?;
            let session = if manifest.session_files > 0 { "database and session are" } else { "the database is" };
            Ok(writeln!(std::io::stdout(), "{session} in {}", file.display())?)
        }
        Some(Action::Restore { file, force }) => {
            let manifest = backup::restore(&places(&config), &file, force)?;
            Ok(writeln!(std::io::stdout(), "restored as of {}", manifest.made_at)?)
        }
        Some(Action::Attach(attach)) => Ok(app::attach(&config, &attach, clock)?),
        Some(action) => Ok(client::run(&action, &config, clock)?),
        None => app::run(&config, clock),
    }
}

/// Does what is asked for with tokens, and says what there is to print: as text, or as JSON.
fn token(folder: &Path, change: Option<TokenChange>, json: bool, clock: Clock) -> Result<String, access::TokenError> {
    let token = match change {
        Some(TokenChange::Add { name, scope }) => access::add(folder, &name, scope, clock.now().wall)?,
        Some(TokenChange::Rotate) => access::rotate(folder)?,
        None => access::ensure(folder)?,
        Some(TokenChange::Revoke { name }) => return access::revoke(folder, &name).map(|()| String::new()),
        Some(TokenChange::List) if json => {
            let one = |access::Further { name, scope, created_at, .. }: &access::Further| serde_json::json!({"name": name, "scope": scope.to_string(), "created_at": created_at});
            let all: Vec<_> = access::list(folder)?.iter().map(one).collect();
            return Ok(format!("{}\n", serde_json::Value::from(all)));
        }
        Some(TokenChange::List) => {
            let line = |token: access::Further| format!("{:5}  {}  {}\n", token.scope, token.created_at, token.name);
            return Ok(access::list(folder)?.into_iter().map(line).collect());
        }
    };
    Ok(if json { format!("{}\n", serde_json::json!({"token": token})) } else { format!("{token}\n") })
}

fn places(config: &config::Config) -> backup::Places {
    backup::Places { data: config.data_dir.clone(), session: config.session_dir.clone() }
}
