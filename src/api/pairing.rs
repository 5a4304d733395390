//! `GET /qr` and `/pairing`: what there is to scan, to type, or to do in a browser.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accept::choose;
use super::body::Body;
#[cfg(test)]
use super::description;
use super::{Api, Problem};
use crate::clock::Timestamp;
use crate::qr::{Modules, PICTURE_QUIET, TooLong};
use crate::state::{Answer, Pairing, Phone, PhoneError, Request, Snapshot};

/// What there is to scan. It is secret: whoever has it can link a device.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Qr {
    /// What the QR encodes.
    qr: String,
    /// Until when WhatsApp accepts it.
    expires_at: Timestamp,
}

/// The forms in which there is a QR.
#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Png,
    Svg,
    Text,
}

/// The same by their media types, the one without a wish first.
const FORMS: [(&str, Form); 4] = [
    ("application/json", Form::Json),
    ("image/png", Form::Png),
    ("image/svg+xml", Form::Svg),
    ("text/plain", Form::Text),
];

/// What linking waits for. All of it is secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Awaited {
    /// A code to type on the phone.
    Code {
        /// Eight characters.
        code: String,
        /// Until when WhatsApp accepts it.
        expires_at: Timestamp,
    },
    /// A challenge for the owner's passkey.
    Passkey {
        /// WebAuthn's options.
        options: Value,
        /// What to paste in the console of WhatsApp's page, so that the browser answers the challenge.
        snippet: String,
        /// An answer was given, and what WhatsApp makes of it is not known yet.
        answered: bool,
        /// Why the last answer was not taken.
        error: Option<String>,
        /// Until when an answer is awaited.
        expires_at: Timestamp,
    },
    /// The code of the passkey step, which the phone shows as well.
    PasskeyCode {
        /// As the phone shows it.
        code: String,
        /// Linking waits for the owner's word on whether the phone shows the same.
        confirm: bool,
        /// Until when the step has to be over.
        expires_at: Timestamp,
    },
}

/// 200 in the form that `Accept` asks for; `Expires` says until when WhatsApp takes it. 406 for another form, 409 when
/// an account is linked, 503 when there is no QR.
pub(super) async fn qr(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let form = *choose(&headers, &FORMS)?;
    let qr = api.engine.feed().look(|snapshot| qr_of(snapshot, api.clock.now().wall))?;
    let about = [(header::EXPIRES, qr.expires_at.to_http()), (header::VARY, "accept".to_owned())];
    Ok((about, drawn(qr, form)?).into_response())
}

fn qr_of(snapshot: &Snapshot, now: Timestamp) -> Result<Qr, Problem> {
    match offered(snapshot, now)? {
        Some(Pairing::Qr { qr, expires_at, .. }) => Ok(Qr { qr: qr.reveal().to_owned(), expires_at: *expires_at }),
        Some(other @ Pairing::Code { .. }) => {
            Err(not_offered(other.as_str(), "linking is by pairing code; see /pairing, or POST /config"))
        }
        Some(other @ (Pairing::Passkey { .. } | Pairing::PasskeyCode { .. })) => {
            Err(not_offered(other.as_str(), "WhatsApp wants the owner's passkey before it links; see /pairing"))
        }
        None => Err(not_offered("none", "there is no QR at present; try again shortly, and see /status")),
    }
}

fn drawn(qr: Qr, form: Form) -> Result<Response, Problem> {
    let picture = |quiet| Modules::encode_within(&qr.qr, quiet).map_err(cannot_be_drawn);
    Ok(match form {
        Form::Png => ([(header::CONTENT_TYPE, "image/png")], picture(PICTURE_QUIET)?.to_png()).into_response(),
        Form::Svg => ([(header::CONTENT_TYPE, "image/svg+xml")], picture(PICTURE_QUIET)?.to_svg()).into_response(),
        Form::Text => picture(crate::qr::QUIET)?.to_ansi().into_response(),
        Form::Json => Json(qr).into_response(),
    })
}

/// The bridge gave a text that is no QR of WhatsApp's.
fn cannot_be_drawn(error: TooLong) -> Problem {
    not_offered("qr", &format!("what the bridge gave can't be drawn: {error}; see the log of the bridge"))
}

pub(super) async fn pairing(State(api): State<Api>) -> Result<Json<Awaited>, Problem> {
    api.engine.feed().look(|snapshot| match offered(snapshot, api.clock.now().wall)?.cloned() {
        Some(Pairing::Code { code, expires_at, .. }) => {
            Ok(Json(Awaited::Code { code: code.reveal().to_owned(), expires_at }))
        }
        Some(Pairing::Passkey { options, snippet, answered, fault, expires_at, .. }) => Ok(Json(Awaited::Passkey {
            options: options.reveal().clone(),
            snippet: snippet.reveal().to_owned(),
            answered,
            error: fault.as_deref().map(str::to_owned),
            expires_at,
        })),
        Some(Pairing::PasskeyCode { code, confirm, expires_at, .. }) => {
            Ok(Json(Awaited::PasskeyCode { code: code.reveal().to_owned(), confirm, expires_at }))
        }
        Some(other @ Pairing::Qr { .. }) => Err(not_offered(
            other.as_str(),
            "linking is by QR; see /qr, or ask for a code with POST /pairing {\"phone_number\":\"+…\"}",
        )),
        None => Err(not_offered("none", "there is no pairing code at present; try again shortly, and see /status")),
    })
}

/// What a code is asked for with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "CodeWanted"))]
pub(super) struct Wanted {
    /// The number of the account, with a plus sign and the country code.
    #[cfg_attr(test, schemars(regex(pattern = description::NUMBER)))]
    phone_number: String,
}

/// 202: a pairing code for this number is asked for, and will be at `GET /pairing`. Linking is by code from now on, as
/// after `POST /config`. 409 when an account is linked already.
pub(super) async fn request_code(
    State(api): State<Api>,
    Body(Wanted { phone_number }): Body<Wanted>,
) -> Result<Response, Problem> {
    let number: Phone =
        phone_number.parse().map_err(|e: PhoneError| Problem::bad_field("phone_number", e.to_string()))?;
    match api.engine.ask(Request::RequestCode(number.clone())).await? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Accepted { .. } | Answer::AcceptedBefore { .. } => {
            let asked = json!({ "status": "asked", "phone_number": number });
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, "/pairing")], Json(asked)).into_response())
        }
    }
}

/// What is offered now; never one that has run out.
fn offered(snapshot: &Snapshot, now: Timestamp) -> Result<Option<&Pairing>, Problem> {
    if snapshot.connection.state.is_up() {
        return Err(Problem::already_linked());
    }
    Ok(snapshot.pairing.as_ref().filter(|p| p.expires_at() > now))
}

fn not_offered(state: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-offered", "Nothing to link with at present", detail)
        .linking(state)
        .retry_after(2)
}
