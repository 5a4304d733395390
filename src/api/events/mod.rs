//! `GET /events`: server-sent events from the journal, for programs that follow what happens.
//!
//! * An event's id is its number in the journal, the same after any restart. A client that comes back with
//!   `Last-Event-ID`, or with `?after=`, gets everything after it, once and in order; what retention has taken
//!   meanwhile is told by a `gap`.
//! * A stream is a cursor, not a queue. The newest events are read and serialized once, by the follower, and all
//!   streams send the same ones; a stream that is behind them reads from the disk, a page at a time, in turn with others.
//! * A client that reads slowly holds one piece of text and nobody up: see [`Stream`].
//! * The follower runs while there are streams. Without any, nothing is read.
//! * That there is something to link with is told as it happens, and without its secret: `/qr` and `/pairing` have it.
//!   It has no id, since it is worth nothing later.

mod filter;
mod follower;
mod frame;
mod ring;
mod stream;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Api, Problem};
use crate::state::StreamsSample;
#[cfg(test)]
pub(super) use filter::LIVE;
use filter::Wanted;
use follower::Offer;
use ring::Ring;
use stream::Stream;

/// What is allowed.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How many streams there may be.
    streams: usize,
    /// After how long without an event a comment is sent, by which both sides find out that the other is there.
    keep_alive: Duration,
    /// How long a client may take for one piece before it is cut off. It can come back to where it was.
    patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 1_024, keep_alive: Duration::from_secs(15), patience: Duration::from_secs(60) }
    }
}

/// What all streams share.
#[derive(Debug)]
pub struct Events {
    limits: Limits,
    slots: Arc<Semaphore>,
    ring: Mutex<Ring>,
    /// Changes whenever the ring does.
    head: watch::Sender<u64>,
    /// What there is to link with.
    offer: watch::Sender<Option<Offer>>,
    /// Whether the follower runs.
    followed: Mutex<bool>,
    /// The number up to which each stream is; those of ended ones are dangling.
    places: Mutex<Vec<Weak<AtomicU64>>>,
}

impl Default for Events {
    fn default() -> Self {
        Self::with(Limits::default())
    }
}

impl Events {
    fn with(limits: Limits) -> Self {
        Self {
            limits,
            slots: Arc::new(Semaphore::new(limits.streams)),
            ring: Mutex::default(),
            head: watch::Sender::default(),
            offer: watch::Sender::default(),
            followed: Mutex::default(),
            places: Mutex::default(),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many streams are open.
    pub fn streams(&self) -> usize {
        self.limits.streams.saturating_sub(self.slots.available_permits())
    }

    /// A place for one more stream, which is at this number.
    fn place(&self, at: u64) -> Arc<AtomicU64> {
        let place = Arc::new(AtomicU64::new(at));
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| place.strong_count() > 0);
        places.push(Arc::downgrade(&place));
        place
    }

    /// How many events the stream that is furthest behind has not gone over yet; 0 when there is none.
    pub fn worst_lag(&self) -> u64 {
        let head = self.ring().head();
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = places.iter().filter_map(Weak::upgrade).map(|place| head.saturating_sub(place.load(Relaxed)));
        behind.max().unwrap_or_default()
    }

    /// How many streams are open, and how far the last one is behind.
    pub fn sample(&self) -> StreamsSample {
        StreamsSample { open: self.streams() as u64, behind: self.worst_lag() }
    }

    fn slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.slots).try_acquire_owned().map_err(|_| {
            let detail = format!("{} streams of events are open already; close one, or try later", self.limits.streams);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "too-many-streams", "Too many streams are open", detail).retry_after(10)
        })
    }
}

/// 200 with a stream that ends when the process does; 503 when there are too many.
pub(super) async fn events(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri, &headers)?;
    let slot = api.events.slot()?;
    let stream = Stream::open(&api, wanted, slot).await.map_err(|error| Problem::store(&error))?;
    let body = Body::from_stream(futures_util::stream::unfold(stream, Stream::next));
    // The last one is for nginx, which else holds events back.
    let headers = [(header::CONTENT_TYPE.as_str(), "text/event-stream"), ("x-accel-buffering", "no")];
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests;
