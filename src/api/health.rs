//! `GET /livez`: is this process to be restarted? `GET /readyz`: can it send? `GET /health`: both in one.
//!
//! They need no token. So they tell what is in order and what is not, by name and in constant words, and nothing of
//! persons or messages.
//!
//! * `/livez` asks the engine's loop, and waits for its answer. What can't be helped by a restart never fails it: the
//!   phone, the line, the disk, the bridge, which is restarted by other rules.
//! * `/readyz` fails whenever a message that is accepted now would have to wait.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde::Serialize;

use super::{Api, Problem};
use crate::state::{Check, Snapshot, readiness};

/// How long the engine's loop may take to answer. It takes microseconds; what takes longer than this does not end.
const PATIENCE: Duration = Duration::from_secs(3);

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

/// That all is in order.
#[derive(Debug, Serialize)]
pub(super) struct Fine {
    status: &'static str,
    /// What was looked at, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

pub(super) async fn health(State(api): State<Api>) -> Json<Health> {
    Json(Health {
        status: "ok",
        uptime_seconds: api.clock.now().mono.elapsed().as_secs(),
        connected: api.engine.feed().look(Snapshot::connected),
    })
}

/// 200 when the engine's loop answers, else 503: restart the process.
pub(super) async fn livez(State(api): State<Api>, uri: Uri) -> Result<Json<Fine>, Problem> {
    let checks = vec![engine(&api).await];
    told(checks, &uri, "alive", |_| {
        let detail = "the engine's loop does not turn any more; restart the process";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-alive", "Not alive", detail)
    })
}

/// 200 when messages can go out, else 503 that names what is not in order.
pub(super) async fn readyz(State(api): State<Api>, uri: Uri) -> Result<Json<Fine>, Problem> {
    let mut checks = vec![engine(&api).await];
    checks.extend(api.engine.feed().look(readiness));
    told(checks, &uri, "ready", |failing| {
        let detail = format!("not ready: {failing}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", detail).retry_after(5)
    })
}

async fn engine(api: &Api) -> Check {
    match api.engine.pulse().felt(PATIENCE).await {
        Ok(()) => Check::new("engine", true, "the engine's loop answers"),
        Err(_) => Check::new("engine", false, "the engine's loop does not answer"),
    }
}

/// The answer to who asked for these checks: `?verbose` in the address asks for all of them.
fn told(
    checks: Vec<Check>,
    uri: &Uri,
    status: &'static str,
    problem: impl FnOnce(&str) -> Problem,
) -> Result<Json<Fine>, Problem> {
    let keys = uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next());
    let verbose = keys.into_iter().any(|key| key == Some("verbose"));
    let failing: Vec<_> = checks.iter().filter(|check| !check.is_ok()).map(|check| check.text).collect();
    if failing.is_empty() {
        return Ok(Json(Fine { status, checks: verbose.then_some(checks) }));
    }
    Err(problem(&failing.join("; ")).checked(checks, verbose))
}
