//! The API over an engine with a real store; the test plays the bridge.

mod access;
mod config;
mod console;
mod docs;
mod find;
mod health;
mod linking;
mod metrics;
mod page;
mod passkey;
mod web;
mod webhooks;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::{ApiStats, Consoles, Events, KeysInUse, LookUps, Settings, Shared, Web, description, router};
use crate::engine::harness::Harness;
use crate::protocol::Command;
use crate::telemetry::Ring;
use crate::webhooks::Webhooks;

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

fn api(harness: &Harness) -> Router {
    api_with(harness, LookUps::default())
}

fn api_with(harness: &Harness, look_ups: LookUps) -> Router {
    api_of(parts(harness, look_ups, settings()))
}

/// The routes, for a caller who says what lets him in unless he says something else.
fn api_of(parts: Shared) -> Router {
    let api = router(parts.into()).layer(axum::middleware::from_fn(description::conformance::check));
    api.layer(axum::middleware::map_request(async |mut request: Request<Body>| {
        request.headers_mut().entry(header::AUTHORIZATION).or_insert(bearer().parse().unwrap());
        request.headers_mut().entry(header::HOST).or_insert("localhost".parse().unwrap());
        request
    }))
}

/// The API as it is, to which requests bring their tokens themselves.
pub(super) fn bare_api(harness: &Harness) -> Router {
    router(parts(harness, LookUps::default(), settings()).into())
}

fn parts(harness: &Harness, look_ups: LookUps, settings: Arc<Settings>) -> Shared {
    let stop = watch::Sender::new(false);
    let shutdown = stop.subscribe();
    std::mem::forget(stop); // never asked to end
    let folder = tokens();
    Shared {
        web: Arc::new(Web::new("127.0.0.1:7007".parse().unwrap(), vec![], vec![])),
        guard: Arc::new(crate::access::Guard::open(folder).unwrap()),
        engine: harness.handle.clone(),
        clock: harness.clock,
        stats: Arc::new(ApiStats::default()),
        settings,
        keys: KeysInUse::default(),
        events: Arc::new(Events::default()),
        consoles: Consoles::new(Ring::new(harness.clock)),
        look_ups,
        bodies: Default::default(),
        status: Default::default(),
        webhooks: Webhooks::new(harness.handle.clone(), harness.clock, false),
        shutdown,
    }
}

/// Settings that no test changes, with a second bridge.
pub(super) fn settings() -> Arc<Settings> {
    settings_in(tokens(), &[])
}

/// Those of a gateway that starts in this folder, with this environment.
pub(super) fn settings_in(folder: &std::path::Path, env: &[(&str, &str)]) -> Arc<Settings> {
    let env = env.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let cli = crate::cli::Cli { data_dir: Some(folder.to_owned()), ..Default::default() };
    let config = crate::config::load(crate::config::Inputs { cli, env, folder: folder.to_owned(), exe: None }).unwrap();
    Arc::new(Settings::new(crate::config::Live::new(&config, "default".into()), Default::default()))
}

/// What a client says to be let in.
pub(super) fn bearer() -> String {
    format!("Bearer {}", crate::access::ensure(tokens()).unwrap())
}

/// A folder with a token, one for all tests. A request that brings none of its own gets this one.
pub(super) fn tokens() -> &'static std::path::Path {
    static FOLDER: std::sync::LazyLock<tempfile::TempDir> = std::sync::LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        crate::access::ensure(folder.path()).unwrap();
        std::fs::write(folder.path().join("pilothouse.toml"), "[bridges]\nother = '/opt/other'\n").unwrap();
        folder
    });
    FOLDER.path()
}

