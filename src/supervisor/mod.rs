//! Keeps one bridge in its desired state: started, fed, watched, started again, stopped.
//!
//! [`Policy`] decides when a bridge that ended is started again; it is pure. [`process`](self) starts and stops one run
//! of it, `pipes` reads what it says.
//!
//! * The program is started directly, never through a shell, in a process group of its own; stopping reaches the whole
//!   group.
//! * What a run said is told before its end is told.
//! * When nobody takes what is read, reading stops and the bridge waits: no line is dropped.
//! * What is desired is a level, not a message: it can't be lost.

mod pipes;
mod policy;
mod process;

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
use crate::state::{BridgeNotice, Incarnation, LastExit};

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
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// When a bridge is started again.
    pub limits: Limits,
    /// How it is stopped.
    pub stop: StopLimits,
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

/// What the bridge is to be.
#[derive(Clone, Debug)]
struct Desired {
    /// It is to run.
    run: bool,
    /// Which of the configured programs.
    name: Arc<str>,
    /// Grows with each wish for a new start; ends any waiting.
    restarts: u64,
    /// This run is not to be followed by another.
    refused: Option<(Incarnation, String)>,
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
            d.refused = None;
        });
    }

    /// Stops the bridge and starts the configured one with this name.
    pub fn use_program(&self, name: Arc<str>) {
        self.desired.send_modify(|d| {
            d.name = name;
            d.restarts += 1;
            d.refused = None;
        });
    }

    /// Stops this run and doesn't start another until [`Handle::restart`].
    pub fn refuse(&self, incarnation: Incarnation, why: String) {
        self.desired.send_modify(|d| d.refused = Some((incarnation, why)));
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
        let desired = Desired { run: true, name: "test".into(), restarts: 0, refused: None };
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
    let (desired, desired_rx) = watch::channel(Desired { run: true, name, restarts: 0, refused: None });
    let supervisor = Supervisor {
        programs,
        settings,
        clock,
        notices: notices_tx,
        commands: commands_rx,
        desired: desired_rx,
        incarnation: Incarnation::default(),
        policy: Policy::new(settings.limits),
    };
    let task = tokio::spawn(supervisor.run());
    (Handle { desired, commands, task }, notices)
}

struct Supervisor {
    programs: BTreeMap<Arc<str>, Program>,
    settings: Settings,
    clock: Clock,
    notices: mpsc::Sender<Notice>,
    commands: mpsc::Receiver<(Incarnation, Command)>,
    desired: watch::Receiver<Desired>,
    incarnation: Incarnation,
    policy: Policy,
}

/// Why one run is over, or could not begin.
enum Over {
    /// It ended by itself after this long.
    Ended(Duration),
    /// It was ended for a new start.
    Restart,
    /// It was ended since no other may follow, or it can't be started.
    Refused(String),
    /// It was ended for good.
    Stopped,
}

impl Supervisor {
    async fn run(mut self) {
        loop {
            let seen = self.desired.borrow_and_update().restarts;
            let next = match self.one_run(seen).await {
                Over::Stopped => break,
                Over::Restart => {
                    self.policy.operator_restarted();
                    continue;
                }
                Over::Refused(why) => {
                    self.tell(BridgeNotice::Refused { why }).await;
                    None
                }
                Over::Ended(ran_for) => Some(self.policy.ended(self.clock.now().mono, ran_for, fastrand::f64())),
            };
            let pause = match next {
                None => None,
                Some(Next::After(pause)) => {
                    let retry_at = self.clock.now().wall.plus(pause);
                    self.tell(BridgeNotice::BackingOff { retry_at }).await;
                    Some(pause)
                }
                Some(Next::BreakerOpen(pause)) => {
                    let retry_at = self.clock.now().wall.plus(pause);
                    self.tell(BridgeNotice::BreakerOpened { retry_at }).await;
                    Some(pause)
                }
            };
            if !self.wait(pause, seen).await {
                break;
            }
        }
        self.tell(BridgeNotice::Stopped).await;
    }

    /// Waits before the next start: for the pause, or until the operator asks. Returns whether to go on.
    async fn wait(&mut self, pause: Option<Duration>, seen: u64) -> bool {
        let asked = self.desired.wait_for(|d| !d.run || d.restarts != seen);
        let run = match pause {
            None => asked.await.is_ok_and(|d| d.run),
            Some(pause) => match tokio::time::timeout(pause, asked).await {
                Err(_elapsed) => return true,
                Ok(desired) => desired.is_ok_and(|d| d.run),
            },
        };
        self.policy.operator_restarted();
        run
    }

    async fn tell(&self, notice: BridgeNotice) {
        // The engine ends after the supervisor; should it be gone already, there is nobody to tell.
        let _ = self.notices.send(Notice::Bridge(notice)).await;
    }

    async fn one_run(&mut self, seen: u64) -> Over {
        let name = Arc::clone(&self.desired.borrow().name);
        let Some(program) = self.programs.get(&name).cloned() else {
            return Over::Refused(format!("no bridge named {name:?} is configured; see pilothouse.toml"));
        };
        if let Some(prepare) = program.prepare.as_ref().filter(|prepare| !(prepare.done)()) {
            self.tell(BridgeNotice::Installing).await;
            let done = tokio::select! {
                done = (prepare.run)() => done,
                over = over(&mut self.desired, self.incarnation, seen) => return over,
            };
            if let Err(why) = done {
                return Over::Refused(why);
            }
        }
        self.incarnation = self.incarnation.next();
        let incarnation = self.incarnation;
        let mut running = match process::Running::spawn(&program, incarnation, self.notices.clone()) {
            Ok(running) => running,
            Err(error) => {
                let why = format!("can't start the bridge {}: {error}", program.program.display());
                return Over::Refused(why);
            }
        };
        let started = self.clock.now().mono;
        self.tell(BridgeNotice::Started { incarnation, pid: running.pid() }).await;
        running.read();
        let over = tokio::select! {
            () = running.serve(&mut self.commands) => Over::Ended(Duration::ZERO),
            over = over(&mut self.desired, incarnation, seen) => over,
        };
        let wanted = !matches!(over, Over::Ended(_));
        let text = running.end(wanted.then_some(self.settings.stop)).await;
        let now = self.clock.now();
        let exit = LastExit { at: now.wall, text, wanted };
        tracing::info!(%incarnation, exit = exit.text, wanted, "the bridge ended");
        self.tell(BridgeNotice::Exited { incarnation, exit }).await;
        if wanted { over } else { Over::Ended(now.mono.since(started)) }
    }
}

/// Waits until this run is to end.
async fn over(desired: &mut watch::Receiver<Desired>, incarnation: Incarnation, seen: u64) -> Over {
    let refused = |d: &Desired| d.refused.as_ref().filter(|(run, _)| *run == incarnation).map(|(_, why)| why.clone());
    match desired.wait_for(|d| !d.run || d.restarts != seen || refused(d).is_some()).await {
        Err(_gone) => Over::Stopped,
        Ok(d) if !d.run => Over::Stopped,
        Ok(d) => refused(&d).map_or(Over::Restart, Over::Refused),
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "tests pick out what they look for")]
mod tests;
