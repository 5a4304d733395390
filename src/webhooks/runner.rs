//! The task of one webhook: reads on in the journal, and sends one event after the other.
//!
//! * It holds one page of the journal at most, and none while it waits.
//! * Its place goes to the disk after [`SAVE_EVERY`] events, and a second after the last. What arrived after that is told
//!   again when the process is killed: no more than that many events.
//! * While the database can't be written it sends no more than these either.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Shared;
use super::answer::Outcome;
use super::client::Client;
use super::event::Event;
use super::hook::Hook;
use super::progress::{LONGEST_DELAY, Parked, Progress, State};
use crate::clock::Mono;
use crate::engine::JournalPage;
use crate::state::{Answer, Missing, Request, WebhookRequest};

/// How many events may have arrived whose arrival is not on disk.
pub(super) const SAVE_EVERY: u32 = 64;

/// How long an arrival may not be on disk, when no others follow.
const SAVE_AFTER: Duration = Duration::from_secs(1);

/// How long to wait when the database can't be read or written.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The most rows that are read at once.
const PAGE_ROWS: usize = 64;

/// The bytes of text after which a page takes no further row.
const PAGE_BYTES: usize = 64 << 10;

/// How long the last save may take when it is to end.
const LAST_SAVE: Duration = Duration::from_millis(500);

pub(super) struct Runner {
    hook: Arc<Hook>,
    shared: Arc<Shared>,
    client: Client,
    head: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    /// Events that arrived since the last save.
    unsaved: u32,
    save_at: Option<Mono>,
}

/// Runs a webhook until it is to stop.
pub(super) async fn run(hook: Arc<Hook>, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let last = shared.network.limits.last;
    let (client, head) = (Client::new(Arc::clone(&shared.network), shared.clock), shared.head.subscribe());
    let mut runner = Runner { hook, shared, client, head, stop: stop.clone(), unsaved: 0, save_at: None };
    let late = async {
        stopped(&mut stop).await;
        tokio::time::sleep(last).await;
    };
    tokio::select! {
        () = runner.go_on() => {}
        () = late => {}
    }
    if tokio::time::timeout(LAST_SAVE, runner.save()).await.is_err() {
        tracing::warn!(webhook = runner.name(), "its place was not saved; some events will be told again");
    }
}

impl Runner {
    fn name(&self) -> &str {
        &self.hook.definition.name
    }

