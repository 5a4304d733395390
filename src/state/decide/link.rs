//! Asking for a code to link with, and the end of the link on request.
//!
//! A logout is the bridge's to do, and WhatsApp's to grant: until the bridge says that the link has ended, nothing more
//! is handed to it, and what waits goes on waiting, for the account that is linked next.

use super::super::{Answer, ConnectionState, Linking, Phone, Refusal};
use super::Turn;
use crate::protocol::Command;

impl Turn<'_> {
    /// Answers a request for a code. The same number again leaves the code as it is.
    pub(super) fn request_code(&mut self, number: Phone) -> Answer {
        if !self.state.bridge_runs() {
            return Answer::Refused(Refusal::BridgeDown);
        }
        // A connection that was lost comes back by itself, and the account is linked all the while.
        if self.state.snapshot.connection.state.is_up() || self.state.snapshot.account.is_some() {
            return Answer::Refused(Refusal::AlreadyLinked);
        }
        self.set_linking(Linking { use_pairing_code: true, phone_number: Some(number) })
    }

    /// Answers a request to log out.
    pub(super) fn log_out(&mut self, local: bool) -> Answer {
        if !self.state.bridge_runs() {
            return Answer::Refused(Refusal::BridgeDown);
        }
        if !self.state.capabilities.logout {
            return Answer::Refused(Refusal::LogoutUnsupported);
        }
        match self.state.snapshot.connection.state {
            ConnectionState::Linking | ConnectionState::Passkey | ConnectionState::LoggedOut => {
                return Answer::Refused(Refusal::NotLinked);
            }
            ConnectionState::Down | ConnectionState::Connecting | ConnectionState::Closed if !local => {
                return Answer::Refused(Refusal::NotConnected);
            }
            ConnectionState::Down
            | ConnectionState::Connecting
            | ConnectionState::Closed
            | ConnectionState::Open
            | ConnectionState::Unverified => {}
        }
        self.state.logging_out = true;
        self.dispatch(Command::Logout { local });
        Answer::Done
    }

    /// The link has ended. When it was asked for, the next one is offered at once.
    pub(super) fn logged_out(&mut self) {
        if std::mem::take(&mut self.state.logging_out) {
            self.ask_to_connect(false);
        }
    }

    /// A connection was opened with the old link: what was asked for did not get through.
    pub(super) fn still_linked(&mut self) {
        if std::mem::take(&mut self.state.logging_out) {
            self.error("the account was not logged out: the connection was lost before; ask for it again".to_owned());
        }
    }
}
