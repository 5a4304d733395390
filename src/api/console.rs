//! `GET /console`, and what is asked beside it: for consoles of this program that are attached from outside of it.
//!
//! Internal: the lines are the types of [`link`](crate::link) as this version has them, so the first line tells the
//! version, and a console of another one goes no further. It is not described for other programs, for which there are
//! `/status` and `/events`.
//!
//! * A stream is a cursor in the feed. Whoever reads slowly holds the line that is under way, and is told everything
//!   anew once the feed has left it behind; whoever takes nothing is cut off like any caller.
//! * The log goes along: its last lines at first, then what comes, at most ten times a second. It is read from a ring, so
//!   whoever reads slowly misses lines and is told how many; with no console attached nobody reads.
//! * Requests and look-ups are asked one by one, each with an answer of its own, and belong to no stream: a console
//!   whose line broke may ask again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body as Stream, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::body::Body;
use super::{Api, Problem};
use crate::engine::Cursor;
use crate::link::Update;
use crate::state::{Answer, Find, Found, LookUp, Refusal, Request};
use crate::telemetry::Ring;

/// How many consoles may be attached.
const CONSOLES: usize = 8;

/// How many changes make one line at most.
const BATCH: usize = 256;

/// After how long without a change an empty line is sent, by which both sides find out that the other is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long a look-up may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most that a console looks up at once.
const MAX_ITEMS: usize = 1_000;

/// The shortest time from one line with what was logged to the next: what is logged of telling it is not told in turn for
/// ever.
const LOG_PAUSE: Duration = Duration::from_millis(100);

/// The places for consoles, and what they are told besides what everybody is.
#[derive(Debug)]
pub struct Consoles {
    places: Arc<Semaphore>,
    log: Arc<Ring>,
}

impl Consoles {
    /// Places that are free, for consoles that are told of this log.
    pub fn new(log: Arc<Ring>) -> Self {
        Self { places: Arc::new(Semaphore::new(CONSOLES)), log }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = format!("{CONSOLES} consoles are attached already; leave one, or try later");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "too-many-consoles", "Too many consoles are attached", detail).retry_after(10)
        })
    }
}

/// An attached console's place in the log.
struct Logged {
    ring: Arc<Ring>,
    news: watch::Receiver<u64>,
    /// How many lines it has been told, or has missed.
    told: u64,
    not_before: Instant,
}

impl Logged {
    fn of(ring: &Arc<Ring>) -> Self {
        Self { ring: Arc::clone(ring), news: ring.watch(), told: 0, not_before: Instant::now() }
    }

    /// Waits until there is more of it.
    async fn more(&mut self) {
        tokio::time::sleep_until(self.not_before).await;
        let told = self.told;
        if self.news.wait_for(|count| *count > told).await.is_err() {
            std::future::pending().await
        }
    }

    /// What there is more of it.
    fn part(&mut self) -> Update {
        let part = self.ring.since(self.told);
        self.told = part.before + part.lines.len() as u64;
        self.not_before = Instant::now() + LOG_PAUSE;
        Update::Logged(part)
    }
}

/// An attached console's place in the feed.
struct Told {
    cursor: Cursor,
    logged: Logged,
    /// The lines that come before any change.
    first: Option<Vec<u8>>,
    shutdown: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Told {
    /// The next line, once there is room for it. None: the process is to end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((Ok(first.into()), self));
        }
        // In no order: neither what changes nor what is logged keeps the other waiting.
        let text = tokio::select! {
            _ = self.shutdown.wait_for(|stop| *stop) => return None,
            next = self.cursor.next(BATCH) => line(&Update::from(next)),
            () = self.logged.more() => line(&self.logged.part()),
            () = tokio::time::sleep(KEEP_ALIVE) => b"\n".to_vec(),
        };
        Some((Ok(text.into()), self))
    }
}

/// A document in a line of its own.
fn line(document: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(document).unwrap_or_else(|error| {
        // No type of the link is like that: a test writes each.
        tracing::error!(%error, "an update can't be written");
        Vec::new()
    });
    text.push(b'\n');
    text
}

/// 200 with a stream that ends when the process does: which version this is, a snapshot, then what changes and what is
/// logged. 503 when there are too many consoles.
pub(super) async fn console(State(api): State<Api>) -> Result<Response, Problem> {
    let place = api.consoles.place()?;
    let (snapshot, cursor) = api.engine.feed().subscribe();
    let mut first = line(&json!({ "pilothouse": env!("CARGO_PKG_VERSION") }));
    first.append(&mut line(&Update::Snapshot(Box::new(snapshot))));
    let logged = Logged::of(&api.consoles.log);
    let told = Told { cursor, logged, first: Some(first), shutdown: api.shutdown.clone(), _place: place };
    let body = Stream::from_stream(futures_util::stream::unfold(told, Told::next));
    // The last one is for nginx, which else holds lines back.
    let headers = [(header::CONTENT_TYPE.as_str(), "application/x-ndjson"), ("x-accel-buffering", "no")];
    Ok((headers, body).into_response())
}

/// 200 with the engine's answer, a refusal too. 422 for what no console asks for.
pub(super) async fn ask(State(api): State<Api>, Body(request): Body<Request>) -> Result<Json<Answer>, Problem> {
    match request {
        Request::Send { .. }
        | Request::Cancel { .. }
        | Request::SetLinking(_)
        | Request::RestartBridge
        | Request::TakeOver
        | Request::AnswerPasskey(_)
        | Request::ConfirmPasskey { .. }
        | Request::RequestCode(_)
        | Request::LogOut { .. }
        | Request::ResumeWebhook(_) => {}
        // What these may be is looked at where they are asked for otherwise.
        Request::UseBridge(_) | Request::Tune(_) | Request::Webhook(_) => {
            return Err(Problem::bad_field("request", "no console asks for this; see /docs for what does it"));
        }
    }
    Ok(Json(api.engine.ask(request).await.unwrap_or(Answer::Refused(Refusal::Unavailable))))
}

/// 200 with what was found, or why nothing was. 422 when it is more than a console looks up.
pub(super) async fn look_up(State(api): State<Api>, Body(what): Body<LookUp>) -> Result<Json<Found>, Problem> {
    let (LookUp::Messages { find: Find { limit: items, .. }, .. }
    | LookUp::Chats { limit: items, .. }
    | LookUp::Message { about: items, .. }) = &what;
    if *items > MAX_ITEMS {
        return Err(Problem::bad_field("limit", format!("it is {items}, and at most {MAX_ITEMS} are looked up")));
    }
    let permit = api.look_ups.wait(PATIENCE).await?;
    let reader = api.engine.reader().clone();
    let found = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        reader.look_up(&what)
    });
    Ok(Json(found.await.map_err(|_| crate::engine::Unavailable)?))
}
