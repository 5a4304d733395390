//! What consoles and callers may see. Bounded to what they can show.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Delivery, ExitClass, HostSample, Incarnation, LastExit, Linking, Message, MessageId, PacingView, Pairing,
    RestrictionView, Subjects, WebhookView,
};
use crate::clock::Timestamp;
use crate::protocol::{AccountInfo, Reason};

/// How many messages the feed of a snapshot holds.
pub const FEED_CAPACITY: usize = 300;

/// How many states of the connection the timeline of a snapshot holds.
pub const TIMELINE_CAPACITY: usize = 50;

/// How many messages may wait to be sent.
pub const QUEUE_CAPACITY: usize = 10_000;

/// Everything that a console shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the process started.
    pub started_at: Timestamp,
    /// The child process.
    pub bridge: BridgeView,
    /// The connection to WhatsApp.
    pub connection: ConnectionView,
    /// The last states of the connection, oldest first; the last one is the present one.
    pub timeline: VecDeque<Transition>,
    /// What there is to scan, to type, or to do in a browser while no account is linked.
    pub pairing: Option<Pairing>,
    /// How the operator wants to link.
    pub linking: Linking,
    /// The linked account.
    pub account: Option<AccountInfo>,
    /// What has been counted since the start.
    pub counters: Counters,
    /// How many messages wait to be sent, those without a known outcome included.
    pub queue: usize,
    /// The wait of messages that could go but for the pace.
    pub pacing: Option<PacingView>,
    /// How late messages come in at present, when they do.
    pub lateness: Option<LatenessView>,
    /// What WhatsApp does not let the account do at present.
    pub restriction: Option<RestrictionView>,
    /// What groups are called, as far as the bridge has told.
    #[serde(default)]
    pub groups: Subjects,
    /// The last error, whatever it was about.
    pub last_error: Option<LastError>,
    /// The database.
    pub store: StoreView,
    /// The webhooks, by their names.
    pub webhooks: Vec<WebhookView>,
    /// Memory and API figures, sampled now and then.
    pub host: HostSample,
    /// The last messages, oldest first, in the order in which they came.
    pub feed: VecDeque<Arc<Message>>,
}

impl Snapshot {
    /// The snapshot of a process that has just started.
    pub fn new(started_at: Timestamp) -> Self {
        Self {
            started_at,
            bridge: BridgeView::default(),
            connection: ConnectionView {
                state: ConnectionState::Down,
                since: started_at,
                reason: None,
                retry_at: None,
                proven_at: None,
            },
            timeline: VecDeque::new(),
            pairing: None,
            linking: Linking::default(),
            account: None,
            counters: Counters::default(),
            queue: 0,
            pacing: None,
            lateness: None,
            restriction: None,
            groups: Subjects::default(),
            last_error: None,
            store: StoreView::default(),
            webhooks: Vec::new(),
            host: HostSample::default(),
            feed: VecDeque::new(),
        }
    }

    /// WhatsApp can be reached and messages can be sent: proven lately, not only claimed.
    pub fn connected(&self) -> bool {
        self.connection.state == ConnectionState::Open
    }

    /// The message with this id, when the feed still holds it. Ours only: ids of others are not unique.
    pub fn delivery(&self, id: &MessageId) -> Option<&Delivery> {
        self.feed.iter().rev().find(|m| m.id == *id && m.delivery.is_some()).and_then(|m| m.delivery.as_deref())
    }
}

/// The child process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BridgeView {
    /// Its state.
    pub state: BridgeState,
    /// Its name, from its `hello`; none at base level.
    pub name: Option<Arc<str>>,
    /// Which run it is.
    pub incarnation: Incarnation,
    /// Its process id, while it runs.
    pub pid: Option<u32>,
    /// How often it was started again since the start of this process.
    pub restarts: u64,
    /// The same, by what had ended the run before.
    pub restarts_by_reason: BTreeMap<ExitClass, u64>,
    /// It has said nothing at all since its start, for longer than is usual.
    pub silent: bool,
    /// When it is started again, while it backs off.
    pub retry_at: Option<Timestamp>,
    /// How the last run ended.
    pub last_exit: Option<LastExit>,
    /// Its resident memory in bytes.
    pub rss_bytes: Option<u64>,
}

