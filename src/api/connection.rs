//! `POST /connection`: what the operator wants of the connection.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::{Api, Problem};
use crate::state::{Answer, Request};

/// What is wanted of the connection.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ConnectionAction"))]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// What to do.
    action: Action,
}

/// What can be done with the connection.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Start the bridge anew; after the end of the link, link anew.
    Restart,
    /// Take the link back from another program.
    TakeOver,
}

/// 202: it is asked for; `/status` says what comes of it. 409 when there is nothing to take over.
pub(super) async fn set(
    State(api): State<Api>,
    Body(Wanted { action }): Body<Wanted>,
) -> Result<(axum::http::StatusCode, Json<Value>), Problem> {
    let request = match action {
        Action::Restart => Request::RestartBridge,
        Action::TakeOver => Request::TakeOver,
    };
    match api.engine.ask(request).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => {
            Ok((axum::http::StatusCode::ACCEPTED, Json(json!({ "status": "asked" }))))
        }
    }
}
