//! Messages, and how far ours have come.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A message as the bridge tells it. Only `from` and `body` are there at base level. All but its text is short, and takes
/// no memory of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Who wrote it: an E.164 number wherever WhatsApp gives one, else WhatsApp's id.
    pub from: CompactString,
    /// The text, or a caption, or empty.
    #[serde(default)]
    pub body: String,
    /// WhatsApp's id of the message.
    #[serde(default)]
    pub message_id: Option<CompactString>,
    /// What it is: `text`, `image`, …
    #[serde(default)]
    pub kind: Option<CompactString>,
    /// The message that it is about, when it is an edit, a revocation or a reaction.
    #[serde(default)]
    pub target: Option<Target>,
    /// The account's owner wrote it on another device.
    #[serde(default)]
    pub from_me: bool,
    /// When WhatsApp took it, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub timestamp_ms: Option<i64>,
    /// The name that the writer gave himself.
    #[serde(default)]
    pub name: Option<CompactString>,
    /// The conversation.
    #[serde(default)]
    pub chat: Option<Chat>,
    /// Its number in the bridge's log (capability `ack`).
    #[serde(default)]
    pub seq: Option<u64>,
}

/// The message that another one is about. It is in the same chat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// WhatsApp's id of it.
    pub message_id: CompactString,
    /// The account's owner wrote it.
    #[serde(default)]
    pub from_me: bool,
}

/// A conversation as the bridge tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// Whether it is a person's.
    #[serde(default)]
    pub kind: ChatKind,
    /// WhatsApp's stable id for it.
    pub id: CompactString,
    /// The person's number, E.164.
    #[serde(default)]
    pub phone: Option<CompactString>,
    /// The person's id that hides the number.
    #[serde(default)]
    pub lid: Option<CompactString>,
}

/// The kinds of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// One person.
    Person,
    /// A group.
    Group,
    /// Status posts.
    Status,
    /// A broadcast list.
    Broadcast,
    /// A channel.
    Newsletter,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

impl ChatKind {
    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Group => "group",
            Self::Status => "status",
            Self::Broadcast => "broadcast",
            Self::Newsletter => "newsletter",
            Self::Other => "other",
        }
    }
}

/// The answer to a `send`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// The recipient, as it was given.
    pub to: CompactString,
    /// WhatsApp's server acknowledged it.
    pub ok: bool,
    /// The id that the host gave (capability `ids`).
    #[serde(default)]
    pub message_id: Option<CompactString>,
    /// The server's number for the refusal.
    #[serde(default)]
    pub code: Option<u32>,
    /// The refusal in words.
    #[serde(default)]
    pub error: Option<String>,
    /// The same `send` may be given again.
    #[serde(default)]
    pub retryable: bool,
    /// Not before then, in milliseconds since the Unix epoch; with code 463.
    #[serde(default)]
    pub retry_at_ms: Option<i64>,
    /// Its number in the bridge's log (capability `ack`).
    #[serde(default)]
    pub seq: Option<u64>,
}

/// A receipt for a message of ours.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Which message.
    pub message_id: CompactString,
    /// What happened to it.
    pub status: ReceiptStatus,
    /// When, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub timestamp_ms: Option<i64>,
    /// Its number in the bridge's log (capability `ack`).
    #[serde(default)]
    pub seq: Option<u64>,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// It reached the recipient's phone.
    Delivered,
    /// The recipient opened the chat.
    Read,
    /// The recipient played the voice message.
    Played,
}
