//! Events: what the bridge writes to its stdout, and the reading of it.

mod connection;
mod groups;
mod hello;
mod linking;
mod message;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

pub use connection::{AccountInfo, Connection, ConnectionPhase, Reason, ReasonClass, Restriction};
pub use groups::{Group, Groups};
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
    /// What groups are called.
    Groups(Groups),
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
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

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
            | Self::Groups(_)
            | Self::Error(_)
            | Self::Unknown(_) => None,
        }
    }

    /// Reads one line, without its line feed.
    ///
    /// # Errors
    /// A [`BadLine`] that says what is wrong, without quoting the line.
    pub fn decode(line: &[u8]) -> Result<Self, BadLine> {
        // Bridges tell the type first: then one reading is enough.
        read(line, Fields { of: None }).or_else(|_| {
            let Tag { name } = serde_json::from_slice(line).map_err(|_| BadLine::NotAnEvent { bytes: line.len() })?;
            read(line, Fields { of: Some(&name) }).map_err(|_| BadLine::BadFields { event: name.into_owned() })
        })
    }
}

fn read(line: &[u8], fields: Fields<'_>) -> serde_json::Result<Event> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let event = json.deserialize_map(fields)?;
    json.end()?;
    Ok(event)
}

/// Reads the fields of an event of this type, or of the one that the first field names.
struct Fields<'t> {
    of: Option<&'t str>,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        let Some(name) = self.of else {
            return match map.next_key::<Word<'de>>()? {
                Some(Word(key)) if key == "type" => {
                    let Word(name) = map.next_value()?;
                    Fields { of: Some(&name) }.visit_map(map)
                }
                Some(_) | None => Err(serde::de::Error::custom("the type is not the first field")),
            };
        };
        let fields = MapAccessDeserializer::new(map);
        Ok(match name {
            "hello" => Event::Hello(Hello::deserialize(fields)?),
            "ready" => Event::Ready(ReadyFields::deserialize(fields)?.account),
            "qr" => Event::Qr(Qr::deserialize(fields)?),
            "pairing_code" => Event::PairingCode(PairingCode::deserialize(fields)?),
            "passkey" => Event::Passkey(Passkey::deserialize(fields)?),
            "passkey_code" => Event::PasskeyCode(PasskeyCode::deserialize(fields)?),
            "message" => Event::Message(Box::deserialize(fields)?),
            "sent" => Event::Sent(Sent::deserialize(fields)?),
            "receipt" => Event::Receipt(Receipt::deserialize(fields)?),
            "connection" => Event::Connection(Box::deserialize(fields)?),
            "pong" => Event::Pong(Pong::deserialize(fields)?),
            "restriction" => {
                let told = Restriction::deserialize(fields)?;
                Event::Restriction(Restriction { text: shown(told.text), ..told })
            }
            "groups" => Event::Groups(Groups::deserialize(fields)?),
            "error" => Event::Error(shown(ErrorFields::deserialize(fields)?.error)),
            other => {
                IgnoredAny::deserialize(fields)?;
                Event::Unknown(other.chars().take(64).collect())
            }
        })
    }
}

#[cfg(test)]
mod tests;
