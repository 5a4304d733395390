//! Why something was not done with a webhook.

use super::MOST;
use super::definition::DefinitionError;
use crate::engine::Unavailable;
use crate::state::Refusal;

/// Why something was not done with a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is none of this name.
    #[error("there is no webhook of this name; GET /webhooks lists them")]
    NoSuchWebhook,
    /// There is one of this name.
    #[error("there is a webhook of this name already; change or delete it, or take another name")]
    NameTaken,
    /// It is in the settings file.
    #[error("this webhook is in the settings file; change it there, and restart the gateway")]
    InSettings,
    /// There are too many.
    #[error("there are {MOST} webhooks already; delete one")]
    TooMany,
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] DefinitionError),
    /// The place is not one that it can go on from.
    #[error("give the number of an event up to {0}; where it has not been it will come by itself")]
    NotThere(u64),
    /// Others are being tried.
    #[error("other webhooks are being tried; try again when they have answered")]
    Busy,
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a key; give one as `secret`")]
    NoRandomness,
    /// The engine did not take it.
    #[error(transparent)]
    Refused(Refusal),
    /// There is no engine to take it.
    #[error(transparent)]
    Unavailable(Unavailable),
}
