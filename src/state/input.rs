//! What comes into [`decide`](super::decide) and what comes out: plain data.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Answer, BridgeView, ConnectionView, Counters, Delivery, DeliveryState, ExitClass, Fingerprint, HostSample,
    IdempotencyKey, Incarnation, JournalKind, Kept, LastError, LastExit, LatenessView, Linking, Message, MessageId,
    PacingView, Pairing, Request, RequestId, RestrictionView, StoreView, Subjects, Used, WebhookRecord, WebhookView,
};
use crate::clock::{Mono, Timestamp};
use crate::protocol::{AccountInfo, BadLine, Command, Event, Group};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The bridge, or its supervisor, has news.
    Bridge(BridgeNotice),
    /// The bridge told an event.
    Event {
        /// In which run.
        incarnation: Incarnation,
        /// What.
        event: Event,
        /// What the store knows of the message that the event is about.
        known: Known,
    },
    /// Somebody asks for something.
    Request {
        /// What the answer is matched by.
        id: RequestId,
        /// What.
        request: Request,
        /// Randomness for an id that may be needed.
        random: [u8; 9],
        /// What the store knows of what it is about.
        background: Background,
    },
    /// A timer that was set has run out.
    TimerFired(TimerId),
    /// New figures.
    Sampled(Box<Sampled>),
}

/// What the store knows of a message, looked up before deciding.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Known {
    /// Nothing: it is new, or the event is not about a message.
    #[default]
    No,
    /// It came in before.
    Seen,
    /// It is ours, and this is how far it has come.
    Ours(Box<Delivery>),
}

/// What the store knows of what a request is about, looked up before deciding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// The request that its key was used for before.
    pub used: Option<Used>,
    /// How far the message has come that it is about.
    pub state: Option<DeliveryState>,
    /// Somebody wrote to us in its chat.
    pub warm: bool,
}

/// News of the child process.
#[derive(Clone, Debug, PartialEq)]
pub enum BridgeNotice {
    /// Its packages are being installed.
    Installing,
    /// It was started.
    Started {
        /// Which run.
        incarnation: Incarnation,
        /// Its process id.
        pid: u32,
    },
    /// It wrote a line that is not an event.
    BadLine {
        /// In which run.
        incarnation: Incarnation,
        /// What is wrong with it.
        error: BadLine,
    },
    /// It has said nothing at all since its start, and is left running.
    Silent {
        /// Which run.
        incarnation: Incarnation,
    },
    /// It wrote more to stderr than is logged.
    LogDropped {
        /// How many lines were left out.
        lines: u64,
    },
    /// It could not be started this time.
    NotStarted {
        /// Why.
        why: String,
    },
    /// It ended.
    Exited {
        /// Which run.
        incarnation: Incarnation,
        /// How.
        exit: LastExit,
    },
    /// It is started again at this time.
    BackingOff {
        /// When.
        retry_at: Timestamp,
    },
    /// It failed too often and is tried again only at this time.
    BreakerOpened {
        /// When.
        retry_at: Timestamp,
    },
    /// It is not started again, since that can't help.
    Refused {
        /// Why, and what to do.
        why: String,
    },
    /// It was stopped because it was to be.
    Stopped,
}

