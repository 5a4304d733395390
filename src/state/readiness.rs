//! Whether messages can go out, and what is in the way.

use serde::Serialize;

use super::{BridgeState, ConnectionState, Snapshot, StoreState};

/// One thing that has to be in order.
///
/// Its words are constants: it is told to whoever asks, and so says nothing of persons and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// What is looked at.
    pub name: &'static str,
    /// Whether it is in order.
    pub state: CheckState,
    /// The same in words.
    pub text: &'static str,
}

/// Whether a thing is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum CheckState {
    /// It is.
    Ok,
    /// It is not.
    Failing,
}

impl Check {
    /// A check with its result in words.
    pub const fn new(name: &'static str, ok: bool, text: &'static str) -> Self {
        Self { name, state: if ok { CheckState::Ok } else { CheckState::Failing }, text }
    }

    /// It is in order.
    pub const fn is_ok(self) -> bool {
        matches!(self.state, CheckState::Ok)
    }
}

/// What has to be in order for messages to go out: `store`, `bridge`, `link` and `connection`.
pub fn readiness(snapshot: &Snapshot) -> [Check; 4] {
    let Snapshot { store, bridge, connection, account, .. } = snapshot;
    [
        match store.state {
            StoreState::Ok => Check::new("store", true, "the database takes what is written"),
            StoreState::Failing => {
                Check::new("store", false, "the database can't be written, and nothing is accepted until it can")
            }
        },
        Check::new("bridge", bridge.state == BridgeState::Running, bridge.state.in_words()),
        link(connection.state, account.is_some()),
        Check::new("connection", connection.state == ConnectionState::Open, connection.state.in_words()),
    ]
}

fn link(state: ConnectionState, known: bool) -> Check {
    let linked = Check::new("link", true, "an account is linked");
    match state {
        ConnectionState::Open | ConnectionState::Unverified => linked,
        ConnectionState::Linking | ConnectionState::Passkey => {
            Check::new("link", false, "no account is linked yet; GET /qr and GET /pairing say what to do")
        }
        ConnectionState::LoggedOut => Check::new("link", false, "the phone ended the link; link it anew"),
        ConnectionState::Down | ConnectionState::Connecting | ConnectionState::Closed if known => linked,
        ConnectionState::Down | ConnectionState::Connecting | ConnectionState::Closed => {
            Check::new("link", false, "whether an account is linked is known once the bridge has connected")
        }
    }
}

impl BridgeState {
    /// A sentence's worth of it.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Stopped => "the bridge does not run",
            Self::Installing => "the bridge's packages are being installed",
            Self::Running => "the bridge runs",
            Self::Draining => "the bridge is about to be replaced",
            Self::BackingOff => "the bridge ended and is started again soon",
            Self::BreakerOpen => "the bridge failed too often and is tried again later",
            Self::Refused => "the bridge can't be used; GET /status says why",
        }
    }
}

impl ConnectionState {
    /// A sentence's worth of it.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Down => "not connected, since the bridge does not run",
            Self::Connecting => "connecting to WhatsApp",
            Self::Linking => "waiting to be linked by a QR or a code",
            Self::Passkey => "waiting for the owner's passkey",
            Self::Open => "connected to WhatsApp",
            Self::Unverified => "connected, but WhatsApp has not answered for some time",
            Self::Closed => "not connected to WhatsApp",
            Self::LoggedOut => "logged out by the phone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::protocol::AccountInfo;
    use crate::state::StoreView;

    fn failing(snapshot: &Snapshot) -> Vec<&'static str> {
        readiness(snapshot).into_iter().filter(|check| !check.is_ok()).map(|check| check.name).collect()
    }

    fn ready() -> Snapshot {
        let mut snapshot = Snapshot::new(Timestamp::default());
        snapshot.bridge.state = BridgeState::Running;
        snapshot.connection.state = ConnectionState::Open;
        snapshot
    }

    #[test]
    fn only_what_is_not_in_order_is_named() {
        assert_eq!(failing(&ready()), Vec::<&str>::new());
        for state in ConnectionState::ALL {
            let mut snapshot = ready();
            snapshot.connection.state = state;
            let expected: &[&str] = match state {
                ConnectionState::Open => &[],
                ConnectionState::Unverified => &["connection"],
                ConnectionState::Down
                | ConnectionState::Connecting
                | ConnectionState::Linking
                | ConnectionState::Passkey
                | ConnectionState::Closed
                | ConnectionState::LoggedOut => &["link", "connection"],
            };
            assert_eq!(failing(&snapshot), expected, "{state:?}");
        }
        let mut snapshot = ready();
        snapshot.store = StoreView { state: StoreState::Failing, reason: None };
        snapshot.bridge.state = BridgeState::BackingOff;
        assert_eq!(failing(&snapshot), ["store", "bridge"]);
    }

    #[test]
    fn a_link_that_was_there_before_the_connection_went_is_there_still() {
        let mut snapshot = ready();
        snapshot.account = Some(AccountInfo { phone: None, lid: None, name: None });
        for state in [ConnectionState::Closed, ConnectionState::Connecting, ConnectionState::Down] {
            snapshot.connection.state = state;
            assert_eq!(failing(&snapshot), ["connection"], "{state:?}");
        }
    }
}
