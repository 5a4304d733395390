//! Makes, changes, replays, tries and deletes webhooks.
//!
//! What is begun is done to its end, also when whoever asked is gone. The disk has a change before anybody is told.

use std::sync::Arc;

use hyper::body::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::answer::Outcome;
use super::client::{Client, Message};
use super::definition::{Definition, DefinitionError, Description, filter};
use super::error::WebhookError;
use super::hook::{self, Described, Hook, Live, Origin};
use super::progress::Progress;
use super::signature::SigningKey;
use super::target::Target;
use super::{Inner, MOST, Webhooks};
use crate::engine::Unavailable;
use crate::state::{Secret, WebhookRecord, WebhookRequest};

/// The type of the event that a test sends.
const TEST: &str = "webhook.test";

/// What is to be different about a webhook. None: as it is.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// Where it sends.
    pub url: Option<Secret>,
    /// Another key; `Some(None)`: one that is made.
    pub secret: Option<Option<Secret>>,
    /// Types of events.
    pub types: Option<Vec<String>>,
    /// Chats.
    pub chats: Option<Vec<String>>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookTried"))]
pub struct Tried {
    /// The receiver took it.
    pub delivered: bool,
    /// Why not, and what to do.
    pub why: Option<Arc<str>>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A webhook, and its key when it is new.
pub type Changed = (Described, Option<Secret>);

impl Webhooks {
    /// Makes a webhook. It begins after the event `after`, or at the end of the journal. Without a name it gets one. The
    /// key is in the answer, and is not told again.
    ///
    /// # Errors
    /// A [`WebhookError`]; then there is none.
    pub async fn create(&self, description: Description, after: Option<u64>) -> Result<Changed, WebhookError> {
        let inner = Arc::clone(&self.inner);
        to_the_end(async move { inner.create(description, after).await }).await
    }

    /// Changes a webhook. With another address or key it goes on at once, also when it was parked. A key that was
    /// replaced is signed with for a day more; a key that was made is in the answer.
    ///
    /// # Errors
    /// A [`WebhookError`]; then it is as it was.
    pub async fn change(&self, name: String, patch: Patch) -> Result<Changed, WebhookError> {
        let inner = Arc::clone(&self.inner);
        to_the_end(async move { inner.change(&name, patch).await }).await
    }

    /// Has a webhook go on at once, from where it is or from after an earlier event.
    ///
    /// # Errors
    /// A [`WebhookError`]; then it is as it was.
    pub async fn replay(&self, name: String, after: Option<u64>) -> Result<Described, WebhookError> {
        let inner = Arc::clone(&self.inner);
        let wanted = name.clone();
        to_the_end(async move { inner.replay(&wanted, after).await }).await?;
        self.get(&name)
    }

    /// Has webhooks go on at once, from where they are, as their names come. Ends when no more will come.
    pub async fn resume_as_asked(self, mut names: mpsc::Receiver<Arc<str>>) {
        while let Some(name) = names.recv().await {
            if let Err(error) = self.replay(name.to_string(), None).await {
                tracing::warn!(webhook = %name, %error, "a webhook was not resumed");
            }
        }
    }

    /// Deletes a webhook, and with it its place.
    ///
    /// # Errors
    /// A [`WebhookError`]; then it is as it was.
    pub async fn delete(&self, name: String) -> Result<(), WebhookError> {
        let inner = Arc::clone(&self.inner);
        to_the_end(async move { inner.delete(&name).await }).await
    }

    /// Sends the receiver an event that means nothing, signed as others are, once and beside them.
    ///
    /// # Errors
    /// A [`WebhookError`]. That it did not arrive is none.
    pub async fn test(&self, name: &str) -> Result<Tried, WebhookError> {
        let _turn = self.inner.tests.try_acquire().map_err(|_| WebhookError::Busy)?;
        let hook = self.inner.hook(name)?;
        let clock = self.inner.shared.clock;
        let begun = clock.now();
        let event = json!({ "id": null, "type": TEST, "version": 1, "time": begun.wall, "data": { "webhook": name } });
        let id = format!("test_{}", begun.wall.as_millis());
        let mut client = Client::new(Arc::clone(&self.inner.shared.network), clock);
        let outcome = client.post(&hook.definition, &Message { id, body: Bytes::from(event.to_string()) }).await;
        let why = match outcome {
            Outcome::Delivered => None,
            Outcome::Failed { why, .. } => Some(why),
            Outcome::Gone => Some("it answered 410: it wants nothing".into()),
        };
        let took_ms = u64::try_from(clock.now().mono.since(begun.mono).as_millis()).unwrap_or(u64::MAX);
        Ok(Tried { delivered: why.is_none(), why, took_ms })
    }
}

/// Does it, also when nobody waits for it any more.
async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, WebhookError>> + Send + 'static,
) -> Result<T, WebhookError> {
    tokio::spawn(change).await.unwrap_or(Err(WebhookError::Unavailable(Unavailable)))
}

impl Inner {
    fn hook(&self, name: &str) -> Result<Arc<Hook>, WebhookError> {
        self.set().entries.get(name).map(|entry| Arc::clone(&entry.hook)).ok_or(WebhookError::NoSuchWebhook)
    }

    /// One that may be changed here.
    fn own(&self, name: &str) -> Result<Arc<Hook>, WebhookError> {
        let hook = self.hook(name)?;
        if hook.origin == Origin::Settings { Err(WebhookError::InSettings) } else { Ok(hook) }
    }

    fn described(&self, hook: &Hook) -> Described {
        hook.described(*self.shared.head.borrow(), self.shared.clock.now().wall)
    }

