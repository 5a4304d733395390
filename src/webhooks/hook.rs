//! One webhook: what it is, and how it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::definition::Definition;
use super::progress::{Parked, Progress, State};
use crate::clock::Timestamp;
use crate::state::{ChatId, WebhookRecord, WebhookState, WebhookView};

/// Where a webhook was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookOrigin"))]
pub enum Origin {
    /// By the API.
    Api,
    /// In the settings file, which alone can change it.
    Settings,
}

/// A webhook that runs.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) definition: Definition,
    pub(super) origin: Origin,
    live: Mutex<Live>,
}

/// How it does.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    pub(super) progress: Progress,
    /// When the event happened that is under way or failed.
    pub(super) waiting_since: Option<Timestamp>,
    /// Events that arrived since the start of the process.
    pub(super) delivered: u64,
    /// Attempts that failed since then.
    pub(super) failed: u64,
}

/// What a caller sees of a webhook. Its address may be a secret, its key is none of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Webhook"))]
pub struct Described {
    /// What is seen of it.
    #[serde(flatten)]
    pub view: WebhookView,
    /// For how long the next event has waited.
    pub lag_seconds: u64,
    /// Where it sends.
    pub url: String,
    /// Types of events, or families; none: all.
    pub types: Vec<Box<str>>,
    /// Chats; none: all.
    pub chats: Vec<ChatId>,
    /// Where it was made.
    pub origin: Origin,
    /// Everything up to this number has arrived, or was not wanted.
    pub cursor: u64,
    /// How often the next event failed.
    pub failures: u32,
    /// When it was parked.
    pub parked_at: Option<Timestamp>,
    /// Events that arrived since the start of the process.
    pub delivered: u64,
    /// Attempts that failed since then.
    pub failed: u64,
}

impl Hook {
    pub(super) fn new(definition: Definition, origin: Origin, live: Live) -> Self {
        Self { definition, origin, live: Mutex::new(live) }
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is, for the disk.
    pub(super) fn record(&self) -> WebhookRecord {
        record(&self.definition, &self.live().progress)
    }

    /// What consoles see, when the journal ends with `head`.
    pub(super) fn view(&self, head: u64) -> WebhookView {
        let live = self.live();
        let (state, retry_at, why) = match &live.progress.state {
            State::Going => (WebhookState::Going, None, None),
            State::Retrying { due, why, .. } => (WebhookState::Retrying, Some(*due), Some(why)),
            State::Parked(Parked { why, .. }) => (WebhookState::Parked, None, Some(why)),
        };
        WebhookView {
            name: Arc::clone(&self.definition.name),
            state,
            behind: live.progress.lag(head),
            waiting_since: live.waiting_since,
            retry_at,
            why: why.cloned(),
        }
    }

    /// What callers see.
    pub(super) fn described(&self, head: u64, now: Timestamp) -> Described {
        let view = self.view(head);
        let live = self.live();
        let (failures, parked_at) = match &live.progress.state {
            State::Going => (0, None),
            State::Retrying { failures, .. } => (*failures, None),
            State::Parked(Parked { failures, at, .. }) => (*failures, Some(*at)),
        };
        Described {
            url: self.definition.target.reveal().to_owned(),
            types: self.definition.filter.types.clone(),
            chats: self.definition.filter.chats.clone(),
            origin: self.origin,
            cursor: live.progress.cursor,
            lag_seconds: view.lag_seconds(now),
            view,
            failures,
            parked_at,
            delivered: live.delivered,
            failed: live.failed,
        }
    }
}

/// How far a webhook is, for the disk. What it is stays as it is there.
pub(super) fn record(definition: &Definition, progress: &Progress) -> WebhookRecord {
    // It is made of numbers and texts: that has no way to fail.
    let progress = serde_json::to_string(progress).unwrap_or_default().into();
    WebhookRecord { name: Arc::clone(&definition.name), definition: None, progress }
}
