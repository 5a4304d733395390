//! What follows from what happens.

mod bridge;
mod budget;
mod lateness;
mod link;
mod memory;
mod messages;
mod outgoing;
mod passkey;
mod proof;
mod requests;
mod restriction;

use super::pacing::Bucket;
use super::{
    BridgeState, Change, ChatId, ConnectionEvent, ConnectionState, ConnectionView, Counters, Delivery, DeliveryState,
    Effect, Input, JournalKind, LastError, Message, MessageId, Outbox, Outcome, Pace, Pending, QUEUE_CAPACITY, Sampled,
    Snapshot, TimerId, Write, apply,
};
use crate::clock::{Mono, Now, Timestamp};
use crate::protocol::{Capabilities, Command, Event};
use std::sync::Arc;

use lateness::Lateness;
pub use memory::BridgeLimits;
use memory::Memory;
pub use outgoing::WINDOW;
use proof::Proof;
pub use requests::{MAX_EXPIRES_IN, MAX_TEXT_CHARS};

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
    lateness: Lateness,
    bucket: Bucket,
    /// The time for which the timer of the pace is set, by both clocks.
    paced: Option<(Mono, Timestamp)>,
    /// The time for which the timer of the next expiry is set.
    expiry: Option<Timestamp>,
    /// The end of a restriction for which a timer is set.
    restriction_timer: Option<Timestamp>,
    /// The bridge was told to end the link, and has not said yet what came of it.
    logging_out: bool,
    /// Counts messages of bridges that give no ids.
    unnamed: u64,
    /// How many messages may be unsettled.
    queue_capacity: usize,
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
            lateness: Lateness::default(),
            bucket: Bucket::default(),
            paced: None,
            expiry: None,
            restriction_timer: None,
            logging_out: false,
            unnamed: 0,
            queue_capacity: QUEUE_CAPACITY,
        };
        state.snapshot.queue = state.outbox.len();
        state
    }

    /// The same, with these limits for the bridge.
    #[must_use]
    pub fn with_limits(self, limits: BridgeLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same, with messages handed out at this pace, going on from what the feed says of the last process.
    #[must_use]
    pub fn with_pace(self, pace: Pace, now: Timestamp) -> Self {
        let handed_out = self.snapshot.feed.iter().filter_map(|m| m.delivery.as_ref()?.times.dispatched_at);
        Self { bucket: Bucket::resumed(pace, now, handed_out), ..self }
    }

    /// The same, with room for so many unsettled messages.
    #[must_use]
    pub fn with_queue_capacity(self, queue_capacity: usize) -> Self {
        Self { queue_capacity, ..self }
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

    /// The message that may go next.
    fn next_ready(&self) -> Option<&Pending> {
        self.outbox.next_ready(self.snapshot.restriction.is_some())
    }

    /// How many messages neither are in flight nor held.
    fn waiting(&self) -> usize {
        let held = if self.snapshot.restriction.is_some() { self.outbox.cold() } else { 0 };
        self.outbox.len().saturating_sub(self.outbox.in_flight() + held)
    }

    fn can_send(&self) -> bool {
        let running = self.snapshot.bridge.state == BridgeState::Running;
        running && self.snapshot.connection.state.is_up() && !self.logging_out
    }
}

/// What has to be looked up in the store before an event can be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Whether this message of somebody else came in before.
    Incoming(ChatId, MessageId),
    /// Whether this message, which was written with our account, came in before or is one of ours.
    FromUs(ChatId, MessageId),
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
            let id = messages::id_of(m)?;
            let chat = match &m.chat {
                Some(chat) => ChatId::from(chat.id.as_str()),
                None => messages::chat_of_base_level(&m.from).id,
            };
            Some(if m.from_me { Lookup::FromUs(chat, id) } else { Lookup::Incoming(chat, id) })
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
        | Event::Groups(_)
        | Event::Unknown(_) => None,
    }
}

/// Takes one input into the state and says what follows. Deterministic; never fails.
pub fn decide(state: &mut State, input: Input, now: Now) -> Outcome {
    let mut turn = Turn { state, now, outcome: Outcome::default() };
    match input {
        Input::Bridge(notice) => turn.bridge_notice(notice),
        Input::Event { incarnation, event, known } => turn.event(incarnation, event, known),
        Input::Request { id, request, random, background } => turn.request(id, request, random, &background),
        Input::TimerFired(timer) => turn.timer(timer),
        Input::Sampled(sampled) => turn.sampled(*sampled),
    }
    turn.expire();
    turn.watch_restriction();
    turn.pump();
    turn.pacing();
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

    fn timer(&mut self, timer: TimerId) {
        let running = self.state.snapshot.bridge.incarnation;
        match timer {
            TimerId::Unanswered { incarnation, id, attempt } => {
                if incarnation == running {
                    self.unanswered(id, attempt);
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
            TimerId::Lateness => self.lateness_timer(),
            TimerId::RestrictionEnds { until } => {
                if self.state.restriction_timer == Some(until) {
                    self.state.restriction_timer = None;
                }
            }
            TimerId::Paced { at } => {
                if self.state.paced.is_some_and(|(set, _)| set == at) {
                    self.state.paced = None;
                }
            }
            // What is due is taken out after every input; this only sees to it that there is one.
            TimerId::Expiry { at } => {
                if self.state.expiry == Some(at) {
                    self.state.expiry = None;
                }
            }
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
        if !self.state.snapshot.host.looks_like(&sampled.host) {
            self.change(Change::Host(Box::new(sampled.host)));
        }
        if self.state.bridge_runs() {
            self.bridge_memory(sampled.bridge_rss);
        }
    }

    fn journal_connection(&mut self, previous: ConnectionState) {
        let Snapshot { connection, account, .. } = &self.state.snapshot;
        let ConnectionView { state, reason, retry_at, .. } = connection;
        let (state, reason, retry_at) = (*state, reason.as_ref(), *retry_at);
        let told = ConnectionEvent { state, previous, reason, retry_at, account: account.as_ref() };
        self.journal(JournalKind::ConnectionChanged, serde_json::json!(told));
    }

    fn journal(&mut self, kind: JournalKind, payload: serde_json::Value) {
        self.write(Write::Journal { at: self.now.wall, kind, payload });
    }
}

/// A time from the bridge, unless it lies in the future or is missing.
fn plausible(told_ms: Option<i64>, now: Timestamp) -> Timestamp {
    told_ms.filter(|&ms| ms > 0).map_or(now, |ms| now.min(Timestamp::from_millis(ms)))
}
