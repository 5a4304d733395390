//! What there is to scan, type or answer while no account is linked. All of it is secret.

use std::fmt;

use serde::Deserialize;

/// A QR. It is a secret: whoever has it can link a device.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Qr {
    /// The text that the QR encodes.
    pub qr: String,
    /// How long WhatsApp accepts it, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qr").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// A pairing code. It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingCode {
    /// Eight characters to type on the phone.
    pub code: String,
    /// How long WhatsApp accepts it, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingCode").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// WhatsApp's demand for the owner's passkey (capability `passkey`). It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// The options of WebAuthn's challenge.
    pub options: serde_json::Value,
    /// What to paste in the console of WhatsApp's page: it has the browser answer the challenge.
    pub snippet: String,
    /// How long an answer is awaited, from now.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

impl fmt::Debug for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passkey").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// The code of the passkey step. It is a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct PasskeyCode {
    /// As the phone shows it: `ABCD-1234`.
    pub code: String,
    /// The bridge waits until the owner has compared it with the phone's; else it is only to be shown.
    #[serde(default)]
    pub confirm: bool,
}

impl fmt::Debug for PasskeyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyCode").field("confirm", &self.confirm).finish_non_exhaustive()
    }
}
