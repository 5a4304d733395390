//! Runs the bridge again and again, as is desired and as the policy has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::process::{self, Patience, Running};
use super::{Desired, End, Next, Notice, Policy, Program, Settings};
use crate::clock::Clock;
use crate::protocol::Command;
use crate::state::{BridgeNotice, ExitClass, Incarnation, LastExit};

pub(super) struct Supervisor {
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
    pub(super) fn new(
        programs: BTreeMap<Arc<str>, Program>,
        settings: Settings,
        clock: Clock,
        notices: mpsc::Sender<Notice>,
        commands: mpsc::Receiver<(Incarnation, Command)>,
        desired: watch::Receiver<Desired>,
    ) -> Self {
        let (incarnation, policy) = (Incarnation::default(), Policy::new(settings.limits));
        Self { programs, settings, clock, notices, commands, desired, incarnation, seen: 0, policy }
    }

    pub(super) async fn run(mut self) {
        // To start a process takes a millisecond or two, in which nothing else goes on here. Who waits for the API already is
        // answered before that.
        tokio::task::yield_now().await;
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
                ExitClass::Memory | ExitClass::Unproven => return Some(Some(Duration::ZERO)),
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
            ExitClass::Unproven => "was ended since WhatsApp gave no answer".to_owned(),
            ExitClass::Operator => "was stopped as asked".to_owned(),
            ExitClass::Clean
            | ExitClass::Crash
            | ExitClass::LoggedOut
            | ExitClass::BadConfiguration
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
