//! Runs a sequence: the process as it is, between callers, a toy bridge, a clock and a disk.
//!
//! Whatever comes out is shown to the toy at once: `outlets`.

mod actors;
mod outlets;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::bridge::Bridge;
use super::operation::{Op, Setup, Verdict};
use super::process::{Process, new_folder};
use super::toy::{Ask, Checked, Toy};
use crate::clock::{Mono, Now, Timestamp};
use crate::engine::Notice;
use crate::engine::handle::Envelope;
use crate::protocol::ConnectionPhase;
use crate::state::{Answer, DeliveryState, MessageId};
use actors::connection;

/// The time that each operation takes.
const TICK: Duration = Duration::from_millis(7);

/// How often the engine looks around while time passes.
const LOOKS: u32 = 4;

/// How many rounds the end may take, twice: each answers everything, and then time passes.
const ROUNDS: u32 = 90;

pub(super) struct World {
    setup: Setup,
    process: Process,
    bridge: Bridge,
    pub(super) toy: Toy,
    now: Now,
    /// For so many operations the disk takes nothing by itself.
    slow: u8,
    /// On their way to the engine.
    asked: Vec<Envelope>,
    notices: Vec<Notice>,
    questions: Vec<(Question, oneshot::Receiver<Answer>)>,
    journal: u64,
    /// For how long in all the disk has kept this process waiting: timers count from the commit.
    lag: Duration,
    texts: usize,
}

/// A request that is not answered, and what was known when it was made.
enum Question {
    Send { ask: Ask, waiting: Option<usize> },
    Cancel { id: MessageId, state: Option<DeliveryState> },
}

impl World {
    pub(super) fn new(setup: Setup) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let now = Now { wall: Timestamp::from_millis(1_790_000_000_000), mono: Mono::default() };
        Self {
            setup,
            process: Process::start(new_folder(), setup, now.wall, Arc::new(runtime)),
            bridge: Bridge::new(setup.extended),
            toy: Toy::new(setup.extended),
            now,
            slow: 0,
            asked: vec![],
            notices: vec![],
            questions: vec![],
            journal: 0,
            lag: Duration::ZERO,
            texts: 0,
        }
    }

    /// Does one operation, and checks what follows.
    pub(super) fn step(&mut self, op: &Op) -> Checked {
        self.slow = self.slow.saturating_sub(1);
        self.pass(TICK)?;
        self.toy.expect_nothing();
        self.begin(op)?;
        self.go()
    }

    fn begin(&mut self, op: &Op) -> Checked {
        match *op {
            Op::Send { .. } | Op::Burst { .. } | Op::Cancel(_) => self.calls(op),
            Op::Starts => self.starts(),
            Op::Hello => self.says(self.hello()),
            Op::Opens => self.says(connection(ConnectionPhase::Open)),
            Op::Closes => self.says(connection(ConnectionPhase::Closed)),
            Op::Dies => self.dies(),
            Op::Forgets { nth } => {
                self.given(nth.into());
            }
            Op::Answers { .. }
            | Op::Stray { .. }
            | Op::Receipt { .. }
            | Op::Incoming { .. }
            | Op::Echo(_)
            | Op::Again { .. } => {
                if let Some(told) = self.news(op) {
                    self.tell(told);
                }
            }
            Op::Wait { seconds } => {
                let time = Duration::from_secs(seconds.into());
                for _ in 0..LOOKS {
                    self.pass(time / LOOKS)?;
                }
            }
            Op::SetBack { minutes } => {
                self.now.wall = self.now.wall.minus(Duration::from_secs(u64::from(minutes) * 60));
            }
            Op::Slow { operations } => self.slow = operations + 1,
            Op::Commit { batches } => {
                self.process.commit(batches.into(), self.now);
                self.observe()?;
            }
            Op::DiskFails(fault) => self.process.break_disk(fault),
            Op::DiskWorks => self.process.mend_disk(self.now),
            Op::Crash { committed } => self.crash(committed.into())?,
            Op::Restart => self.restart()?,
        }
        Ok(())
    }

    fn pass(&mut self, time: Duration) -> Checked {
        if !self.is_quiet() {
            self.lag += time;
        }
        self.now = Now { wall: self.now.wall.plus(time), mono: self.now.mono.plus(time) };
        self.go()
    }

    fn crash(&mut self, committed: usize) -> Checked {
        let waiting = self.process.waiting();
        self.process.commit_unseen(committed);
        if self.process.waiting() > 0 {
            self.toy.met.push("a batch was lost");
        }
        if self.process.waiting() < waiting {
            self.toy.met.push("a batch was kept, and nobody was told");
        }
        self.read_journal()?;
        self.start_again(Process::die_and_start)
    }

    fn restart(&mut self) -> Checked {
        self.slow = 0;
        self.process.mend_disk(self.now);
        self.go()?;
        self.toy.compare(&self.process.messages())?;
        self.start_again(Process::end_and_start)
    }

    fn start_again(&mut self, again: fn(&mut Process, Setup, Timestamp)) -> Checked {
        (self.slow, self.lag) = (0, Duration::ZERO);
        self.asked.clear();
        self.notices.clear();
        self.questions.clear();
        self.bridge.die_with_host();
        self.toy.ended();
        self.now = Now { wall: self.now.wall.plus(TICK * 7), mono: Mono::default() };
        again(&mut self.process, self.setup, self.now.wall);
        self.toy.compare(&self.process.messages())?;
        self.process.sample(self.now);
        self.go()
    }

    /// Everything is mended and answered: nothing may wait for ever, and nothing may be lost.
    pub(super) fn settle(&mut self) -> Checked {
        self.slow = 0;
        self.process.mend_disk(self.now);
        self.go()?;
        for ask in self.toy.keyed() {
            self.send(ask);
            self.go()?;
        }
        self.starts();
        self.go()?;
        self.says(connection(ConnectionPhase::Open));
        self.go()?;
        for round in 0..2 * ROUNDS {
            while let Some(told) = self.news(&Op::Answers { nth: 0, with: Verdict::Ok }) {
                self.tell(told);
                self.go()?;
            }
            if self.toy.pending() == 0 {
                break;
            }
            // First what is paced, then what is held for hours.
            let time = Duration::from_secs(if round < ROUNDS { 2 } else { 3_600 });
            self.pass(time)?;
        }
        prop_assert_eq!(self.toy.pending(), 0, "messages wait for ever");
        self.restart()
    }
}
