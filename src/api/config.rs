//! `POST /config`: what may be changed while running.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::{Api, Problem};
use crate::state::{Answer, Linking, Phone, Request};

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Settings"))]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Link by a code that is typed on the phone, instead of a QR.
    use_pairing_code: Option<bool>,
    /// The number that is to be linked by a code.
    #[cfg_attr(test, schemars(with = "Option<Phone>"))]
    phone_number: Option<String>,
    /// The configured name of a bridge.
    bridge: Option<String>,
}

/// What holds now.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Applied {
    /// Whether linking is by code.
    use_pairing_code: bool,
    /// The number that is to be linked by a code.
    phone_number: Option<Phone>,
    /// The bridge that was chosen, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<Arc<str>>,
}

/// Checks everything first, then keeps and applies it; the bridge is restarted when another is chosen.
pub(super) async fn set(State(api): State<Api>, Body(wanted): Body<Wanted>) -> Result<Json<Applied>, Problem> {
    let phone_number = wanted
        .phone_number
        .map(|text| text.parse::<Phone>().map_err(|error| Problem::bad_field("phone_number", error.to_string())))
        .transpose()?;
    let bridge = wanted.bridge.map(|name| known_bridge(&api, &name)).transpose()?;
    let mut linking = api.engine.feed().look(|s| s.linking.clone());
    if let Some(use_pairing_code) = wanted.use_pairing_code {
        linking.use_pairing_code = use_pairing_code;
    }
    if phone_number.is_some() {
        linking.phone_number = phone_number;
    }
    ask(&api, Request::SetLinking(linking.clone())).await?;
    if let Some(name) = &bridge {
        ask(&api, Request::UseBridge(Arc::clone(name))).await?;
    }
    let Linking { use_pairing_code, phone_number } = linking;
    Ok(Json(Applied { use_pairing_code, phone_number, bridge }))
}

/// A bridge is chosen by its configured name only: a path would let any caller run any program.
fn known_bridge(api: &Api, name: &str) -> Result<Arc<str>, Problem> {
    api.bridges.get(name).cloned().ok_or_else(|| {
        let names = api.bridges.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        Problem::bad_field("bridge", format!("no bridge of this name is configured; there are: {names}"))
    })
}

async fn ask(api: &Api, request: Request) -> Result<(), Problem> {
    match api.engine.ask(request).await? {
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => Ok(()),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}
