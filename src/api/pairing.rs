//! `GET /qr` and `GET /pairing`: what there is to scan, to type, or to do in a browser.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{Pairing, Snapshot};

/// What there is to scan. It is secret: whoever has it can link a device.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Qr {
    /// What the QR encodes.
    qr: String,
    /// Until when WhatsApp accepts it.
    expires_at: Timestamp,
}

/// What linking waits for. All of it is secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Awaited {
    /// A code to type on the phone.
    Code {
        /// Eight characters.
        code: String,
        /// Until when WhatsApp accepts it.
        expires_at: Timestamp,
    },
    /// A challenge for the owner's passkey.
    Passkey {
        /// WebAuthn's options.
        options: Value,
        /// What to paste in the console of WhatsApp's page, so that the browser answers the challenge.
        snippet: String,
        /// An answer was given, and what WhatsApp makes of it is not known yet.
        answered: bool,
        /// Why the last answer was not taken.
        error: Option<String>,
        /// Until when an answer is awaited.
        expires_at: Timestamp,
    },
    /// The code of the passkey step, which the phone shows as well.
    PasskeyCode {
        /// As the phone shows it.
        code: String,
        /// Linking waits for the owner's word on whether the phone shows the same.
        confirm: bool,
        /// Until when the step has to be over.
        expires_at: Timestamp,
    },
}

pub(super) async fn qr(State(api): State<Api>) -> Result<Json<Qr>, Problem> {
    api.engine.feed().look(|snapshot| match offered(snapshot, api.clock.now().wall)? {
        Some(Pairing::Qr { qr, expires_at, .. }) => {
            Ok(Json(Qr { qr: qr.reveal().to_owned(), expires_at: *expires_at }))
        }
        Some(other @ Pairing::Code { .. }) => {
            Err(not_offered(other.as_str(), "linking is by pairing code; see /pairing, or POST /config"))
        }
        Some(other @ (Pairing::Passkey { .. } | Pairing::PasskeyCode { .. })) => {
            Err(not_offered(other.as_str(), "WhatsApp wants the owner's passkey before it links; see /pairing"))
        }
        None => Err(not_offered("none", "there is no QR at present; try again shortly, and see /status")),
    })
}

pub(super) async fn pairing(State(api): State<Api>) -> Result<Json<Awaited>, Problem> {
    api.engine.feed().look(|snapshot| match offered(snapshot, api.clock.now().wall)?.cloned() {
        Some(Pairing::Code { code, expires_at, .. }) => {
            Ok(Json(Awaited::Code { code: code.reveal().to_owned(), expires_at }))
        }
        Some(Pairing::Passkey { options, snippet, answered, fault, expires_at, .. }) => Ok(Json(Awaited::Passkey {
            options: options.reveal().clone(),
            snippet: snippet.reveal().to_owned(),
            answered,
            error: fault.as_deref().map(str::to_owned),
            expires_at,
        })),
        Some(Pairing::PasskeyCode { code, confirm, expires_at, .. }) => {
            Ok(Json(Awaited::PasskeyCode { code: code.reveal().to_owned(), confirm, expires_at }))
        }
        Some(other @ Pairing::Qr { .. }) => Err(not_offered(
            other.as_str(),
            "linking is by QR; see /qr, or ask for a code with POST /config {\"use_pairing_code\":true,\"phone_number\":\"+…\"}",
        )),
        None => Err(not_offered("none", "there is no pairing code at present; try again shortly, and see /status")),
    })
}

/// What is offered now; never one that has run out.
fn offered(snapshot: &Snapshot, now: Timestamp) -> Result<Option<&Pairing>, Problem> {
    if snapshot.connection.state.is_up() {
        let detail = "an account is linked already; log it out on the phone first (Settings, Linked devices)";
        let problem = Problem::new(StatusCode::CONFLICT, "already-linked", "Already linked", detail);
        return Err(problem.linking("linked"));
    }
    Ok(snapshot.pairing.as_ref().filter(|p| p.expires_at() > now))
}

fn not_offered(state: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-offered", "Nothing to link with at present", detail)
        .linking(state)
        .retry_after(2)
}
