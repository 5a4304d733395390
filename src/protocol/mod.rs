//! The bridge protocol: the types on the wire and the reading of lines.
//!
//! `bridge/PROTOCOL.md` is the contract; this module is the host's side of it. It owns no process and no pipe.
//!
//! * Any bytes are read without a panic; what can't be read becomes a [`BadLine`] that says why.
//! * Unknown fields are ignored and unknown events keep their name, so that an older host serves a newer bridge.

mod command;
mod event;
mod lines;

pub use command::{Command, PasskeyResponse};
pub use event::{
    AccountInfo, BadLine, Capabilities, Chat, ChatKind, Connection, ConnectionPhase, Event, Group, Groups, Hello,
    Message, PairingCode, Passkey, PasskeyCode, Pong, Qr, Reason, ReasonClass, Receipt, ReceiptStatus, Restriction,
    Sent, Target, Version,
};
pub use lines::{Line, LineReader, MAX_LINE_BYTES};

/// The major version of the protocol that this host speaks.
pub const MAJOR: u32 = 1;
