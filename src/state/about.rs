//! Messages that are about an earlier one: edits, revocations, reactions.
//!
//! Each is a message of its own, with its own id, and is kept as one: the earlier message stays as it was told. It may
//! be unknown here, when it is older than the database or was forgotten.

use serde::{Deserialize, Serialize};

use super::{Message, MessageId};

/// The message that another one is about. It is in the same chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// Its id.
    pub id: MessageId,
    /// The account's owner wrote it, here or on another device.
    pub from_me: bool,
}

/// What a message does to an earlier one, when it is not something of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// It has another text now.
    Edit,
    /// It was deleted for everyone.
    Revoke,
    /// Somebody put an emoji to it; an empty one takes it back.
    Reaction,
}

impl Message {
    /// What it does to an earlier message; none: it is something of its own, also where this program does not know its
    /// kind.
    pub fn about(&self) -> Option<About> {
        match &*self.kind {
            "edit" => Some(About::Edit),
            "revoke" => Some(About::Revoke),
            "reaction" => Some(About::Reaction),
            _ => None,
        }
    }

    /// Whether it is about the message with this id in the same chat.
    pub fn is_about(&self, id: &MessageId) -> bool {
        self.target.as_ref().is_some_and(|target| target.id == *id)
    }
}
