//! The description of the API: `assets/openapi.json`, which the program tells at `/openapi.json`.
//!
//! It is made here, in the tests, from the types that the handlers read and write, with the descriptions of their
//! documentation, and from one entry an operation. The program holds the finished text only: it costs no crate and no
//! memory at rest. Tests keep it true:
//!
//! * the file is what this module makes; `PILOTHOUSE_BLESS=1 cargo test --lib description` writes it anew;
//! * the router's routes and methods are those that are described, no more and no fewer;
//! * each example fits its schema;
//! * each answer that a test of the API gets has a status, a content type, a body and a kind of problem that its
//!   operation describes (see [`conformance`]). `tests/openapi.sh` asks the same of the running program.

pub(super) mod conformance;
mod events;
mod gateway;
mod health;
mod linking;
mod messages;
mod operation;
mod problems;
mod types;
mod webhooks;

use serde_json::{Map, Value, json};

pub(super) use crate::state::{FILTER_VALUES, MAX_EXPIRES_IN, MAX_TEXT_CHARS};
use operation::{BEARER, Operation};
use types::Types;

/// Whom a text can be for: a number, the id of a person, or the id of a group.
pub(super) const ADDRESSEE: &str = r"^(\+[1-9][0-9]{6,14}|[1-9][0-9]{6,14}@s\.whatsapp\.net|[0-9-]{1,40}@(lid|g\.us))$";

/// A type of events, or a family of them.
pub(super) const EVENT_TYPE: &str = r"^[a-z]+\.([a-z_]+|\*)$";

/// A chat that events are wanted of: a number, or an id.
pub(super) const EVENT_CHAT: &str = r"^(\+?[1-9][0-9]{6,14}|[^@,]*@.*)$";

/// A number of the telephone.
pub(super) const NUMBER: &str = r"^\+[1-9][0-9]{6,14}$";

/// What a webhook can be called.
pub(super) const WEBHOOK_NAME: &str = "^[a-z0-9][a-z0-9_-]{0,39}$";

/// Where a webhook can send.
pub(super) const WEBHOOK_URL: &str =
    r"^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?([/?#][!-~]*)?$";

/// What a webhook can sign with.
pub(super) const WEBHOOK_KEY: &str = "^whsec_([A-Za-z0-9+/]{4}){8,21}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

const INTRODUCTION: &str = "\
Names are in snake_case, times in UTC. Errors are `application/problem+json` (RFC 9457) with a stable `type`, what is \
wrong, and what to do; a state of the world is never a 500.

Everything but the health checks and the pages needs a token (401). `pilothouse token` prints the one that may do \
everything; `pilothouse token add NAME --scope SCOPE` makes others: `read` looks at everything but what links an \
account, `send` also sends and takes messages back, `admin` may do everything. A token that allows too little gets 403. \
The Unix socket needs none.

What is true of every path: an unknown one is answered with 404 (`not-found`), a method that it does not have with 405 \
(`method-not-allowed`) and `Allow`. `Host` has to be a name of this gateway (421). Path and query may have 8 KiB (414), \
the header 64 fields and 16 KiB (431), a body 1 MiB (413) and 30 seconds (408). What is larger still, or no HTTP, gets \
an answer without a body. Pages of other origins can read nothing, unless `cors_origins` names theirs. `HEAD` goes wherever `GET` does. More fields may be added to answers at any time.";

/// The tags, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    ("Messages", "Sending, following and finding messages."),
    ("Events", "What happens, as it happens."),
    ("Webhooks", "What happens, sent to addresses of yours until it arrives."),
    ("Linking", "From nothing to a linked account."),
    ("Gateway", "What the gateway does, and what it is to do."),
    ("Health", "For whatever watches this program. No token is needed."),
];

/// What only shows this description, and is not described: the parts of a page.
const PARTS_OF_PAGES: &[&str] = &["/assets/{file}", "/docs/docs.css", "/docs/docs.js"];

/// What only consoles of this program's own version can use, and is not described: it is no promise to anybody.
const FOR_CONSOLES: &[&str] = &["/console", "/console/requests", "/console/look-ups"];

fn operations(types: &mut Types) -> Vec<Operation> {
    [
        messages::operations,
        events::operations,
        webhooks::operations,
        linking::operations,
        gateway::operations,
        health::operations,
    ]
    .into_iter()
    .flat_map(|of| of(types))
    .collect()
}

/// The whole description.
pub(super) fn document() -> Value {
    let mut types = Types::default();
    let (mut paths, mut responses) = (Map::new(), Map::new());
    for operation in operations(&mut types) {
        let at = paths.entry(operation.path).or_insert_with(|| json!({}));
        let (method, value) = operation.finish(&mut responses);
        assert!(at.get(&method).is_none(), "{method} {at} is described twice");
        at[method] = value;
    }
    types.written::<super::Problem>();
    let tags: Vec<_> = TAGS.iter().map(|(name, text)| json!({"name": name, "description": text})).collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Pilothouse",
            "summary": "The HTTP API of a WhatsApp gateway",
            "description": INTRODUCTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This gateway"}],
        "security": [{BEARER: []}],
        "tags": tags,
        "paths": paths,
        "webhooks": {"event": {"post": webhooks::delivery()}},
        "components": {
            "securitySchemes": {
                BEARER: {"type": "http", "scheme": "bearer", "description": "What `pilothouse token` prints."},
            },
            "responses": responses,
            "schemas": types.schemas(),
        },
    })
}

#[cfg(test)]
mod tests;
