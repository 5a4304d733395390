//! `GET /livez`: the process answers. `GET /readyz`: it can send. `GET /health`: both in one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Api, Problem};

/// How the process does.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Health {
    /// Always `ok`: the process answers.
    status: &'static str,
    /// The time since the process started.
    uptime_seconds: u64,
    /// WhatsApp can be reached and messages can be sent.
    connected: bool,
}

pub(super) async fn health(State(api): State<Api>) -> Json<Health> {
    Json(Health {
        status: "ok",
        uptime_seconds: api.clock.now().mono.elapsed().as_secs(),
        connected: api.engine.feed().look(crate::state::Snapshot::connected),
    })
}

/// That it is answered is the answer: only a process that does not is to be restarted.
pub(super) async fn livez() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// 503 names what is not ready.
pub(super) async fn readyz(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    if api.engine.feed().look(crate::state::Snapshot::connected) {
        return Ok(Json(json!({"status": "ready"})));
    }
    let detail = "not ready: WhatsApp is not connected; GET /status says why";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", detail).retry_after(5))
}
