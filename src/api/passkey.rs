//! `POST /pairing/passkey`: what the owner says in the passkey step of linking.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::{Api, Problem};
use crate::protocol::PasskeyResponse;
use crate::state::{Answer, Request};

/// What the owner saw.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "PasskeyComparison"))]
#[serde(deny_unknown_fields)]
pub(super) struct Compared {
    /// Whether the phone shows the same code.
    same: bool,
}

/// 202: the answer is given to the bridge; `/pairing` says what comes of it. 409 when none is asked for.
pub(super) async fn answer(
    State(api): State<Api>,
    Body(response): Body<PasskeyResponse>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    given(&api, Request::AnswerPasskey(response)).await
}

/// 202: linking goes on, or ends when the codes differ. 409 when there is no code to compare.
pub(super) async fn confirm(
    State(api): State<Api>,
    Body(Compared { same }): Body<Compared>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    given(&api, Request::ConfirmPasskey { same }).await
}

async fn given(api: &Api, request: Request) -> Result<(StatusCode, Json<Value>), Problem> {
    match api.engine.ask(request).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => {
            Ok((StatusCode::ACCEPTED, Json(json!({ "status": "given" }))))
        }
    }
}
