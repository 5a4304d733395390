//! Sending, following and finding messages.

use serde_json::{Value, json};

use super::super::find::{Chats, ListedMessage, Messages};
use super::super::messages::{Followed, SentMessage};
use super::super::query::{CHAT_CHARS, LIMIT, MAX_LIMIT};
use super::super::send::Send;
use super::operation::Operation;
use super::types::Types;
use crate::state::{DeliveryState, Direction, MAX_KEY_CHARS, SEARCH_CHARS, SEARCH_WORDS};

const AT: &str = "2026-09-21T14:13:20.000Z";
const ID: &str = "3EB0C767D26A1B7F0E5A11";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    vec![send(types), find(types), message(types), cancel(types), chats(types)]
}

fn send(types: &mut Types) -> Operation {
    let sent = types.written::<SentMessage>();
    let mut done = ours();
    (done["state"], done["attempts"]) = (json!("sent"), json!(1));
    (done["dispatched_at"], done["sent_at"]) = (json!(AT), json!(AT));
    Operation::post("/send", "sendMessage", "Messages", "Send a text")
        .about(
            "It is answered once the message is on disk: it then goes out when it can, however often host, bridge or \
             line die meanwhile.",
        )
        .query(
            "wait",
            "Wait up to 30 s until WhatsApp's server has answered.",
            json!({"type": "string", "enum": ["sent"]}),
        )
        .header(
            "Idempotency-Key",
            "Requests with one key are one message with one answer, for 48 h and over restarts.",
            json!({"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!#-~]([ -~]*[!-~])?$"}),
        )
        .example(json!("8e03978e-40d5-43dd-bc93-6894a57f9324"))
        .body(
            types.read::<Send>(),
            &[
                ("text", json!({"to": "+584244370180", "text": "Hola"})),
                ("within_10_minutes", json!({"to": "+584244370180", "text": "Hola", "expires_in": 600})),
            ],
        )
        .json(202, "It is on disk and will be sent.", sent.clone(), &[("queued", ours())])
        .location(202, "/messages/")
        .links(202, "id", &["getMessage", "cancelMessage"])
        .json(200, "With `wait=sent`: what became of it.", sent, &[("sent", done)])
        .location(200, "/messages/")
        .links(200, "id", &["getMessage", "cancelMessage"])
        .problem("bad-idempotency-key")
        .problem("idempotency-key-in-use")
        .problem("idempotency-key-reused")
        .problem("message-gone")
        .problem("queue-full")
        .asks()
}

fn find(types: &mut Types) -> Operation {
    let directions = [Direction::In, Direction::Out, Direction::OutElsewhere].map(Direction::as_str);
    let time = json!({"type": "string", "format": "date-time"});
    let operation = Operation::get("/messages", "findMessages", "Messages", "The messages that are kept")
        .about(
            "A page of them. The order is that in which the gateway took them, so pages don't shift. Lists have the \
             first 1,000 characters of a text; `truncated` says when there are more.",
        )
        .query("chat", "Of this chat: its id, or the number of a person.", chat_schema())
        .example(json!("+584244370180"))
        .query("direction", "Of this direction.", json!({"type": "string", "enum": directions}))
        .query(
            "state",
            "Of ours, those that have come so far and no further.",
            json!({"type": "string", "enum": DeliveryState::ALL.map(DeliveryState::as_str)}),
        )
        .query("kind", "Of this kind: `text`, `image`, …", json!({"type": "string", "minLength": 1, "maxLength": 40}))
        .query("from", "Of this time or later.", time.clone())
        .example(json!("2026-09-21T00:00:00Z"))
        .query("to", "Of a time before this.", time)
        .query(
            "q",
            &format!(
                "With all of these words in the text, at most {SEARCH_WORDS}, in any order; the last one may be the \
                 beginning of a word, unless a space follows it. Case and accents don't matter."
            ),
            json!({"type": "string", "minLength": 1, "maxLength": SEARCH_CHARS}),
        )
        .example(json!("good morn"))
        .query("order", "`desc`: newest first.", json!({"type": "string", "enum": ["desc", "asc"], "default": "desc"}));
    paged(operation, "^[da]").json(
        200,
        "A page.",
        types.written::<Messages>(),
        &[("page", json!({"messages": [listed()], "next_cursor": "d1f", "complete": true}))],
    )
}

