//! The kinds of problems: what each is called, and an example of each.

use serde_json::{Value, json};

/// Name, status, title, and what is said for example.
pub(super) type Kind = (&'static str, u16, &'static str, &'static str);

/// All kinds. The names are for programs and never change.
pub(super) const KINDS: &[Kind] = &[
    ("bad-query", 400, "The query is not valid", "limit: give a number from 1 to 200"),
    ("bad-path", 400, "The path is not valid", "the path can't be read: write it as UTF-8, percent-encoded"),
    ("bad-json", 400, "The body is not valid JSON", "the body can't be read: EOF while parsing an object at line 1"),
    ("bad-body", 400, "The body can't be read", "the connection ended before all of the body had come"),
    ("bad-idempotency-key", 400, "The Idempotency-Key is not valid", "Idempotency-Key: the key is empty"),
    ("bad-host", 400, "The host is not clear", "a request has one header Host that says whom it means"),
    (
        "unauthorized",
        401,
        "A valid token is needed",
        "send the header Authorization: Bearer TOKEN; `pilothouse token` prints the token",
    ),
    (
        "scope-too-small",
        403,
        "The token does not allow this",
        "this needs a token with the scope send, and this one has read; `pilothouse token add NAME --scope send` makes one",
    ),
    ("no-such-message", 404, "No such message", "there is no message of ours with this id"),
    ("no-such-webhook", 404, "No such webhook", "there is no webhook of this name; GET /webhooks lists them"),
    (
        "not-acceptable",
        406,
        "Not in a form that is accepted",
        "the header Accept takes none of what there is here: application/json, image/png, image/svg+xml, text/plain",
    ),
    ("body-too-slow", 408, "The body came too slowly", "a body has to be here within 30 s; send it again, faster"),
    ("already-linked", 409, "Already linked", "an account is linked already; log it out on the phone first"),
    ("too-late-to-cancel", 409, "The message doesn't wait any more", "only a message that waits can be cancelled"),
    ("idempotency-key-in-use", 409, "The request is still being answered", "ask again to get its answer"),
    ("no-passkey-asked", 409, "No passkey is asked for", "WhatsApp asks for no passkey at present; link anew"),
    ("passkey-answered", 409, "The passkey was answered already", "wait for what WhatsApp and the phone say"),
    ("nothing-to-compare", 409, "There is no code to compare", "there is no code to compare at present"),
    ("not-linked", 409, "No account is linked", "no account is linked"),
    ("webhook-exists", 409, "There is such a webhook already", "there is a webhook of this name already"),
    ("webhook-in-settings", 409, "The settings file has this webhook", "this webhook is in the settings file"),
    ("too-many-webhooks", 409, "Too many webhooks", "there are 32 webhooks already; delete one"),
    ("not-taken-over", 409, "The link was not taken over", "no other program has taken the link over"),
    ("message-gone", 410, "The message is gone", "the message that this request became is no longer kept"),
    ("too-large", 413, "The body is too large", "a body has at most 1048576 bytes"),
    ("uri-too-long", 414, "The address is too long", "path and query have 9000 bytes, and may have 8192"),
    ("not-json", 415, "The body is not declared as JSON", "send the header Content-Type: application/json"),
    ("wrong-host", 421, "This is another host", "the header Host has a name that is not this gateway's"),
    ("invalid-value", 422, "A value is not valid", "to: a number starts with + and the country code"),
    (
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used for another request",
        "take a new key for each message",
    ),
    ("queue-full", 429, "Too many messages wait", "10000 messages wait to be sent already; try again later"),
    (
        "headers-too-large",
        431,
        "The header is too large",
        "there are 70 header fields of 2000 bytes, and may be 64 of 16384 together",
    ),
    ("logout-unsupported", 501, "The bridge can't log out", "the bridge has no command to log out"),
    ("too-many-connections", 503, "Too many connections are open", "too many connections are open; try later"),
    ("too-many-bodies", 503, "Too many bodies at once", "too many large bodies are being read at once; try again"),
    ("unavailable", 503, "The gateway is busy or stopping", "the gateway is busy or stopping; try again"),
    ("store-failed", 503, "The database can't be used", "the database can't be written (the disk is full)"),
    ("settings-not-kept", 503, "The settings can't be kept", "the settings can't be written to the data folder"),
    ("bridge-down", 503, "The bridge does not run", "the bridge does not run at present; see /status"),
    ("not-connected", 503, "WhatsApp is not connected", "WhatsApp is not connected; ?local=true deletes the link here"),
    ("busy", 503, "Others are being tried", "other webhooks are being tried; try again when they have answered"),
    ("not-alive", 503, "Not alive", "the engine's loop does not turn any more; restart the process"),
    ("not-ready", 503, "Not ready", "not ready: WhatsApp is not connected; GET /status says why"),
    ("not-offered", 503, "Nothing to link with at present", "there is no QR at present; try again shortly"),
    ("too-many-look-ups", 503, "Too many look things up", "2 searches or lists are being looked up already; ask again"),
    ("too-slow", 503, "The look-up takes too long", "this takes too long; ask for less, such as one chat"),
    ("too-many-streams", 503, "Too many streams are open", "1024 streams of events are open already; close one"),
];

/// The kind with this name.
pub(super) fn kind(name: &str) -> Kind {
    *KINDS.iter().find(|kind| kind.0 == name).unwrap_or_else(|| panic!("no kind of problem is called {name}"))
}

/// Its `type`.
pub(super) fn uri(name: &str) -> String {
    format!("urn:pilothouse:problem:{name}")
}

/// The answer that has one of these kinds, which share a status.
pub(super) fn response(names: &[&str]) -> Value {
    let kinds: Vec<_> = names.iter().map(|name| kind(name)).collect();
    let status = kinds.first().map_or(0, |kind| kind.1);
    let described: Vec<_> = kinds.iter().map(|(name, _, title, _)| format!("`{name}`: {title}.")).collect();
    let examples: serde_json::Map<_, _> = kinds
        .iter()
        .map(|(name, _, title, detail)| {
            let value = json!({"type": uri(name), "title": title, "status": status, "detail": detail});
            ((*name).to_owned(), json!({"value": value}))
        })
        .collect();
    let types: Vec<_> = names.iter().map(|name| uri(name)).collect();
    let schema = json!({
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"type": {"enum": types}, "status": {"const": status}},
    });
    let mut response = json!({
        "description": described.join(" "),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    });
    let header = match status {
        401 => json!({"WWW-Authenticate": {
            "required": true, "description": "`Bearer`.", "schema": {"type": "string", "pattern": "^Bearer"},
        }}),
        403 => json!({"WWW-Authenticate": {
            "required": true,
            "description": "`Bearer`, with the scope that is needed.",
            "schema": {"type": "string", "pattern": "^Bearer error="},
        }}),
        409 | 429 | 503 => json!({"Retry-After": {
            "description": "The seconds after which it makes sense to ask again.",
            "schema": {"type": "integer", "minimum": 1},
        }}),
        _ => return response,
    };
    response["headers"] = header;
    response
}
