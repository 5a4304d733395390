//! `/messages/{id}`: a message, how far it has come, what others did to it, and taking back one that waits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::find::ListedMessage;
use super::path::Part;
use super::query::Parameters;
use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{
    Answer, Chat, ChatId, Delivery, DeliveryState, Direction, Failure, Message, MessageId, Refusal, Request, Times,
};

/// A message of ours as callers see it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SentMessage {
    id: MessageId,
    #[serde(skip)]
    chat: ChatId,
    /// The number, or the id of the chat where there is none.
    to: String,
    text: Arc<str>,
    state: DeliveryState,
    /// How often it was handed to the bridge.
    attempts: u32,
    #[serde(flatten)]
    times: Times,
    /// It is not sent after this time.
    expires_at: Option<Timestamp>,
    /// Why it was not sent.
    failure: Option<Failure>,
}

impl SentMessage {
    /// None for a message that is not ours.
    pub(super) fn of(message: Message) -> Option<Self> {
        Some(Self::new(message.id, message.chat, message.body, *message.delivery?))
    }

    /// A message of ours.
    pub(super) fn new(id: MessageId, chat: Chat, text: Arc<str>, delivery: Delivery) -> Self {
        let Delivery { state, times, attempts, expires_at, failure } = delivery;
        let to = chat.address().to_owned();
        Self { id, chat: chat.id, to, text, state, attempts, times, expires_at, failure }
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

/// A message, and what came in about it, oldest first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "{M}WithEvents"))]
pub(super) struct Followed<M = SentMessage> {
    #[serde(flatten)]
    message: M,
    /// The last 100 edits, revocations and reactions.
    events: Vec<Event>,
}

/// An edit, a revocation, a reaction, or whatever else is about a message.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "EventOfMessage"))]
struct Event {
    id: MessageId,
    /// `edit`, `revoke`, `reaction`, …
    kind: Box<str>,
    /// Which message it is about.
    target: Option<MessageId>,
    /// Who did it.
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

/// A message of ours by its id alone, any message with `chat`.
pub(super) async fn message(
    State(api): State<Api>,
    Part(id): Part,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let chat = parameters.chat()?;
    parameters.end("chat")?;
    match chat {
        Some(chat) => Ok(in_chat(&api, chat, MessageId::from(id)).await?.into_response()),
        None => Ok(followed(&api, MessageId::from(id)).await?.into_response()),
    }
}

async fn followed(api: &Api, id: MessageId) -> Result<Json<Followed>, Problem> {
    let message = look_up(api, id).await?.ok_or(Refusal::NoSuchMessage)?;
    let events = events(api, message.chat.clone(), message.id.clone()).await?;
    Ok(Json(Followed { message, events }))
}

async fn in_chat(api: &Api, chat: ChatId, id: MessageId) -> Result<Json<Followed<ListedMessage>>, Problem> {
    let events = events(api, chat.clone(), id.clone()).await?;
    let reader = api.engine.reader().clone();
    let found = tokio::task::spawn_blocking(move || reader.message(&chat, &id)).await;
    let found = found.map_err(|_| crate::engine::Unavailable)?.map_err(|error| Problem::store(&error))?;
    let message = ListedMessage::whole(found.ok_or(Refusal::NoSuchMessage)?);
    Ok(Json(Followed { message, events }))
}

async fn events(api: &Api, chat: ChatId, id: MessageId) -> Result<Vec<Event>, Problem> {
    let reader = api.engine.reader().clone();
    let events = tokio::task::spawn_blocking(move || reader.about(&chat, &id, EVENTS)).await;
    let events = events.map_err(|_| crate::engine::Unavailable)?.map_err(|error| Problem::store(&error))?;
    Ok(events.into_iter().map(Event::from).collect())
}

/// 200 with the message when it waited and won't be sent; 409 when that comes too late.
pub(super) async fn cancel(State(api): State<Api>, Part(id): Part) -> Result<Json<Followed>, Problem> {
    match api.engine.ask(Request::Cancel { id: MessageId::from(id.as_str()) }).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => {
            followed(&api, MessageId::from(id)).await
        }
    }
}
