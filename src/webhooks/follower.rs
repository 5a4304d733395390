//! Looks how far the journal is, once for all webhooks, and shows how they do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Inner, Shared};
use crate::clock::Mono;
use crate::state::{WebhookRequest, WebhookView};

/// How long the webhooks are left alone after they were woken. The first event after a pause goes out at once.
const PAUSE: Duration = Duration::from_millis(25);

/// How often consoles are shown how the webhooks do, at most.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// What is shown, and when it may be shown anew.
#[derive(Default)]
struct Shown {
    views: Vec<WebhookView>,
    again_at: Mono,
}

impl Shared {
    /// The last number of the journal.
    pub(super) async fn head(&self) -> u64 {
        match self.engine.journal().head().await {
            Ok(head) => self.raise_head(head),
            Err(error) => tracing::error!(%error, "the journal can't be read; webhooks wait"),
        }
        *self.head.borrow()
    }
}

/// Runs while there are webhooks.
pub(super) async fn follow(inner: Arc<Inner>) {
    let shared = &inner.shared;
    let mut published = shared.engine.feed().watch();
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = Shown::default();
    loop {
        pause.tick().await;
        published.borrow_and_update();
        let head = shared.head().await;
        let left = inner.show(&mut shown, head).await;
        if inner.unfollowed(&shown) {
            return;
        }
        tokio::select! {
            changed = published.changed() => if changed.is_err() { return },
            () = shared.news.notified() => {}
            () = tokio::time::sleep(left.unwrap_or_default()), if left.is_some() => {}
        }
    }
}

impl Inner {
    /// Shows what is new. Returns how long to wait when it is too early for that.
    async fn show(&self, shown: &mut Shown, head: u64) -> Option<Duration> {
        let views: Vec<_> = self.set().entries.values().map(|entry| entry.hook.view(head)).collect();
        if views == shown.views {
            return None;
        }
        let now = self.shared.clock.now().mono;
        if now < shown.again_at {
            return Some(shown.again_at.since(now));
        }
        shown.again_at = now.plus(SHOW_EVERY);
        if self.shared.ask(WebhookRequest::Show(views.clone())).await.is_err() {
            return Some(SHOW_EVERY);
        }
        shown.views = views;
        None
    }

    /// Whether there is nothing left to follow.
    fn unfollowed(&self, shown: &Shown) -> bool {
        let mut set = self.set();
        let done = set.stopping || (set.entries.is_empty() && shown.views.is_empty());
        set.followed = !done;
        done
    }
}
