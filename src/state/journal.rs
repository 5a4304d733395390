//! The events that programs follow: their types, and what each tells.
//!
//! * A row of the journal holds the text of its event's `data`, as it is told years later; that of a message of somebody
//!   else, which never changes, is made from the message when it is told. Whoever changes what a type tells, other than by
//!   adding a field, gives the type another version.
//! * What links an account is in no row: a QR or a code is short-lived, and whoever has it has the account.

use std::sync::Arc;

use serde::Serialize;

use super::{
    About, Chat, ConnectionState, Delivery, DeliveryState, Direction, Failure, Message, MessageId, RestrictionView,
    Target, Times,
};
use crate::clock::Timestamp;
use crate::protocol::{AccountInfo, Reason};

/// The kinds of rows in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// A message came in, or went out from another device.
    MessageReceived,
    /// A message has another text.
    MessageEdited,
    /// A message was deleted for everyone.
    MessageRevoked,
    /// An emoji was put to a message, or taken back.
    MessageReaction,
    /// A message of ours was accepted or got further.
    MessageStatus,
    /// The connection to WhatsApp changed.
    ConnectionChanged,
    /// WhatsApp restricts the account, or does so no more.
    AccountRestricted,
}

impl JournalKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::MessageReceived,
        Self::MessageEdited,
        Self::MessageRevoked,
        Self::MessageReaction,
        Self::MessageStatus,
        Self::ConnectionChanged,
        Self::AccountRestricted,
    ];

    /// What a new message is in the journal.
    pub fn of(message: &Message) -> Self {
        match (message.direction, message.about()) {
            (Direction::Out, _) => Self::MessageStatus,
            (Direction::In | Direction::OutElsewhere, None) => Self::MessageReceived,
            (Direction::In | Direction::OutElsewhere, Some(About::Edit)) => Self::MessageEdited,
            (Direction::In | Direction::OutElsewhere, Some(About::Revoke)) => Self::MessageRevoked,
            (Direction::In | Direction::OutElsewhere, Some(About::Reaction)) => Self::MessageReaction,
        }
    }

    /// The name of the event for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageReceived => "message.received",
            Self::MessageEdited => "message.edited",
            Self::MessageRevoked => "message.revoked",
            Self::MessageReaction => "message.reaction",
            Self::MessageStatus => "message.status",
            Self::ConnectionChanged => "connection.changed",
            Self::AccountRestricted => "account.restricted",
        }
    }

    /// The version of what it tells.
    pub const fn version(self) -> u32 {
        match self {
            Self::MessageReceived
            | Self::MessageEdited
            | Self::MessageRevoked
            | Self::MessageReaction
            | Self::MessageStatus
            | Self::ConnectionChanged
            | Self::AccountRestricted => 1,
        }
    }
}

/// What is told of a message that came in, or that went out from another device.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MessageEvent<'a> {
    id: &'a MessageId,
    chat: &'a Chat,
    direction: Direction,
    from: &'a str,
    name: Option<&'a str>,
    kind: &'a str,
    /// The message that it is about.
    target: Option<&'a Target>,
    text: &'a str,
    at: Timestamp,
}

impl<'a> From<&'a Message> for MessageEvent<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: &message.id,
            chat: &message.chat,
            direction: message.direction,
            from: &message.from,
            name: message.name.as_deref(),
            kind: &message.kind,
            target: message.target.as_deref(),
            text: &message.body,
            at: message.at,
        }
    }
}

/// What is told of a message of ours.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusEvent<'a> {
    id: &'a MessageId,
    chat: Option<&'a Chat>,
    to: Option<&'a str>,
    /// Only when it was accepted: what comes after has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    state: DeliveryState,
    attempts: u32,
    #[serde(flatten)]
    times: Times,
    expires_at: Option<Timestamp>,
    failure: Option<&'a Failure>,
}

impl<'a> StatusEvent<'a> {
    /// How far a message has come. `chat` is none when the message itself is not kept any more.
    pub fn new(id: &'a MessageId, chat: Option<&'a Chat>, text: Option<&'a str>, delivery: &'a Delivery) -> Self {
        Self {
            id,
            chat,
            to: chat.map(Chat::address),
            text,
            state: delivery.state,
            attempts: delivery.attempts,
            times: delivery.times,
            expires_at: delivery.expires_at,
            failure: delivery.failure.as_ref(),
        }
    }
}

/// What is told of the connection to WhatsApp.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectionEvent<'a> {
    /// What it is now.
    pub state: ConnectionState,
    /// What it was before.
    pub previous: ConnectionState,
    /// Why it ended, as far as it is known.
    pub reason: Option<&'a Reason>,
    /// When the bridge tries again by itself.
    pub retry_at: Option<Timestamp>,
    /// The account that is linked, or was until now.
    pub account: Option<&'a AccountInfo>,
}

/// What is told of a restriction of the account.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RestrictionEvent<'a> {
    active: bool,
    class: &'a str,
    since: Timestamp,
    until: Timestamp,
    until_told: bool,
    text: &'a Arc<str>,
}

impl<'a> RestrictionEvent<'a> {
    /// Which restriction there is, or, when it is not active, was.
    pub fn new(active: bool, view: &'a RestrictionView) -> Self {
        let RestrictionView { class, since, until, until_told, text, held: _ } = view;
        Self { active, class, since: *since, until: *until, until_told: *until_told, text }
    }
}
