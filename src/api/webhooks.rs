//! `/webhooks`: makes, shows, changes, replays, tries and deletes them.
//!
//! An address may hold a secret, so it is shown here only. A key is shown once, in the answer to what made it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};

use super::body::{Body, whole};
#[cfg(test)]
use super::description;
use super::path::Part;
use super::{Api, Problem};
use crate::state::Secret;
use crate::webhooks::{Changed, Described, Description, Patch, Tried, WebhookError};

/// A new webhook.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "NewWebhook"))]
pub(super) struct New {
    /// What it is called; without it, it gets a name.
    #[cfg_attr(test, schemars(regex(pattern = description::WEBHOOK_NAME)))]
    name: Option<String>,
    /// Where it sends.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = description::WEBHOOK_URL), length(max = 2_000)))]
    url: Secret,
    /// The key to sign with: `whsec_` and 24 to 64 bytes in base64. Without it one is made, and told in the answer.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = description::WEBHOOK_KEY)))]
    secret: Option<Secret>,
    /// Types of events, or families such as `message.*`; none: all.
    #[cfg_attr(test, schemars(length(max = description::FILTER_VALUES), inner(regex(pattern = description::EVENT_TYPE))))]
    #[serde(default)]
    types: Vec<String>,
    /// Chats, by numbers or ids; none: all, and what is in no chat.
    #[cfg_attr(test, schemars(length(max = description::FILTER_VALUES), inner(regex(pattern = description::EVENT_CHAT))))]
    #[serde(default)]
    chats: Vec<String>,
    /// The event after which it begins: 0 with the oldest that is kept. Without it, it begins with the next one.
    #[serde(default, deserialize_with = "whole")]
    after: Option<u64>,
}

/// What is to be different, as RFC 7396 has it: null is what a new webhook has when nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookChanges"))]
pub(super) struct Changes {
    /// Where it sends. A webhook has no other place by itself, so it can't be null.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = description::WEBHOOK_URL), length(max = 2_000)))]
    #[serde(default, deserialize_with = "given")]
    url: Option<Secret>,
    /// Another key. Null: one that is made, and told in the answer. The one before is signed with for a day more.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = description::WEBHOOK_KEY)))]
    #[serde(default, deserialize_with = "given")]
    secret: Option<Option<Secret>>,
    /// Types of events, or families such as `message.*`; null: all.
    #[cfg_attr(test, schemars(length(max = description::FILTER_VALUES), inner(regex(pattern = description::EVENT_TYPE))))]
    #[serde(default, deserialize_with = "given")]
    types: Option<Option<Vec<String>>>,
    /// Chats, by numbers or ids; null: all.
    #[cfg_attr(test, schemars(length(max = description::FILTER_VALUES), inner(regex(pattern = description::EVENT_CHAT))))]
    #[serde(default, deserialize_with = "given")]
    chats: Option<Option<Vec<String>>>,
}

/// From where to go on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookReplay"))]
pub(super) struct Replay {
    /// Go on after this event, which is none that it has yet to come to; without it, where it is.
    #[serde(default, deserialize_with = "whole")]
    after: Option<u64>,
}

/// All webhooks.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Webhooks"))]
pub(super) struct List {
    webhooks: Vec<Described>,
}

/// A webhook, with its key when that is new.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookShown"))]
pub(super) struct Shown {
    #[serde(flatten)]
    webhook: Described,
    /// The key to sign with, when it is new. It is not told again.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
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

pub(super) async fn webhook(State(api): State<Api>, Part(name): Part) -> Result<Json<Described>, Problem> {
    Ok(Json(api.webhooks.get(&name)?))
}

pub(super) async fn change(
    State(api): State<Api>,
    Part(name): Part,
    Body(changes): Body<Changes>,
) -> Result<Json<Shown>, Problem> {
    let Changes { url, secret, types, chats } = changes;
    let (types, chats) = (types.map(Option::unwrap_or_default), chats.map(Option::unwrap_or_default));
    Ok(Json(shown(api.webhooks.change(name, Patch { url, secret, types, chats }).await?)))
}

pub(super) async fn delete(State(api): State<Api>, Part(name): Part) -> Result<StatusCode, Problem> {
    api.webhooks.delete(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn replay(
    State(api): State<Api>,
    Part(name): Part,
    Body(Replay { after }): Body<Replay>,
) -> Result<(StatusCode, Json<Described>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(api.webhooks.replay(name, after).await?)))
}

/// 200 whatever the receiver said: that is the answer.
pub(super) async fn test(State(api): State<Api>, Part(name): Part) -> Result<Json<Tried>, Problem> {
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
