//! Proof that the connection to WhatsApp lives: an answer that came back lately.
//!
//! A socket can be open and deaf, for hours. So `open` counts as long as something that WhatsApp's server sent proves
//! it: the login, an answer to what the bridge asked, a message, a receipt, an acknowledgement. Without any for some
//! time the connection is `unverified`. The bridge itself asks the server and connects anew when no answer comes; when
//! that has not helped after as long again, the bridge is restarted, some times an hour; then the operator is told.

use std::time::Duration;

use super::super::{Change, ConnectionState, ConnectionView, Effect, ExitClass, Incarnation, TimerId};
use super::Turn;
use super::budget::{Budget, TIMES};
use crate::clock::Mono;

/// How long the bridge gets at least to help itself. The default one asks the server after 20 s without an answer, and
/// connects anew after 15 s more.
const BRIDGE_TRIES: Duration = Duration::from_secs(45);

#[derive(Clone, Debug, Default)]
pub(super) struct Proof {
    /// When the last proof came, or the last restart for lack of it.
    at: Mono,
    /// Which opening of the connection the timer is for.
    opening: u64,
    restarts: Budget,
}

impl Turn<'_> {
    /// The connection was opened: logging in is an answer.
    pub(super) fn watch_proof(&mut self) {
        let proof = &mut self.state.proof;
        proof.at = self.now.mono;
        proof.opening += 1;
        self.look_for_proof_after(self.state.limits.proof);
    }

    fn look_for_proof_after(&mut self, after: Duration) {
        if !self.state.limits.proof.is_zero() {
            let incarnation = self.state.snapshot.bridge.incarnation;
            let timer = TimerId::Proof { incarnation, opening: self.state.proof.opening };
            self.effect(Effect::SetTimer { timer, after });
        }
    }

    /// Another time counts from now on; the timer for the one before is stale.
    pub(super) fn proof_limit_changed(&mut self) {
        if !self.state.snapshot.connection.state.is_up() {
            return;
        }
        let (limit, age) = (self.state.limits.proof, self.now.mono.since(self.state.proof.at));
        if limit.is_zero() || age < limit {
            self.verified();
        }
        self.state.proof.opening += 1;
        self.look_for_proof_after(limit.saturating_sub(age));
    }

    /// Something came from WhatsApp's server just now.
    pub(super) fn proven(&mut self) {
        if self.state.snapshot.connection.state.is_up() {
            self.state.proof.at = self.now.mono;
            self.verified();
        }
    }

    /// The bridge says how old the last answer is.
    pub(super) fn proven_before(&mut self, age: Duration) {
        let old = self.state.snapshot.connection.clone();
        let limit = self.state.limits.proof;
        if !old.state.is_up() {
            return;
        }
        let at = Mono::new(self.now.mono.elapsed().saturating_sub(age));
        self.state.proof.at = self.state.proof.at.max(at);
        let proven_at = Some(self.now.wall.minus(self.now.mono.since(self.state.proof.at)));
        if limit.is_zero() || self.now.mono.since(self.state.proof.at) < limit {
            self.verified();
        }
        let now = self.state.snapshot.connection.clone();
        if now.proven_at < proven_at {
            self.change(Change::Connection(ConnectionView { proven_at, ..now }));
        }
    }

    fn verified(&mut self) {
        if self.state.snapshot.connection.state == ConnectionState::Unverified {
            self.connection(ConnectionState::Open, None, None);
        }
    }

    /// Looks whether there was any proof lately.
    pub(super) fn proof_timer(&mut self, incarnation: Incarnation, opening: u64) {
        let up = self.state.snapshot.connection.state;
        if incarnation != self.state.snapshot.bridge.incarnation || opening != self.state.proof.opening || !up.is_up() {
            return;
        }
        let limit = self.state.limits.proof;
        let age = self.now.mono.since(self.state.proof.at);
        if age < limit {
            return self.look_for_proof_after(limit.saturating_sub(age));
        }
        if up == ConnectionState::Open {
            self.connection(ConnectionState::Unverified, None, None);
        } else if age >= limit + limit.max(BRIDGE_TRIES) && self.state.capabilities.heartbeat {
            return self.restart_for_proof(incarnation);
        }
        self.look_for_proof_after(limit);
    }

    fn restart_for_proof(&mut self, incarnation: Incarnation) {
        if self.state.proof.restarts.take(self.now.mono) {
            self.error("WhatsApp has not answered for too long; the bridge is restarted".to_owned());
            self.effect(Effect::ReplaceBridge { incarnation, class: ExitClass::Unproven });
        } else {
            self.error(format!(
                "WhatsApp does not answer, and {TIMES} restarts of the bridge within an hour did not help; check the \
                 network, and WhatsApp on the phone"
            ));
        }
    }
}
