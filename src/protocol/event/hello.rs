//! Who the bridge is, what it can do, and how it is.

use std::borrow::Cow;

use serde::Deserialize;

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
    /// `logout` ends the link.
    pub logout: bool,
}

impl From<Vec<Cow<'_, str>>> for Capabilities {
    fn from(names: Vec<Cow<'_, str>>) -> Self {
        let has = |name: &str| names.iter().any(|n| n == name);
        Self {
            ids: has("ids"),
            receipts: has("receipts"),
            connection: has("connection"),
            heartbeat: has("heartbeat"),
            logout: has("logout"),
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
