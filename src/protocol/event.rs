//! Events: what the bridge writes to its stdout, and the reading of it.

mod connection;
mod hello;
mod linking;
mod message;

use std::borrow::Cow;

use serde::Deserialize;

pub use connection::{AccountInfo, Connection, ConnectionPhase, Reason, ReasonClass, Restriction};
pub use hello::{Capabilities, Hello, Pong, Version};
pub use linking::{PairingCode, Passkey, PasskeyCode, Qr};
pub use message::{Chat, ChatKind, Message, Receipt, ReceiptStatus, Sent, Target};

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