    /// Ends the task of a webhook; it is as far as it will be then.
    async fn halt(&self, name: &str) {
        let running = self.set().entries.get_mut(name).and_then(|entry| entry.running.take());
        if let Some(running) = running {
            running.stop.send_replace(true);
            let _ = running.task.await;
        }
    }

    async fn create(
        self: &Arc<Self>,
        mut description: Description,
        after: Option<u64>,
    ) -> Result<Changed, WebhookError> {
        let _turn = self.changing.lock().await;
        if description.name.is_empty() {
            description.name = format!("wh-{}", hex(random::<4>()?));
        }
        let definition = Definition::of(&description, new_key)?;
        self.check(&definition.target)?;
        {
            let set = self.set();
            if set.entries.contains_key(&definition.name) {
                return Err(WebhookError::NameTaken);
            }
            if set.entries.len() >= MOST {
                return Err(WebhookError::TooMany);
            }
        }
        let head = self.shared.head().await;
        let progress = Progress::after(after.unwrap_or(head));
        if progress.cursor > head {
            return Err(WebhookError::NotThere(head));
        }
        let key = definition.keys.present().reveal().into();
        self.keep(&definition, &progress).await?;
        let hook = Arc::new(Hook::new(definition, Origin::Api, Live { progress, ..Live::default() }));
        self.begin(Arc::clone(&hook));
        Ok((self.described(&hook), Some(key)))
    }

    async fn change(self: &Arc<Self>, name: &str, patch: Patch) -> Result<Changed, WebhookError> {
        let _turn = self.changing.lock().await;
        let hook = self.own(name)?;
        let (definition, key) = self.patched(&hook.definition, &patch)?;
        let anew = definition.target != hook.definition.target || definition.keys != hook.definition.keys;
        self.halt(name).await;
        let mut live = hook.live().clone();
        if anew {
            live.progress.resume(None);
        }
        if let Err(error) = self.keep(&definition, &live.progress).await {
            self.begin(hook);
            return Err(error);
        }
        let hook = Arc::new(Hook::new(definition, Origin::Api, live));
        self.begin(Arc::clone(&hook));
        Ok((self.described(&hook), key))
    }

    /// What a patch makes of a webhook, and its key when it was made here.
    fn patched(&self, before: &Definition, patch: &Patch) -> Result<(Definition, Option<Secret>), WebhookError> {
        let Patch { url, secret, types, chats } = patch;
        let mut definition = before.clone();
        if let Some(url) = url {
            definition.target = Target::parse(url.reveal()).map_err(DefinitionError::Target)?;
            self.check(&definition.target)?;
        }
        let old_types: Vec<_> = before.filter.types.iter().map(ToString::to_string).collect();
        let old_chats: Vec<_> = before.filter.chats.iter().map(|chat| chat.as_str().to_owned()).collect();
        definition.filter = filter(types.as_ref().unwrap_or(&old_types), chats.as_ref().unwrap_or(&old_chats))?;
        let key = match secret {
            None => return Ok((definition, None)),
            Some(Some(given)) => SigningKey::parse(given.reveal()).map_err(DefinitionError::Key)?,
            Some(None) => new_key()?,
        };
        if key != *definition.keys.present() {
            definition.keys.replace(key.clone(), self.shared.clock.now().wall);
        }
        Ok((definition, Some(key.reveal().into())))
    }

    async fn replay(self: &Arc<Self>, name: &str, after: Option<u64>) -> Result<(), WebhookError> {
        let _turn = self.changing.lock().await;
        let hook = self.hook(name)?;
        let check = || {
            let cursor = hook.live().progress.cursor;
            if after.is_some_and(|after| after > cursor) { Err(WebhookError::NotThere(cursor)) } else { Ok(()) }
        };
        check()?;
        self.halt(name).await;
        let mut live = hook.live().clone();
        live.progress.resume(after);
        let kept = self.shared.ask(WebhookRequest::Keep(hook::record(&hook.definition, &live.progress))).await;
        if kept.is_ok() {
            *hook.live() = live;
        }
        self.begin(hook);
        kept
    }

    async fn delete(self: &Arc<Self>, name: &str) -> Result<(), WebhookError> {
        let _turn = self.changing.lock().await;
        let hook = self.own(name)?;
        self.halt(name).await;
        if let Err(error) = self.shared.ask(WebhookRequest::Forget(Arc::clone(&hook.definition.name))).await {
            self.begin(hook);
            return Err(error);
        }
        self.set().entries.remove(name);
        self.shared.news.notify_one();
        Ok(())
    }

    /// An address that is not to be reached is refused at once, when it is there to be seen. A name is looked up and
    /// checked at each connection.
    fn check(&self, target: &Target) -> Result<(), DefinitionError> {
        let reached = target.literal().is_none_or(|address| self.shared.network.allows(address));
        if reached { Ok(()) } else { Err(DefinitionError::Private) }
    }

    async fn keep(&self, definition: &Definition, progress: &Progress) -> Result<(), WebhookError> {
        let record = WebhookRecord { definition: Some(definition.stored()), ..hook::record(definition, progress) };
        self.shared.ask(WebhookRequest::Keep(record)).await
    }
}

fn new_key() -> Result<SigningKey, WebhookError> {
    Ok(SigningKey::from_random(random()?))
}

fn random<const N: usize>() -> Result<[u8; N], WebhookError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| WebhookError::NoRandomness)?;
    Ok(bytes)
}

fn hex(bytes: [u8; 4]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
