//! `GET /messages` and `GET /chats`: pages of what is kept.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::query::{Parameters, cursor};
use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::state::{
    Chat, DeliveryState, Direction, Failure, Filter, Find, FindError, Listed, ListedChat, Message, MessageId, Order,
    Page, SEARCH_CHARS, Target, Times,
};

/// How many look-ups there are at once. Each takes a thread and some hundred kilobytes while it lasts.
const LOOK_UPS: usize = 2;

/// The sorts of cursors: one is good for a list in the same order only.
const NEWEST_FIRST: char = 'd';
const OLDEST_FIRST: char = 'a';
const CHATS: char = 'c';

/// Who may look things up just now.
#[derive(Clone, Debug)]
pub struct LookUps(Arc<Semaphore>);

impl Default for LookUps {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOK_UPS)))
    }
}

impl LookUps {
    /// Takes one of the places, until it is dropped.
    pub(super) fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let detail = format!("{LOOK_UPS} searches or lists are being looked up already; ask again");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-look-ups", "Too many look things up", detail)
                .retry_after(1)
        })
    }

    /// The same, once there is one, within this time.
    pub(super) async fn wait(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(patience, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => self.take(),
        }
    }
}

/// A message as lists tell it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ListedMessage {
    /// Unique within the chat.
    id: MessageId,
    chat: Chat,
    direction: Direction,
    /// Who wrote it: a number wherever WhatsApp gives one, else WhatsApp's id.
    from: Box<str>,
    /// The name that the writer gave himself.
    name: Option<Box<str>>,
    /// What it is: `text`, `image`, `edit`, …
    kind: Box<str>,
    /// The message that it is about, when it is an edit, a revocation or a reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Box<Target>>,
    /// The text, or a caption, or a reaction's emoji, or empty.
    text: Arc<str>,
    /// The text has more: the message alone has all of it.
    truncated: bool,
    /// When it was accepted (ours) or WhatsApp took it (others').
    at: Timestamp,
    #[serde(flatten)]
    ours: Option<Ours>,
}

/// How far a message of ours has come.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Ours {
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

impl ListedMessage {
    /// With all of its text.
    pub(super) fn whole(message: Message) -> Self {
        Self::new(message, false)
    }

    fn new(message: Message, truncated: bool) -> Self {
        let Message { id, direction, chat, from, name, kind, target, body, at, delivery } = message;
        let ours = delivery.map(|delivery| Ours {
            state: delivery.state,
            attempts: delivery.attempts,
            times: delivery.times,
            expires_at: delivery.expires_at,
            failure: delivery.failure,
        });
        Self {
            id,
            chat,
            direction,
            from: (*from).into(),
            name: name.map(|name| (*name).into()),
            kind: (*kind).into(),
            target,
            text: body,
            truncated,
            at,
            ours,
        }
    }
}

impl From<Listed> for ListedMessage {
    fn from(Listed { message, truncated, place: _ }: Listed) -> Self {
        Self::new(message, truncated)
    }
}

/// A page of messages.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Messages {
    /// In the order that was asked for.
    messages: Vec<ListedMessage>,
    /// For `cursor`, to get the next page; null on the last one.
    next_cursor: Option<String>,
    /// All messages were searched.
    complete: bool,
}

/// A page of chats.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Chats {
    /// The one with the last message first.
    chats: Vec<ChatInList>,
    /// For `cursor`, to get the next page; null on the last one.
    next_cursor: Option<String>,
    /// All messages were looked at.
    complete: bool,
}

/// A chat and its last message.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ChatInList {
    #[serde(flatten)]
    chat: Chat,
    /// The name that the person in it gave himself, or the subject of the group, as far as it is known.
    name: Option<Box<str>>,
    last_message_at: Timestamp,
    last_message: ListedMessage,
}

impl From<ListedChat> for ChatInList {
    fn from(ListedChat { chat, name, last }: ListedChat) -> Self {
        let last_message_at = last.message.at;
        Self { chat, name: name.map(|name| (*name).into()), last_message_at, last_message: last.into() }
    }
}

