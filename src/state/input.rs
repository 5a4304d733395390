//! What comes into [`decide`](super::decide) and what comes out: plain data.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ApiSample, BridgeView, Chat, ConnectionView, Counters, Delivery, DeliveryState, ExitClass, Fingerprint, HostSample,
    IdempotencyKey, Incarnation, JournalKind, Kept, LastError, LastExit, Message, MessageId, PacingView, Pairing,
    PasskeyFault, Phone, RequestId, RestrictionView, StoreView, Tuning, Used, WebhookRecord, WebhookRequest,
    WebhookView,
};
use crate::clock::{Mono, Timestamp};
use crate::protocol::{AccountInfo, BadLine, Command, Event, PasskeyResponse};

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
    Sampled(Sampled),
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
    Ours(Delivery),
}

/// What the store knows of what a request is about, looked up before deciding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// The request that its key was used for before.
    pub used: Option<Used>,
    /// How far the message has come that it is about.
    pub delivery: Option<Delivery>,
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

/// How the operator wants to link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Linking {
    /// By a pairing code instead of a QR.
    pub use_pairing_code: bool,
    /// The number that the code is for.
    pub phone_number: Option<Phone>,
}

/// What consoles and callers can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Send a text.
    Send {
        /// To whom.
        chat: Chat,
        /// What.
        text: Arc<str>,
        /// What else is wanted of it.
        options: SendOptions,
    },
    /// Don't send this message of ours, which waits.
    Cancel {
        /// Its id.
        id: MessageId,
    },
    /// Link in this way from now on.
    SetLinking(Linking),
    /// Use the bridge with this configured name from now on.
    UseBridge(Arc<str>),
    /// Go by this from now on.
    Tune(Tuning),
    /// Stop the bridge and start it again, breaker or not.
    RestartBridge,
    /// Take the link back from another program that has taken it over.
    TakeOver,
    /// Give WhatsApp the passkey's answer to its challenge.
    AnswerPasskey(PasskeyResponse),
    /// The owner has compared the code of the passkey step with the phone's.
    ConfirmPasskey {
        /// They are the same; if not, this attempt to link ends.
        same: bool,
    },
    /// Offer a pairing code for this number, now and from now on.
    RequestCode(Phone),
    /// End the link. What waits to be sent goes on waiting.
    LogOut {
        /// Forget the credentials also when WhatsApp can't be told: the phone then still lists the device.
        local: bool,
    },
    /// Keep or show something of the webhooks.
    Webhook(WebhookRequest),
}

/// What may be wanted of a message besides that it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOptions {
    /// All requests with this key are one.
    pub key: Option<IdempotencyKey>,
    /// It is not sent any more after so many seconds.
    pub expires_in: Option<u32>,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The message is on disk and will be sent.
    Accepted {
        /// Its id.
        id: MessageId,
        /// How far it has come.
        delivery: Box<Delivery>,
    },
    /// The same request, by its key, was accepted before.
    AcceptedBefore {
        /// The id of the message that it became.
        id: MessageId,
    },
    /// Done.
    Done,
    /// Not done.
    Refused(Refusal),
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// There is nothing to send.
    #[error("the text is empty; write something to send")]
    EmptyText,
    /// The text is too long for WhatsApp.
    #[error("the text has {length} characters, and WhatsApp takes at most {limit}; split it")]
    TextTooLong {
        /// Its length in characters.
        length: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// Too many messages wait.
    #[error("{limit} messages wait to be sent already; try again when some have left")]
    QueueFull {
        /// How many may wait.
        limit: usize,
    },
    /// Too much text waits.
    #[error("{limit_mib} MiB of text wait to be sent already; try again when some have left")]
    QueueTooLarge {
        /// How much may wait, in MiB.
        limit_mib: usize,
    },
    /// A message can't wait so long, or so briefly.
    #[error("a message may wait from 1 s to 7 days, that is {limit} s; leave it out to wait as long as it takes")]
    BadExpiry {
        /// The longest time, in seconds.
        limit: u32,
    },
    /// There is no such message of ours.
    #[error("there is no message of ours with this id; it may be too old, or never have been accepted")]
    NoSuchMessage,
    /// The message doesn't wait any more.
    #[error("only a message that waits can be cancelled, and this one is {}", state.as_str())]
    TooLateToCancel {
        /// How far it has come.
        state: DeliveryState,
    },
    /// The key belongs to another request.
    #[error("this Idempotency-Key was used for another message; take a new key for each message")]
    KeyReused,
    /// A pairing code needs a number.
    #[error("a pairing code needs the phone number that is to be linked, as in +584244370180")]
    NumberMissing,
    /// There is no bridge to be asked.
    #[error("the bridge does not run at present; see /status, and try again when it does")]
    BridgeDown,
    /// No passkey is asked for.
    #[error(
        "WhatsApp asks for no passkey at present; link anew, and answer when the phone has taken the QR or the code"
    )]
    NoPasskeyAsked,
    /// The passkey was answered already.
    #[error("an answer of the passkey is being looked at already; wait for what WhatsApp and the phone say")]
    PasskeyAnswered,
    /// What was given is not the passkey's answer.
    #[error("this is not the passkey's answer: {fault}")]
    NotThePasskeysAnswer {
        /// Why not, and what to do.
        fault: PasskeyFault,
    },
    /// There is no code to compare.
    #[error("there is no code to compare at present")]
    NothingToCompare,
    /// An account is linked.
    #[error("an account is linked already; DELETE /link logs it out, and so does its phone (Settings, Linked devices)")]
    AlreadyLinked,
    /// No account is linked.
    #[error("no account is linked at present; there is nothing to log out from")]
    NotLinked,
    /// WhatsApp can't be told.
    #[error(
        "WhatsApp is not connected, and so can't be told to remove the device; try again when it is, remove the device \
         on the phone (Settings, Linked devices), or forget the credentials here alone with DELETE /link?local=true"
    )]
    NotConnected,
    /// The bridge has no command for it.
    #[error(
        "this bridge can't log out (it lacks the capability `logout`); remove the device on the phone (Settings, Linked \
         devices)"
    )]
    LogoutUnsupported,
    /// Nobody has taken the link over.
    #[error("no other program has taken the link over; there is nothing to take back")]
    NotTakenOver,
    /// Nothing can be written.
    #[error("the database can't be written ({reason}); nothing is accepted until it can")]
    StoreFailed {
        /// What the database says.
        reason: String,
    },
    /// The process is ending, or the engine is overloaded.
    #[error("the gateway is busy or stopping; try again")]
    Unavailable,
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
    /// What WhatsApp does not let the account do; none: nothing any more.
    Restriction(Option<RestrictionView>),
    /// Counters that don't follow from messages.
    Counted(Counters),
    /// Something went wrong.
    Error(LastError),
    /// The database.
    Store(StoreView),
    /// All webhooks, by their names.
    Webhooks(Vec<WebhookView>),
    /// New figures.
    Host(HostSample),
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
    /// The resident memory of this process in bytes.
    pub host_rss: Option<u64>,
    /// The resident memory of the bridge in bytes.
    pub bridge_rss: Option<u64>,
    /// How the HTTP API does.
    pub api: ApiSample,
    /// Lines of this program's log that were dropped since its start.
    pub log_lines_dropped: u64,
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
