//! `GET /health`: the process lives.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Api;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    uptime_seconds: u64,
    connected: bool,
}

pub(super) async fn health(State(api): State<Api>) -> Json<Health> {
    Json(Health {
        status: "ok",
        uptime_seconds: api.clock.now().mono.elapsed().as_secs(),
        connected: api.engine.feed().look(crate::state::Snapshot::connected),
    })
}
