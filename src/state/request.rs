//! What consoles and callers ask for, and what they are answered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Chat, Delivery, DeliveryState, IdempotencyKey, MessageId, PasskeyFault, Phone, Tuning, WebhookRequest};
use crate::protocol::PasskeyResponse;

/// How the operator wants to link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Linking {
    /// By a pairing code instead of a QR.
    pub use_pairing_code: bool,
    /// The number that the code is for.
    pub phone_number: Option<Phone>,
}

/// What consoles and callers can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", content = "of", rename_all = "snake_case")]
pub enum Request {
    /// Send a text.
    Send {
        /// To whom.
        chat: Chat,
        /// What.
        text: Arc<str>,
        /// What else is wanted of it.
        options: SendOptions,
    },
    /// Don't send this message of ours, which waits.
    Cancel {
        /// Its id.
        id: MessageId,
    },
    /// Link in this way from now on.
    SetLinking(Linking),
    /// Use the bridge with this configured name from now on.
    UseBridge(Arc<str>),
    /// Go by this from now on.
    Tune(Tuning),
    /// Stop the bridge and start it again, breaker or not.
    RestartBridge,
    /// Take the link back from another program that has taken it over.
    TakeOver,
    /// Give WhatsApp the passkey's answer to its challenge.
    AnswerPasskey(PasskeyResponse),
    /// The owner has compared the code of the passkey step with the phone's.
    ConfirmPasskey {
        /// They are the same; if not, this attempt to link ends.
        same: bool,
    },
    /// Offer a pairing code for this number, now and from now on.
    RequestCode(Phone),
    /// End the link. What waits to be sent goes on waiting.
    LogOut {
        /// Forget the credentials also when WhatsApp can't be told: the phone then still lists the device.
        local: bool,
    },
    /// Keep or show something of the webhooks.
    Webhook(WebhookRequest),
    /// Have the webhook with this name try at once, from where it is, parked or not.
    ResumeWebhook(Arc<str>),
}

/// What may be wanted of a message besides that it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOptions {
    /// All requests with this key are one.
    pub key: Option<IdempotencyKey>,
    /// It is not sent any more after so many seconds.
    pub expires_in: Option<u32>,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The message is on disk and will be sent.
    Accepted {
        /// Its id.
        id: MessageId,
        /// How far it has come.
        delivery: Box<Delivery>,
    },
    /// The same request, by its key, was accepted before.
    AcceptedBefore {
        /// The id of the message that it became.
        id: MessageId,
    },
    /// Done.
    Done,
    /// Not done.
    Refused(Refusal),
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// There is nothing to send.
    #[error("the text is empty; write something to send")]
    EmptyText,
    /// The text is too long for WhatsApp.
    #[error("the text has {length} characters, and WhatsApp takes at most {limit}; split it")]
    TextTooLong {
        /// Its length in characters.
        length: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// Too many messages wait.
    #[error("{limit} messages wait to be sent already; try again when some have left")]
    QueueFull {
        /// How many may wait.
        limit: usize,
    },
    /// Too much text waits.
    #[error("{limit_mib} MiB of text wait to be sent already; try again when some have left")]
    QueueTooLarge {
        /// How much may wait, in MiB.
        limit_mib: usize,
    },
    /// A message can't wait so long, or so briefly.
    #[error("a message may wait from 1 s to 7 days, that is {limit} s; leave it out to wait as long as it takes")]
    BadExpiry {
        /// The longest time, in seconds.
        limit: u32,
    },
    /// There is no such message of ours.
    #[error("there is no message of ours with this id; it may be too old, or never have been accepted")]
    NoSuchMessage,
    /// The message doesn't wait any more.
    #[error("only a message that waits can be cancelled, and this one is {}", state.as_str())]
    TooLateToCancel {
        /// How far it has come.
        state: DeliveryState,
    },
    /// The key belongs to another request.
    #[error("this Idempotency-Key was used for another message; take a new key for each message")]
    KeyReused,
    /// A pairing code needs a number.
    #[error("a pairing code needs the phone number that is to be linked, as in +584244370180")]
    NumberMissing,
    /// There is no bridge to be asked.
    #[error("the bridge does not run at present; see /status, and try again when it does")]
    BridgeDown,
    /// No passkey is asked for.
    #[error(
        "WhatsApp asks for no passkey at present; link anew, and answer when the phone has taken the QR or the code"
    )]
    NoPasskeyAsked,
    /// The passkey was answered already.
    #[error("an answer of the passkey is being looked at already; wait for what WhatsApp and the phone say")]
    PasskeyAnswered,
    /// What was given is not the passkey's answer.
    #[error("this is not the passkey's answer: {fault}")]
    NotThePasskeysAnswer {
        /// Why not, and what to do.
        fault: PasskeyFault,
    },
    /// There is no code to compare.
    #[error("there is no code to compare at present")]
    NothingToCompare,
    /// An account is linked.
    #[error("an account is linked already; DELETE /link logs it out, and so does its phone (Settings, Linked devices)")]
    AlreadyLinked,
    /// No account is linked.
    #[error("no account is linked at present; there is nothing to log out from")]
    NotLinked,
    /// WhatsApp can't be told.
    #[error(
        "WhatsApp is not connected, and so can't be told to remove the device; try again when it is, remove the device \
         on the phone (Settings, Linked devices), or forget the credentials here alone with DELETE /link?local=true"
    )]
    NotConnected,
    /// The bridge has no command for it.
    #[error(
        "this bridge can't log out (it lacks the capability `logout`); remove the device on the phone (Settings, Linked \
         devices)"
    )]
    LogoutUnsupported,
    /// Nobody has taken the link over.
    #[error("no other program has taken the link over; there is nothing to take back")]
    NotTakenOver,
    /// There is no such webhook.
    #[error("there is no webhook with this name")]
    NoSuchWebhook,
    /// Nothing can be written.
    #[error("the database can't be written ({reason}); nothing is accepted until it can")]
    StoreFailed {
        /// What the database says.
        reason: String,
    },
    /// The process is ending, or the engine is overloaded.
    #[error("the gateway is busy or stopping; try again")]
    Unavailable,
}
