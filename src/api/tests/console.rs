//! What a console is told and asks over HTTP.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use tracing::Level;

use super::*;
use crate::clock::Timestamp;
use crate::link::Update;
use crate::state::{
    Chat, Find, Found, IdempotencyKey, Linking, LookUp, Request as Asked, SendOptions, Snapshot, WebhookRequest, apply,
};
use crate::telemetry::{Line, Part};

/// The stream of an attached console, line by line.
struct Lines {
    stream: BodyDataStream,
    held: Vec<u8>,
}

impl Lines {
    async fn open(api: &Router) -> Self {
        let request = Request::get("/console").body(Body::empty()).unwrap();
        let response = api.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-ndjson");
        Self { stream: response.into_body().into_data_stream(), held: Vec::new() }
    }

    async fn next(&mut self) -> String {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            let piece = self.stream.next().await.expect("a line").unwrap();
            self.held.extend_from_slice(&piece);
        }
    }

    /// What is told next of the log.
    async fn logged(&mut self) -> Part {
        loop {
            if let Update::Logged(part) = self.update().await {
                return part;
            }
        }
    }

    async fn update(&mut self) -> Update {
        let line = self.next().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

fn send(text: &str) -> Value {
    let options = SendOptions { key: IdempotencyKey::of_header("one").ok(), expires_in: None };
    let chat = Chat::with_person("+15551112222".parse().unwrap());
    serde_json::to_value(Asked::Send { chat, text: text.into(), options }).unwrap()
}

#[tokio::test]
async fn an_attached_console_is_told_the_version_all_there_is_and_then_what_changes() {
    let harness = Harness::connected().await;
    let api = api(&harness);
    let mut lines = Lines::open(&api).await;
    let hello: Value = serde_json::from_str(&lines.next().await).unwrap();
    assert_eq!(hello, json!({ "pilothouse": env!("CARGO_PKG_VERSION") }));
    let Update::Snapshot(mut picture) = lines.update().await else { panic!("a snapshot comes first") };
    assert_eq!(*picture, harness.handle.feed().look(Snapshot::clone));

    harness.says(r#"{"type":"message","id":"A","from":"+15551112222","body":"Hola"}"#).await;
    harness.until(|snapshot| snapshot.feed.len() == 1).await;
    let answer = post(&harness, "/console/requests", send("Hi")).await.json();
    assert_eq!(answer["answer"], "accepted");
    // The same under the same key, as after a line that broke.
    let again = post(&harness, "/console/requests", send("Hi")).await.json();
    assert_eq!((&again["answer"], &again["id"]), (&json!("accepted_before"), &answer["id"]));
    while picture.feed.len() < 2 {
        let Update::Changes(changes) = lines.update().await else { panic!("only changes") };
        changes.iter().for_each(|change| apply(&mut picture, change));
    }
    assert_eq!(picture.feed.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["Hola", "Hi"]);

    let find = Find { limit: 10, ..Find::default() };
    let look_up = serde_json::to_value(LookUp::Messages { find, behind: None }).unwrap();
    let found = post(&harness, "/console/look-ups", look_up).await.json();
    let Found::Messages(page) = serde_json::from_value(found).unwrap() else { panic!("messages") };
    assert_eq!(page.items.iter().map(|listed| &*listed.message.body).collect::<Vec<_>>(), ["Hi", "Hola"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_attached_console_is_told_the_log_and_what_it_missed_of_it() {
    let harness = Harness::new();
    let ring = Ring::new(harness.clock);
    let parts = parts(&harness, LookUps::default(), settings());
    let api = api_of(Shared { consoles: Consoles::new(Arc::clone(&ring)), ..parts });
    let logged =
        |n: u32| Line { at: Timestamp::default(), level: Level::WARN, target: "bridge".into(), text: n.to_string() };
    let texts = |part: &Part| part.lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    ring.push(logged(1));
    let mut lines = Lines::open(&api).await;
    lines.next().await;
    lines.next().await;
    let first = lines.logged().await;
    assert_eq!((first.before, texts(&first)), (0, vec!["1".to_owned()]));
    ring.push(logged(2));
    ring.push(logged(3));
    let next = lines.logged().await;
    assert_eq!((next.of, next.before, texts(&next)), (first.of, 1, vec!["2".to_owned(), "3".to_owned()]));
    (4..=403).for_each(|n| ring.push(logged(n)));
    let last = lines.logged().await;
    assert_eq!((last.before, last.lines.len()), (203, 200), "200 of 400 were not held any more");
    // One that attaches later, or again, is told the same.
    let mut again = Lines::open(&api).await;
    again.next().await;
    again.next().await;
    assert_eq!(again.logged().await, last);
    harness.end().await;
}

#[tokio::test]
async fn what_no_console_asks_for_is_refused() {
    let harness = Harness::connected().await;
    for asked in [Asked::UseBridge("other".into()), Asked::Webhook(WebhookRequest::Forget("x".into()))] {
        let refused = post(&harness, "/console/requests", serde_json::to_value(asked).unwrap()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let all = serde_json::to_value(LookUp::Chats { after: None, limit: usize::MAX }).unwrap();
    assert_eq!(post(&harness, "/console/look-ups", all).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&harness, "/console/requests", json!({"request": "dance"})).await.status, 422);
    harness.end().await;
}

#[tokio::test]
async fn there_are_so_many_consoles_and_a_place_is_free_when_one_has_gone() {
    let harness = Harness::new();
    let api = api(&harness);
    let mut attached = Vec::new();
    for _ in 0..8 {
        attached.push(Lines::open(&api).await);
    }
    let request = || Request::get("/console").body(Body::empty()).unwrap();
    let refused = answered(api.clone().oneshot(request()).await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["type"], "urn:pilothouse:problem:too-many-consoles");
    attached.pop();
    Lines::open(&api).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_changes_there_is_a_sign_of_life() {
    let harness = Harness::new();
    let mut lines = Lines::open(&api(&harness)).await;
    lines.next().await;
    lines.next().await;
    let waited = tokio::time::timeout(Duration::from_secs(11), lines.next()).await;
    assert_eq!(waited.as_deref(), Ok(""));
}

#[test]
fn everything_that_goes_over_the_line_comes_back_as_it_was() {
    let chat = Chat::with_person("+15551112222".parse().unwrap());
    let number = "+15551112222".parse().unwrap();
    let requests = [
        Asked::Send { chat: chat.clone(), text: "Hola".into(), options: SendOptions::default() },
        Asked::Cancel { id: "3EB0".into() },
        Asked::SetLinking(Linking::default()),
        Asked::RestartBridge,
        Asked::TakeOver,
        Asked::ConfirmPasskey { same: true },
        Asked::RequestCode(number),
        Asked::LogOut { local: true },
    ];
    for request in requests {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Asked>(&text).unwrap(), request, "{text}");
        assert!(text.starts_with('{'), "{text}");
    }
    let snapshot = Snapshot::new(Timestamp::from_millis(1_790_000_000_000));
    let update = Update::Snapshot(Box::new(snapshot));
    assert_eq!(serde_json::from_str::<Update>(&serde_json::to_string(&update).unwrap()).unwrap(), update);
}
