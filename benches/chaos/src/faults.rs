//! What goes wrong, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use whatsapp_simulator::Simulator;

use crate::gateway::{Api, Host, signal};

/// A bridge that ends more often than this within [`WINDOW`] is left alone for minutes by its supervisor: then the host
/// is killed instead.
const BRIDGE_KILLS: usize = 3;
const WINDOW: Duration = Duration::from_secs(125);

/// How long a kill waits for a request, and within which time of it it comes, in microseconds.
const A_REQUEST: Duration = Duration::from_secs(1);
const ANSWER_TAKES_US: u64 = 4_000;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `kill -9` of the host.
    KillHost,
    /// `kill -9` of the bridge.
    KillBridge,
    /// `kill -9` of both.
    KillBoth,
    /// The connection to WhatsApp is closed without a word.
    Drop,
    /// WhatsApp ends the connection with a code.
    StreamError,
    /// WhatsApp refuses logins with 503 for a while, and the connection is closed.
    FailLogins,
    /// WhatsApp refuses the WebSocket with 503 for a while, and the connection is closed.
    RefuseUpgrades,
    /// WhatsApp says nothing for a while; then the connection is closed.
    Silence,
    /// WhatsApp takes messages without acknowledging them for a while; then the connection is closed.
    WithholdAcks,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::KillHost,
        Self::KillBridge,
        Self::KillBoth,
        Self::Drop,
        Self::StreamError,
        Self::FailLogins,
        Self::RefuseUpgrades,
        Self::Silence,
        Self::WithholdAcks,
    ];

    /// A process is killed.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::KillHost | Self::KillBridge | Self::KillBoth)
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillHost => "`kill -9` of the host",
            Self::KillBridge => "`kill -9` of the bridge",
            Self::KillBoth => "`kill -9` of both",
            Self::Drop => "connection closed",
            Self::StreamError => "stream error 503 or 515",
            Self::FailLogins => "logins refused for a while",
            Self::RefuseUpgrades => "WebSocket refused for a while",
            Self::Silence => "silence for a while",
            Self::WithholdAcks => "acknowledgements withheld for a while",
        }
    }

    fn draw(dice: &mut fastrand::Rng) -> Self {
        match dice.u8(..20) {
            0..=4 => Self::KillHost,
            5..=8 => Self::KillBridge,
            9..=12 => Self::KillBoth,
            13 | 14 => Self::Drop,
            15 => Self::StreamError,
            16 => Self::FailLogins,
            17 => Self::RefuseUpgrades,
            18 => Self::Silence,
            _ => Self::WithholdAcks,
        }
    }
}

/// Makes things go wrong.
pub(crate) struct Injector {
    simulator: Simulator,
    api: Api,
    dice: fastrand::Rng,
    pause: Duration,
    next: Instant,
    /// Faults that last, and when each ends.
    lasting: Vec<(Fault, Instant)>,
    /// When bridges of this host were killed.
    killed: VecDeque<Instant>,
    /// Everything that went wrong.
    pub(crate) injected: Vec<Fault>,
}

impl Injector {
    pub(crate) fn new(simulator: Simulator, api: Api, seed: u64, pause: Duration) -> Self {
        let mut injector = Self {
            simulator,
            api,
            dice: fastrand::Rng::with_seed(seed),
            pause,
            next: Instant::now(),
            lasting: Vec::new(),
            killed: VecDeque::new(),
            injected: Vec::new(),
        };
        injector.plan_next();
        injector
    }

    fn plan_next(&mut self) {
        let times = (-(1.0 - self.dice.f64()).ln()).clamp(0.02, 4.0);
        self.next = Instant::now() + self.pause.mul_f64(times);
    }

    /// Does what is due. Returns the processes that were killed.
    pub(crate) async fn step(&mut self, host: &mut Host) -> anyhow::Result<Option<(Fault, Option<i64>)>> {
        let now = Instant::now();
        let over: Vec<_> = self.lasting.extract_if(.., |(_, until)| *until <= now).map(|(fault, _)| fault).collect();
        for fault in over {
            self.lift(fault).await;
        }
        if now < self.next {
            return Ok(None);
        }
        let fault = Fault::draw(&mut self.dice);
        let done = if fault.is_kill() { self.kill(fault, host).await? } else { self.disturb(fault).await };
        self.plan_next();
        Ok(done)
    }

