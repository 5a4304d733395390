//! The HTTP API: requests and the state of the world, as JSON.
//!
//! One file a resource. It owns no state but its own figures: what it tells is the published snapshot or a row of the
//! database, what it asks goes to the engine.
//!
//! * Names are snake_case, times RFC 3339 in UTC, errors `application/problem+json` (RFC 9457).
//! * A state of the world is never a 500: not linked yet is 503 with `Retry-After`, linked already is 409.

mod access;
mod body;
mod config;
mod connection;
#[cfg(test)]
mod description;
mod docs;
mod events;
mod find;
mod health;
mod messages;
mod metrics;
mod once;
mod pairing;
mod passkey;
mod path;
mod problem;
mod query;
mod send;
mod stats;
mod status;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use events::Events;
pub use find::LookUps;
pub use once::KeysInUse;
pub use problem::Problem;
pub use stats::ApiStats;

use crate::access::Guard;
use crate::clock::Clock;
use crate::engine::Handle;

/// The longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// How long answers under way may take once the process is to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Api {
    /// Knows who may ask.
    pub guard: Arc<Guard>,
    /// For asking and for looking.
    pub engine: Handle,
    /// The time.
    pub clock: Clock,
    /// How long answers take.
    pub stats: Arc<ApiStats>,
    /// The configured bridges' names.
    pub bridges: Arc<BTreeSet<Arc<str>>>,
    /// The idempotency keys that are being answered.
    pub keys: KeysInUse,
    /// The streams of events.
    pub events: Arc<Events>,
    /// Searches and lists that are being looked up.
    pub look_ups: LookUps,
    /// Becomes true when the process is to end: whoever waits gives up.
    pub shutdown: watch::Receiver<bool>,
}

/// All routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/health", get(health::health))
        .route("/status", get(status::status))
        .route("/metrics", get(metrics::metrics))
        .route("/qr", get(pairing::qr))
        .route("/pairing", get(pairing::pairing))
        .route("/pairing/passkey", post(passkey::answer))
        .route("/pairing/passkey/confirm", post(passkey::confirm))
        .route("/send", post(send::send))
        .route("/messages", get(find::messages))
        .route("/chats", get(find::chats))
        .route("/messages/{id}", get(messages::message).delete(messages::cancel))
        .route("/events", get(events::events))
        .route("/config", post(config::set))
        .route("/connection", post(connection::set))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/docs/docs.css", get(docs::style))
        .route("/docs/docs.js", get(docs::script))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(api.clone(), access::check))
        .layer(middleware::from_fn_with_state(api.clone(), around))
        .with_state(api)
}

/// Takes the time of each answer, and sets what every answer has.
async fn around(State(api): State<Api>, request: Request, next: Next) -> Response {
    let start = api.clock.now().mono;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let took = api.clock.now().mono.since(start);
    api.stats.answered(took);
    tracing::debug!(%method, path, status = response.status().as_u16(), ?took, "answered");
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Serves until the process is to end, and then for at most three seconds more.
///
/// # Errors
/// What the listener gives.
pub async fn serve(listener: TcpListener, api: Api) -> std::io::Result<()> {
    let mut shutdown = api.shutdown.clone();
    let mut deadline = api.shutdown.clone();
    let stopping = async move {
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(listener, router(api)).with_graceful_shutdown(stopping);
    let late = async {
        let _ = deadline.wait_for(|stop| *stop).await;
        tokio::time::sleep(SHUTDOWN_PATIENCE).await;
    };
    tokio::select! {
        result = serving => result,
        () = late => {
            tracing::warn!("some answers were not finished when the process had to end");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
