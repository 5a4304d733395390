//! Events: what the bridge writes to its stdout.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One line from the bridge to the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The first line of a bridge that speaks more than the base level.
    Hello(Hello),
    /// Linked, logged in, able to send. Carries the account with capability `connection`.
    Ready(Option<AccountInfo>),
    /// A QR to show.
    Qr(Qr),
    /// A pairing code to show.
    PairingCode(PairingCode),
    /// WhatsApp wants the owner's passkey before it links.
    Passkey(Passkey),
    /// The code of the passkey step, which the phone shows as well.
    PasskeyCode(PasskeyCode),
    /// A message came in, or went out from another of the owner's devices.
    Message(Box<Message>),
    /// The answer to a `send`.
    Sent(Sent),
    /// A receipt for a message of ours.
    Receipt(Receipt),
    /// The state of the connection to WhatsApp.
    Connection(Box<Connection>),
    /// The answer to a `ping`.
    Pong(Pong),
    /// WhatsApp restricts the account, or does so no more.
    Restriction(Restriction),
    /// Something the operator should see.
    Error(String),
    /// An event that this host does not know, by its name.
    Unknown(String),
}

/// Who the bridge is and what it can do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: Version,
    /// The bridge's name.
    #[serde(default)]
    pub bridge: String,
    /// The bridge's own version.
    #[serde(default)]
    pub version: Option<String>,
    /// What it can do beyond the base level.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// Changes when old and new can't understand each other.
    pub major: u32,
    /// Grows with additions.
    #[serde(default)]
    pub minor: u32,
}

/// The capabilities that this host knows, of those that the bridge named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<Cow<'_, str>>")]
pub struct Capabilities {
    /// Message ids are chosen by the host.
    pub ids: bool,
    /// Receipts are reported.
    pub receipts: bool,
    /// The connection's states are reported.
    pub connection: bool,
    /// `ping` is answered.
    pub heartbeat: bool,
}

impl From<Vec<Cow<'_, str>>> for Capabilities {
    fn from(names: Vec<Cow<'_, str>>) -> Self {
        let has = |name: &str| names.iter().any(|n| n == name);
        Self { ids: has("ids"), receipts: has("receipts"), connection: has("connection"), heartbeat: has("heartbeat") }
    }
}

/// The linked account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// Its telephone number, E.164.
    #[serde(default)]
    pub phone: Option<String>,
    /// Its id that hides the number.
    #[serde(default)]
    pub lid: Option<String>,
    /// The name that the owner gave himself.
    #[serde(default)]
    pub name: Option<String>,
}

/// A QR. It is a secret: whoever has it can link a device.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Qr {
    /// The text that the QR encodes.
    pub qr: String,
    /// How long WhatsApp accepts it, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qr").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// A pairing code. It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingCode {
    /// Eight characters to type on the phone.
    pub code: String,
    /// How long WhatsApp accepts it, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingCode").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// WhatsApp's demand for the owner's passkey (capability `passkey`). It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// The options of WebAuthn's challenge.
    pub options: serde_json::Value,
    /// What to paste in the console of WhatsApp's page: it has the browser answer the challenge.
    pub snippet: String,
    /// How long an answer is awaited, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passkey").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// The code of the passkey step. It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct PasskeyCode {
    /// As the phone shows it: `ABCD-1234`.
    pub code: String,
    /// The bridge waits until the owner has compared it with the phone's; else it is only to be shown.
    #[serde(default)]
    pub confirm: bool,
}

impl fmt::Debug for PasskeyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyCode").field("confirm", &self.confirm).finish_non_exhaustive()
    }
}

/// A message as the bridge tells it. Only `from` and `body` are there at base level.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Who wrote it: an E.164 number wherever WhatsApp gives one, else WhatsApp's id.
    pub from: String,
    /// The text, or a caption, or empty.
    #[serde(default)]
    pub body: String,
    /// WhatsApp's id of the message.
    #[serde(default)]
    pub message_id: Option<String>,
    /// What it is: `text`, `image`, …
    #[serde(default)]
    pub kind: Option<String>,
    /// The account's owner wrote it on another device.
    #[serde(default)]
    pub from_me: bool,
    /// When WhatsApp took it, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub timestamp_ms: Option<i64>,
    /// The name that the writer gave himself.
    #[serde(default)]
    pub name: Option<String>,
    /// The conversation.
    #[serde(default)]
    pub chat: Option<Chat>,
    /// Its number in the bridge's log (capability `ack`).
    #[serde(default)]
    pub seq: Option<u64>,
}

/// A conversation as the bridge tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// Whether it is a person's.
    #[serde(default)]
    pub kind: ChatKind,
    /// WhatsApp's stable id for it.
    pub id: String,
    /// The person's number, E.164.
    #[serde(default)]
    pub phone: Option<String>,
    /// The person's id that hides the number.
    #[serde(default)]
    pub lid: Option<String>,
}

/// The kinds of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    pub to: String,
    /// WhatsApp's server acknowledged it.
    pub ok: bool,
    /// The id that the host gave (capability `ids`).
    #[serde(default)]
    pub message_id: Option<String>,
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
    pub message_id: String,
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

/// The state of the connection to WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The state.
    pub state: ConnectionPhase,
    /// The account, when open.
    #[serde(default)]
    pub account: Option<AccountInfo>,
    /// Why it ended.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The bridge tries again after this time; without it, it waits for a `connect`.
    #[serde(default)]
    pub retry_in_ms: Option<u64>,
}