    fn progress(&self) -> Progress {
        self.hook.live().progress.clone()
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    async fn go_on(&mut self) {
        self.look_ahead().await;
        while !self.stopping() {
            self.until_due().await;
            // Before reading: what comes meanwhile is not missed.
            self.head.borrow_and_update();
            let before = self.progress();
            match self.read(before.cursor, PAGE_ROWS).await {
                Some(page) => self.tell(page).await,
                None => {
                    self.wait(tokio::time::sleep(TRY_AGAIN)).await;
                    continue;
                }
            }
            if self.progress() == before && before.state == State::Going {
                self.rest().await;
            }
        }
    }

    async fn read(&self, after: u64, rows: usize) -> Option<JournalPage> {
        match self.shared.engine.journal().after(after, rows, PAGE_BYTES).await {
            Ok(page) => {
                self.shared.raise_head(page.head);
                Some(page)
            }
            Err(error) => {
                tracing::error!(webhook = self.name(), %error, "events can't be read; it is tried again");
                None
            }
        }
    }

    /// After a restart, one that waits shows since when.
    async fn look_ahead(&self) {
        let Progress { cursor, state } = self.progress();
        if state != State::Going
            && let Some(page) = self.read(cursor, 1).await
        {
            self.hook.live().waiting_since = page.rows.first().map(|row| row.at);
        }
    }

    /// Waits until the next event may be tried.
    async fn until_due(&mut self) {
        let Some(due) = self.hook.live().progress.due() else {
            return self.wait(std::future::pending()).await;
        };
        let delay = due.since(self.shared.clock.now().wall).min(LONGEST_DELAY);
        if !delay.is_zero() {
            self.wait(tokio::time::sleep(delay)).await;
        }
    }

    /// Waits for more events.
    async fn rest(&mut self) {
        self.hook.live().waiting_since = None;
        let mut head = self.head.clone();
        self.wait(async {
            if head.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    }

    /// Waits, until it is to stop at the longest, and does meanwhile what is due.
    async fn wait(&mut self, until: impl Future<Output = ()>) {
        tokio::pin!(until);
        let mut stop = self.stop.clone();
        loop {
            let now = self.shared.clock.now().mono;
            let left = |at: Option<Mono>| at.map(|at| at.since(now));
            let (save, idle) = (left(self.save_at), left(self.client.idle_at()));
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                () = &mut until => return,
                () = after(save) => self.save().await,
                () = after(idle) => self.client.close(),
            }
        }
    }

    /// Goes over a page, up to the first event that does not arrive.
    async fn tell(&mut self, page: JournalPage) {
        let cursor = self.progress().cursor;
        if page.rows.is_empty() && page.head != cursor {
            let why = if page.head > cursor { Missing::Retention } else { Missing::Reset };
            let gap = Event::gap(cursor, page.head, why, self.shared.clock.now().wall);
            if self.deliver(&gap).await && why == Missing::Reset {
                self.hook.live().progress.resume(Some(page.head));
            }
            return;
        }
        for row in page.rows {
            let at = self.progress().cursor;
            // Numbers grow by one: what is missing was deleted, and may have been wanted.
            if row.seq > at.saturating_add(1) {
                let now = self.shared.clock.now().wall;
                if !self.deliver(&Event::gap(at, row.seq - 1, Missing::Retention, now)).await {
                    return;
                }
            }
            if self.stopping() {
                return;
            }
            if self.hook.definition.filter.wants(&row.kind, row.chat.as_ref()) {
                if !self.deliver(&Event::of(&row)).await {
                    return;
                }
            } else {
                self.passed(row.seq);
            }
        }
    }

    /// Tries once to send an event. Returns whether it arrived.
    async fn deliver(&mut self, event: &Event) -> bool {
        self.hook.live().waiting_since = Some(event.at);
        let outcome = self.client.post(&self.hook.definition, &event.message).await;
        match outcome {
            Outcome::Delivered => {
                self.hook.live().delivered += 1;
                self.passed(event.upto);
                self.unsaved += 1;
                while self.unsaved >= SAVE_EVERY && !self.stopping() {
                    self.save().await;
                    if self.unsaved > 0 {
                        self.wait(tokio::time::sleep(TRY_AGAIN)).await;
                    }
                }
                return true;
            }
            Outcome::Failed { why, asked } => {
                let now = self.shared.clock.now().wall;
                self.failed(event, |progress| progress.failed(why, asked, now, fastrand::f64()));
            }
            Outcome::Gone => {
                let now = self.shared.clock.now().wall;
                let why = "it answered 410, it wants no more; replay it when it does, or delete it";
                self.failed(event, |progress| progress.refused(why.into(), now));
            }
        }
        self.save_at = Some(self.shared.clock.now().mono);
        self.save().await;
        false
    }

    /// Notes a failure, and says so when it is the first or the last.
    fn failed(&self, event: &Event, note: impl FnOnce(&mut Progress)) {
        let mut live = self.hook.live();
        live.failed += 1;
        note(&mut live.progress);
        let (webhook, seq) = (self.name(), event.upto);
        match &live.progress.state {
            State::Going => {}
            State::Retrying { failures: 1, why, .. } => {
                tracing::warn!(webhook, seq, %why, "an event did not arrive; it is tried again for a day");
            }
            State::Retrying { failures, why, .. } => {
                tracing::debug!(webhook, seq, %why, failures, "an event did not arrive again");
            }
            State::Parked(Parked { why, .. }) => {
                tracing::error!(webhook, seq, %why, "parked: nothing more is sent before it is replayed");
            }
        }
    }

    /// Everything up to this number is done.
    fn passed(&mut self, seq: u64) {
        let mut live = self.hook.live();
        if let State::Retrying { failures, .. } = live.progress.state {
            tracing::info!(webhook = self.name(), seq, failures, "events arrive again");
        }
        live.progress.passed(seq);
        drop(live);
        let now = self.shared.clock.now().mono;
        self.save_at.get_or_insert(now.plus(SAVE_AFTER));
    }

    /// Has its place on disk, when it is not. Where that fails it is tried again later.
    async fn save(&mut self) {
        if self.save_at.is_none() {
            return;
        }
        let keep = Request::Webhook(WebhookRequest::Keep(self.hook.record()));
        if matches!(self.shared.engine.ask(keep).await, Ok(Answer::Done)) {
            (self.unsaved, self.save_at) = (0, None);
        } else {
            self.save_at = Some(self.shared.clock.now().mono.plus(TRY_AGAIN));
        }
        self.shared.news.notify_one();
    }
}

/// Waits until it is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for so long; none: for ever.
async fn after(delay: Option<Duration>) {
    match delay {
        Some(delay) => tokio::time::sleep(delay).await,
        None => std::future::pending().await,
    }
}
