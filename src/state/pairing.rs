//! What there is to link an account with. All of it is secret: whoever has it can link a device.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;

/// Something that must not get into logs: a text, or what else it says.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "Box<T>: Deserialize<'de>"))]
pub struct Secret<T: ?Sized = str>(Arc<T>);

impl<T: ?Sized> Secret<T> {
    /// What is secret.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Value> for Secret<Value> {
    fn from(value: Value) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: ?Sized> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What there is to scan, to type, or to do in a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pairing {
    /// A QR.
    Qr {
        /// What it encodes.
        qr: Secret,
        /// When it came.
        shown_at: Timestamp,
        /// Until when WhatsApp accepts it.
        expires_at: Timestamp,
    },
    /// A code to type on the phone.
    Code {
        /// Eight characters.
        code: Secret,
        /// When it came.
        shown_at: Timestamp,
        /// Until when WhatsApp accepts it.
        expires_at: Timestamp,
    },
    /// A challenge for the owner's passkey.
    Passkey {
        /// WebAuthn's options, as JSON.
        options: Secret<Value>,
        /// What to paste in the console of WhatsApp's page, so that the browser answers the challenge.
        snippet: Secret,
        /// An answer was given, and what WhatsApp makes of it is not known yet.
        answered: bool,
        /// Why the last answer was not taken, and what to do.
        fault: Option<Arc<str>>,
        /// When it came.
        shown_at: Timestamp,
        /// Until when an answer is awaited.
        expires_at: Timestamp,
    },
    /// The code of the passkey step, which the phone shows as well.
    PasskeyCode {
        /// As the phone shows it.
        code: Secret,
        /// Linking waits until the owner has said whether the phone shows the same.
        confirm: bool,
        /// When it came.
        shown_at: Timestamp,
        /// Until when the step has to be over.
        expires_at: Timestamp,
    },
}

impl Pairing {
    /// Until when it counts.
    pub const fn expires_at(&self) -> Timestamp {
        match self {
            Self::Qr { expires_at, .. }
            | Self::Code { expires_at, .. }
            | Self::Passkey { expires_at, .. }
            | Self::PasskeyCode { expires_at, .. } => *expires_at,
        }
    }

    /// The word for its kind.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Qr { .. } => "qr",
            Self::Code { .. } => "code",
            Self::Passkey { .. } => "passkey",
            Self::PasskeyCode { .. } => "passkey_code",
        }
    }
}
