//! News of the bridge: its process, its connection, what it offers to link with.

use std::time::Duration;

use super::super::{
    BridgeNotice, BridgeState, BridgeView, Change, ConnectionState, ConnectionView, Effect, ExitClass, Incarnation,
    Pairing, TimerId,
};
use super::Turn;
use crate::clock::Timestamp;
use crate::protocol::{
    self, AccountInfo, Capabilities, Command, Connection, ConnectionPhase, Hello, Reason, ReasonClass,
};

/// How long a QR or a code is shown when the bridge doesn't say. WhatsApp's first QR lives this long.
const DEFAULT_PAIRING_TTL: Duration = Duration::from_secs(60);

impl Turn<'_> {
    pub(super) fn bridge_notice(&mut self, notice: BridgeNotice) {
        let old = self.state.snapshot.bridge.clone();
        match notice {
            BridgeNotice::Installing => {
                self.change(Change::Bridge(BridgeView { state: BridgeState::Installing, ..old }));
            }
            BridgeNotice::Started { incarnation, pid } => {
                let mut restarts_by_reason = old.restarts_by_reason;
                if let Some(exit) = &old.last_exit {
                    *restarts_by_reason.entry(exit.class).or_default() += 1;
                }
                self.state.capabilities = Capabilities::default();
                self.state.heard = false;
                self.change(Change::Bridge(BridgeView {
                    state: BridgeState::Running,
                    name: None,
                    incarnation,
                    pid: Some(pid),
                    restarts: restarts_by_reason.values().sum(),
                    restarts_by_reason,
                    silent: false,
                    retry_at: None,
                    last_exit: old.last_exit,
                    rss_bytes: None,
                }));
                self.connection(ConnectionState::Connecting, None, None);
                self.ask_to_connect(false);
            }
            BridgeNotice::BadLine { incarnation, error } => {
                if incarnation == old.incarnation {
                    self.heard();
                    self.count(|c| c.protocol_errors += 1);
                    self.error(format!("bridge: {error}"));
                }
            }
            BridgeNotice::Silent { incarnation } => {
                if incarnation == old.incarnation && !self.state.heard {
                    self.change(Change::Bridge(BridgeView { silent: true, ..old }));
                    self.error(
                        "the bridge runs and says nothing; see the log, and press r to start it anew".to_owned(),
                    );
                }
            }
            BridgeNotice::LogDropped { lines } => self.count(|c| c.log_lines_dropped += lines),
            BridgeNotice::NotStarted { why } => self.error(why),
            BridgeNotice::Exited { incarnation, exit } => {
                if incarnation != old.incarnation {
                    return;
                }
                let text = format!("the bridge {}", exit.text);
                // After the end of the link that end is the reason: the bridge had nothing to go on with.
                let reason = (exit.class != ExitClass::LoggedOut).then(|| bridge_ended(text.clone()));
                if exit.class.is_failure() {
                    self.error(text);
                }
                self.change(Change::Bridge(BridgeView {
                    state: BridgeState::Stopped,
                    pid: None,
                    last_exit: Some(exit),
                    rss_bytes: None,
                    silent: false,
                    ..old
                }));
                self.connection(ConnectionState::Down, reason, None);
                for id in self.state.outbox.all_in_flight() {
                    self.uncertain(id);
                }
                self.state.outbox.release();
            }
            BridgeNotice::BackingOff { retry_at } => {
                let view = BridgeView { state: BridgeState::BackingOff, retry_at: Some(retry_at), ..old };
                self.change(Change::Bridge(view));
            }
            BridgeNotice::BreakerOpened { retry_at } => {
                let view = BridgeView { state: BridgeState::BreakerOpen, retry_at: Some(retry_at), ..old };
                self.change(Change::Bridge(view));
                self.error("the bridge failed too often and is tried again later; press r to try now".to_owned());
            }
            BridgeNotice::Refused { why } => {
                self.change(Change::Bridge(BridgeView {
                    state: BridgeState::Refused,
                    retry_at: None,
                    pid: None,
                    ..old
                }));
                self.connection(ConnectionState::Down, Some(bridge_ended(why.clone())), None);
                self.error(why);
            }
            BridgeNotice::Stopped => {
                self.change(Change::Bridge(BridgeView {
                    state: BridgeState::Stopped,
                    retry_at: None,
                    pid: None,
                    ..old
                }));
            }
        }
    }

    /// The bridge said something in this run. Returns whether it is the first thing.
    pub(super) fn heard(&mut self) -> bool {
        let first = !std::mem::replace(&mut self.state.heard, true);
        if first && self.state.snapshot.bridge.silent {
            self.change(Change::Bridge(BridgeView { silent: false, ..self.state.snapshot.bridge.clone() }));
        }
        first
    }

    pub(super) fn hello(&mut self, incarnation: Incarnation, hello: Hello) {
        if hello.protocol.major != protocol::MAJOR {
            let why = format!(
                "the bridge speaks version {} of the protocol and this host version {}; install the bridge that belongs \
                 to it, or set WA_BRIDGE to another",
                hello.protocol.major,
                protocol::MAJOR
            );
            return self.effect(Effect::RefuseBridge { incarnation, why });
        }
        self.state.capabilities = hello.capabilities;
        let view = BridgeView { name: Some(hello.bridge.into()), ..self.state.snapshot.bridge.clone() };
        self.change(Change::Bridge(view));
        if hello.capabilities.heartbeat {
            let after = self.state.limits.heartbeat;
            self.effect(Effect::SetTimer { timer: TimerId::Heartbeat { incarnation }, after });
        }
    }

    /// Tells the bridge to connect, in the way that the operator wants. `take_over`: also when another program has
    /// taken the link over again and again.
    pub(super) fn ask_to_connect(&mut self, take_over: bool) {
        let linking = &self.state.snapshot.linking;
        let command = Command::Connect {
            use_pairing_code: linking.use_pairing_code,
            phone_number: linking.phone_number.as_ref().map(ToString::to_string),
            ack: true,
            take_over,
        };
        self.dispatch(command);
    }

    pub(super) fn connection_event(&mut self, connection: Connection) {
        let Connection { state, account, reason, retry_in_ms } = connection;
        let retry_in = retry_in_ms.map(Duration::from_millis);
        match state {
            ConnectionPhase::Connecting => self.connection(ConnectionState::Connecting, None, None),
            ConnectionPhase::Open => self.opened(account),
            ConnectionPhase::Closed => self.connection(ConnectionState::Closed, reason, retry_in),
            ConnectionPhase::LoggedOut => {
                self.connection(ConnectionState::LoggedOut, reason, retry_in);
                if self.state.snapshot.account.is_some() {
                    self.change(Change::Account(None));
                }
                self.logged_out();
            }
        }
    }

    /// The connection is open.
    pub(super) fn opened(&mut self, account: Option<AccountInfo>) {
        if account.is_some() && account != self.state.snapshot.account {
            self.change(Change::Account(account));
        }
        if !self.state.snapshot.connection.state.is_up() {
            self.watch_proof();
            self.still_linked();
            self.connection(ConnectionState::Open, None, None);
        }
    }

    /// Something to scan or to type has come.
    pub(super) fn pairing(&mut self, ttl_ms: Option<u64>, pairing: impl FnOnce(Timestamp) -> Pairing) {
        let ttl = ttl_ms.map_or(DEFAULT_PAIRING_TTL, Duration::from_millis);
        let expires_at = self.now.wall.plus(ttl);
        self.offer(ConnectionState::Linking, pairing(expires_at));
    }

    /// Offers something to link with, until it expires, in this state of the connection.
    pub(super) fn offer(&mut self, state: ConnectionState, pairing: Pairing) {
        let expires_at = pairing.expires_at();
        self.state.logging_out = false;
        self.connection(state, None, None);
        if self.state.snapshot.account.is_some() {
            self.change(Change::Account(None));
        }
        self.change(Change::Pairing(Some(pairing)));
        let after = expires_at.since(self.now.wall);
        self.effect(Effect::SetTimer { timer: TimerId::PairingExpires { expires_at }, after });
    }

    /// Goes to a state of the connection; being there already with nothing new changes nothing.
    pub(super) fn connection(&mut self, state: ConnectionState, reason: Option<Reason>, retry_in: Option<Duration>) {
        let retry_at = retry_in.map(|d| self.now.wall.plus(d));
        let offers = matches!(state, ConnectionState::Linking | ConnectionState::Passkey);
        if !offers && self.state.snapshot.pairing.is_some() {
            self.change(Change::Pairing(None));
        }
        if !state.is_up() {
            self.in_time();
        }
        let old = self.state.snapshot.connection.clone();
        if old.state == state && old.reason == reason && old.retry_at == retry_at {
            return;
        }
        let since = if old.state == state { old.since } else { self.now.wall };
        // While the bridge tries again, what ended the connection before is still worth reading.
        let reason = match state {
            ConnectionState::Connecting | ConnectionState::Down => reason.or(old.reason),
            ConnectionState::Linking
            | ConnectionState::Passkey
            | ConnectionState::Open
            | ConnectionState::Unverified
            | ConnectionState::Closed
            | ConnectionState::LoggedOut => reason,
        };
        let proven_at = match state {
            ConnectionState::Open => Some(self.now.wall),
            ConnectionState::Unverified => old.proven_at,
            ConnectionState::Down
            | ConnectionState::Connecting
            | ConnectionState::Linking
            | ConnectionState::Passkey
            | ConnectionState::Closed
            | ConnectionState::LoggedOut => None,
        };
        self.change(Change::Connection(ConnectionView { state, since, reason, retry_at, proven_at }));
        if old.state != state {
            self.journal_connection(old.state);
        }
    }
}

/// The bridge's process as the reason of what happens to the connection.
fn bridge_ended(text: String) -> Reason {
    Reason { class: ReasonClass::BridgeEnded, code: None, text }
}
