//! `/config`: all settings, and changing those that may change while running.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::body::{Body, Patch, exactly};
use super::problem::FieldError;
use super::{Api, Problem};
use crate::config::{Changeable, DEFAULT_BRIDGE, Live, Planned};
use crate::state::{Answer, Linking, Phone, Request};
use crate::telemetry::LogFilter;

/// The settings, and what they act on.
#[derive(Debug)]
pub struct Settings {
    live: Live,
    log: LogFilter,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Settings {
    /// Those of a gateway that starts; `log` is what it logs.
    pub fn new(live: Live, log: LogFilter) -> Self {
        Self { live, log, changing: tokio::sync::Mutex::default() }
    }
}

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

/// What a patch did.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SettingsChanged"))]
pub(super) struct Changed {
    /// The settings that hold from now on.
    took_effect: Vec<&'static str>,
    /// Those that hold from the next start on.
    needs_restart: Vec<&'static str>,
    /// As `GET /config` tells it now.
    config: Map<String, Value>,
}

/// Each setting under its name, and its origin under `origins`.
pub(super) async fn get(State(api): State<Api>) -> Json<Map<String, Value>> {
    Json(document(&api))
}

fn document(api: &Api) -> Map<String, Value> {
    let mut document = api.settings.live.document();
    let Linking { use_pairing_code, phone_number } = api.engine.feed().look(|s| s.linking.clone());
    document.insert("use_pairing_code".to_owned(), use_pairing_code.into());
    document.insert("phone_number".to_owned(), json!(phone_number));
    document
}

/// Checks everything first, then keeps and applies it; the bridge is restarted when another is chosen.
pub(super) async fn set(State(api): State<Api>, Body(wanted): Body<Wanted>) -> Result<Json<Applied>, Problem> {
    let phone_number = wanted
        .phone_number
        .map(|text| text.parse::<Phone>().map_err(|error| Problem::bad_field("phone_number", error.to_string())))
        .transpose()?;
    let bridge = wanted.bridge.map(|name| known_bridge(&api, &name)).transpose();
    let bridge = bridge.map_err(|why| Problem::bad_field("bridge", why))?;
    let _changing = api.settings.changing.lock().await;
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
        api.settings.live.uses(Arc::clone(name));
    }
    let Linking { use_pairing_code, phone_number } = linking;
    Ok(Json(Applied { use_pairing_code, phone_number, bridge }))
}

/// A merge patch (RFC 7386): all of it is done, or nothing and each field that is wrong is told.
pub(super) async fn patch(State(api): State<Api>, Patch(patch): Patch) -> Result<Json<Changed>, Problem> {
    let _changing = api.settings.changing.lock().await;
    let Wish { planned, linking, bridge } = wish(&api, patch)?;
    let mut took_effect = planned.at_once.clone();
    took_effect.extend(linking.iter().flat_map(|(_, fields)| fields));
    took_effect.extend(bridge.as_ref().map(|_| "bridge"));
    let needs_restart = planned.at_restart.clone();
    let before = api.settings.live.as_it_is();
    keep(&api, planned.clone()).await?;
    let tuned = (!planned.at_once.is_empty()).then_some(&planned.values);
    if let Err(problem) = apply(&api, tuned, linking.map(|(linking, _)| linking), bridge).await {
        // The engine ends, or can't write. What was refused must not hold at the next start.
        let settings = Arc::clone(&api.settings);
        let put_back = tokio::task::spawn_blocking(move || settings.live.put_back(before)).await;
        if !matches!(put_back, Ok(Ok(()))) {
            tracing::error!("a change of the settings failed, and is kept all the same; see GET /config");
        }
        return Err(problem);
    }
    Ok(Json(Changed { took_effect, needs_restart, config: document(&api) }))
}

