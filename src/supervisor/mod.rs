//! Keeps one bridge in its desired state: started, fed, watched, started again, stopped.
//!
//! [`Policy`] decides when a bridge that ended is started again; it is pure. `run` follows it, `process` starts
//! and stops one run of the bridge, `pipes` reads what it says, `signs` tells whether it lives.
//!
//! * The program is started directly, never through a shell, in a process group of its own; stopping reaches the whole
//!   group.
//! * What a run said is told before its end is told.
//! * When nobody takes what is read, reading stops and the bridge waits: no line is dropped, and the bridge is not blamed
//!   for what it can't say.
//! * Nothing that a bridge writes costs memory or disk without bound: lines, queues and the log are limited.
//! * What is desired is a level, not a message: it can't be lost.

mod allowance;
mod paced;
mod pipes;
mod policy;
mod process;
mod run;
mod signs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use policy::{Limits, Next, Policy};
pub use process::StopLimits;

use crate::clock::Clock;
use crate::protocol::{Command, Event};
use crate::state::{BridgeNotice, ExitClass, Incarnation};
use run::Supervisor;

/// How many notices may wait for the engine before reading stops.
const NOTICES: usize = 64;

/// How many commands may wait for the bridge's stdin: the window of messages and some besides.
const COMMANDS: usize = 128;

/// Something to be done before a start, such as installing packages.
#[derive(Clone)]
pub struct Prepare {
    /// Whether it is done already. Quick.
    pub done: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Does it. The error is a sentence for the operator.
    pub run: PrepareRun,
}

/// What a [`Prepare`] runs.
pub type PrepareRun = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// A bridge that can be started.
#[derive(Clone)]
pub struct Program {
    /// The executable.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// All of its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub folder: Option<PathBuf>,
    /// What comes before each start.
    pub prepare: Option<Prepare>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("program", &self.program).field("args", &self.args).finish_non_exhaustive()
    }
}

/// All times and counts that a supervisor goes by.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When a bridge is started again.
    pub limits: Limits,
    /// How it is stopped.
    pub stop: StopLimits,
    /// How long a bridge may say nothing at all after its start, leave a `ping` without an answer, or leave unread what
    /// is written to it. Zero: for ever.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: Limits::default(), stop: StopLimits::default(), patience: Duration::from_secs(60) }
    }
}

/// News for the engine.
#[derive(Debug, PartialEq)]
pub enum Notice {
    /// Of the process.
    Bridge(BridgeNotice),
    /// From the bridge.
    Event {
        /// In which run.
        incarnation: Incarnation,
        /// What.
        event: Event,
    },
}

impl Notice {
    /// The bridge has answered a `ping`, as it does while nothing else happens.
    pub fn is_sign_of_life(&self) -> bool {
        matches!(self, Self::Event { event: Event::Pong(_), .. })
    }
}

/// What the bridge is to be.
#[derive(Clone, Debug)]
struct Desired {
    /// It is to run.
    run: bool,
    /// Which of the configured programs.
    name: Arc<str>,
    /// Grows with each wish for a new start; ends any waiting.
    restarts: u64,
    /// This run is to end.
    end: Option<(Incarnation, End)>,
}

/// Why a run is to end.
#[derive(Clone, Debug)]
struct End {
    class: ExitClass,
    /// What the operator is told when no other run may follow.
    why: String,
}

impl End {
    fn because(class: ExitClass) -> Self {
        Self { class, why: String::new() }
    }
}

/// The engine's end of a supervisor. Dropping it stops the bridge.
#[derive(Debug)]
pub struct Handle {
    desired: watch::Sender<Desired>,
    commands: mpsc::Sender<(Incarnation, Command)>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Hands a command to this run of the bridge; another run ignores it.
    ///
    /// Returns false when the bridge has not read its stdin for so long that there is no room.
    pub fn command(&self, incarnation: Incarnation, command: Command) -> bool {
        self.commands.try_send((incarnation, command)).is_ok()
    }

    /// Stops the bridge and starts it again, or starts it at once when it waits.
    pub fn restart(&self) {
        self.desired.send_modify(|d| {
            d.restarts += 1;
            d.end = None;
        });
    }

    /// Stops the bridge and starts the configured one with this name.
    pub fn use_program(&self, name: Arc<str>) {
        self.desired.send_modify(|d| {
            d.name = name;
            d.restarts += 1;
            d.end = None;
        });
    }

    /// Stops this run and doesn't start another until [`Handle::restart`].
    pub fn refuse(&self, incarnation: Incarnation, why: String) {
        self.end(incarnation, End { class: ExitClass::Refused, why });
    }

    /// Stops this run and starts another. The restart is counted by `class`.
    pub fn replace(&self, incarnation: Incarnation, class: ExitClass) {
        self.end(incarnation, End::because(class));
    }

    fn end(&self, incarnation: Incarnation, end: End) {
        self.desired.send_modify(|d| d.end = Some((incarnation, end)));
    }

    /// Stops the bridge for good. [`Handle::join`] waits until it has ended.
    pub fn stop(&self) {
        self.desired.send_modify(|d| d.run = false);
    }

    /// Waits until the bridge has ended, after [`Handle::stop`]. What it still says is told meanwhile.
    pub async fn join(self) {
        drop(self.desired);
        if self.task.await.is_err() {
            tracing::error!("the supervisor ended by a panic");
        }
    }
}

#[cfg(test)]
impl Handle {
    /// A handle with no bridge behind it: the commands that it is given come out here.
    pub(crate) fn detached() -> (Self, mpsc::Receiver<(Incarnation, Command)>) {
        let (commands, given) = mpsc::channel(COMMANDS);
        let desired = Desired { run: true, name: "test".into(), restarts: 0, end: None };
        (Self { desired: watch::Sender::new(desired), commands, task: tokio::spawn(async {}) }, given)
    }
}

/// Starts supervising. The bridge `name` of `programs` is started at once.
pub fn start(
    programs: BTreeMap<Arc<str>, Program>,
    name: Arc<str>,
    settings: Settings,
    clock: Clock,
) -> (Handle, mpsc::Receiver<Notice>) {
    let (notices_tx, notices) = mpsc::channel(NOTICES);
    let (commands, commands_rx) = mpsc::channel(COMMANDS);
    let (desired, desired_rx) = watch::channel(Desired { run: true, name, restarts: 0, end: None });
    let supervisor = Supervisor::new(programs, settings, clock, notices_tx, commands_rx, desired_rx);
    let task = tokio::spawn(supervisor.run());
    (Handle { desired, commands, task }, notices)
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "tests pick out what they look for")]
mod tests;
