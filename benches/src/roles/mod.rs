//! What this program is besides the harness: the children that take part in a measurement are this same file.

mod bridge;
mod empty;
mod lines;
mod plain;

use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use bridge::Script;
pub use lines::{Line, Vocabulary, stamp, word};
pub use plain::Plain;

/// The variable that gives this program a role, as JSON.
const VARIABLE: &str = "WA_BENCH_ROLE";

/// A child's role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Role {
    /// A bridge that takes WhatsApp's place.
    Bridge(Script),
    /// A server that answers so many bytes, always the same.
    Plain(usize),
    /// A process that does nothing, on the runtime that the program uses.
    Empty,
    /// A process that draws one line, and waits.
    OneLine,
}

impl Role {
    /// The role that this process was given; none: it is the harness.
    ///
    /// # Errors
    /// What was given is no role.
    pub fn given() -> anyhow::Result<Option<Self>> {
        std::env::var(VARIABLE).ok().map(|text| Ok(serde_json::from_str(&text)?)).transpose()
    }

    /// Does what it is for, until the end of its input, or until it is killed.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Bridge(script) => bridge::run(&script),
            Self::Plain(length) => plain::run(length),
            Self::Empty => empty::run(),
            Self::OneLine => empty::one_line(),
        }
    }

    /// The variable that gives it.
    ///
    /// # Errors
    /// None in practice: a role is plain data.
    pub fn variable(&self) -> anyhow::Result<(&'static str, String)> {
        Ok((VARIABLE, serde_json::to_string(self)?))
    }

    /// A child with this role.
    ///
    /// # Errors
    /// This program can't be found.
    pub fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(this_program()?);
        let (name, value) = self.variable()?;
        command.env(name, value);
        Ok(command)
    }
}

/// Where this program is.
///
/// # Errors
/// The operating system does not tell.
pub fn this_program() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?)
}
