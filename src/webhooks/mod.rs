//! Webhooks: events of the journal, sent to addresses that the operator names.
//!
//! * Each webhook is a cursor on the journal ([`Progress`]): a receiver that was away gets everything, in order, at
//!   least once, after a restart too. An event's `webhook-id` is the same at each attempt; its body is the data line of
//!   the same event in a stream.
//! * Each has a task of its own: a slow receiver slows nobody. It holds one page of the journal, one connection, and
//!   nothing when it waits.
//! * What fails is tried again with a growing delay for a day; then the webhook is parked, keeps its place, and waits
//!   for the operator. What retention has taken meanwhile is told by a `gap`.
//! * Each attempt is signed as Standard Webhooks has it ([`SigningKey`]).
//! * What a name resolves to is looked at before it is connected to ([`is_public`]): an address within the operator's
//!   own network is no receiver, unless he says so. Redirects are answers that failed.
//! * Without webhooks there is no task, no connection and nothing of TLS.

mod address;
mod answer;
mod client;
mod definition;
mod error;
mod event;
mod follower;
mod hook;
mod manage;
mod network;
mod progress;
mod runner;
mod signature;
mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

pub use address::is_public;
pub use definition::{DefinitionError, Description};
pub use error::WebhookError;
pub use hook::{Described, Origin};
pub use manage::{Changed, Patch, Tried};
pub use progress::{Parked, Progress, State};
pub use signature::{KeyError, SigningKey, signature_header};
pub use target::{Target, TargetError};

use crate::clock::Clock;
use crate::engine::Handle;
use crate::state::{Answer, Request, WebhookRecord, WebhookRequest};
use client::Limits;
use definition::Definition;
use hook::{Hook, Live};
use network::Network;

/// How many webhooks there may be.
const MOST: usize = 32;

/// How many tests may run at once.
const TESTS: usize = 2;

/// How long the tasks may take for their end.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// A webhook of the settings file that can't be.
#[derive(Debug, thiserror::Error)]
#[error("the webhook {name:?} in the settings file has a wrong {}: {why}", why.field())]
pub struct SettingsError {
    name: String,
    why: DefinitionError,
}

/// All webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Webhooks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    set: Mutex<Set>,
    /// Changes are made one after the other.
    changing: tokio::sync::Mutex<()>,
    tests: Semaphore,
}

/// What all tasks share.
#[derive(Debug)]
struct Shared {
    engine: Handle,
    clock: Clock,
    network: Arc<Network>,
    /// The last number of the journal, as far as somebody has looked.
    head: watch::Sender<u64>,
    /// Somebody got further, or did not.
    news: Notify,
}

#[derive(Debug, Default)]
struct Set {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Whether the follower runs.
    followed: bool,
    /// The process ends: nothing is started any more.
    stopping: bool,
}

#[derive(Debug)]
struct Entry {
    hook: Arc<Hook>,
    /// None while it is being changed.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Shared {
    /// The journal goes up to here, as somebody has seen.
    fn raise_head(&self, head: u64) {
        self.head.send_if_modified(|seen| {
            let more = head > *seen;
            *seen = head.max(*seen);
            more
        });
    }

    async fn ask(&self, request: WebhookRequest) -> Result<(), WebhookError> {
        match self.engine.ask(Request::Webhook(request)).await {
            Ok(Answer::Refused(refusal)) => Err(WebhookError::Refused(refusal)),
            Ok(Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. }) => Ok(()),
            Err(error) => Err(WebhookError::Unavailable(error)),
        }
    }
}

impl Webhooks {
    /// None yet. Addresses of this computer and of private networks are reached only when that is allowed.
    pub fn new(engine: Handle, clock: Clock, allow_private: bool) -> Self {
        Self::with(engine, clock, Network::new(allow_private, Limits::default()))
    }

    fn with(engine: Handle, clock: Clock, network: Network) -> Self {
        let network = Arc::new(network);
        let shared = Arc::new(Shared { engine, clock, network, head: watch::Sender::default(), news: Notify::new() });
        let (set, changing) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { inner: Arc::new(Inner { shared, set, changing, tests: Semaphore::new(TESTS) }) }
    }

    /// Whether the webhooks of the settings file can be, before anything is started.
    ///
    /// # Errors
    /// A [`SettingsError`] that names the one that is wrong.
    pub fn check(settings: &[Description]) -> Result<(), SettingsError> {
        restore(settings, Vec::new()).map(drop)
    }

