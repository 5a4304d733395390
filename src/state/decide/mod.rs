//! What follows from what happens.

mod bridge;
mod budget;
mod memory;
mod messages;
mod proof;
mod requests;

use super::{
    BridgeState, Change, ChatId, Counters, Delivery, DeliveryState, Effect, Failure, HostSample, Input, JournalKind,
    LastError, Message, MessageId, Outbox, Outcome, Pending, Sampled, Snapshot, TimerId, Write, apply,
};
use crate::clock::{Now, Timestamp};
use crate::protocol::{Capabilities, Command, Event};
use std::sync::Arc;
use std::time::Duration;

pub use memory::BridgeLimits;
use memory::Memory;
use proof::Proof;

/// How many messages may be in flight at once, over all chats.
pub const WINDOW: usize = 32;

/// How long the bridge may take to answer a `send`. The default bridge itself waits 20 s for WhatsApp's server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a message is handed to the bridge before it is given up.
const MAX_ATTEMPTS: u32 = 10;

/// Everything that is known, and what only [`decide`] may see.
#[derive(Clone, Debug)]
pub struct State {
    snapshot: Snapshot,
    outbox: Outbox,
    capabilities: Capabilities,
    /// Whether the bridge has said anything in this run: a `hello` is its first line or none.
    heard: bool,
    ping: u64,
    limits: BridgeLimits,
    memory: Memory,
    proof: Proof,
    /// Counts messages of bridges that give no ids.
    unnamed: u64,
}

impl State {
    /// The state of a process that starts, with what was on disk.
    ///
    /// `pending` are the unsettled messages, in the order in which they were accepted; `snapshot` shows them already.
    pub fn restored(snapshot: Snapshot, pending: Vec<Pending>) -> Self {
        let mut outbox = Outbox::default();
        for mut row in pending {
            // What was in flight when the last process ended is uncertain: it goes out again under its old id.
            row.delivery = row.delivery.requeued();
            outbox.push(row);
        }
        let mut state = Self {
            snapshot,
            outbox,
            capabilities: Capabilities::default(),
            heard: false,
            ping: 0,
            limits: BridgeLimits::default(),
            memory: Memory::default(),
            proof: Proof::default(),
            unnamed: 0,
        };
        state.snapshot.queue = state.outbox.len();
        state
    }

    /// The same, with these limits for the bridge.
    #[must_use]
    pub fn with_limits(self, limits: BridgeLimits) -> Self {
        Self { limits, ..self }
    }

    /// What may be seen.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes over a change that was not decided on, such as that the disk fails.
    pub fn note(&mut self, change: &Change) {
        apply(&mut self.snapshot, change);
    }

    /// The unsettled messages.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The bridge's process is there and can be asked things.
    fn bridge_runs(&self) -> bool {
        matches!(self.snapshot.bridge.state, BridgeState::Running | BridgeState::Draining)
    }

    fn can_send(&self) -> bool {
        self.snapshot.bridge.state == BridgeState::Running && self.snapshot.connection.state.is_up()
    }
}

/// What has to be looked up in the store before an event can be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Whether this message came in before.
    Incoming(ChatId, MessageId),
    /// How far this message of ours has come.
    Ours(MessageId),
}

/// Says what has to be looked up for an event, if anything.
pub fn lookup(state: &State, event: &Event) -> Option<Lookup> {
    let ours = |id: &str| {
        let id = MessageId::from(id);
        state.outbox.get(&id).is_none().then_some(Lookup::Ours(id))
    };
    match event {
        Event::Message(m) => {
            let (chat, id) = (m.chat.as_ref()?, m.message_id.as_deref()?);
            Some(Lookup::Incoming(ChatId::from(chat.id.as_str()), MessageId::from(id)))
        }
        Event::Sent(sent) => ours(sent.message_id.as_deref()?),
        Event::Receipt(receipt) => ours(&receipt.message_id),
        Event::Hello(_)
        | Event::Ready(_)
        | Event::Qr(_)
        | Event::PairingCode(_)
        | Event::Passkey(_)
        | Event::PasskeyCode(_)
        | Event::Connection(_)
        | Event::Pong(_)
        | Event::Error(_)
        | Event::Restriction(_)
        | Event::Unknown(_) => None,
    }
}