fn message(types: &mut Types) -> Operation {
    let schema = json!({"anyOf": [
        types.written::<Followed<SentMessage>>(),
        types.written::<Followed<ListedMessage>>(),
    ]});
    let mut other = listed();
    other["events"] = json!([]);
    id(Operation::get("/messages/{id}", "getMessage", "Messages", "A message, and what others did to it"))
        .about("Of ours, how far it has come and when; with `chat`, any message. All of the text is there.")
        .query("chat", "The chat that it is in: its id, or the number of a person.", chat_schema())
        .json(200, "The message.", schema, &[("ours", followed()), ("with_chat", other)])
        .problem("no-such-message")
        .reads()
}

fn cancel(types: &mut Types) -> Operation {
    let mut cancelled = followed();
    (cancelled["state"], cancelled["cancelled_at"]) = (json!("cancelled"), json!(AT));
    id(Operation::delete("/messages/{id}", "cancelMessage", "Messages", "Take a message back that still waits"))
        .json(200, "It won't be sent.", types.written::<Followed<SentMessage>>(), &[("cancelled", cancelled)])
        .problem("no-such-message")
        .problem("too-late-to-cancel")
        .asks()
}

fn chats(types: &mut Types) -> Operation {
    let mut chat = chat();
    chat["name"] = json!("Ana");
    (chat["last_message_at"], chat["last_message"]) = (json!(AT), listed());
    let operation =
        Operation::get("/chats", "getChats", "Messages", "The chats").about("The one with the last message first.");
    paged(operation, "^c").json(
        200,
        "A page.",
        types.written::<Chats>(),
        &[("page", json!({"chats": [chat], "next_cursor": null, "complete": true}))],
    )
}

/// Gives pages, from the place of a cursor that begins so.
fn paged(operation: Operation, cursor: &str) -> Operation {
    operation
        .query(
            "limit",
            "How many there are on a page.",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}),
        )
        .query(
            "cursor",
            "The `next_cursor` of the page before, beside the same filters.",
            json!({"type": "string", "pattern": format!("{cursor}[0-9a-f]{{1,15}}$")}),
        )
        .problem("too-many-look-ups")
        .problem("too-slow")
        .reads()
}

fn id(operation: Operation) -> Operation {
    operation.part("id", "The id of the message.", json!({"type": "string", "minLength": 1})).example(json!(ID))
}

fn chat_schema() -> Value {
    json!({
        "type": "string",
        "maxLength": CHAT_CHARS,
        "pattern": r"^(\+[1-9][0-9]{6,14}|[^@,\s]+@[a-z.]+)$",
    })
}

fn chat() -> Value {
    json!({"id": "584244370180@s.whatsapp.net", "kind": "person", "phone": "+584244370180", "lid": null})
}

fn listed() -> Value {
    json!({
        "id": "3A5B0C1D2E3F4A5B6C7D", "chat": chat(), "direction": "in", "from": "+584244370180", "name": "Ana",
        "kind": "text", "text": "Good morning", "truncated": false, "at": AT,
    })
}

fn ours() -> Value {
    json!({
        "id": ID, "to": "+584244370180", "text": "Hola", "state": "queued", "attempts": 0, "queued_at": AT,
        "dispatched_at": null, "sent_at": null, "delivered_at": null, "read_at": null, "failed_at": null,
        "expired_at": null, "cancelled_at": null, "expires_at": null, "failure": null,
    })
}

fn followed() -> Value {
    let mut message = ours();
    message["events"] = json!([{
        "id": "3A5B0C1D2E3F4A5B6C7D", "kind": "reaction", "target": ID, "from": "+584244370180", "direction": "in",
        "text": "👍", "at": AT,
    }]);
    message
}
