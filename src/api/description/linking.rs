//! From nothing to a linked account.

use serde_json::json;

use super::super::link::Ending;
use super::super::pairing::{Awaited, Qr, Wanted as CodeWanted};
use super::super::passkey::Compared;
use super::operation::Operation;
use super::types::Types;

/// A number, for example.
const NUMBER: &str = "+584244370180";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let at = "2026-09-21T14:14:20.000Z";
    let given = json!({"type": "object", "properties": {"status": {"const": "given"}}, "required": ["status"]});
    let number = json!({"type": "string", "pattern": super::NUMBER});
    let wanted = json!({
        "type": "object",
        "properties": {"status": {"const": "asked"}, "phone_number": number},
        "required": ["status", "phone_number"],
    });
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
            .about(
                "As `Accept` asks for it: as JSON, as a picture, or as text for a terminal. A QR is good for some \
                 seconds; the next one replaces it. It is secret.",
            )
            .json(200, "A QR.", types.written::<Qr>(), &[("qr", json!({"qr": "2@AbC…", "expires_at": at}))])
            .picture(200, "image/png")
            .picture(200, "image/svg+xml")
            .text(200, "A QR.", "text/plain", "█▀▀▀▀▀█")
            .told(200, "Expires", "Until when WhatsApp takes it.", json!({"type": "string", "pattern": " GMT$"}))
            .problem("not-acceptable")
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
        Operation::post("/pairing", "requestCode", "Linking", "Ask for a pairing code")
            .about("It will be at `GET /pairing`. Linking is by code from now on, as after `POST /config`.")
            .body(types.read::<CodeWanted>(), &[("number", json!({"phone_number": NUMBER}))])
            .json(202, "It is asked for.", wanted, &[("asked", json!({"status": "asked", "phone_number": NUMBER}))])
            .location(202, "/pairing$")
            .problem("already-linked")
            .problem("bridge-down")
            .asks(),
        Operation::delete("/link", "endLink", "Linking", "Log the account out")
            .about(
                "It takes effect when WhatsApp's server has answered; `GET /status` tells it. Messages are kept. What \
                 waits goes out from the account that is linked next, unless it is taken back: `queue` says how many \
                 these are.",
            )
            .query(
                "local",
                "Delete the credentials although WhatsApp can't be told. The phone goes on listing the device.",
                json!({"type": "boolean"}),
            )
            .json(
                202,
                "It is asked for.",
                types.written::<Ending>(),
                &[("asked", json!({"status": "asked", "queue": 0}))],
            )
            .problem("not-linked")
            .problem("not-connected")
            .problem("bridge-down")
            .problem("logout-unsupported")
            .asks(),
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