/// Takes one input into the state and says what follows. Deterministic; never fails.
pub fn decide(state: &mut State, input: Input, now: Now) -> Outcome {
    let mut turn = Turn { state, now, outcome: Outcome::default() };
    match input {
        Input::Bridge(notice) => turn.bridge_notice(notice),
        Input::Event { incarnation, event, known } => turn.event(incarnation, event, known),
        Input::Request { id, request, random } => turn.request(id, request, random),
        Input::TimerFired(timer) => turn.timer(timer),
        Input::Sampled(sampled) => turn.sampled(sampled),
    }
    turn.pump();
    turn.replace_when_drained();
    turn.outcome
}

/// One call of [`decide`]: what it works on and what it has gathered.
struct Turn<'a> {
    state: &'a mut State,
    now: Now,
    outcome: Outcome,
}

impl Turn<'_> {
    fn change(&mut self, change: Change) {
        apply(&mut self.state.snapshot, &change);
        self.outcome.changes.push(change);
    }

    fn write(&mut self, write: Write) {
        self.outcome.writes.push(write);
    }

    fn effect(&mut self, effect: Effect) {
        self.outcome.effects.push(effect);
    }

    fn dispatch(&mut self, command: Command) {
        let incarnation = self.state.snapshot.bridge.incarnation;
        self.effect(Effect::Dispatch { incarnation, command });
    }

    fn error(&mut self, text: String) {
        self.change(Change::Error(LastError { at: self.now.wall, text: text.into() }));
    }

    fn count(&mut self, count: impl FnOnce(&mut Counters)) {
        let mut counters = self.state.snapshot.counters;
        count(&mut counters);
        self.change(Change::Counted(counters));
    }

    fn queue_changed(&mut self) {
        let len = self.state.outbox.len();
        if self.state.snapshot.queue != len {
            self.change(Change::Queue(len));
        }
    }

    fn progressed(&mut self, id: MessageId, from: DeliveryState, delivery: Delivery) {
        self.write(Write::Delivery { id: id.clone(), delivery: delivery.clone() });
        self.change(Change::MessageProgressed { id, from, delivery: Box::new(delivery) });
    }

    fn message_added(&mut self, message: Message) {
        let message = Arc::new(message);
        self.write(Write::Message(Arc::clone(&message)));
        self.change(Change::MessageAdded(message));
    }

    /// Settles a message of the outbox with a failure.
    fn fail(&mut self, id: MessageId, failure: Failure) {
        if let Some(row) = self.state.outbox.settle(&id) {
            let from = row.delivery.state;
            let delivery = row.delivery.failed(self.now.wall, failure);
            self.progressed(id, from, delivery);
            self.queue_changed();
        }
    }

    /// Puts a message in flight back into the queue, or gives it up after too many attempts.
    fn retry_later(&mut self, id: MessageId, hold: bool) {
        let Some(row) = self.state.outbox.get(&id) else { return };
        let from = row.delivery.state;
        if row.delivery.attempts >= MAX_ATTEMPTS {
            let text = format!("no answer from WhatsApp after {MAX_ATTEMPTS} attempts; it may or may not have arrived");
            return self.fail(id, Failure { code: None, text: text.into(), retryable: true });
        }
        let attempts = row.delivery.attempts;
        let delivery = row.delivery.clone().requeued();
        self.state.outbox.requeue(&id, delivery.clone(), hold);
        self.progressed(id, from, delivery);
        if hold {
            let incarnation = self.state.snapshot.bridge.incarnation;
            let after = Duration::from_secs(1 << attempts.min(6));
            self.effect(Effect::SetTimer { timer: TimerId::Retry { incarnation }, after });
        }
    }

    /// Hands messages to the bridge as far as the window allows.
    fn pump(&mut self) {
        while self.state.can_send() && self.state.outbox.in_flight() < WINDOW {
            let Some(next) = self.state.outbox.next_ready() else { break };
            let (id, from) = (next.id.clone(), next.delivery.state);
            if next.delivery.attempts > 0 && !self.state.capabilities.ids {
                let text = "the bridge ended before it answered; the message may have been sent, and this bridge can't \
                            send again without doubling it";
                self.fail(id, Failure { code: None, text: text.into(), retryable: true });
                continue;
            }
            let message_id = self.state.capabilities.ids.then(|| id.to_string());
            let (to, text) = (next.chat.address().to_owned(), Arc::clone(&next.text));
            let delivery = next.delivery.clone().dispatched(self.now.wall);
            let incarnation = self.state.snapshot.bridge.incarnation;
            let timer = TimerId::Unanswered { incarnation, id: id.clone(), attempt: delivery.attempts };
            self.state.outbox.launch(&id, delivery.clone());
            self.progressed(id, from, delivery);
            self.dispatch(Command::Send { to, text, message_id });
            self.effect(Effect::SetTimer { timer, after: ANSWER_TIMEOUT });
        }
    }

    fn timer(&mut self, timer: TimerId) {
        let running = self.state.snapshot.bridge.incarnation;
        match timer {
            TimerId::Unanswered { incarnation, id, attempt } => {
                let waits = self.state.outbox.get(&id).is_some_and(|row| {
                    row.delivery.state == DeliveryState::Dispatched && row.delivery.attempts == attempt
                });
                if !waits || incarnation != running {
                } else if self.state.capabilities.ids {
                    self.retry_later(id, false);
                } else {
                    let text = format!(
                        "the bridge did not answer within {} s; the message may or may not have been sent",
                        ANSWER_TIMEOUT.as_secs()
                    );
                    self.fail(id, Failure { code: None, text: text.into(), retryable: true });
                }
            }
            TimerId::PairingExpires { expires_at } => {
                if self.state.snapshot.pairing.as_ref().is_some_and(|p| p.expires_at() == expires_at) {
                    self.change(Change::Pairing(None));
                }
            }
            TimerId::Heartbeat { incarnation } => {
                if incarnation == running && self.state.bridge_runs() {
                    self.state.ping += 1;
                    let id = self.state.ping;
                    self.dispatch(Command::Ping { id });
                    let after = self.state.limits.heartbeat;
                    self.effect(Effect::SetTimer { timer: TimerId::Heartbeat { incarnation }, after });
                }
            }
            TimerId::Proof { incarnation, opening } => self.proof_timer(incarnation, opening),
            TimerId::Drained { incarnation } => self.replace_draining(incarnation),
            TimerId::Retry { incarnation } => {
                if incarnation == running {
                    self.state.outbox.release();
                }
            }
        }
    }

    /// Takes figures over when the difference can be seen: at rest nothing is drawn.
    fn sampled(&mut self, sampled: Sampled) {
        let old = &self.state.snapshot.host;
        if visibly_different(old.rss_bytes, sampled.host_rss) || old.api != sampled.api {
            self.change(Change::Host(HostSample { rss_bytes: sampled.host_rss, api: sampled.api }));
        }
        if self.state.bridge_runs() {
            self.bridge_memory(sampled.bridge_rss);
        }
    }

    fn journal_connection(&mut self) {
        let connection = &self.state.snapshot.connection;
        let payload = serde_json::json!({
            "state": connection.state,
            "reason": connection.reason,
            "account": self.state.snapshot.account,
        });
        self.write(Write::Journal { at: self.now.wall, kind: JournalKind::ConnectionChanged, payload });
    }
}

/// Two figures of memory differ by more than a sixteenth.
fn visibly_different(old: Option<u64>, new: Option<u64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.abs_diff(new) > old / 16,
        (old, new) => old != new,
    }
}

/// A time from the bridge, unless it lies in the future or is missing.
fn plausible(told_ms: Option<i64>, now: Timestamp) -> Timestamp {
    told_ms.filter(|&ms| ms > 0).map_or(now, Timestamp::from_millis)
}
