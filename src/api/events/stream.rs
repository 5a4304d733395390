//! One client's stream.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::body::Bytes;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::filter::Wanted;
use super::follower::Offer;
use super::frame::{Frame, live};
use super::ring::{CHUNK_BYTES, Cursor};
use super::{Api, Events};
use crate::clock::{Clock, Mono};
use crate::engine::{Journal, JournalError};
use crate::state::{EventFilter, Missing};

/// After how many milliseconds a client may come back.
const RETRY: &str = "retry: 2000\n";

/// The last that a client is told when the process ends.
const FAREWELL: &[u8] = b": the gateway is stopping\nretry: 2000\n\n";

/// The most rows that a stream reads from the disk at once.
const PAGE_ROWS: usize = 64;

/// A client's place, and what it waits for.
///
/// There is one piece of text under way at a time: the next one is made when the connection has written the one before.
/// A client that reads nothing costs that piece, and is cut off after some time.
pub(super) struct Stream {
    events: Arc<Events>,
    journal: Arc<Journal>,
    clock: Clock,
    filter: EventFilter,
    cursor: Cursor,
    /// The same, for who wants to know how far it is behind.
    place: Arc<AtomicU64>,
    head: watch::Receiver<u64>,
    offer: watch::Receiver<Option<Offer>>,
    shutdown: watch::Receiver<bool>,
    /// Its one permit travels with the piece that is under way.
    turn: Arc<Semaphore>,
    /// What comes before any event.
    opening: Vec<u8>,
    /// When a sign of life is due.
    quiet_until: Mono,
    ended: bool,
    _slot: OwnedSemaphorePermit,
}

/// Why there is no next piece.
enum End {
    /// The process ends.
    Shutdown,
    /// The client takes nothing.
    Stalled,
    /// The journal can't be read.
    Unreadable(JournalError),
}

/// Text that is under way to the client.
struct Piece {
    text: Vec<u8>,
    /// Given back when the connection has written the text, or is gone.
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Stream {
    /// A stream from where the client wants to begin.
    pub(super) async fn open(api: &Api, wanted: Wanted, slot: OwnedSemaphorePermit) -> Result<Self, JournalError> {
        let Wanted { after, filter } = wanted;
        let journal = Arc::clone(api.engine.journal());
        let (head, mut offer) = api.events.subscribe(&api.engine);
        // What is offered already is news to this client.
        offer.mark_changed();
        let last = journal.head().await?;
        let mut cursor = Cursor::new(after.unwrap_or(last));
        let now = api.clock.now();
        let mut opening = match after {
            Some(_) => format!("{RETRY}\n"),
            // Where it begins: a client that is cut off before the first event comes back to here, and misses nothing.
            None => format!("{RETRY}id: {last}\n\n"),
        }
        .into_bytes();
        if cursor.at > last {
            opening.extend(cursor.skip(last, Missing::Reset, now.wall));
        }
        Ok(Self {
            events: Arc::clone(&api.events),
            journal,
            clock: api.clock,
            filter,
            place: api.events.place(cursor.at),
            cursor,
            head,
            offer,
            shutdown: api.shutdown.clone(),
            turn: Arc::new(Semaphore::new(1)),
            opening,
            quiet_until: now.mono.plus(api.events.limits.keep_alive),
            ended: false,
            _slot: slot,
        })
    }

    /// The next piece of text, once the one before is written; none: that was the last.
    pub(super) async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if self.ended {
            return None;
        }
        let next = match self.turn().await {
            Ok(turn) => self.piece().await.map(|text| Bytes::from_owner(Piece { text, _turn: turn })),
            Err(end) => Err(end),
        };
        self.quiet_until = self.clock.now().mono.plus(self.events.limits.keep_alive);
        self.ended = next.is_err();
        let last = match next {
            Ok(piece) => Ok(piece),
            Err(End::Shutdown) => Ok(Bytes::from_static(FAREWELL)),
            Err(End::Stalled) => {
                tracing::info!("a client that follows events took nothing for too long; it is cut off");
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(End::Unreadable(error)) => {
                tracing::error!(%error, "reading events from the database; the stream ends");
                Err(io::Error::other(error))
            }
        };
        Some((last, self))
    }

    async fn turn(&mut self) -> Result<OwnedSemaphorePermit, End> {
        tokio::select! {
            biased;
            _ = self.shutdown.wait_for(|stop| *stop) => Err(End::Shutdown),
            turn = Arc::clone(&self.turn).acquire_owned() => turn.map_err(|_| End::Stalled),
            () = tokio::time::sleep(self.events.limits.patience) => Err(End::Stalled),
        }
    }

    /// Waits for something to tell.
    async fn piece(&mut self) -> Result<Vec<u8>, End> {
        if !self.opening.is_empty() {
            return Ok(std::mem::take(&mut self.opening));
        }
        loop {
            if *self.shutdown.borrow() {
                return Err(End::Shutdown);
            }
            // Before looking: what comes while we look is not missed.
            self.head.borrow_and_update();
            let (now, before) = (self.clock.now(), self.cursor.at);
            let held = self.events.ring().after(&mut self.cursor, &self.filter, now.wall);
            let text = match held {
                Some(text) => text,
                None => self.read().await.map_err(End::Unreadable)?,
            };
            self.place.store(self.cursor.at, Relaxed);
            if !text.is_empty() {
                return Ok(text);
            }
            if now.mono >= self.quiet_until {
                return Ok(self.sign_of_life());
            }
            if self.cursor.at > before {
                continue;
            }
            let offered = tokio::select! {
                biased;
                _ = self.shutdown.wait_for(|stop| *stop) => return Err(End::Shutdown),
                _ = self.offer.changed() => true,
                _ = self.head.changed() => false,
                () = tokio::time::sleep(self.quiet_until.since(now.mono)) => false,
            };
            if offered && let Some(text) = self.offered() {
                return Ok(text);
            }
        }
    }

    /// Reads a page from the disk, and goes over it.
    async fn read(&mut self) -> Result<Vec<u8>, JournalError> {
        let page = self.journal.after(self.cursor.at, PAGE_ROWS, CHUNK_BYTES).await?;
        let now = self.clock.now().wall;
        if page.rows.is_empty() && page.head > self.cursor.at {
            return Ok(self.cursor.skip(page.head, Missing::Retention, now));
        }
        let frames: Vec<_> = page.rows.into_iter().map(Frame::from).collect();
        Ok(self.cursor.pass(&frames, &self.filter, now))
    }

    /// A comment; and, when events went by that are not wanted, the place to come back to.
    fn sign_of_life(&mut self) -> Vec<u8> {
        let id = if self.cursor.at > self.cursor.told { format!("id: {}\n", self.cursor.at) } else { String::new() };
        self.cursor.told = self.cursor.at;
        format!(": keep-alive\n{id}\n").into_bytes()
    }

    fn offered(&mut self) -> Option<Vec<u8>> {
        let offer = (*self.offer.borrow_and_update())?;
        let now = self.clock.now().wall;
        let wanted = offer.expires_at > now && self.filter.wants(offer.kind, None);
        wanted.then(|| live(offer.kind, now, &json!({ "expires_at": offer.expires_at })).into_bytes())
    }
}
