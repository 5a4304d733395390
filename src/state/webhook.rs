//! What the engine keeps and shows of webhooks. What they do is not its business.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Secret;
use crate::clock::Timestamp;

/// A webhook as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRecord {
    /// Its name.
    pub name: Arc<str>,
    /// Where it sends what, with its key, as JSON; none: as it is on disk, or in the settings file.
    pub definition: Option<Secret>,
    /// How far it has come, as JSON.
    pub progress: Arc<str>,
}

/// What is asked of the engine for webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", content = "with", rename_all = "snake_case")]
pub enum WebhookRequest {
    /// Have it on disk.
    Keep(WebhookRecord),
    /// Take the one with this name off the disk.
    Forget(Arc<str>),
    /// Show these to everyone who watches.
    Show(Vec<WebhookView>),
}

/// What is seen of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WebhookView {
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing.
    pub state: WebhookState,
    /// How many events of the journal it has not come to yet, wanted or not.
    pub behind: u64,
    /// When the event happened that it is to be told next, while there is one.
    pub waiting_since: Option<Timestamp>,
    /// When it is tried again, while it is retrying.
    pub retry_at: Option<Timestamp>,
    /// What went wrong the last time, while it is not going.
    pub why: Option<Arc<str>>,
}

/// What a webhook is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum WebhookState {
    /// It sends what comes.
    Going,
    /// The next event failed, and is tried again.
    Retrying,
    /// It waits for the operator.
    Parked,
}

impl WebhookState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Going, Self::Retrying, Self::Parked];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Retrying => "retrying",
            Self::Parked => "parked",
        }
    }
}

impl WebhookView {
    /// For how long the next event has waited, in whole seconds; 0: none waits.
    pub fn lag_seconds(&self, now: Timestamp) -> u64 {
        self.waiting_since.map_or(0, |since| now.since(since).as_secs())
    }
}
