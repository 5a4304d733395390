//! What comes out of the engine, shown to the toy: what is on disk, answers, commands, and what consoles see.

use proptest::prelude::*;
use serde::Deserialize;

use super::super::bridge::Given;
use super::super::toy::Checked;
use super::{Question, World};
use crate::clock::Timestamp;
use crate::protocol::Command;
use crate::state::{Answer, Chat, Delivery, DeliveryState, Failure, Incarnation, MessageId, Refusal, Snapshot, Times};

impl World {
    /// Nothing is on its way, and everything that was decided is on disk.
    pub(super) fn is_quiet(&self) -> bool {
        self.process.is_quiet() && self.asked.is_empty() && self.notices.is_empty()
    }

    /// Lets the engine take what has come, and the disk what follows, until nothing moves.
    pub(super) fn go(&mut self) -> Checked {
        loop {
            self.process.turn(&mut self.asked, &mut self.notices, self.now);
            // Nothing of this may have come out before it is on disk.
            self.observe()?;
            if self.slow > 0 || self.process.is_stuck() {
                return Ok(());
            }
            self.process.commit(usize::MAX, self.now);
            self.observe()?;
            if self.process.is_stuck() {
                return Ok(());
            }
            if self.is_quiet() {
                return self.quiet();
            }
        }
    }

    /// Looks at everything that has come out.
    pub(super) fn observe(&mut self) -> Checked {
        self.read_journal()?;
        self.read_answers()?;
        while let Ok((incarnation, command)) = self.process.commands.try_recv() {
            self.commanded(incarnation, command)?;
        }
        let toy = &self.toy;
        self.process.engine.feed.look(|seen| toy.seen(seen.feed.iter().map(AsRef::as_ref)))
    }

    /// Looks at what the disk has.
    pub(super) fn read_journal(&mut self) -> Checked {
        #[derive(Deserialize)]
        struct Came {
            id: MessageId,
            chat: Chat,
            text: String,
        }
        #[derive(Deserialize)]
        struct Status {
            id: MessageId,
            chat: Chat,
            text: Option<String>,
            #[serde(flatten)]
            times: Times,
            state: DeliveryState,
            attempts: u32,
            expires_at: Option<Timestamp>,
            failure: Option<Failure>,
        }
        for (seq, kind, payload) in self.process.journal_after(self.journal) {
            self.journal = seq;
            match kind.as_str() {
                "message.received" => {
                    let Came { id, chat, text } = serde_json::from_value(payload).unwrap();
                    self.toy.journal_came(&id, chat.id, text)?;
                }
                "message.status" => {
                    let Status { id, chat, text, times, state, attempts, expires_at, failure } =
                        serde_json::from_value(payload).unwrap();
                    let delivery = Delivery { state, times, attempts, expires_at, failure };
                    match text {
                        Some(text) => self.toy.journal_accepted(id, &chat, &text, delivery)?,
                        None => self.toy.journal_step(&id, delivery)?,
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_answers(&mut self) -> Checked {
        let mut open = vec![];
        for (question, mut receiver) in std::mem::take(&mut self.questions) {
            let Ok(answer) = receiver.try_recv() else {
                open.push((question, receiver));
                continue;
            };
            if let Answer::Refused(Refusal::StoreFailed { .. }) = answer {
                self.toy.met.push("the disk failed");
                prop_assert!(self.process.is_stuck(), "the disk works, and a request is refused since it fails");
                continue;
            }
            match question {
                Question::Send { ask, waiting } => self.toy.answered(&ask, waiting, &answer)?,
                Question::Cancel { id, state } => self.toy.cancel_answered(&id, state, &answer)?,
            }
        }
        self.questions = open;
        Ok(())
    }

    fn commanded(&mut self, incarnation: Incarnation, command: Command) -> Checked {
        let here = self.bridge.run == Some(incarnation);
        match command {
            Command::Send { to, text, message_id } => {
                let id = self.toy.given(&to, &text, message_id.as_deref())?;
                if here {
                    self.bridge.given.push(Given { id, to });
                }
            }
            Command::Connect { .. } if here => {
                for told in self.bridge.connect() {
                    self.toy.met.push("told again");
                    self.tell(told);
                }
            }
            Command::Ack { seq } if here => {
                let before = self.bridge.acknowledged_in_run;
                prop_assert!(seq >= before && seq <= self.bridge.told_in_run, "{seq} is acknowledged after {before}");
                for told in self.bridge.acknowledged(seq) {
                    self.toy.acknowledged(&told.fact)?;
                }
            }
            Command::Connect { .. }
            | Command::Ack { .. }
            | Command::Ping { .. }
            | Command::Passkey { .. }
            | Command::PasskeyConfirm { .. }
            | Command::Logout { .. } => {}
        }
        Ok(())
    }

    /// Nothing moves: all that came in has been dealt with, and everyone knows.
    fn quiet(&mut self) -> Checked {
        self.toy.quiet()?;
        prop_assert!(self.questions.is_empty(), "{} requests are never answered", self.questions.len());
        let (told, acknowledged) = (self.bridge.told_in_run, self.bridge.acknowledged_in_run);
        prop_assert!(told == acknowledged || !self.bridge.connects, "{told} was told, and {acknowledged} acknowledged");
        let engine = &self.process.engine;
        let state = engine.state.snapshot();
        // That the disk fails is told at once. So it may overtake an error that waits for the disk, and not be the last.
        let but_for_errors =
            |seen: &Snapshot| Snapshot { last_error: state.last_error.clone(), ..seen.clone() } == *state;
        let same = engine.feed.look(|seen| seen == state || but_for_errors(seen));
        prop_assert!(same, "consoles see something else");
        prop_assert_eq!(state.queue, self.toy.pending());
        let late = self.toy.overdue(self.now.wall.minus(self.lag));
        prop_assert!(late.is_none(), "{late:?} waits, and its time is over");
        Ok(())
    }
}