/// A page of messages: by `chat`, `direction`, `state`, `kind`, `from`, `to` and `q`, in an `order`.
pub(super) async fn messages(State(api): State<Api>, parameters: Parameters) -> Result<Json<Messages>, Problem> {
    let find = asked(parameters)?;
    let sort = sort(find.order);
    let reader = api.engine.reader().clone();
    let Page { items, next, complete } = look_up(&api, move || reader.find(&find)).await?;
    let messages = items.into_iter().map(ListedMessage::from).collect();
    Ok(Json(Messages { messages, next_cursor: next.map(|place| cursor(sort, place)), complete }))
}

/// A page of chats, the one with the last message first.
pub(super) async fn chats(State(api): State<Api>, mut parameters: Parameters) -> Result<Json<Chats>, Problem> {
    let (after, limit) = (parameters.cursor(CHATS)?, parameters.limit()?);
    parameters.end("cursor, limit")?;
    let reader = api.engine.reader().clone();
    let Page { items, next, complete } = look_up(&api, move || reader.chats(after, limit)).await?;
    let mut chats: Vec<_> = items.into_iter().map(ChatInList::from).collect();
    api.engine.feed().look(|snapshot| {
        for unnamed in chats.iter_mut().filter(|listed| listed.name.is_none()) {
            unnamed.name = snapshot.groups.of(&unnamed.chat.id).map(Into::into);
        }
    });
    Ok(Json(Chats { chats, next_cursor: next.map(|place| cursor(CHATS, place)), complete }))
}

fn sort(order: Order) -> char {
    match order {
        Order::NewestFirst => NEWEST_FIRST,
        Order::OldestFirst => OLDEST_FIRST,
    }
}

fn asked(mut parameters: Parameters) -> Result<Find, Problem> {
    let orders = [("desc", Order::NewestFirst), ("asc", Order::OldestFirst)];
    let directions = [Direction::In, Direction::Out, Direction::OutElsewhere].map(|way| (way.as_str(), way));
    let order = parameters.one_of("order", &orders)?.unwrap_or_default();
    let filter = Filter {
        chat: parameters.chat()?,
        direction: parameters.one_of("direction", &directions)?,
        state: parameters.one_of("state", &DeliveryState::ALL.map(|state| (state.as_str(), state)))?,
        kind: kind(&mut parameters)?,
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        search: search(&mut parameters)?,
        beginnings: false,
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from >= to
    {
        return Err(Problem::bad_parameter("to", "it is not after `from`; messages of before `to` are given"));
    }
    let (after, limit) = (parameters.cursor(sort(order))?, parameters.limit()?);
    parameters.end("chat, direction, state, kind, from, to, q, order, cursor, limit")?;
    Ok(Find { filter, order, after, limit })
}

fn kind(parameters: &mut Parameters) -> Result<Option<compact_str::CompactString>, Problem> {
    let Some(kind) = parameters.take("kind")? else { return Ok(None) };
    if kind.is_empty() || kind.len() > 40 {
        return Err(Problem::bad_parameter("kind", "give a kind of message, such as text or image"));
    }
    Ok(Some(kind.into()))
}

fn search(parameters: &mut Parameters) -> Result<Option<compact_str::CompactString>, Problem> {
    let Some(search) = parameters.take("q")? else { return Ok(None) };
    let chars = search.chars().count();
    if chars > SEARCH_CHARS {
        let detail = format!("it has {chars} characters, and at most {SEARCH_CHARS} can be searched for");
        return Err(Problem::bad_parameter("q", detail));
    }
    Ok(Some(search.into()))
}

/// Looks something up, off the runtime's own threads, when not too many others do.
async fn look_up<T: Send + 'static>(
    api: &Api,
    query: impl FnOnce() -> Result<T, FindError> + Send + 'static,
) -> Result<T, Problem> {
    let permit = api.look_ups.take()?;
    let found = tokio::task::spawn_blocking(move || {
        // Kept until the thread is free again, also when nobody waits for the answer any more.
        let _permit = permit;
        query()
    });
    found.await.map_err(|_| crate::engine::Unavailable)?.map_err(Problem::from)
}

impl From<FindError> for Problem {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NoWords | FindError::TooManyWords(_) => Self::bad_parameter("q", error.to_string()),
            FindError::TooSlow => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "too-slow", "The look-up takes too long", error.to_string()).retry_after(10)
            }
            FindError::Store(why) => Self::store(&why),
        }
    }
}
