//! Keeps one bridge in its desired state: started, fed, watched, started again, stopped.
//!
//! [`Policy`] decides when a bridge that ended is started again; it is pure. [`process`](self) starts and stops one run
//! of it, `pipes` reads what it says, `signs` tells whether it lives.
//!
//! * The program is started directly, never through a shell, in a process group of its own; stopping reaches the whole
//!   group.
//! * What a run said is told before its end is told.
//! * When nobody takes what is read, reading stops and the bridge waits: no line is dropped, and the bridge is not blamed
//!   for what it can't say.
//! * Nothing that a bridge writes costs memory or disk without bound: lines, queues and the log are limited.
//! * What is desired is a level, not a message: it can't be lost.

mod allowance;
mod pipes;
mod policy;
mod process;
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
use crate::state::{BridgeNotice, ExitClass, Incarnation, LastExit};
use process::{Patience, Running};

/// How many notices may wait for the engine before reading stops.
const NOTICES: usize = 256;

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
    let supervisor = Supervisor {
        programs,
        settings,
        clock,
        notices: notices_tx,
        commands: commands_rx,
        desired: desired_rx,
        incarnation: Incarnation::default(),
        seen: 0,
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
    /// The wishes for a new start that were heeded.
    seen: u64,
    policy: Policy,
}

/// What came of an attempt to run the bridge.
enum Over {
    /// It ran so long, and ended for this reason.
    Ended(End, Duration),
    /// It could not be started; another attempt may succeed.
    NotStarted(String),
    /// It can't be started.
    Refused(String),
}

/// What ends a wait.
enum Wake {
    Start,
    Stop,
    /// It has become known that no start can help.
    Refused(String),
}

impl Supervisor {
    async fn run(mut self) {
        while let Some(mut pause) = self.attempt().await {
            loop {
                match self.wait(pause).await {
                    Wake::Start => break,
                    Wake::Stop => return self.tell(BridgeNotice::Stopped).await,
                    Wake::Refused(why) => {
                        self.tell(BridgeNotice::Refused { why }).await;
                        pause = None;
                    }
                }
            }
        }
        self.tell(BridgeNotice::Stopped).await;
    }

    /// Runs the bridge once. Returns the pause before the next start, if there is one by itself; nothing when the bridge
    /// was stopped for good.
    async fn attempt(&mut self) -> Option<Option<Duration>> {
        self.seen = self.desired.borrow_and_update().restarts;
        let over = self.one_run().await;
        let (now, jitter) = (self.clock.now().mono, fastrand::f64());
        let next = match over {
            Over::Ended(End { class, why }, ran_for) => match class {
                ExitClass::Stopped => return None,
                ExitClass::Operator => {
                    self.policy.operator_restarted();
                    return Some(Some(Duration::ZERO));
                }
                // The budget for this is with whoever asks for it.
                ExitClass::Memory => return Some(Some(Duration::ZERO)),
                // A bridge whose link was ended offers a new one.
                ExitClass::Clean | ExitClass::Crash | ExitClass::LoggedOut => self.policy.ended(now, ran_for, jitter),
                ExitClass::Silent | ExitClass::Unresponsive => self.policy.lifeless(now, jitter),
                ExitClass::Refused | ExitClass::BadConfiguration => {
                    self.tell(BridgeNotice::Refused { why }).await;
                    return Some(None);
                }
            },
            Over::NotStarted(why) => {
                self.tell(BridgeNotice::NotStarted { why }).await;
                self.policy.ended(now, Duration::ZERO, jitter)
            }
            Over::Refused(why) => {
                self.tell(BridgeNotice::Refused { why }).await;
                return Some(None);
            }
        };
        let retry_at = |pause| self.clock.now().wall.plus(pause);
        Some(Some(match next {
            Next::After(pause) => {
                self.tell(BridgeNotice::BackingOff { retry_at: retry_at(pause) }).await;
                pause
            }
            Next::BreakerOpen(pause) => {
                self.tell(BridgeNotice::BreakerOpened { retry_at: retry_at(pause) }).await;
                pause
            }
        }))
    }

