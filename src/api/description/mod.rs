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

use serde_json::{Map, Value, json};

pub(super) use crate::state::{MAX_EXPIRES_IN, MAX_TEXT_CHARS};
use operation::{BEARER, Operation};
use types::Types;

/// Whom a text can be for: a number, the id of a person, or the id of a group.
pub(super) const ADDRESSEE: &str = r"^(\+[1-9][0-9]{6,14}|[1-9][0-9]{6,14}@s\.whatsapp\.net|[0-9-]{1,40}@(lid|g\.us))$";

const INTRODUCTION: &str = "\
Names are in snake_case, times in UTC. Errors are `application/problem+json` (RFC 9457) with a stable `type`, what is \
wrong, and what to do; a state of the world is never a 500.

Everything but the health checks and this page needs the token of the gateway, which `pilothouse token` prints.

What is true of every path: an unknown one is answered with 404 (`not-found`), a method that it does not have with 405 \
(`method-not-allowed`) and `Allow`. `HEAD` goes wherever `GET` does. More fields may be added to answers at any time.";

/// The tags, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    ("Messages", "Sending, following and finding messages."),
    ("Events", "What happens, as it happens."),
    ("Linking", "From nothing to a linked account."),
    ("Gateway", "What the gateway does, and what it is to do."),
    ("Health", "For whatever watches this program. No token is needed."),
];

/// What only shows this description, and is not described: the parts of a page.
const PARTS_OF_PAGES: &[&str] = &["/docs/docs.css", "/docs/docs.js"];

fn operations(types: &mut Types) -> Vec<Operation> {
    [messages::operations, events::operations, linking::operations, gateway::operations, health::operations]
        .into_iter()
        .flat_map(|of| of(types))
        .collect()
}

/// The whole description.
fn document() -> Value {
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