/// The states of the child process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BridgeState {
    /// Not running, and not wanted.
    #[default]
    Stopped,
    /// Its packages are being installed.
    Installing,
    /// It runs.
    Running,
    /// It runs, is given nothing new to send, and is replaced once what is in flight is settled.
    Draining,
    /// It ended and is started again later.
    BackingOff,
    /// It failed too often; it is tried again much later, or when the operator asks.
    BreakerOpen,
    /// Restarting can't help: another protocol, or a program that can't be started.
    Refused,
}

impl BridgeState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Stopped,
        Self::Installing,
        Self::Running,
        Self::Draining,
        Self::BackingOff,
        Self::BreakerOpen,
        Self::Refused,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Installing => "installing",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::BackingOff => "backing_off",
            Self::BreakerOpen => "breaker_open",
            Self::Refused => "refused",
        }
    }
}

/// The connection to WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectionView {
    /// Its state.
    pub state: ConnectionState,
    /// Since when.
    pub since: Timestamp,
    /// Why it ended, when it did.
    pub reason: Option<Reason>,
    /// When the bridge tries again by itself; none: it waits for the operator.
    pub retry_at: Option<Timestamp>,
    /// When WhatsApp's server last proved that the connection lives, while it is up.
    pub proven_at: Option<Timestamp>,
}

/// Messages come in late, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatenessView {
    /// How many seconds later one came than the one that came soonest, counted from when WhatsApp took each. A difference
    /// between WhatsApp's clock and this machine's is not in it.
    pub seconds: u64,
    /// When that one came.
    pub at: Timestamp,
}

/// One state of the connection, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The state.
    pub state: ConnectionState,
    /// When it began. It ended when the next one began.
    pub at: Timestamp,
    /// Why, as far as it is known.
    pub reason: Option<Reason>,
}

/// The states of the connection to WhatsApp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// The bridge does not run.
    Down,
    /// On the way.
    Connecting,
    /// Waiting for somebody to scan the QR or to type the code.
    Linking,
    /// The QR was scanned or the code typed, and WhatsApp wants the owner's passkey before it links.
    Passkey,
    /// Logged in, and proven by an answer lately.
    Open,
    /// Logged in, as far as is known: nothing has come from WhatsApp's server for some time.
    Unverified,
    /// Ended.
    Closed,
    /// The phone ended the link.
    LoggedOut,
}

impl ConnectionState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Down,
        Self::Connecting,
        Self::Linking,
        Self::Passkey,
        Self::Open,
        Self::Unverified,
        Self::Closed,
        Self::LoggedOut,
    ];

    /// Logged in, proven or not: messages are given to the bridge.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Open | Self::Unverified)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Linking => "linking",
            Self::Passkey => "passkey",
            Self::Open => "open",
            Self::Unverified => "unverified",
            Self::Closed => "closed",
            Self::LoggedOut => "logged_out",
        }
    }
}

/// What has been counted since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counters {
    /// Messages that came in. What is about an earlier message, such as a reaction, is none.
    pub messages_received: u64,
    /// Messages of ours that WhatsApp's server acknowledged.
    pub messages_sent: u64,
    /// Messages of ours that reached the recipient's phone.
    pub messages_delivered: u64,
    /// Messages of ours that were read.
    pub messages_read: u64,
    /// Messages of ours that failed.
    pub messages_failed: u64,
    /// Messages of ours that were not sent in time.
    pub messages_expired: u64,
    /// Messages of ours that were taken back.
    pub messages_cancelled: u64,
    /// Messages that the bridge gave again and that were taken once.
    pub duplicates: u64,
    /// Lines of the bridge that were not events.
    pub protocol_errors: u64,
    /// Events of the bridge that this host does not know.
    pub unknown_events: u64,
    /// Lines of the bridge's stderr that were not logged, since there were too many.
    pub log_lines_dropped: u64,
}

/// The database, as far as operators must know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StoreView {
    /// Its state.
    pub state: StoreState,
    /// Why it can't be written, and what to do, while it can't.
    pub reason: Option<Arc<str>>,
}

/// The states of the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StoreState {
    /// It takes what is written.
    #[default]
    Ok,
    /// It can't be written at present: nothing is accepted, and it is tried again each second.
    Failing,
}

/// The last thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What, and what to do.
    pub text: Arc<str>,
}