    /// Ends everything that lasts.
    pub(crate) async fn stop(&mut self) {
        for (fault, _) in std::mem::take(&mut self.lasting) {
            self.lift(fault).await;
        }
    }

    async fn kill(&mut self, fault: Fault, host: &mut Host) -> anyhow::Result<Option<(Fault, Option<i64>)>> {
        let now = Instant::now();
        self.killed.retain(|at| now.duration_since(*at) < WINDOW);
        let bridge = match fault {
            Fault::KillHost => None,
            _ => self.api.status().await.and_then(|status| status["bridge"]["pid"].as_i64()),
        };
        if fault != Fault::KillBridge && self.dice.bool() {
            let _ = tokio::time::timeout(A_REQUEST, self.api.asked()).await;
            tokio::time::sleep(Duration::from_micros(self.dice.u64(..ANSWER_TAKES_US))).await;
        }
        let spare_host = fault == Fault::KillBridge && bridge.is_some() && self.killed.len() < BRIDGE_KILLS;
        let mut fault = match (fault, bridge) {
            (Fault::KillBridge, _) if !spare_host => Fault::KillHost,
            (Fault::KillBoth, None) => Fault::KillHost,
            _ => fault,
        };
        if fault != Fault::KillHost
            && let Some(pid) = bridge
            && signal(pid, Signal::KILL).is_err()
        {
            fault = Fault::KillHost; // it had just ended
        }
        if fault == Fault::KillBridge {
            self.killed.push_back(now);
        } else {
            host.kill().await?;
            self.killed.clear();
            tokio::time::sleep(Duration::from_millis(self.dice.u64(..300))).await;
            host.start()?;
        }
        self.note(fault);
        Ok(Some((fault, bridge.filter(|_| fault != Fault::KillHost))))
    }

    async fn disturb(&mut self, fault: Fault) -> Option<(Fault, Option<i64>)> {
        if self.lasting.iter().any(|(other, _)| *other == fault) {
            return None;
        }
        let simulator = &self.simulator;
        match fault {
            Fault::Drop => simulator.drop_connection().await,
            Fault::StreamError => simulator.stream_error(if self.dice.bool() { 503 } else { 515 }).await,
            Fault::FailLogins => {
                simulator.fail_logins(Some(503)).await;
                simulator.drop_connection().await;
            }
            Fault::RefuseUpgrades => {
                simulator.refuse_upgrades(Some(503)).await;
                simulator.drop_connection().await;
            }
            Fault::Silence => simulator.set_silent(true).await,
            Fault::WithholdAcks => simulator.withhold_acks(true).await,
            Fault::KillHost | Fault::KillBridge | Fault::KillBoth => {}
        }
        if !matches!(fault, Fault::Drop | Fault::StreamError) {
            let lasts = Duration::from_millis(self.dice.u64(200..4_000));
            self.lasting.push((fault, Instant::now() + lasts));
        }
        self.note(fault);
        Some((fault, None))
    }

    fn note(&mut self, fault: Fault) {
        tracing::info!(fault = fault.name(), "went wrong");
        self.injected.push(fault);
    }

    async fn lift(&self, fault: Fault) {
        let simulator = &self.simulator;
        match fault {
            Fault::FailLogins => simulator.fail_logins(None).await,
            Fault::RefuseUpgrades => simulator.refuse_upgrades(None).await,
            // What was swallowed can't come later on the same connection.
            Fault::Silence => {
                simulator.drop_connection().await;
                simulator.set_silent(false).await;
            }
            Fault::WithholdAcks => {
                simulator.drop_connection().await;
                simulator.withhold_acks(false).await;
            }
            Fault::Drop | Fault::StreamError | Fault::KillHost | Fault::KillBridge | Fault::KillBoth => {}
        }
    }
}
