//! What WhatsApp does not let the account do.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A restriction of the account: messages to chats in which nobody ever wrote to us are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RestrictionView {
    /// What is restricted: `reachout_timelock` is the start of new chats.
    #[cfg_attr(test, schemars(with = "String"))]
    pub class: CompactString,
    /// Since when.
    pub since: Timestamp,
    /// When they are tried again.
    pub until: Timestamp,
    /// That time is WhatsApp's; else it is ours, since WhatsApp did not say.
    pub until_told: bool,
    /// In words.
    pub text: Arc<str>,
    /// How many messages are held.
    #[serde(default)]
    pub held: usize,
}