/// The states of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionPhase {
    /// On the way.
    Connecting,
    /// Logged in.
    Open,
    /// Ended.
    Closed,
    /// Ended, and the credentials are void.
    LoggedOut,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What kind of end it is: says whether and how to go on.
    #[serde(default)]
    pub class: ReasonClass,
    /// WhatsApp's number.
    #[serde(default)]
    pub code: Option<u32>,
    /// In words.
    #[serde(default)]
    pub text: String,
}

/// The classes of ends of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonClass {
    /// Normal after linking.
    RestartRequired,
    /// The network, or silence.
    ConnectionLost,
    /// WhatsApp is overloaded.
    Unavailable,
    /// Nobody scanned the QR in time.
    LinkExpired,
    /// The phone ended the link.
    LoggedOut,
    /// WhatsApp banned the number.
    Banned,
    /// Another program took the link over.
    Replaced,
    /// WhatsApp refuses this version.
    Outdated,
    /// The credentials do not fit any more.
    BadSession,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

impl ReasonClass {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RestartRequired => "restart_required",
            Self::ConnectionLost => "connection_lost",
            Self::Unavailable => "unavailable",
            Self::LinkExpired => "link_expired",
            Self::LoggedOut => "logged_out",
            Self::Banned => "banned",
            Self::Replaced => "replaced",
            Self::Outdated => "outdated",
            Self::BadSession => "bad_session",
            Self::Other => "other",
        }
    }
}

/// The answer to a `ping`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pong {
    /// As in the `ping`.
    pub id: u64,
    /// The bridge's resident memory in bytes.
    #[serde(default)]
    pub rss_bytes: Option<u64>,
    /// How late the bridge's event loop runs, in milliseconds.
    #[serde(default)]
    pub event_loop_lag_ms: Option<u64>,
    /// The age of the last frame from WhatsApp's server, in milliseconds.
    #[serde(default)]
    pub last_frame_age_ms: Option<u64>,
    /// The age of the last answer of WhatsApp's server to something that the bridge asked or sent, in milliseconds.
    #[serde(default)]
    pub last_answer_age_ms: Option<u64>,
}

/// A restriction of the account by WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restriction {
    /// What is restricted: `reachout_timelock` is the start of new chats.
    pub class: String,
    /// It holds at present.
    pub active: bool,
    /// Until when, in milliseconds since the Unix epoch, as far as that is known.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// In words.
    #[serde(default)]
    pub text: String,
}

/// Why a line is not an event. It never holds the line itself, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Longer than [`MAX_LINE_BYTES`](super::MAX_LINE_BYTES).
    #[error("a line of {bytes} bytes was skipped (the longest allowed has {max})", max = super::MAX_LINE_BYTES)]
    TooLong {
        /// How long it was.
        bytes: usize,
    },
    /// Not JSON, or without a `type`.
    #[error("a line of {bytes} bytes is not a JSON object with a \"type\"")]
    NotAnEvent {
        /// How long it was.
        bytes: usize,
    },
    /// A known event with wrong or missing fields.
    #[error("the event {event:?} has wrong or missing fields")]
    BadFields {
        /// The event's name.
        event: String,
    },
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ReadyFields {
    #[serde(default)]
    account: Option<AccountInfo>,
}

#[derive(Deserialize)]
struct ErrorFields {
    error: String,
}

/// The most characters of a text that is only shown: it is kept many times over, and a line may have a million.
const MAX_SHOWN_CHARS: usize = 1_000;

fn shown(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Event {
    /// The number that the host acknowledges once the event is on its disk.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Message(message) => message.seq,
            Self::Sent(sent) => sent.seq,
            Self::Receipt(receipt) => receipt.seq,
            Self::Hello(_)
            | Self::Ready(_)
            | Self::Qr(_)
            | Self::PairingCode(_)
            | Self::Passkey(_)
            | Self::PasskeyCode(_)
            | Self::Connection(_)
            | Self::Pong(_)
            | Self::Restriction(_)
            | Self::Error(_)
            | Self::Unknown(_) => None,
        }
    }

    /// Reads one line, without its line feed.
    ///
    /// # Errors
    /// A [`BadLine`] that says what is wrong, without quoting the line.
    pub fn decode(line: &[u8]) -> Result<Self, BadLine> {
        fn fields<'a, T: Deserialize<'a>>(line: &'a [u8], name: &str) -> Result<T, BadLine> {
            serde_json::from_slice(line).map_err(|_| BadLine::BadFields { event: name.to_owned() })
        }
        let Tag { name } = serde_json::from_slice(line).map_err(|_| BadLine::NotAnEvent { bytes: line.len() })?;
        Ok(match name.as_ref() {
            "hello" => Self::Hello(fields(line, &name)?),
            "ready" => Self::Ready(fields::<ReadyFields>(line, &name)?.account),
            "qr" => Self::Qr(fields(line, &name)?),
            "pairing_code" => Self::PairingCode(fields(line, &name)?),
            "passkey" => Self::Passkey(fields(line, &name)?),
            "passkey_code" => Self::PasskeyCode(fields(line, &name)?),
            "message" => Self::Message(fields(line, &name)?),
            "sent" => Self::Sent(fields(line, &name)?),
            "receipt" => Self::Receipt(fields(line, &name)?),
            "connection" => Self::Connection(fields(line, &name)?),
            "pong" => Self::Pong(fields(line, &name)?),
            "restriction" => {
                let told: Restriction = fields(line, &name)?;
                Self::Restriction(Restriction { text: shown(told.text), ..told })
            }
            "error" => Self::Error(shown(fields::<ErrorFields>(line, &name)?.error)),
            other => Self::Unknown(other.chars().take(64).collect()),
        })
    }
}

#[cfg(test)]
mod tests;
