//! The passkey step of linking.

use super::*;
use crate::protocol::PasskeyResponse;
use crate::state::{Pairing, Snapshot};

const DEMAND: &str =
    r#"{"type":"passkey","options":{"challenge":"CHALLENGE-7"},"snippet":"SNIPPET-7","expiresInMs":600000}"#;
const COMPARE: &str = r#"{"type":"passkey_code","code":"ABCD-1234","confirm":true}"#;

fn right() -> Value {
    let response = json!({"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"});
    json!({"id": "a", "rawId": "a", "type": "public-key", "response": response})
}

/// An engine whose bridge has told the demand.
async fn demanded() -> Harness {
    let mut harness = Harness::new();
    harness.started().await;
    assert!(matches!(harness.command().await, Command::Connect { .. }));
    harness.says(DEMAND).await;
    harness.until(|s| matches!(s.pairing, Some(Pairing::Passkey { .. }))).await;
    harness
}

/// What a problem is called, its status, and how far it says that linking is.
fn problem(answer: &Answer) -> (u16, String, Value) {
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json", "{}", answer.text);
    let json = answer.json();
    let name = json["type"].as_str().unwrap().trim_start_matches("urn:pilothouse:problem:").to_owned();
    (answer.status.as_u16(), name, json["state"].clone())
}

