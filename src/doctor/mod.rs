//! `pilothouse doctor`: looks whether all is well on this computer, and says how to mend what is not.
//!
//! It needs no running gateway, changes nothing, and looks at everything even when much is wrong: each [`Check`] stands
//! for itself. What can't be told from here is said to be so.

mod bridge;
mod clock;
mod folders;
mod gateway;
mod programs;
mod terminal;

use serde::Serialize;

use crate::client::{self, Failure, Out, Style};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Good,
    /// Worth knowing.
    Note,
    /// It works, and should be better.
    Warning,
    /// It can't work.
    Failure,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    name: &'static str,
    level: Level,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Good, found: found.into(), mend: None }
    }

    fn note(name: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::good(name, found) }
    }

    fn warning(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, mend: Some(mend.into()), ..Self::good(name, found) }
    }

    fn failure(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Failure, ..Self::warning(name, found, mend) }
    }
}

/// All that was looked at.
#[derive(Debug, Serialize)]
struct Report {
    worst: Level,
    checks: Vec<Check>,
}

/// Looks at everything and prints what was found. Blocks.
///
/// # Errors
/// The worst of it as an exit code, with [`Failure::Told`]: that of [`Failure::Other`] when something can't work, that
/// of [`Failure::NotNow`] when something should be better.
pub fn run(config: Result<Config, ConfigError>, json: bool, clock: Clock) -> Result<(), Failure> {
    let checks = client::blocking(async {
        Ok(match &config {
            Ok(config) => look(config, clock).await,
            Err(error) => {
                let mend = "correct it there; nothing else was looked at, since it depends on the settings";
                vec![Check::failure("settings", error.to_string(), mend)]
            }
        })
    })?;
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Good);
    let report = Report { worst, checks };
    let mut out = Out::stdout(json);
    if json {
        out.document(&serde_json::json!(report))?;
    } else {
        report.checks.iter().try_for_each(|check| print(&mut out, check))?;
    }
    match worst {
        Level::Good | Level::Note => Ok(()),
        Level::Warning => Err(Failure::Told(Failure::NotNow(String::new()).code())),
        Level::Failure => Err(Failure::Told(Failure::Other(String::new()).code())),
    }
}

async fn look(config: &Config, clock: Clock) -> Vec<Check> {
    let running = gateway::running(config);
    let mut checks = vec![Check::good("settings", "they can be read; `pilothouse config` shows them")];
    checks.extend(folders::look(config));
    let (status, of_gateway) = gateway::look(config, &running).await;
    checks.extend(of_gateway);
    checks.extend(bridge::look(config).await);
    checks.extend(clock::look(config, status.as_ref(), clock.now().wall).await);
    checks.extend(terminal::look(config).await);
    checks
}

fn print(out: &mut Out, check: &Check) -> Result<(), Failure> {
    let (word, style) = match check.level {
        Level::Good => ("ok  ", Style::Green),
        Level::Note => ("note", Style::Dim),
        Level::Warning => ("warn", Style::Yellow),
        Level::Failure => ("FAIL", Style::Red),
    };
    let found = out.safe(&check.found);
    out.line(&format!("{}  {:<10} {found}", out.styled(style, word), check.name))?;
    match &check.mend {
        Some(mend) => out.line(&format!("{:17}→ {}", "", out.safe(mend))),
        None => Ok(()),
    }
}