    /// Waits before the next start: for the pause, until the operator asks, or until the last run is refused after all.
    async fn wait(&mut self, pause: Option<Duration>) -> Wake {
        let (last, seen) = (self.incarnation, self.seen);
        let refused = |d: &Desired| match &d.end {
            Some((run, End { class: ExitClass::Refused, why })) if *run == last && pause.is_some() => Some(why.clone()),
            Some(_) | None => None,
        };
        let asked = self.desired.wait_for(|d| !d.run || d.restarts != seen || refused(d).is_some());
        let woken = match pause {
            None => asked.await,
            Some(pause) => match tokio::time::timeout(pause, asked).await {
                Err(_elapsed) => return Wake::Start,
                Ok(woken) => woken,
            },
        };
        match woken {
            Ok(d) if d.run && d.restarts != seen => {}
            Ok(d) if d.run => return refused(&d).map_or(Wake::Start, Wake::Refused),
            Ok(_) | Err(_) => return Wake::Stop,
        }
        self.policy.operator_restarted();
        Wake::Start
    }

    async fn tell(&self, notice: BridgeNotice) {
        // The engine ends after the supervisor; should it be gone already, there is nobody to tell.
        let _ = self.notices.send(Notice::Bridge(notice)).await;
    }

    async fn one_run(&mut self) -> Over {
        let name = Arc::clone(&self.desired.borrow().name);
        let Some(program) = self.programs.get(&name).cloned() else {
            return Over::Refused(format!("no bridge named {name:?} is configured; see pilothouse.toml"));
        };
        if let Some(prepare) = program.prepare.as_ref().filter(|prepare| !(prepare.done)()) {
            self.tell(BridgeNotice::Installing).await;
            let done = tokio::select! {
                done = (prepare.run)() => done,
                end = asked_to_end(&mut self.desired, self.incarnation, self.seen) => {
                    return Over::Ended(end, Duration::ZERO);
                }
            };
            if let Err(why) = done {
                return Over::Refused(why);
            }
        }
        let incarnation = self.incarnation.next();
        let mut running = match Running::spawn(&program, incarnation, self.notices.clone(), self.clock) {
            Ok(running) => running,
            Err(error) => {
                let why = format!("can't start the bridge {}: {error}", program.program.display());
                return if process::passes(&error) { Over::NotStarted(why) } else { Over::Refused(why) };
            }
        };
        self.incarnation = incarnation;
        let started = self.clock.now().mono;
        self.tell(BridgeNotice::Started { incarnation, pid: running.pid() }).await;
        running.read();
        let limit = self.settings.patience;
        let patience = Patience { limit, ends_the_silent: self.policy.may_end_the_lifeless(started) };
        let asked = tokio::select! {
            class = running.serve(&mut self.commands, patience) => class.map(End::because),
            end = asked_to_end(&mut self.desired, incarnation, self.seen) => Some(end),
        };
        let (class, text) = running.end(asked.is_some(), self.settings.stop).await;
        let end = asked.unwrap_or_else(|| End { class, why: BAD_CONFIGURATION.to_owned() });
        let text = match end.class {
            ExitClass::Silent => format!("said nothing for {} s and was ended", limit.as_secs_f64()),
            ExitClass::Unresponsive => format!("gave no sign of life for {} s and was ended", limit.as_secs_f64()),
            ExitClass::Memory => "was ended for its memory".to_owned(),
            ExitClass::Clean
            | ExitClass::Crash
            | ExitClass::LoggedOut
            | ExitClass::BadConfiguration
            | ExitClass::Operator
            | ExitClass::Refused
            | ExitClass::Stopped => text,
        };
        let now = self.clock.now();
        tracing::info!(%incarnation, exit = text, class = ?end.class, "the bridge ended");
        let exit = LastExit { at: now.wall, text, class: end.class };
        self.tell(BridgeNotice::Exited { incarnation, exit }).await;
        Over::Ended(end, now.mono.since(started))
    }
}

/// What is told when the bridge itself says that it can't run as it is set up.
const BAD_CONFIGURATION: &str =
    "the bridge says that its settings can't work, and is not started again; see the log, mend them, then press r";

/// Waits until this run is to end.
async fn asked_to_end(desired: &mut watch::Receiver<Desired>, incarnation: Incarnation, seen: u64) -> End {
    let this = |d: &Desired| d.end.as_ref().filter(|(run, _)| *run == incarnation).map(|(_, end)| end.clone());
    match desired.wait_for(|d| !d.run || d.restarts != seen || this(d).is_some()).await {
        Err(_gone) => End::because(ExitClass::Stopped),
        Ok(d) if !d.run => End::because(ExitClass::Stopped),
        Ok(d) => this(&d).filter(|_| d.restarts == seen).unwrap_or_else(|| End::because(ExitClass::Operator)),
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "tests pick out what they look for")]
mod tests;
