//! What was asked for and shows itself when it has come: said until then, and no longer.

use crate::clock::Timestamp;
use crate::state::{BridgeState, ConnectionState, Incarnation, Pairing, Snapshot};

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// What is said meanwhile.
    pub text: String,
    awaited: Awaited,
    /// When the error happened that was the last one then.
    error: Option<Timestamp>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// What was asked for shows itself.
    Came,
    /// Something went wrong: what.
    Failed(String),
}

/// What ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// A pairing code.
    Code,
    /// A QR.
    Qr,
    /// Another run of the bridge than this, or that there will be none: it was in this state.
    Run(Incarnation, BridgeState),
    /// The end of the link.
    LoggedOut,
}

impl Passing {
    fn new(snapshot: &Snapshot, text: String, awaited: Awaited) -> Self {
        Self { text, awaited, error: snapshot.last_error.as_ref().map(|error| error.at) }
    }

    /// A pairing code is asked for, as this says.
    pub fn code(snapshot: &Snapshot, text: String) -> Self {
        Self::new(snapshot, text, Awaited::Code)
    }

    /// A QR is asked for.
    pub fn qr(snapshot: &Snapshot) -> Self {
        Self::new(snapshot, "asking for a QR".to_owned(), Awaited::Qr)
    }

    /// The bridge is started anew.
    pub fn restart(snapshot: &Snapshot) -> Self {
        let bridge = &snapshot.bridge;
        Self::new(snapshot, "restarting the bridge".to_owned(), Awaited::Run(bridge.incarnation, bridge.state))
    }

    /// The link is ended.
    pub fn log_out(snapshot: &Snapshot) -> Self {
        Self::new(snapshot, "logging out".to_owned(), Awaited::LoggedOut)
    }

    /// How it ended; none: it is under way, as far as is known.
    pub fn end(&self, now: &Snapshot) -> Option<End> {
        if self.came(now) {
            return Some(End::Came);
        }
        let error = now.last_error.as_ref().filter(|error| Some(error.at) != self.error)?;
        Some(End::Failed(error.text.to_string()))
    }

    fn came(&self, now: &Snapshot) -> bool {
        let up = now.connection.state.is_up();
        match self.awaited {
            Awaited::Code => up || matches!(now.pairing, Some(Pairing::Code { .. })),
            Awaited::Qr => up || matches!(now.pairing, Some(Pairing::Qr { .. })),
            Awaited::Run(run, state) => {
                let ended = matches!(
                    now.bridge.state,
                    BridgeState::BackingOff | BridgeState::BreakerOpen | BridgeState::Refused
                );
                now.bridge.incarnation != run || (ended && now.bridge.state != state)
            }
            Awaited::LoggedOut => matches!(
                now.connection.state,
                ConnectionState::LoggedOut | ConnectionState::Linking | ConnectionState::Passkey
            ),
        }
    }
}