    /// Starts the webhooks of the settings file and those on disk.
    ///
    /// # Errors
    /// A [`SettingsError`] that names the one that is wrong; then none is started.
    pub async fn start(&self, settings: &[Description], stored: Vec<WebhookRecord>) -> Result<(), SettingsError> {
        let (inner, hooks) = (&self.inner, restore(settings, stored)?);
        if hooks.is_empty() {
            return Ok(());
        }
        // A new one begins here: what happens from now on is its.
        let head = inner.shared.head().await;
        for (definition, origin, progress) in hooks {
            let new = progress.is_none();
            let progress = progress.unwrap_or_else(|| Progress::after(head));
            let hook = Hook::new(definition, origin, Live { progress, ..Live::default() });
            if new && let Err(error) = inner.shared.ask(WebhookRequest::Keep(hook.record())).await {
                tracing::warn!(%error, "the place of a new webhook was not saved; it is with its first event");
            }
            inner.begin(Arc::new(hook));
        }
        Ok(())
    }

    /// All of them, by their names.
    pub fn list(&self) -> Vec<Described> {
        let (head, now) = (*self.inner.shared.head.borrow(), self.inner.shared.clock.now().wall);
        self.inner.set().entries.values().map(|entry| entry.hook.described(head, now)).collect()
    }

    /// The one with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, name: &str) -> Result<Described, WebhookError> {
        let (head, now) = (*self.inner.shared.head.borrow(), self.inner.shared.clock.now().wall);
        let set = self.inner.set();
        let entry = set.entries.get(name).ok_or(WebhookError::NoSuchWebhook)?;
        Ok(entry.hook.described(head, now))
    }

    /// Ends all tasks, with their places on disk if that is possible within a second. It must be before the engine
    /// ends.
    pub async fn stop(&self) {
        let running: Vec<_> = {
            let mut set = self.inner.set();
            set.stopping = true;
            set.entries.values_mut().filter_map(|entry| entry.running.take()).collect()
        };
        self.inner.shared.news.notify_one();
        for one in &running {
            one.stop.send_replace(true);
        }
        let ended = async {
            for running in running {
                let _ = running.task.await;
            }
        };
        if tokio::time::timeout(STOP_PATIENCE, ended).await.is_err() {
            tracing::warn!("not all webhooks ended in time; some events will be told again");
        }
    }
}

impl Inner {
    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the task of a webhook, in place of one of the same name that has ended.
    fn begin(self: &Arc<Self>, hook: Arc<Hook>) {
        let mut set = self.set();
        if set.stopping {
            return;
        }
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(runner::run(Arc::clone(&hook), Arc::clone(&self.shared), stopping));
        let entry = Entry { hook: Arc::clone(&hook), running: Some(Running { stop, task }) };
        set.entries.insert(Arc::clone(&hook.definition.name), entry);
        if !std::mem::replace(&mut set.followed, true) {
            tokio::spawn(follower::follow(Arc::clone(self)));
        }
        self.shared.news.notify_one();
    }
}

/// A webhook, and how far it was, if it was at all.
type Restored = (Definition, Origin, Option<Progress>);

/// Puts together what the settings file and the disk say. The file is stronger.
fn restore(described: &[Description], stored: Vec<WebhookRecord>) -> Result<Vec<Restored>, SettingsError> {
    let mut found: BTreeMap<Arc<str>, Restored> = BTreeMap::new();
    for description in described {
        let wrong = |why| SettingsError { name: description.name.clone(), why };
        let definition = Definition::of(description, || Err(DefinitionError::NoKey)).map_err(wrong)?;
        if found.contains_key(&definition.name) {
            return Err(wrong(DefinitionError::Twice));
        }
        found.insert(Arc::clone(&definition.name), (definition, Origin::Settings, None));
    }
    for WebhookRecord { name, definition, progress } in stored {
        let read = serde_json::from_str::<Progress>(&progress).map_err(|error| error.to_string());
        let read = read.and_then(|progress| match (found.get_mut(&name), definition) {
            (Some((.., place)), _) => {
                *place = Some(progress);
                Ok(())
            }
            (None, Some(text)) => {
                let definition = Definition::restore(&name, text.reveal())?;
                found.insert(Arc::clone(&name), (definition, Origin::Api, Some(progress)));
                Ok(())
            }
            // It is in the settings file no more, and keeps its place for when it is again.
            (None, None) => Ok(()),
        });
        if let Err(error) = read {
            tracing::error!(webhook = %name, error, "a webhook on disk can't be read; it does not run, and is left as it is");
        }
    }
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests;
