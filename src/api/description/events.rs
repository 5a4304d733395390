//! What happens, as it happens.

use serde_json::{Value, json};

use super::super::events::LIVE;
use super::operation::Operation;
use super::types::Types;
use crate::clock::Timestamp;
use crate::state::{ConnectionEvent, FILTER_VALUES, JournalKind, MessageEvent, RestrictionEvent, StatusEvent};

const EXAMPLE: &str = "id: 17\nevent: connection.changed\ndata: {\"id\":17,\"type\":\"connection.changed\",\"version\":1,\
    \"time\":\"2026-11-25T09:30:00.000Z\",\"data\":{\"state\":\"open\",\"previous\":\"connecting\",\"reason\":null,\
    \"retry_at\":null,\"account\":null}}\n\n";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let number = json!({"type": "integer", "minimum": 1});
    let mut kept = vec![event("gap", 1, number.clone(), gap())];
    for kind in JournalKind::ALL {
        kept.push(event(kind.as_str(), kind.version(), number.clone(), data(kind, types)));
    }
    types.add("JournalEvent", json!({"description": "An event of the journal, or that some are gone.", "oneOf": kept}));
    let journal = json!({"$ref": "#/components/schemas/JournalEvent"});
    let live = LIVE.map(|kind| event(kind, 1, json!({"type": "null"}), expiry(types)));
    let all: Vec<_> = [journal.clone()].into_iter().chain(live).collect();
    types.add("Event", json!({"description": "The `data` of an event of the stream.", "oneOf": all}));
    let test = event("webhook.test", 1, json!({"type": "null"}), webhook());
    types.add("DeliveredEvent", json!({"description": "What a webhook is sent.", "oneOf": [journal, test]}));
    let id = json!({"type": "integer", "minimum": 0});
    let list = |pattern: &str| json!({"type": "array", "maxItems": FILTER_VALUES, "items": {"type": "string", "pattern": pattern}});
    vec![
        Operation::get("/events", "followEvents", "Events", "Follow what happens")
            .about(
                "A stream of server-sent events that does not end; the `data` of each is an [`Event`](#/components/\
                 schemas/Event). An `id` is a number in a journal on disk: it grows by one and survives restarts. Who \
                 comes back with `Last-Event-ID` or `after` gets everything after it, once and in order; `0` begins \
                 with the oldest that is kept, and without either the stream begins now. Every 15 s without an event \
                 there is a comment. A client that takes nothing for a minute is cut off and can come back.",
            )
            .query("after", "Begin after this event.", id.clone())
            .query("type", "Only these types, or families such as `message.*`.", list(super::EVENT_TYPE))
            .example(json!(["message.*", "connection.changed"]))
            .with_commas()
            .query("chat", "Only what belongs to these chats: numbers, or ids.", list(super::EVENT_CHAT))
            .example(json!(["+584244370180"]))
            .with_commas()
            .header("Last-Event-ID", "Begin after this event. It counts more than `after`.", id)
            .text(200, "The stream.", "text/event-stream", EXAMPLE)
            .problem("too-many-streams")
            .reads(),
    ]
}

fn event(kind: &str, version: u32, id: Value, data: Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "type", "version", "time", "data"],
        "properties": {
            "id": id,
            "type": {"const": kind},
            "version": {"const": version},
            "time": {"$ref": "#/components/schemas/Timestamp"},
            "data": data,
        },
    })
}

fn data(kind: JournalKind, types: &mut Types) -> Value {
    match kind {
        JournalKind::MessageReceived
        | JournalKind::MessageEdited
        | JournalKind::MessageRevoked
        | JournalKind::MessageReaction => types.written::<MessageEvent<'_>>(),
        JournalKind::MessageStatus => types.written::<StatusEvent<'_>>(),
        JournalKind::ConnectionChanged => types.written::<ConnectionEvent<'_>>(),
        JournalKind::AccountRestricted => types.written::<RestrictionEvent<'_>>(),
    }
}

/// That there is something to link with, and until when.
fn expiry(types: &mut Types) -> Value {
    json!({
        "type": "object",
        "required": ["expires_at"],
        "properties": {"expires_at": types.written::<Timestamp>()},
    })
}

/// Which webhook is being tried.
fn webhook() -> Value {
    json!({"type": "object", "required": ["webhook"], "properties": {"webhook": {"type": "string"}}})
}

fn gap() -> Value {
    let number = json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "required": ["after", "upto", "reason"],
        "properties": {"after": number, "upto": number, "reason": {"enum": ["retention", "reset"]}},
    })
}