#[tokio::test]
async fn the_demand_is_told_in_full_at_its_place_and_by_name_elsewhere() {
    let harness = demanded().await;
    let told = get(&harness, "/pairing").await;
    assert_eq!((told.status, &told.headers[header::CACHE_CONTROL]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let mut told = told.json();
    assert!(told["expires_at"].take().is_string());
    let expected = json!({
        "state": "passkey",
        "options": {"challenge": "CHALLENGE-7"},
        "snippet": "SNIPPET-7",
        "answered": false,
        "error": null,
        "expires_at": null,
    });
    assert_eq!(told, expected);
    let status = get(&harness, "/status").await;
    assert_eq!(
        (&status.json()["connection"]["state"], &status.json()["pairing"]),
        (&json!("passkey"), &json!("passkey"))
    );
    let qr = get(&harness, "/qr").await;
    assert_eq!(problem(&qr), (503, "not-offered".to_owned(), json!("passkey")));
    let metrics = get(&harness, "/metrics").await;
    for other in [status, qr, metrics, get(&harness, "/health").await] {
        assert!(!other.text.contains("CHALLENGE-7") && !other.text.contains("SNIPPET-7"), "{}", other.text);
    }
    harness.end().await;
}

#[tokio::test]
async fn it_is_carried_through_by_requests() {
    let mut harness = demanded().await;
    let given = post(&harness, "/pairing/passkey", right()).await;
    assert_eq!((given.status, given.json()), (StatusCode::ACCEPTED, json!({"status": "given"})));
    assert_eq!(harness.command().await, Command::Passkey { response: PasskeyResponse(right()) });
    assert_eq!(get(&harness, "/pairing").await.json()["answered"], true);
    let twice = post(&harness, "/pairing/passkey", right()).await;
    assert_eq!(problem(&twice), (409, "passkey-answered".to_owned(), Value::Null));

    // It was wrong: that is told, and another may be given.
    harness.says(r#"{"type":"error","error":"it answers another challenge"}"#).await;
    harness.until(|s| s.last_error.is_some()).await;
    let told = get(&harness, "/pairing").await.json();
    assert_eq!((&told["answered"], &told["error"]), (&json!(false), &json!("it answers another challenge")));
    assert_eq!(post(&harness, "/pairing/passkey", right()).await.status, StatusCode::ACCEPTED);
    assert!(matches!(harness.command().await, Command::Passkey { .. }));

    harness.says(COMPARE).await;
    harness.until(|s| matches!(s.pairing, Some(Pairing::PasskeyCode { .. }))).await;
    let told = get(&harness, "/pairing").await.json();
    let shown = (&told["state"], &told["code"], &told["confirm"]);
    assert_eq!(shown, (&json!("passkey_code"), &json!("ABCD-1234"), &json!(true)));
    let status = get(&harness, "/status").await;
    assert_eq!(status.json()["pairing"], "passkey_code");
    assert!(!status.text.contains("ABCD-1234"));
    assert_eq!(post(&harness, "/pairing/passkey/confirm", json!({"same": true})).await.status, StatusCode::ACCEPTED);
    assert_eq!(harness.command().await, Command::PasskeyConfirm { same: true });
    assert_eq!(get(&harness, "/pairing").await.json()["confirm"], false);
    let twice = post(&harness, "/pairing/passkey/confirm", json!({"same": true})).await;
    assert_eq!(problem(&twice), (409, "nothing-to-compare".to_owned(), Value::Null));

    harness.says(r#"{"type":"ready"}"#).await;
    harness.until(Snapshot::connected).await;
    assert_eq!(problem(&get(&harness, "/pairing").await), (409, "already-linked".to_owned(), json!("linked")));
    harness.end().await;
}

#[tokio::test]
async fn codes_that_differ_end_the_attempt() {
    let mut harness = demanded().await;
    harness.says(COMPARE).await;
    harness.until(|s| matches!(s.pairing, Some(Pairing::PasskeyCode { .. }))).await;
    assert_eq!(post(&harness, "/pairing/passkey/confirm", json!({"same": false})).await.status, StatusCode::ACCEPTED);
    assert_eq!(harness.command().await, Command::PasskeyConfirm { same: false });
    assert_eq!(problem(&get(&harness, "/pairing").await), (503, "not-offered".to_owned(), json!("none")));
    harness.end().await;
}

#[tokio::test]
async fn what_is_wrong_or_not_asked_for_is_a_problem_and_does_not_reach_the_bridge() {
    let harness = Harness::new();
    let down = post(&harness, "/pairing/passkey", right()).await;
    assert_eq!(problem(&down), (503, "bridge-down".to_owned(), Value::Null));
    assert!(down.headers.contains_key(header::RETRY_AFTER));
    harness.end().await;

    let mut harness = demanded().await;
    let confirm = "/pairing/passkey/confirm";
    let raw = |path: &str, body: &str| {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        ask(&harness, request.body(Body::from(body.to_owned())).unwrap())
    };
    let plain = Request::post("/pairing/passkey").body(Body::from(right().to_string())).unwrap();
    let huge = json!({"id": "x".repeat(1 << 20)});
    let cases = [
        (post(&harness, "/pairing/passkey", json!({})).await, 422, "invalid-value"),
        (post(&harness, "/pairing/passkey", json!(right().to_string())).await, 422, "invalid-value"),
        (post(&harness, "/pairing/passkey", json!({"response": right()})).await, 422, "invalid-value"),
        (post(&harness, "/pairing/passkey", huge).await, 413, "too-large"),
        (raw("/pairing/passkey", "{").await, 400, "bad-json"),
        (raw("/pairing/passkey", &"[".repeat(10_000)).await, 400, "bad-json"),
        (ask(&harness, plain).await, 415, "not-json"),
        (get(&harness, "/pairing/passkey").await, 405, "method-not-allowed"),
        (post(&harness, confirm, json!({"same": 1})).await, 422, "invalid-value"),
        (post(&harness, confirm, json!({})).await, 422, "invalid-value"),
        (post(&harness, confirm, json!({"same": true})).await, 409, "nothing-to-compare"),
    ];
    for (answer, status, name) in cases {
        assert_eq!(problem(&answer), (status, name.to_owned(), Value::Null), "{}", answer.text);
        assert!(!answer.text.contains("e30"), "an answer is not quoted: {}", answer.text);
    }
    harness.says(r#"{"type":"qr","qr":"2@abc"}"#).await;
    harness.until(|s| matches!(s.pairing, Some(Pairing::Qr { .. }))).await;
    let unasked = post(&harness, "/pairing/passkey", right()).await;
    assert_eq!(problem(&unasked), (409, "no-passkey-asked".to_owned(), Value::Null));
    assert_eq!(problem(&get(&harness, "/pairing").await), (503, "not-offered".to_owned(), json!("qr")));
    assert_eq!(harness.waiting_command(), None);
    harness.end().await;
}
