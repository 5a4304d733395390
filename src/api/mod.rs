//! The HTTP API: requests and the state of the world, as JSON.
//!
//! One file a resource. It owns no state but its own figures: what it tells is the published snapshot or a row of the
//! database, what it asks goes to the engine.
//!
//! * Names are snake_case, times RFC 3339 in UTC, errors `application/problem+json` (RFC 9457).
//! * A state of the world is never a 500: not linked yet is 503 with `Retry-After`, linked already is 409.

mod accept;
mod access;
mod around;
mod body;
mod config;
mod connection;
mod console;
#[cfg(test)]
mod description;
mod docs;
mod events;
mod find;
mod health;
mod link;
mod messages;
mod metrics;
mod once;
mod page;
mod pairing;
mod passkey;
mod path;
mod problem;
mod query;
mod send;
mod server;
mod socket;
mod stats;
mod status;
mod web;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{delete, get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::layer::layer_fn;

use around::Around;
pub use body::Bodies;
pub use config::Settings;
pub use console::Consoles;
pub use events::Events;
pub use find::LookUps;
pub use once::KeysInUse;
pub use problem::Problem;
pub use server::Limits;
pub use socket::{Socket, SocketError};
pub use stats::ApiStats;
pub use status::StatusText;
pub use web::Web;

use crate::access::Guard;
use crate::clock::Clock;
use crate::engine::Handle;
use crate::webhooks::Webhooks;

/// The longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// How long answers under way may take once the process is to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// What the handlers share. Cheap to clone: each request is given one more.
#[derive(Clone, Debug)]
pub struct Api(Arc<Shared>);

/// What an API is made of.
#[derive(Debug)]
pub struct Shared {
    /// Knows who may ask.
    pub guard: Arc<Guard>,
    /// What browsers may do.
    pub web: Arc<Web>,
    /// For asking and for looking.
    pub engine: Handle,
    /// The time.
    pub clock: Clock,
    /// How long answers take.
    pub stats: Arc<ApiStats>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The idempotency keys that are being answered.
    pub keys: KeysInUse,
    /// The streams of events.
    pub events: Arc<Events>,
    /// The consoles that are attached.
    pub consoles: Consoles,
    /// Searches and lists that are being looked up.
    pub look_ups: LookUps,
    /// The bodies that are being read.
    pub bodies: Bodies,
    /// The last answer of `/status`.
    pub status: StatusText,
    /// What sends events to others.
    pub webhooks: Webhooks,
    /// Becomes true when the process is to end: whoever waits gives up.
    pub shutdown: watch::Receiver<bool>,
}

impl From<Shared> for Api {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/assets/{file}", get(page::file))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/health", get(health::health))
        .route("/status", get(status::status))
        .route("/metrics", get(metrics::metrics))
        .route("/qr", get(pairing::qr))
        .route("/pairing", get(pairing::pairing).post(pairing::request_code))
        .route("/link", delete(link::end))
        .route("/pairing/passkey", post(passkey::answer))
        .route("/pairing/passkey/confirm", post(passkey::confirm))
        .route("/send", post(send::send))
        .route("/messages", get(find::messages))
        .route("/chats", get(find::chats))
        .route("/messages/{id}", get(messages::message).delete(messages::cancel))
        .route("/events", get(events::events))
        .route("/console", get(console::console))
        .route("/console/requests", post(console::ask))
        .route("/console/look-ups", post(console::look_up))
        .route("/config", get(config::get).post(config::set).patch(config::patch))
        .route("/connection", post(connection::set))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/docs/docs.css", get(docs::style))
        .route("/docs/docs.js", get(docs::script))
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/webhooks/{name}", get(webhooks::webhook).patch(webhooks::change).delete(webhooks::delete))
        .route("/webhooks/{name}/replay", post(webhooks::replay))
        .route("/webhooks/{name}/test", post(webhooks::test))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(layer_fn({
            let api = api.clone();
            move |within| Around::new(api.clone(), within)
        }))
        .with_state(api)
}

/// Serves until the process is to end, and then for at most three seconds more.
pub async fn serve(listener: TcpListener, socket: Option<Socket>, api: Api, limits: Limits) {
    let shutdown = api.shutdown.clone();
    server::serve(listener, socket, router(api), limits, shutdown, SHUTDOWN_PATIENCE).await;
}

#[cfg(test)]
mod tests;
