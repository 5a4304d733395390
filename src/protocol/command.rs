//! Commands: what the host writes to the bridge's stdin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One line from the host to the bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "cmd", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Command {
    /// Connect, and offer a QR or a pairing code when no account is linked.
    Connect {
        /// Offer a pairing code instead of a QR.
        use_pairing_code: bool,
        /// The number (E.164) that the code is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        phone_number: Option<String>,
        /// The host acknowledges events once they are on its disk.
        ack: bool,
        /// The operator wants the link, although another program took it over again and again.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        take_over: bool,
    },
    /// Send a text.
    Send {
        /// An E.164 number or a chat id.
        to: String,
        /// What to send.
        text: std::sync::Arc<str>,
        /// The id to use on the wire (capability `ids`).
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
    },
    /// All events up to this number are on the host's disk (capability `ack`).
    Ack {
        /// The number of the last one.
        seq: u64,
    },
    /// The owner's answer to the passkey's challenge (capability `passkey`).
    Passkey {
        /// The credential, as the browser gave it.
        response: PasskeyResponse,
    },
    /// The owner compared the code of the passkey step with the phone's (capability `passkey`).
    PasskeyConfirm {
        /// They are the same.
        same: bool,
    },
    /// End the link, and forget the credentials (capability `logout`).
    Logout {
        /// Also when WhatsApp's server can't be told.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        local: bool,
    },
    /// Ask for a `pong` (capability `heartbeat`).
    Ping {
        /// Returned in the answer.
        id: u64,
    },
}

/// A credential that a passkey answered with, as the browser's `toJSON()` has it. It is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasskeyResponse(pub serde_json::Value);

impl fmt::Debug for PasskeyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyResponse").finish_non_exhaustive()
    }
}

impl Command {
    /// The command as one line of JSON with its line feed.
    pub fn to_line(&self) -> Vec<u8> {
        // Strings, numbers and booleans always serialize; an empty line would be ignored by the bridge.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_protocol_has_them() {
        let line = |c: Command| String::from_utf8(c.to_line()).unwrap();
        assert_eq!(
            line(Command::Connect { use_pairing_code: false, phone_number: None, ack: false, take_over: true }),
            "{\"cmd\":\"connect\",\"usePairingCode\":false,\"ack\":false,\"takeOver\":true}\n"
        );
        assert_eq!(
            line(Command::Connect {
                use_pairing_code: true,
                phone_number: Some("+584244370180".into()),
                ack: true,
                take_over: false
            }),
            "{\"cmd\":\"connect\",\"usePairingCode\":true,\"phoneNumber\":\"+584244370180\",\"ack\":true}\n"
        );
        assert_eq!(
            line(Command::Send { to: "+584244370180".into(), text: "Hola\n\"x\"".into(), message_id: None }),
            "{\"cmd\":\"send\",\"to\":\"+584244370180\",\"text\":\"Hola\\n\\\"x\\\"\"}\n"
        );
        assert_eq!(
            line(Command::Send { to: "+1".into(), text: "a".into(), message_id: Some("3EB0".into()) }),
            "{\"cmd\":\"send\",\"to\":\"+1\",\"text\":\"a\",\"messageId\":\"3EB0\"}\n"
        );
        assert_eq!(line(Command::Ack { seq: 17 }), "{\"cmd\":\"ack\",\"seq\":17}\n");
        let response = PasskeyResponse(serde_json::json!({"rawId": "SECRET"}));
        assert!(!format!("{response:?}").contains("SECRET"));
        assert_eq!(line(Command::Passkey { response }), "{\"cmd\":\"passkey\",\"response\":{\"rawId\":\"SECRET\"}}\n");
        assert_eq!(line(Command::PasskeyConfirm { same: true }), "{\"cmd\":\"passkey_confirm\",\"same\":true}\n");
        assert_eq!(line(Command::Logout { local: false }), "{\"cmd\":\"logout\"}\n");
        assert_eq!(line(Command::Logout { local: true }), "{\"cmd\":\"logout\",\"local\":true}\n");
        assert_eq!(line(Command::Ping { id: 7 }), "{\"cmd\":\"ping\",\"id\":7}\n");
    }
}
