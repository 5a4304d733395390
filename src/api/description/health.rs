//! For whatever watches this program.

use serde_json::{Value, json};

use super::super::health::Health;
use super::operation::Operation;
use super::types::Types;
use crate::state::Check;

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let status = |word: &str, checks: Value| {
        json!({
            "type": "object", "properties": {"status": {"const": word}, "checks": checks}, "required": ["status"],
        })
    };
    let checks = types.written::<Vec<Check>>();
    let engine = json!({"name": "engine", "state": "ok", "text": "the engine's loop answers"});
    let verbose = "Tell all that was looked at, as `checks`.";
    let health = types.written::<Health>();
    vec![
        Operation::get("/livez", "livez", "Health", "Whether the process answers")
            .about(
                "Only a process that does not answer, or answers that its loop does not turn, is to be restarted: what \
                 else is wrong is not mended by that.",
            )
            .open()
            .flag("verbose", verbose)
            .json(
                200,
                "It answers.",
                status("alive", checks.clone()),
                &[("alive", json!({"status": "alive"})), ("verbose", json!({"status": "alive", "checks": [engine]}))],
            )
            .problem("not-alive"),
        Operation::get("/readyz", "readyz", "Health", "Whether messages can be sent")
            .about("`failing` names what is in the way.")
            .open()
            .flag("verbose", verbose)
            .json(
                200,
                "What is accepted now goes out now.",
                status("ready", checks),
                &[("ready", json!({"status": "ready"}))],
            )
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
        Operation::get("/", "page", "Health", "A page for people: how the gateway does, linking, what happens")
            .about("It asks for the token itself.")
            .open()
            .text(200, "The page.", "text/html", "<!doctype html>"),
        Operation::get("/docs", "docs", "Health", "A page that shows this description, and tries requests")
            .about("For browsers, which can't send a token with an address: the page asks for the token itself.")
            .open()
            .text(200, "The page.", "text/html", "<!doctype html>"),
    ]
}
