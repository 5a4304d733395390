//! `/messages/{id}`: how far a message of ours has come, and taking back one that waits.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{Answer, Delivery, DeliveryState, Failure, Message, MessageId, Refusal, Request, Times};

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
    expires_at: Option<Timestamp>,
    failure: Option<Failure>,
}

impl SentMessage {
    /// None for a message that is not ours.
    pub(super) fn of(message: Message) -> Option<Self> {
        let Delivery { state, times, attempts, expires_at, failure } = *message.delivery?;
        let to = message.chat.address().to_owned();
        Some(Self { id: message.id, to, text: message.body, state, attempts, times, expires_at, failure })
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
    found.map(Json).ok_or_else(|| Refusal::NoSuchMessage.into())
}

/// 200 with the message when it waited and won't be sent; 409 when that comes too late.
pub(super) async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<SentMessage>, Problem> {
    match api.engine.ask(Request::Cancel { id: MessageId::from(id.as_str()) }).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => message(State(api), Path(id)).await,
    }
}
