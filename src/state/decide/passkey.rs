//! The passkey step of linking: WhatsApp's demand, the owner's answer, and the code that both sides show.
//!
//! Whether an answer is right comes back as what the bridge says next: an error, a new demand, or the code. Everything
//! about it is secret, and nothing of it is written: with the run of the bridge it is void.

use std::time::Duration;

use super::super::{Answer, Change, ConnectionState, Pairing, Refusal, passkey_fault};
use super::Turn;
use crate::protocol::{Command, Passkey, PasskeyCode, PasskeyResponse};

/// How long an answer is awaited when the bridge doesn't say. WebAuthn recommends this much for a challenge that the
/// owner has to be recognised for.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(5 * 60);

impl Turn<'_> {
    /// WhatsApp wants the owner's passkey, or wants it anew.
    pub(super) fn passkey_demanded(&mut self, Passkey { options, snippet, expires_in_ms }: Passkey) {
        let patience = expires_in_ms.map_or(DEFAULT_PATIENCE, Duration::from_millis);
        let pairing = Pairing::Passkey {
            options: options.into(),
            snippet: snippet.into(),
            answered: false,
            fault: None,
            shown_at: self.now.wall,
            expires_at: self.now.wall.plus(patience),
        };
        self.offer(ConnectionState::Passkey, pairing);
    }

    /// The code that the phone shows as well. The bridge's patience goes on as it was.
    pub(super) fn passkey_code(&mut self, PasskeyCode { code, confirm }: PasskeyCode) {
        let shown_at = self.now.wall;
        let expires_at = match &self.state.snapshot.pairing {
            Some(Pairing::Passkey { expires_at, .. } | Pairing::PasskeyCode { expires_at, .. }) => *expires_at,
            Some(Pairing::Qr { .. } | Pairing::Code { .. }) | None => shown_at.plus(DEFAULT_PATIENCE),
        };
        let pairing = Pairing::PasskeyCode { code: code.into(), confirm, shown_at, expires_at };
        self.offer(ConnectionState::Passkey, pairing);
    }

    /// While an answer is awaited the bridge's errors are about it. One that says that WhatsApp refused it comes after
    /// the new demand.
    pub(super) fn passkey_not_taken(&mut self, why: &str) {
        if let Some(Pairing::Passkey { options, snippet, shown_at, expires_at, .. }) =
            self.state.snapshot.pairing.clone()
        {
            let fault = Some(why.into());
            let pairing = Pairing::Passkey { options, snippet, answered: false, fault, shown_at, expires_at };
            self.change(Change::Pairing(Some(pairing)));
        }
    }

    pub(super) fn answer_passkey(&mut self, response: PasskeyResponse) -> Answer {
        let pairing = match self.present_pairing() {
            Ok(pairing) => pairing,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let Some(Pairing::Passkey { options, snippet, answered, shown_at, expires_at, .. }) = pairing else {
            return Answer::Refused(Refusal::NoPasskeyAsked);
        };
        if answered {
            return Answer::Refused(Refusal::PasskeyAnswered);
        }
        if let Some(fault) = passkey_fault(&response) {
            return Answer::Refused(Refusal::NotThePasskeysAnswer { fault });
        }
        self.dispatch(Command::Passkey { response });
        let pairing = Pairing::Passkey { options, snippet, answered: true, fault: None, shown_at, expires_at };
        self.change(Change::Pairing(Some(pairing)));
        Answer::Done
    }

    pub(super) fn confirm_passkey(&mut self, same: bool) -> Answer {
        let pairing = match self.present_pairing() {
            Ok(pairing) => pairing,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let Some(Pairing::PasskeyCode { code, confirm: true, shown_at, expires_at }) = pairing else {
            return Answer::Refused(Refusal::NothingToCompare);
        };
        self.dispatch(Command::PasskeyConfirm { same });
        // The bridge ends the attempt when they differ.
        let pairing = same.then_some(Pairing::PasskeyCode { code, confirm: false, shown_at, expires_at });
        self.change(Change::Pairing(pairing));
        Answer::Done
    }

    /// What is offered by a bridge that runs, and has not run out.
    fn present_pairing(&self) -> Result<Option<Pairing>, Refusal> {
        if !self.state.bridge_runs() {
            return Err(Refusal::BridgeDown);
        }
        Ok(self.state.snapshot.pairing.clone().filter(|pairing| pairing.expires_at() > self.now.wall))
    }
}
