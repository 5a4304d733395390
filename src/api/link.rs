//! `DELETE /link`: the account is logged out from here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::query::Parameters;
use super::{Api, Problem};
use crate::state::{Answer, Request};

/// What becomes of the link.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Ending {
    /// `asked`.
    status: &'static str,
    /// How many messages wait. They are kept, and go out when an account is linked again.
    queue: usize,
    /// What remains to be done elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

const STILL_LISTED: &str =
    "WhatsApp may not learn of it: remove the device on the phone as well (Settings, Linked devices)";

/// 202: WhatsApp is asked to remove the device; then the credentials are removed, and there is a new QR. `/status` says
/// what comes of it. 409 when no account is linked, 503 when WhatsApp can't be told, unless `?local=true` says that the
/// credentials are to be removed all the same, and 501 when the bridge has no command for it.
pub(super) async fn end(
    State(api): State<Api>,
    mut parameters: Parameters,
) -> Result<(StatusCode, Json<Ending>), Problem> {
    let local = parameters.one_of("local", &[("true", true), ("false", false)])?.unwrap_or_default();
    parameters.end("local")?;
    let (connected, queue) = api.engine.feed().look(|s| (s.connected(), s.queue));
    match api.engine.ask(Request::LogOut { local }).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => {
            let warning = (local && !connected).then_some(STILL_LISTED);
            Ok((StatusCode::ACCEPTED, Json(Ending { status: "asked", queue, warning })))
        }
    }
}
