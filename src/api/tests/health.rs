//! What a supervisor of this program and a load balancer are told.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;

use super::{answered, api, get};
use crate::engine::harness::Harness;
use crate::state::{ConnectionState, Snapshot};

#[tokio::test]
async fn a_logged_out_phone_fails_readiness_and_never_liveness() {
    let harness = Harness::connected().await;
    let ready = get(&harness, "/readyz?verbose").await;
    assert_eq!((ready.status, &ready.json()["status"]), (StatusCode::OK, &json!("ready")));
    let names: Vec<_> = ready.json()["checks"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["engine", "store", "bridge", "link", "connection"]);
    harness.says(r#"{"type":"connection","state":"logged_out","reason":{"class":"logged_out","text":"x"}}"#).await;
    harness.until(|s: &Snapshot| s.connection.state == ConnectionState::LoggedOut).await;

    let waits = get(&harness, "/readyz").await;
    assert_eq!((waits.status, waits.headers["retry-after"].as_bytes()), (StatusCode::SERVICE_UNAVAILABLE, &b"5"[..]));
    let problem = waits.json();
    assert_eq!(problem["failing"], json!(["link", "connection"]), "{problem}");
    assert_eq!(problem["detail"], "not ready: the phone ended the link; link it anew; logged out by the phone");
    assert!(problem["checks"].is_null());
    let verbose = get(&harness, "/readyz?verbose").await.json();
    let link = json!({"name": "link", "state": "failing", "text": "the phone ended the link; link it anew"});
    assert_eq!((&verbose["checks"][3], &verbose["checks"][2]["state"]), (&link, &json!("ok")), "{verbose}");
    assert_eq!(get(&harness, "/livez").await.json(), json!({"status": "alive"}));
    harness.end().await;
}

#[tokio::test]
async fn nothing_is_told_of_persons_to_who_has_no_token() {
    let harness = Harness::connected().await;
    harness.says(r#"{"type":"message","from":"+15551112222","body":"Hola"}"#).await;
    harness.until(|s| s.counters.messages_received == 1).await;
    for path in ["/livez?verbose", "/readyz?verbose", "/health"] {
        let text = get(&harness, path).await.text;
        assert!(!text.contains("1555") && !text.contains("Hola"), "{text}");
    }
    harness.end().await;
}

#[tokio::test]
async fn an_engine_whose_loop_has_ended_is_not_alive() {
    let harness = Harness::new();
    let alive = get(&harness, "/livez?verbose").await.json();
    assert_eq!(alive["checks"], json!([{"name": "engine", "state": "ok", "text": "the engine's loop answers"}]));
    let api = api(&harness);
    harness.end().await;
    let dead = api.oneshot(Request::get("/livez").body(Body::empty()).unwrap()).await.unwrap();
    let dead = answered(dead).await;
    assert_eq!((dead.status, &dead.json()["failing"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(["engine"])));
}
