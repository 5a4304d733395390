//! `/webhooks`: makes, shows, changes, replays, tries and deletes them.
//!
//! An address may hold a secret, so it is shown here only. A key is shown once, in the answer to what made it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};

use super::body::Body;
use super::{Api, Problem};
use crate::state::Secret;
use crate::webhooks::{Changed, Described, Description, Patch, Tried, WebhookError};

/// A new webhook.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: Option<String>,
    url: Secret,
    secret: Option<Secret>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    chats: Vec<String>,
    /// The event after which it begins.
    after: Option<u64>,
}

/// What is to be different, as RFC 7396 has it: null is what a new webhook has when nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    url: Option<Secret>,
    #[serde(default, deserialize_with = "given")]
    secret: Option<Option<Secret>>,
    #[serde(default, deserialize_with = "given")]
    types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    chats: Option<Option<Vec<String>>>,
}

/// From where to go on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    after: Option<u64>,
}

/// All webhooks.
#[derive(Debug, Serialize)]
pub(super) struct List {
    webhooks: Vec<Described>,
}

/// A webhook, with its key when that is new.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    webhook: Described,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
}

/// Something that is there, null or not.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) async fn list(State(api): State<Api>) -> Json<List> {
    Json(List { webhooks: api.webhooks.list() })
}

pub(super) async fn create(
    State(api): State<Api>,
    Body(new): Body<New>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Shown>), Problem> {
    let New { name, url, secret, types, chats, after } = new;
    if name.as_deref() == Some("") {
        return Err(Problem::bad_field("name", "leave it out to get one"));
    }
    let description = Description { name: name.unwrap_or_default(), url: Some(url), secret, types, chats };
    let shown = shown(api.webhooks.create(description, after).await?);
    // A name has nothing that a header could not hold.
    let location = format!("/webhooks/{}", shown.webhook.view.name).parse();
    let location = location.unwrap_or_else(|_| HeaderValue::from_static("/webhooks"));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown)))
}

pub(super) async fn webhook(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<Described>, Problem> {
    Ok(Json(api.webhooks.get(&name)?))
}

pub(super) async fn change(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(changes): Body<Changes>,
) -> Result<Json<Shown>, Problem> {
    let Changes { url, secret, types, chats } = changes;
    let (types, chats) = (types.map(Option::unwrap_or_default), chats.map(Option::unwrap_or_default));
    Ok(Json(shown(api.webhooks.change(name, Patch { url, secret, types, chats }).await?)))
}

pub(super) async fn delete(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.webhooks.delete(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn replay(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(Replay { after }): Body<Replay>,
) -> Result<(StatusCode, Json<Described>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(api.webhooks.replay(name, after).await?)))
}

/// 200 whatever the receiver said: that is the answer.
pub(super) async fn test(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<Tried>, Problem> {
    Ok(Json(api.webhooks.test(&name).await?))
}

fn shown((webhook, secret): Changed) -> Shown {
    Shown { webhook, secret }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::NoSuchWebhook => {
                Self::new(StatusCode::NOT_FOUND, "no-such-webhook", "No such webhook", detail)
            }
            WebhookError::NameTaken => {
                Self::new(StatusCode::CONFLICT, "webhook-exists", "There is such a webhook already", detail)
            }
            WebhookError::InSettings => {
                Self::new(StatusCode::CONFLICT, "webhook-in-settings", "The settings file has this webhook", detail)
            }
            WebhookError::TooMany => Self::new(StatusCode::CONFLICT, "too-many-webhooks", "Too many webhooks", detail),
            WebhookError::Wrong(wrong) => Self::bad_field(wrong.field(), detail),
            WebhookError::NotThere(_) => Self::bad_field("after", detail),
            WebhookError::NoRandomness => Self::bad_field("secret", detail),
            WebhookError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Others are being tried", detail).retry_after(5)
            }
            WebhookError::Refused(refusal) => refusal.into(),
            WebhookError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}
