//! Asking an engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::{Commits, Feed, Figures, Journal, Pulse};
use crate::state::{Answer, Request};
use crate::store::Reader;

/// How long a request may wait for room. An engine that has none for so long is overloaded.
const PATIENCE: Duration = Duration::from_millis(250);

/// A request on its way to the engine.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// The engine is overloaded or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is busy or stopping")]
pub struct Unavailable;

/// For asking an engine and for watching it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Envelope>,
    feed: Arc<Feed>,
    reader: Reader,
    journal: Arc<Journal>,
    pulse: Pulse,
    figures: Arc<Figures>,
    commits: Arc<Commits>,
    stop: watch::Sender<bool>,
}

impl Handle {
    pub(super) fn new(
        requests: mpsc::Sender<Envelope>,
        feed: Arc<Feed>,
        reader: Reader,
        pulse: Pulse,
        (figures, commits): (Arc<Figures>, Arc<Commits>),
        stop: watch::Sender<bool>,
    ) -> Self {
        let journal = Arc::new(Journal::new(reader.clone()));
        Self { requests, feed, reader, journal, pulse, figures, commits, stop }
    }

    /// Asks, and waits for the answer: it comes once everything that it promises is on disk.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no room for 250 ms, or when the engine ends before it answers.
    pub async fn ask(&self, request: Request) -> Result<Answer, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.requests.send_timeout(Envelope { request, reply }, PATIENCE).await.map_err(|_| Unavailable)?;
        answer.await.map_err(|_| Unavailable)
    }

    /// Waits until the engine takes no more requests.
    pub async fn closed(&self) {
        self.requests.closed().await;
    }

    /// The published changes and the snapshot.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// For looking up messages.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The numbered events for programs.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// What is measured of it.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// What is measured of the disk.
    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    /// For asking whether its loop turns.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Begins the end: no more requests, the bridge is stopped, what it still says is written.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