#[tokio::test]
async fn without_the_token_nothing_is_answered_but_health() {
    let harness = Harness::new();
    let token = crate::access::ensure(tokens()).unwrap();
    let with = |path: &str, authorization: &str| {
        Request::get(path).header(header::AUTHORIZATION, authorization).body(Body::empty()).unwrap()
    };
    for path in ["/status", "/metrics", "/qr", "/pairing", "/send", "/messages/x", "/config", "/connection", "/no"] {
        for wrong in ["", "Bearer ", "Bearer x", &token, &format!("Basic {token}"), &format!("Bearer {token}0")] {
            let refused = ask(&harness, with(path, wrong)).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(refused.json()["type"], "urn:pilothouse:problem:unauthorized");
        }
    }
    assert_eq!(ask(&harness, with("/status", &format!("bearer {token}"))).await.status, StatusCode::OK);
    assert_eq!(ask(&harness, with("/livez", "")).await.status, StatusCode::OK);
    assert_eq!(ask(&harness, with("/health", "")).await.status, StatusCode::OK);
    let waits = ask(&harness, with("/readyz", "")).await;
    assert_eq!((waits.status, &waits.json()["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(503)));
    harness.end().await;
    let harness = Harness::connected().await;
    assert_eq!(ask(&harness, with("/readyz", "")).await.status, StatusCode::OK);
    harness.end().await;
}

async fn ask(harness: &Harness, request: Request<Body>) -> Answer {
    answered(api(harness).oneshot(request).await.unwrap()).await
}

async fn answered(response: axum::response::Response) -> Answer {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(harness: &Harness, path: &str) -> Answer {
    ask(harness, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(harness: &Harness, path: &str, body: Value) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    ask(harness, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn the_status_has_everything_that_is_promised() {
    let harness = Harness::connected().await;
    let status = get(&harness, "/status").await.json();
    for field in [
        "started_at",
        "connected",
        "connection",
        "account",
        "messages_received",
        "messages_sent",
        "queue",
        "bridge",
        "bridge_restarts",
        "store",
        "last_error",
    ] {
        assert!(status.get(field).is_some(), "{field}");
    }
    for field in ["state", "since", "reason"] {
        assert!(status["connection"].get(field).is_some(), "{field}");
    }
    for field in ["state", "pid", "restarts", "rss_bytes"] {
        assert!(status["bridge"].get(field).is_some(), "{field}");
    }
    assert_eq!((&status["connected"], &status["connection"]["state"]), (&json!(true), &json!("open")));
    assert_eq!(status["account"]["phone"], "+15550009999");
    let health = get(&harness, "/health").await.json();
    assert_eq!((&health["status"], &health["connected"]), (&json!("ok"), &json!(true)));
    assert!(health["uptime_seconds"].is_u64());
    harness.end().await;
}

#[tokio::test]
async fn a_qr_is_given_while_there_is_one() {
    let harness = Harness::new();
    harness.started().await;
    let none = get(&harness, "/qr").await;
    assert_eq!(none.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(none.headers.contains_key(header::RETRY_AFTER));
    harness.says(r#"{"type":"qr","qr":"2@abc","expiresInMs":60000}"#).await;
    harness.until(|s| s.pairing.is_some()).await;
    let qr = get(&harness, "/qr").await;
    assert_eq!((qr.status, &qr.json()["qr"]), (StatusCode::OK, &json!("2@abc")));
    assert!(qr.json()["expires_at"].is_string());
    assert_eq!(qr.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(get(&harness, "/pairing").await.status, StatusCode::SERVICE_UNAVAILABLE);
    harness.says(r#"{"type":"pairing_code","code":"ABCD1234"}"#).await;
    harness.until(|s| matches!(s.pairing, Some(crate::state::Pairing::Code { .. }))).await;
    assert_eq!(get(&harness, "/pairing").await.json()["code"], "ABCD1234");
    harness.says(r#"{"type":"ready"}"#).await;
    harness.until(crate::state::Snapshot::connected).await;
    for path in ["/qr", "/pairing"] {
        let linked = get(&harness, path).await;
        assert_eq!((linked.status, &linked.json()["status"]), (StatusCode::CONFLICT, &json!(409)), "{path}");
    }
    harness.end().await;
}

#[tokio::test]
async fn sending_with_wait_answers_when_whatsapp_has() {
    let mut harness = Harness::connected().await;
    let body = json!({"to": "+15551112222", "text": "Hi"});
    let router = api(&harness);
    let request = Request::post("/send?wait=sent").header(header::CONTENT_TYPE, "application/json");
    let asked = tokio::spawn(router.oneshot(request.body(Body::from(body.to_string())).unwrap()));
    let Command::Send { message_id: Some(id), .. } = harness.command().await else { panic!() };
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","ok":true,"messageId":"{id}"}}"#)).await;
    let answer = asked.await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let at = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let message = get(&harness, &at).await.json();
    assert_eq!((&message["state"], &message["id"]), (&json!("sent"), &json!(id)));

    let answer = post(&harness, "/send", body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(
        answer.headers[header::LOCATION].to_str().unwrap(),
        format!("/messages/{}", answer.json()["id"].as_str().unwrap())
    );
    harness.end().await;
}

#[tokio::test]
async fn a_message_has_what_came_in_about_it() {
    let mut harness = Harness::connected().await;
    let sent = post(&harness, "/send", json!({"to": "+15551112222", "text": "Hi"})).await;
    let Command::Send { message_id: Some(id), .. } = harness.command().await else { panic!() };
    let path = sent.headers[header::LOCATION].to_str().unwrap();
    assert_eq!(get(&harness, path).await.json()["events"], json!([]));
    let about = |n: u32, kind: &str, body: &str, chat: &str, target: &str| {
        format!(
            r#"{{"type":"message","from":"+15551112222","body":"{body}","messageId":"B{n}","kind":"{kind}","timestampMs":1790000000000,"chat":{{"kind":"person","id":"{chat}@s.whatsapp.net"}},"target":{{"messageId":"{target}","fromMe":true}}}}"#
        )
    };
    harness.says(&about(0, "reaction", "👍", "15551112222", &id)).await;
    harness.says(&about(1, "reaction", "👍", "15551112222", "another")).await;
    harness.says(&about(2, "reaction", "👍", "15553334444", &id)).await;
    harness.says(&about(3, "reaction", "", "15551112222", &id)).await;
    harness.until(|s| s.feed.len() == 5).await;
    let message = get(&harness, path).await.json();
    assert_eq!((&message["id"], &message["text"]), (&json!(id), &json!("Hi")));
    let event = |n: u32, text: &str| {
        json!({"id": format!("B{n}"), "kind": "reaction", "target": id, "from": "+15551112222", "direction": "in",
               "text": text, "at": "2026-09-21T14:13:20.000Z"})
    };
    assert_eq!(message["events"], json!([event(0, "👍"), event(3, "")]));
    for n in 4..200 {
        harness.says(&about(n, "reaction", "👍", "15551112222", &id)).await;
    }
    harness.until(|s| s.feed.len() == 201).await;
    let message = get(&harness, path).await.json();
    let events = message["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[99]["id"]), (100, &json!("B199")));
    harness.end().await;
}

fn keyed(path: &str, key: &str, text: &str) -> Request<Body> {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header("idempotency-key", key);
    request.body(Body::from(json!({"to": "+15551112222", "text": text}).to_string())).unwrap()
}

#[tokio::test]
async fn one_key_is_one_message_and_one_answer_also_after_a_restart() {
    let mut harness = Harness::connected().await;
    let first = ask(&harness, keyed("/send", "\"k-1\"", "Hi")).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let Command::Send { message_id: Some(id), .. } = harness.command().await else { panic!() };
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","ok":true,"messageId":"{id}"}}"#)).await;
    harness.until(|s| s.counters.messages_sent == 1).await;
    let same = |again: &Answer| {
        assert_eq!((again.status, &again.json()["id"]), (first.status, &first.json()["id"]), "{}", again.text);
        assert_eq!(again.headers[header::LOCATION], first.headers[header::LOCATION]);
    };
    same(&ask(&harness, keyed("/send", "k-1", "Hi")).await);
    let other = ask(&harness, keyed("/send", "k-1", "Ho")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json()["type"], "urn:pilothouse:problem:idempotency-key-reused");
    // What is waited for has come long ago.
    assert_eq!(ask(&harness, keyed("/send?wait=sent", "k-1", "Hi")).await.status, StatusCode::OK);

    let harness = harness.again().await;
    same(&ask(&harness, keyed("/send", "k-1", "Hi")).await);
    assert_eq!(ask(&harness, keyed("/send", "k-1", "Ho")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(harness.reader().last_messages(10).unwrap().len(), 1);
    assert_ne!(ask(&harness, keyed("/send", "k-2", "Hi")).await.json()["id"], first.json()["id"]);
    harness.end().await;
}

#[tokio::test]
async fn requests_with_one_key_at_once_are_one_message() {
    let harness = Harness::new();
    // Not through one API, whose list of keys would tell them apart: the engine is what makes them one.
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        asking.spawn(api(&harness).oneshot(keyed("/send", "k", "Hi")));
    }
    let mut ids = BTreeSet::new();
    for response in asking.join_all().await {
        ids.insert(answered(response.unwrap()).await.json()["id"].to_string());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(harness.reader().last_messages(10).unwrap().len(), 1);
    harness.end().await;
}

#[tokio::test]
async fn a_key_that_is_being_answered_is_a_conflict() {
    let mut harness = Harness::connected().await;
    let router = api(&harness);
    let waiting = tokio::spawn(router.clone().oneshot(keyed("/send?wait=sent", "k", "Hi")));
    let Command::Send { message_id: Some(id), .. } = harness.command().await else { panic!() };
    let second = answered(router.clone().oneshot(keyed("/send", "k", "Hi")).await.unwrap()).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert_eq!(second.json()["type"], "urn:pilothouse:problem:idempotency-key-in-use");
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","ok":true,"messageId":"{id}"}}"#)).await;
    let first = answered(waiting.await.unwrap().unwrap()).await;
    let third = answered(router.oneshot(keyed("/send?wait=sent", "k", "Hi")).await.unwrap()).await;
    assert_eq!((first.status, first.text), (StatusCode::OK, third.text));
    harness.end().await;
}

#[tokio::test]
async fn a_full_queue_is_too_many_requests_and_says_when_to_come_back() {
    let problem = super::Problem::from(crate::state::Refusal::QueueFull { limit: 10_000 });
    let answer = answered(axum::response::IntoResponse::into_response(problem)).await;
    assert_eq!(
        (answer.status, &answer.headers[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"10".parse().unwrap())
    );
    assert_eq!(answer.json()["type"], "urn:pilothouse:problem:queue-full");
}

async fn cancel(harness: &Harness, id: &Value) -> Answer {
    let path = format!("/messages/{}", id.as_str().unwrap());
    ask(harness, Request::delete(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_message_that_waits_can_be_taken_back_and_another_can_not() {
    let harness = Harness::new();
    let body = json!({"to": "+15551112222", "text": "Hi", "expires_in": 60});
    let waits = post(&harness, "/send", body.clone()).await.json();
    assert!(waits["expires_at"].is_string(), "{waits}");
    let cancelled = cancel(&harness, &waits["id"]).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (StatusCode::OK, &json!("cancelled")));
    assert!(cancelled.json()["cancelled_at"].is_string(), "{}", cancelled.text);
    let twice = cancel(&harness, &waits["id"]).await;
    assert_eq!(
        (twice.status, &twice.json()["type"]),
        (StatusCode::CONFLICT, &json!("urn:pilothouse:problem:too-late-to-cancel"))
    );
    assert_eq!(cancel(&harness, &json!("3EB0")).await.status, StatusCode::NOT_FOUND);
    harness.end().await;
    let mut harness = Harness::connected().await;
    let under_way = post(&harness, "/send", body).await.json();
    harness.command().await;
    assert_eq!(cancel(&harness, &under_way["id"]).await.status, StatusCode::CONFLICT);
    let expiring = async |seconds: Value| {
        post(&harness, "/send", json!({"to": "+15551112222", "text": "Hi", "expires_in": seconds})).await
    };
    let never = expiring(json!(0)).await;
    assert_eq!((never.status.as_u16(), &never.json()["field"]), (422, &json!("expires_in")));
    for (seconds, status) in [
        (json!(600.0), 202),
        (Value::Null, 202),
        (json!(1.5), 422),
        (json!(-1), 422),
        (json!(4e9), 422),
        (json!(1e99), 422),
        (json!("600"), 422),
    ] {
        assert_eq!(expiring(seconds.clone()).await.status.as_u16(), status, "{seconds}");
    }
    harness.end().await;
}

#[tokio::test]
async fn errors_are_problems_with_a_type_and_what_to_do() {
    let harness = Harness::new();
    let number = json!({"to": "+0424", "text": "x"});
    let cases = [
        (get(&harness, "/nowhere").await, 404, "not-found"),
        (post(&harness, "/status", json!({})).await, 405, "method-not-allowed"),
        (post(&harness, "/send", number).await, 422, "invalid-value"),
        (post(&harness, "/send", json!({"to": "+15551112222", "text": "x", "colour": 1})).await, 422, "invalid-value"),
        (post(&harness, "/send", json!(["+15551112222", "x"])).await, 422, "invalid-value"),
        (post(&harness, "/send", json!({"to": "nobody@nowhere", "text": "x"})).await, 422, "invalid-value"),
        (post(&harness, "/config", json!({"bridge": "../../bin/sh"})).await, 422, "invalid-value"),
        (post(&harness, "/config", json!({"use_pairing_code": true})).await, 422, "invalid-value"),
        (get(&harness, "/messages/none").await, 404, "no-such-message"),
        (get(&harness, "/messages/%FF").await, 400, "bad-path"),
        (ask(&harness, keyed("/send", "", "x")).await, 400, "bad-idempotency-key"),
        (ask(&harness, keyed("/send", &"k".repeat(256), "x")).await, 400, "bad-idempotency-key"),
        (ask(&harness, keyed("/send", "a\tb", "x")).await, 400, "bad-idempotency-key"),
        (ask(&harness, Request::post("/send").body(Body::from("{}")).unwrap()).await, 415, "not-json"),
        (
            ask(
                &harness,
                Request::post("/send").header("content-type", "application/json").body(Body::from("{")).unwrap(),
            )
            .await,
            400,
            "bad-json",
        ),
    ];
    for (answer, status, name) in cases {
        let problem = answer.json();
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json", "{name}");
        assert_eq!((answer.status.as_u16(), &problem["status"]), (status, &json!(status)), "{problem}");
        assert_eq!(problem["type"], format!("urn:pilothouse:problem:{name}"), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty() && !problem["title"].as_str().unwrap().is_empty());
    }
    let wrong = get(&harness, "/send").await;
    assert_eq!(wrong.headers[header::ALLOW], "POST");
    harness.end().await;
}

#[tokio::test]
async fn settings_are_kept_and_applied() {
    let mut harness = Harness::new();
    harness.started().await;
    assert!(matches!(harness.command().await, Command::Connect { use_pairing_code: false, .. }));
    let set = json!({"use_pairing_code": true, "phone_number": "+15550009999"});
    assert_eq!(post(&harness, "/config", set).await.status, StatusCode::OK);
    let Command::Connect { use_pairing_code, phone_number, .. } = harness.command().await else { panic!() };
    assert_eq!((use_pairing_code, phone_number.as_deref()), (true, Some("+15550009999")));
    assert_eq!(harness.reader().setting("linking").unwrap().map(|s| s.contains("+15550009999")), Some(true));
    assert_eq!(post(&harness, "/config", json!({"bridge": "other"})).await.status, StatusCode::OK);
    assert_eq!(harness.reader().setting("bridge").unwrap().as_deref(), Some("other"));
    harness.end().await;
}
