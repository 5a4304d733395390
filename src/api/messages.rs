//! `/messages/{id}`: how far a message of ours has come, what others did to it, and taking back one that waits.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{
    Answer, ChatId, Delivery, DeliveryState, Direction, Failure, Message, MessageId, Refusal, Request, Times,
};

/// A message of ours as callers see it.
#[derive(Debug, Serialize)]
pub(super) struct SentMessage {
    id: MessageId,
    #[serde(skip)]
    chat: ChatId,
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
        let chat = message.chat.id;
        Some(Self { id: message.id, chat, to, text: message.body, state, attempts, times, expires_at, failure })
    }

    /// Where it can be looked up.
    pub(super) fn location(&self) -> String {
        format!("/messages/{}", self.id)
    }

    pub(super) fn state(&self) -> DeliveryState {
        self.state
    }
}

/// The most events of a message that are told: the newest.
const EVENTS: usize = 100;

/// A message of ours, and what came in about it, oldest first.
#[derive(Debug, Serialize)]
pub(super) struct Followed {
    #[serde(flatten)]
    message: SentMessage,
    events: Vec<Event>,
}

/// An edit, a revocation, a reaction, or whatever else is about a message.
#[derive(Debug, Serialize)]
struct Event {
    id: MessageId,
    kind: Box<str>,
    /// Which message it is about.
    target: Option<MessageId>,
    from: Box<str>,
    direction: Direction,
    /// The new text, or the emoji: empty when that was taken back.
    text: Arc<str>,
    at: Timestamp,
}

impl From<Message> for Event {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            kind: (*message.kind).into(),
            target: message.target.map(|target| target.id),
            from: (*message.from).into(),
            direction: message.direction,
            text: message.body,
            at: message.at,
        }
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

pub(super) async fn message(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Followed>, Problem> {
    let message = look_up(&api, MessageId::from(id.as_str())).await?.ok_or(Refusal::NoSuchMessage)?;
    let (reader, chat, id) = (api.engine.reader().clone(), message.chat.clone(), message.id.clone());
    let events = tokio::task::spawn_blocking(move || reader.about(&chat, &id, EVENTS)).await;
    let events = events.map_err(|_| crate::engine::Unavailable)?.map_err(|error| Problem::store(&error))?;
    Ok(Json(Followed { message, events: events.into_iter().map(Event::from).collect() }))
}

/// 200 with the message when it waited and won't be sent; 409 when that comes too late.
pub(super) async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Followed>, Problem> {
    match api.engine.ask(Request::Cancel { id: MessageId::from(id.as_str()) }).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => message(State(api), Path(id)).await,
    }
}
