//! Messages and how far they have come.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{ChatId, MessageId, Phone, Target};
use crate::clock::Timestamp;
use crate::protocol::ChatKind;

/// A message, in or out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, unique within the chat.
    pub id: MessageId,
    /// Which way it goes.
    pub direction: Direction,
    /// The conversation it belongs to.
    pub chat: Chat,
    /// Who wrote it, when it came in: a number wherever WhatsApp gives one, else WhatsApp's id.
    pub from: CompactString,
    /// The name that the writer gave himself.
    pub name: Option<CompactString>,
    /// What it is: `text`, `image`, `edit`, …
    pub kind: CompactString,
    /// The message that it is about, when it is about another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<Box<Target>>,
    /// The text, or a caption, or a reaction's emoji, or empty.
    pub body: Arc<str>,
    /// When we accepted it (out) or WhatsApp took it (in).
    pub at: Timestamp,
    /// How far it has come, when it is ours.
    pub delivery: Option<Box<Delivery>>,
}

impl Message {
    /// Somebody wrote it to us, and it is something of its own.
    pub fn is_received(&self) -> bool {
        self.direction == Direction::In && self.about().is_none()
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To us.
    In,
    /// From us, through this gateway.
    Out,
    /// From the account's owner, on another of his devices.
    OutElsewhere,
}

impl Direction {
    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::OutElsewhere => "out_elsewhere",
        }
    }
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Chat {
    /// WhatsApp's stable id for it.
    pub id: ChatId,
    /// Whether it is a person's.
    pub kind: ChatKind,
    /// The person's number, when known.
    pub phone: Option<Phone>,
    /// The person's id that hides the number, when known.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub lid: Option<CompactString>,
}

impl Chat {
    /// The conversation with the person who has this number.
    pub fn with_person(phone: Phone) -> Self {
        Self { id: ChatId::of_phone(&phone), kind: ChatKind::Person, phone: Some(phone), lid: None }
    }

    /// The group with this id.
    pub const fn group(id: ChatId) -> Self {
        Self { id, kind: ChatKind::Group, phone: None, lid: None }
    }

    /// What a `send` is addressed with: the number, or WhatsApp's id where there is none.
    pub fn address(&self) -> &str {
        self.phone.as_ref().map_or_else(|| self.id.as_str(), Phone::as_str)
    }
}

/// How far a message of ours has come, and when it got to each point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The furthest point.
    pub state: DeliveryState,
    /// When each point was reached first.
    pub times: Times,
    /// How often it was handed to the bridge.
    pub attempts: u32,
    /// It is not sent after this time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Failure>,
}

/// The points on a message's way. Later ones are greater; those that say that it will not be sent stand
/// aside, below what a receipt can prove all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// On disk, waiting.
    Queued,
    /// Handed to the bridge; the outcome is not known.
    Dispatched,
    /// It will not be sent.
    Failed,
    /// It was not sent in time, and will not be.
    Expired,
    /// It was taken back before it was sent.
    Cancelled,
    /// WhatsApp's server acknowledged it.
    Sent,
    /// It reached the recipient's phone.
    Delivered,
    /// The recipient read it.
    Read,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Dispatched,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Sent,
        Self::Delivered,
        Self::Read,
    ];

    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatched => "dispatched",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The state for a word from the database.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// The message is still to be sent, or its outcome is open.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Queued | Self::Dispatched)
    }
}

/// When a message got to each point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Times {
    /// Accepted and on disk.
    pub queued_at: Option<Timestamp>,
    /// First handed to the bridge.
    pub dispatched_at: Option<Timestamp>,
    /// Acknowledged by WhatsApp's server.
    pub sent_at: Option<Timestamp>,
    /// Reached the recipient's phone.
    pub delivered_at: Option<Timestamp>,
    /// Read.
    pub read_at: Option<Timestamp>,
    /// Given up.
    pub failed_at: Option<Timestamp>,
    /// Not sent in time.
    pub expired_at: Option<Timestamp>,
    /// Taken back.
    pub cancelled_at: Option<Timestamp>,
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// WhatsApp's number for the refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u32>,
    /// In words.
    pub text: Arc<str>,
    /// Whether trying again makes sense.
    pub retryable: bool,
}

impl Delivery {
    /// Accepted at `at`.
    pub fn queued(at: Timestamp) -> Self {
        Self {
            state: DeliveryState::Queued,
            times: Times { queued_at: Some(at), ..Times::default() },
            attempts: 0,
            expires_at: None,
            failure: None,
        }
    }

    /// The same, not to be sent after this time.
    #[must_use]
    pub fn expiring(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Handed to the bridge at `at`, once more.
    #[must_use]
    pub fn dispatched(mut self, at: Timestamp) -> Self {
        self.state = DeliveryState::Dispatched;
        self.times.dispatched_at.get_or_insert(at);
        self.attempts += 1;
        self
    }

    /// Back in the queue after an attempt without an outcome.
    #[must_use]
    pub fn requeued(mut self) -> Self {
        self.state = DeliveryState::Queued;
        self
    }

    /// Given up at `at`.
    #[must_use]
    pub fn failed(mut self, at: Timestamp, failure: Failure) -> Self {
        self.state = DeliveryState::Failed;
        self.times.failed_at = Some(at);
        self.failure = Some(failure);
        self
    }

    /// Not sent in time, as was found at `at`.
    #[must_use]
    pub fn expired(mut self, at: Timestamp) -> Self {
        self.state = DeliveryState::Expired;
        self.times.expired_at = Some(at);
        self
    }

    /// Taken back at `at`.
    #[must_use]
    pub fn cancelled(mut self, at: Timestamp) -> Self {
        self.state = DeliveryState::Cancelled;
        self.times.cancelled_at = Some(at);
        self
    }

    /// The delivery after the news that it got to `state` at `at`; `None` when that says nothing new.
    ///
    /// A receipt proves the points before it: a message that was read was delivered and sent. Points are never taken
    /// back, whatever the order in which the news come.
    #[must_use]
    pub fn reached(&self, state: DeliveryState, at: Timestamp) -> Option<Self> {
        if state <= self.state || !matches!(state, DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read)
        {
            return None;
        }
        let mut next = self.clone();
        next.state = state;
        next.failure = None;
        next.times = Times { failed_at: None, expired_at: None, cancelled_at: None, ..next.times };
        next.times.sent_at.get_or_insert(at);
        if state >= DeliveryState::Delivered {
            next.times.delivered_at.get_or_insert(at);
        }
        if state >= DeliveryState::Read {
            next.times.read_at.get_or_insert(at);
        }
        Some(next)
    }
}