/// A change of the [`Snapshot`](super::Snapshot).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", content = "to", rename_all = "snake_case")]
pub enum Change {
    /// The child process.
    Bridge(BridgeView),
    /// The connection to WhatsApp.
    Connection(ConnectionView),
    /// What there is to scan, to type, or to do in a browser; none: nothing any more.
    Pairing(Option<Pairing>),
    /// How the operator wants to link.
    Linking(Linking),
    /// The linked account.
    Account(Option<AccountInfo>),
    /// A message came in or was accepted.
    MessageAdded(Arc<Message>),
    /// A message of ours got further.
    MessageProgressed {
        /// Which.
        id: MessageId,
        /// How far it had come before.
        from: DeliveryState,
        /// How far it has come now.
        delivery: Box<Delivery>,
    },
    /// How many messages wait.
    Queue(usize),
    /// The wait of messages that could go but for the pace; none: none waits for that.
    Pacing(Option<PacingView>),
    /// How late messages come in; none: not late, or there are none.
    Lateness(Option<LatenessView>),
    /// What WhatsApp does not let the account do; none: nothing any more.
    Restriction(Option<RestrictionView>),
    /// What groups are called, all of them that are known.
    Groups(Subjects),
    /// Counters that don't follow from messages.
    Counted(Counters),
    /// Something went wrong.
    Error(LastError),
    /// The database.
    Store(StoreView),
    /// All webhooks, by their names.
    Webhooks(Vec<WebhookView>),
    /// New figures.
    Host(Box<HostSample>),
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A new message, and its row in the journal.
    Message(Arc<Message>),
    /// The request that a key is used for. In the same batch as its message, so that there is both or neither.
    Key {
        /// The key.
        key: IdempotencyKey,
        /// What the request asked for.
        fingerprint: Fingerprint,
        /// The message that it became.
        id: MessageId,
        /// When.
        at: Timestamp,
    },
    /// How far a message of ours has come, and a row in the journal.
    Delivery {
        /// Which.
        id: MessageId,
        /// How far.
        delivery: Delivery,
    },
    /// A row in the journal that is about no message.
    Journal {
        /// When it happened.
        at: Timestamp,
        /// What kind.
        kind: JournalKind,
        /// The facts.
        payload: serde_json::Value,
    },
    /// How the operator wants to link.
    Linking(Linking),
    /// The bridge that the operator chose, by its configured name.
    Bridge(Arc<str>),
    /// What WhatsApp does not let the account do; none: nothing any more.
    Restriction(Option<RestrictionView>),
    /// What these groups are called from now on.
    Groups(Vec<Group>),
    /// A webhook, new, changed or further.
    Webhook(WebhookRecord),
    /// The webhook with this name is no more.
    ForgetWebhook(Arc<str>),
    /// Keep this from now on. It is told, not written.
    Kept(Kept),
}

/// Something to be done once the writes before it are on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// Which.
        id: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Write a command to this run of the bridge.
    Dispatch {
        /// Which run: another one ignores it.
        incarnation: Incarnation,
        /// What.
        command: Command,
    },
    /// Stop the bridge and start it again.
    RestartBridge,
    /// Stop the bridge and start the one with this configured name.
    UseBridge(Arc<str>),
    /// End this run of the bridge and start another.
    ReplaceBridge {
        /// Which run.
        incarnation: Incarnation,
        /// Why: what the restart is counted by.
        class: ExitClass,
    },
    /// Stop the bridge and leave it stopped, since it can't be worked with.
    RefuseBridge {
        /// Which run.
        incarnation: Incarnation,
        /// Why, and what to do.
        why: String,
    },
    /// Have the webhook with this name try at once.
    ResumeWebhook(Arc<str>),
    /// Wake up later.
    SetTimer {
        /// With what.
        timer: TimerId,
        /// After how long.
        after: Duration,
    },
}

/// A timer. It says itself when it is stale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TimerId {
    /// The bridge should have answered this `send` by now.
    Unanswered {
        /// In which run it was given.
        incarnation: Incarnation,
        /// Which message.
        id: MessageId,
        /// Which attempt.
        attempt: u32,
    },
    /// The QR, the code, or the passkey's challenge runs out.
    PairingExpires {
        /// The time of its end.
        expires_at: Timestamp,
    },
    /// Time to look whether the connection is proven.
    Proof {
        /// In which run.
        incarnation: Incarnation,
        /// Which opening of the connection.
        opening: u64,
    },
    /// Time for a `ping`.
    Heartbeat {
        /// To which run.
        incarnation: Incarnation,
    },
    /// What is in flight was waited for long enough: the bridge is to be ended.
    Drained {
        /// Which run.
        incarnation: Incarnation,
    },
    /// The pace lets the next message go.
    Paced {
        /// When.
        at: Mono,
    },
    /// Time to look whether messages still come in late.
    Lateness,
    /// A restriction ends, or it is time to look whether it does.
    RestrictionEnds {
        /// When it was to end.
        until: Timestamp,
    },
    /// The first of the waiting messages expires.
    Expiry {
        /// When, by the calendar.
        at: Timestamp,
    },
    /// A message that was sent back by the bridge may be tried again.
    Retry {
        /// To which run.
        incarnation: Incarnation,
    },
}

/// Figures from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// How this process and what hangs on it do.
    pub host: HostSample,
    /// The resident memory of the bridge in bytes.
    pub bridge_rss: Option<u64>,
}

/// What follows from an input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// For everyone who watches.
    pub changes: Vec<Change>,
    /// For the disk.
    pub writes: Vec<Write>,
    /// To be done, in this order, once the writes are on disk.
    pub effects: Vec<Effect>,
}
