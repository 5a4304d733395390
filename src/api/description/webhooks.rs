//! Webhooks: what is asked about them, and what they send.

use serde_json::{Value, json};

use super::super::webhooks::{Changes, List, New, Replay, Shown};
use super::operation::Operation;
use super::types::Types;
use crate::webhooks::{Described, Tried};

const URL: &str = "https://example.org/hook";
const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let shown = types.written::<Shown>();
    vec![
        Operation::get("/webhooks", "getWebhooks", "Webhooks", "All webhooks").json(
            200,
            "All of them, by name.",
            types.written::<List>(),
            &[("one", json!({"webhooks": [webhook()]}))],
        ),
        Operation::post("/webhooks", "createWebhook", "Webhooks", "Make a webhook")
            .about("It begins with the next event, or after the one that is said. There are at most 32.")
            .body(
                types.read::<New>(),
                &[
                    ("messages", json!({"name": "crm", "url": URL, "types": ["message.*"]})),
                    ("from_the_oldest", json!({"url": URL, "after": 0})),
                ],
            )
            .json(201, "It runs. The key is not told again.", shown.clone(), &[("made", with_key())])
            .location(201, "/webhooks/")
            .links(201, "name", &["getWebhook", "changeWebhook", "deleteWebhook", "replayWebhook", "testWebhook"])
            .problem("webhook-exists")
            .problem("too-many-webhooks")
            .asks(),
        name(Operation::get("/webhooks/{name}", "getWebhook", "Webhooks", "How a webhook does")).json(
            200,
            "The webhook.",
            types.written::<Described>(),
            &[("going", webhook())],
        ),
        name(Operation::patch("/webhooks/{name}", "changeWebhook", "Webhooks", "Change a webhook"))
            .about(
                "As RFC 7396 has it: null is what a new webhook has when nothing is said. With another address or key \
                 it goes on at once, also when it was parked.",
            )
            .body(
                types.read::<Changes>(),
                &[("another_key", json!({"secret": null})), ("all_types", json!({"types": null}))],
            )
            .json(200, "The webhook, with its key when that was changed.", shown, &[("changed", webhook())])
            .problem("webhook-in-settings")
            .asks(),
        name(Operation::delete("/webhooks/{name}", "deleteWebhook", "Webhooks", "Delete a webhook"))
            .nothing(204, "It is gone, and its place with it.")
            .problem("webhook-in-settings")
            .asks(),
        name(Operation::post("/webhooks/{name}/replay", "replayWebhook", "Webhooks", "Have it go on, or go back"))
            .about("At once, also when it was parked: after the event that is said, or where it is.")
            .body(types.read::<Replay>(), &[("where_it_is", json!({})), ("again", json!({"after": 0}))])
            .json(202, "It goes on.", types.written::<Described>(), &[("going", webhook())])
            .asks(),
        name(Operation::post("/webhooks/{name}/test", "testWebhook", "Webhooks", "Try it once"))
            .about("Sends a `webhook.test` beside what else it sends, and says what came of it.")
            .json(
                200,
                "What came of it.",
                types.written::<Tried>(),
                &[
                    ("taken", json!({"delivered": true, "why": null, "took_ms": 84})),
                    ("refused", json!({"delivered": false, "why": "it answered 500", "took_ms": 84})),
                ],
            )
            .problem("busy"),
    ]
}

/// The request that a receiver gets for each event.
pub(super) fn delivery() -> Value {
    let header = |name: &str, text: &str, schema: Value| json!({"name": name, "in": "header", "required": true, "description": text, "schema": schema});
    let event = json!({
        "id": 17, "type": "connection.changed", "version": 1, "time": "2026-11-25T09:30:00.000Z",
        "data": {"state": "open", "previous": "connecting", "reason": null, "retry_at": null, "account": null},
    });
    json!({
        "operationId": "receiveEvent",
        "tags": ["Webhooks"],
        "summary": "What a webhook sends",
        "description": "One event, in order and at least once. It is signed as [Standard Webhooks]\
            (https://www.standardwebhooks.com) has it. What is not answered with 2xx within 15 s is tried again for a \
            day, with growing delays or as `Retry-After` asks; then the webhook is parked, and waits for `replay`.",
        "security": [],
        "parameters": [
            header(
                "webhook-id",
                "The same at each attempt: who has seen it has the event.",
                json!({"type": "string", "pattern": "^(evt|gap|test)_"}),
            ),
            header("webhook-timestamp", "When it was sent, in seconds since 1970.", json!({"type": "integer"})),
            header(
                "webhook-signature",
                "`v1,` and the HMAC-SHA256, in base64, of id, timestamp and body with dots between. While a key is \
                 being replaced there are two, with a space between.",
                json!({"type": "string", "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)?$"}),
            ),
        ],
        "requestBody": {
            "required": true,
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/DeliveredEvent"},
                "examples": {"connected": {"value": event}},
            }},
        },
        "responses": {
            "2XX": {"description": "It has arrived."},
            "410": {"description": "Nothing more is wanted: the webhook is parked at once."},
            "default": {"description": "It is tried again. Redirects are not followed."},
        },
    })
}

fn name(operation: Operation) -> Operation {
    let schema = json!({"type": "string", "pattern": super::WEBHOOK_NAME});
    operation.part("name", "The name of the webhook.", schema).example(json!("crm")).problem("no-such-webhook")
}

fn webhook() -> Value {
    json!({
        "name": "crm", "state": "going", "behind": 0, "waiting_since": null, "retry_at": null, "why": null,
        "lag_seconds": 0, "url": URL, "types": ["message.*"], "chats": [], "origin": "api", "cursor": 17,
        "failures": 0, "parked_at": null, "delivered": 3, "failed": 0,
    })
}

fn with_key() -> Value {
    let mut webhook = webhook();
    webhook["secret"] = json!(KEY);
    webhook
}
