//! `GET /messages/{id}`: how far a message of ours has come.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::{Api, Problem};
use crate::state::{Delivery, DeliveryState, Failure, Message, MessageId, Times};

/// A message of ours as callers see it.
#[derive(Debug, Serialize)]
pub(super) struct SentMessage {
    id: MessageId,
    to: String,
    text: Arc<str>,
    state: DeliveryState,
    attempts: u32,
    #[serde(flatten)]
    times: Times,
    failure: Option<Failure>,
}

impl SentMessage {
    /// None for a message that is not ours.
    pub(super) fn of(message: Message) -> Option<Self> {
        let Delivery { state, times, attempts, failure } = *message.delivery?;
        let to = message.chat.address().to_owned();
        Some(Self { id: message.id, to, text: message.body, state, attempts, times, failure })
    }

    /// Where it can be looked up.
    pub(super) fn location(&self) -> String {
        format!("/messages/{}", self.id)
    }

    pub(super) fn state(&self) -> DeliveryState {
        self.state
    }
}

/// Looks a message of ours up, off the runtime's own threads.
pub(super) async fn look_up(api: &Api, id: MessageId) -> Result<Option<SentMessage>, Problem> {
    let reader = api.engine.reader().clone();
    let found = tokio::task::spawn_blocking(move || reader.sent_message(&id)).await;
    match found {
        Ok(Ok(message)) => Ok(message.and_then(SentMessage::of)),
        Ok(Err(error)) => Err(Problem::store(&error)),
        Err(_) => Err(crate::engine::Unavailable.into()),
    }
}

pub(super) async fn message(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<SentMessage>, Problem> {
    let found = look_up(&api, MessageId::from(id.as_str())).await?;
    found.map(Json).ok_or_else(|| {
        let detail = "there is no message of ours with this id; it may be too old, or never have been accepted";
        Problem::new(StatusCode::NOT_FOUND, "no-such-message", "No such message", detail)
    })
}