/// What a patch asks for, checked.
struct Wish {
    planned: Planned,
    /// Another way to link, and the fields that are others.
    linking: Option<(Linking, Vec<&'static str>)>,
    bridge: Option<Arc<str>>,
}

fn wish(api: &Api, mut patch: Map<String, Value>) -> Result<Wish, Problem> {
    let mut wrong = Vec::new();
    let before = api.engine.feed().look(|s| s.linking.clone());
    let mut linking = before.clone();
    match patch.remove("use_pairing_code") {
        None => {}
        Some(Value::Null) => linking.use_pairing_code = false,
        Some(Value::Bool(wanted)) => linking.use_pairing_code = wanted,
        Some(_) => wrong.push(FieldError::new("use_pairing_code", "it is true or false")),
    }
    match patch.remove("phone_number") {
        None => {}
        Some(Value::Null) => linking.phone_number = None,
        Some(number) => match number.as_str().unwrap_or_default().parse::<Phone>() {
            Ok(number) => linking.phone_number = Some(number),
            Err(error) => wrong.push(FieldError::new("phone_number", error.to_string())),
        },
    }
    if linking != before && linking.use_pairing_code && linking.phone_number.is_none() && wrong.is_empty() {
        wrong.push(FieldError::new("phone_number", crate::state::Refusal::NumberMissing.to_string()));
    }
    let bridge = match patch.remove("bridge") {
        None => None,
        Some(Value::Null) => Some(DEFAULT_BRIDGE.into()),
        Some(name) => match known_bridge(api, name.as_str().unwrap_or_default()) {
            Ok(name) => Some(name),
            Err(why) => {
                wrong.push(FieldError::new("bridge", why));
                None
            }
        },
    };
    for value in patch.values_mut() {
        if let Some(whole) = value.as_f64().filter(|_| !value.is_u64()).and_then(exactly) {
            *value = whole.into();
        }
    }
    match api.settings.live.plan(&patch) {
        Ok(planned) if wrong.is_empty() => {
            let others = [
                ("use_pairing_code", linking.use_pairing_code != before.use_pairing_code),
                ("phone_number", linking.phone_number != before.phone_number),
            ];
            let others: Vec<_> = others.into_iter().filter(|(_, other)| *other).map(|(field, _)| field).collect();
            Ok(Wish { planned, linking: Some((linking, others)).filter(|(_, others)| !others.is_empty()), bridge })
        }
        Ok(_) => Err(Problem::bad_fields(wrong)),
        Err(more) => {
            wrong.extend(more.into_iter().map(|wrong| FieldError::new(wrong.field, wrong.why)));
            Err(Problem::bad_fields(wrong))
        }
    }
}

/// Off the runtime's own thread: it waits for the disk.
async fn keep(api: &Api, planned: Planned) -> Result<(), Problem> {
    let settings = Arc::clone(&api.settings);
    match tokio::task::spawn_blocking(move || settings.live.keep(&planned)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "writing what the API has set");
            let detail = format!("the settings can't be written to the data folder ({error}); nothing was changed");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Err(Problem::new(status, "settings-not-kept", "The settings can't be kept", detail).retry_after(5))
        }
        Err(_) => Err(crate::engine::Unavailable.into()),
    }
}

async fn apply(
    api: &Api,
    tuned: Option<&Changeable>,
    linking: Option<Linking>,
    bridge: Option<Arc<str>>,
) -> Result<(), Problem> {
    if let Some(values) = tuned {
        ask(api, Request::Tune(values.tuning())).await?;
        api.settings.log.set(values.log.clone());
    }
    if let Some(linking) = linking {
        ask(api, Request::SetLinking(linking)).await?;
    }
    if let Some(name) = bridge {
        ask(api, Request::UseBridge(Arc::clone(&name))).await?;
        api.settings.live.uses(name);
    }
    Ok(())
}

/// A bridge is chosen by its configured name only: a path would let any caller run any program.
fn known_bridge(api: &Api, name: &str) -> Result<Arc<str>, String> {
    api.settings.live.bridge(name).ok_or_else(|| {
        let names = api.settings.live.bridges().collect::<Vec<_>>().join(", ");
        format!("no bridge of this name is configured; there are: {names}")
    })
}

async fn ask(api: &Api, request: Request) -> Result<(), Problem> {
    match api.engine.ask(request).await? {
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => Ok(()),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}
