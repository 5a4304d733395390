//! `POST /send`: accept a message.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::{Body, whole};
#[cfg(test)]
use super::description;
use super::messages::{SentMessage, look_up};
use super::{Api, Problem, once};
use crate::engine::{Cursor, Next};
use crate::state::{AddressError, Answer, Change, Chat, DeliveryState, MessageId, Request, SendOptions};

/// How long `?wait=sent` waits for WhatsApp's answer.
const WAIT_FOR_SENT: Duration = Duration::from_secs(30);

/// A text for somebody.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "TextToSend"))]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    /// A number with + and country code, or the id of a chat.
    #[cfg_attr(test, schemars(regex(pattern = description::ADDRESSEE)))]
    to: String,
    /// What it says, with at least one letter or sign.
    #[cfg_attr(test, schemars(length(min = 1, max = description::MAX_TEXT_CHARS), regex(pattern = r"\S")))]
    text: Arc<str>,
    /// Give it up when it has not left after so many seconds; without it, it waits as long as it takes.
    #[cfg_attr(test, schemars(range(min = 1, max = description::MAX_EXPIRES_IN)))]
    #[serde(default, deserialize_with = "whole")]
    expires_in: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    wait: Option<Wait>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wait {
    Sent,
}

/// 202 when the message is on disk and will be sent; with `?wait=sent` 200 when WhatsApp's server has answered by then.
///
/// With an `Idempotency-Key` the same request gets the same answer, and the message is sent once.
pub(super) async fn send(
    State(api): State<Api>,
    headers: HeaderMap,
    options: Result<Query<Options>, QueryRejection>,
    Body(Send { to, text, expires_in }): Body<Send>,
) -> Result<Response, Problem> {
    let Query(Options { wait }) = options.map_err(|_| {
        let detail = "the only option is wait, and its only value is sent: POST /send?wait=sent";
        Problem::new(StatusCode::BAD_REQUEST, "bad-query", "The query is not valid", detail)
    })?;
    let key = once::key(&headers)?;
    let chat: Chat = to.parse().map_err(|error: AddressError| Problem::bad_field("to", error.to_string()))?;
    let _in_use = key.as_ref().map(|key| api.keys.take(key)).transpose()?;
    let cursor = api.engine.feed().follow();
    let options = SendOptions { key, expires_in };
    let address = chat.clone();
    let id = match api.engine.ask(Request::Send { chat, text: Arc::clone(&text), options }).await? {
        // What was accepted just now is as it was asked for: nothing has to be looked up.
        Answer::Accepted { id, delivery } if wait.is_none() => {
            return Ok(accepted(&SentMessage::new(id, address, text, *delivery), wait));
        }
        Answer::Accepted { id, .. } | Answer::AcceptedBefore { id } => id,
        Answer::Refused(refusal) => return Err(refusal.into()),
        Answer::Done => return Err(crate::engine::Unavailable.into()),
    };
    if let Some(Wait::Sent) = wait {
        wait_for_answer(&api, cursor, &id).await?;
    }
    let Some(message) = look_up(&api, id).await? else {
        let detail = "the message that this request became is no longer kept";
        return Err(Problem::new(StatusCode::GONE, "message-gone", "The message is gone", detail));
    };
    Ok(accepted(&message, wait))
}

/// The status follows from what was asked: without `wait` the same request always gets the same.
fn accepted(message: &SentMessage, wait: Option<Wait>) -> Response {
    let status = match wait {
        Some(Wait::Sent) if !message.state().is_pending() => StatusCode::OK,
        Some(Wait::Sent) | None => StatusCode::ACCEPTED,
    };
    let mut response = (status, Json(message)).into_response();
    if let Ok(location) = HeaderValue::from_str(&message.location()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Waits until the message is no longer pending, for at most [`WAIT_FOR_SENT`] and not beyond the process's end.
async fn wait_for_answer(api: &Api, mut cursor: Cursor, id: &MessageId) -> Result<(), Problem> {
    let pending = async || {
        let state = look_up(api, id.clone()).await?.map(|message| message.state());
        Ok::<bool, Problem>(state.is_some_and(DeliveryState::is_pending))
    };
    let answered = async {
        if !pending().await? {
            return Ok(());
        }
        loop {
            match cursor.next(usize::MAX).await {
                Next::Changes(changes) => {
                    if changes.iter().any(|change| settles(change, id)) {
                        return Ok(());
                    }
                }
                Next::Snapshot(_) => {
                    if !pending().await? {
                        return Ok(());
                    }
                }
            }
        }
    };
    let mut shutdown = api.shutdown.clone();
    tokio::select! {
        result = answered => result,
        () = tokio::time::sleep(WAIT_FOR_SENT) => Ok(()),
        _ = shutdown.wait_for(|stop| *stop) => Ok(()),
    }
}

fn settles(change: &Change, wanted: &MessageId) -> bool {
    matches!(change, Change::MessageProgressed { id, delivery, .. } if id == wanted && !delivery.state.is_pending())
}
