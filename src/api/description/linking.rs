//! From nothing to a linked account.

use serde_json::json;

use super::super::pairing::{Awaited, Qr};
use super::super::passkey::Compared;
use super::operation::Operation;
use super::types::Types;

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let at = "2026-09-21T14:14:20.000Z";
    let given = json!({"type": "object", "properties": {"status": {"const": "given"}}, "required": ["status"]});
    let credential = json!({
        "type": "object",
        "description": "The credential as `toJSON()` of the browser gives it, as an object and not as a text.",
        "required": ["id", "rawId", "type", "response"],
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "rawId": {"type": "string", "minLength": 1},
            "type": {"const": "public-key"},
            "response": {
                "type": "object",
                "required": ["clientDataJSON", "authenticatorData", "signature"],
                "properties": {
                    "clientDataJSON": {"type": "string", "minLength": 1},
                    "authenticatorData": {"type": "string", "minLength": 1},
                    "signature": {"type": "string", "minLength": 1},
                },
            },
        },
    });
    let answer = json!({
        "id": "AQID", "rawId": "AQID", "type": "public-key",
        "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"},
    });
    vec![
        Operation::get("/qr", "getQr", "Linking", "The QR to scan")
            .about("A QR is good for some seconds; the next one replaces it. It is secret.")
            .json(200, "A QR.", types.written::<Qr>(), &[("qr", json!({"qr": "2@AbC…", "expires_at": at}))])
            .problem("already-linked")
            .problem("not-offered"),
        Operation::get("/pairing", "getPairing", "Linking", "What else linking waits for")
            .about("All of it is secret.")
            .json(
                200,
                "What it waits for.",
                types.written::<Awaited>(),
                &[
                    ("code", json!({"state": "code", "code": "ABCD1234", "expires_at": at})),
                    (
                        "passkey",
                        json!({
                            "state": "passkey", "options": {"challenge": "…", "rpId": "whatsapp.com"},
                            "snippet": "(() => { … })();", "answered": false, "error": null, "expires_at": at,
                        }),
                    ),
                    (
                        "passkey_code",
                        json!({"state": "passkey_code", "code": "ABCD-1234", "confirm": true, "expires_at": at}),
                    ),
                ],
            )
            .problem("already-linked")
            .problem("not-offered"),
        Operation::post("/pairing/passkey", "answerPasskey", "Linking", "Give the passkey's answer")
            .about("`GET /pairing` has the challenge, and says what comes of the answer.")
            .body(credential, &[("credential", answer)])
            .json(202, "It goes to WhatsApp.", given.clone(), &[("given", json!({"status": "given"}))])
            .problem("no-passkey-asked")
            .problem("passkey-answered")
            .problem("bridge-down")
            .asks(),
        Operation::post(
            "/pairing/passkey/confirm",
            "confirmPasskey",
            "Linking",
            "Say that the phone shows the same code",
        )
        .body(types.read::<Compared>(), &[("same", json!({"same": true}))])
        .json(202, "Linking goes on, or ends when the codes differ.", given, &[("given", json!({"status": "given"}))])
        .problem("nothing-to-compare")
        .problem("bridge-down")
        .asks(),
    ]
}
