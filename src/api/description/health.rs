//! For whatever watches this program.

use serde_json::json;

use super::super::health::Health;
use super::operation::Operation;
use super::types::Types;

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let status =
        |word: &str| json!({"type": "object", "properties": {"status": {"const": word}}, "required": ["status"]});
    let health = types.written::<Health>();
    vec![
        Operation::get("/livez", "livez", "Health", "Whether the process answers")
            .about("That it is answered is the answer: only a process that does not answer is to be restarted.")
            .open()
            .json(200, "It answers.", status("alive"), &[("alive", json!({"status": "alive"}))]),
        Operation::get("/readyz", "readyz", "Health", "Whether messages can be sent")
            .open()
            .json(200, "WhatsApp is connected.", status("ready"), &[("ready", json!({"status": "ready"}))])
            .problem("not-ready"),
        Operation::get("/health", "health", "Health", "Both in one")
            .about("Always 200 while the process answers; `connected` says whether messages can be sent.")
            .open()
            .json(
                200,
                "How the process does.",
                health,
                &[("connected", json!({"status": "ok", "uptime_seconds": 86_400, "connected": true}))],
            ),
        Operation::get("/openapi.json", "openapi", "Health", "This description")
            .about("OpenAPI 3.1. It is the same for everyone and tells nothing of this gateway, so it is open.")
            .open()
            .json(200, "The description.", json!({"type": "object"}), &[]),
        Operation::get("/docs", "docs", "Health", "A page that shows this description, and tries requests")
            .about("For browsers, which can't send a token with an address: the page asks for the token itself.")
            .open()
            .text(200, "The page.", "text/html", "<!doctype html>"),
    ]
}
