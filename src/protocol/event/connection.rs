//! The connection to WhatsApp, and the account.

use serde::{Deserialize, Serialize};

/// The linked account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The bridge's process ended or could not run: the text says how. No bridge says it, the host does.
    BridgeEnded,
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
            Self::BridgeEnded => "bridge_ended",
            Self::Other => "other",
        }
    }
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
