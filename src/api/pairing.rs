//! `GET /qr` and `GET /pairing`: what there is to scan or to type.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{Pairing, Snapshot};

#[derive(Debug, Serialize)]
pub(super) struct Qr {
    qr: String,
    expires_at: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct Code {
    code: String,
    expires_at: Timestamp,
}

pub(super) async fn qr(State(api): State<Api>) -> Result<Json<Qr>, Problem> {
    api.engine.feed().look(|snapshot| match offered(snapshot, api.clock.now().wall)? {
        Some(Pairing::Qr { qr, expires_at, .. }) => {
            Ok(Json(Qr { qr: qr.reveal().to_owned(), expires_at: *expires_at }))
        }
        Some(Pairing::Code { .. }) => Err(none_yet("linking is by pairing code; see /pairing, or POST /config")),
        None => Err(none_yet("there is no QR at present; try again shortly, and see /status")),
    })
}

pub(super) async fn code(State(api): State<Api>) -> Result<Json<Code>, Problem> {
    api.engine.feed().look(|snapshot| match offered(snapshot, api.clock.now().wall)? {
        Some(Pairing::Code { code, expires_at, .. }) => {
            Ok(Json(Code { code: code.reveal().to_owned(), expires_at: *expires_at }))
        }
        Some(Pairing::Qr { .. }) => Err(none_yet(
            "linking is by QR; see /qr, or ask for a code with POST /config {\"use_pairing_code\":true,\"phone_number\":\"+…\"}",
        )),
        None => Err(none_yet("there is no pairing code at present; try again shortly, and see /status")),
    })
}

/// What is offered now; never one that has run out.
fn offered(snapshot: &Snapshot, now: Timestamp) -> Result<Option<&Pairing>, Problem> {
    if snapshot.connection.state.is_up() {
        let detail = "an account is linked already; log it out on the phone first (Settings, Linked devices)";
        return Err(Problem::new(StatusCode::CONFLICT, "already-linked", "Already linked", detail));
    }
    Ok(snapshot.pairing.as_ref().filter(|p| p.expires_at() > now))
}

fn none_yet(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-offered", "Nothing to link with at present", detail)
        .retry_after(2)
}
