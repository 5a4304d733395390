//! Streams over an engine with a real store, by the router and over real connections.

use axum::Router;
use axum::http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tower::ServiceExt;

use super::super::tests::{bearer, tokens};
use super::super::{ApiStats, KeysInUse, LookUps, Shared, Web, router, serve};
use super::*;
use crate::engine::harness::Harness;

/// An API over an engine, and how to end it.
struct Place {
    harness: Harness,
    events: Arc<Events>,
    stop: watch::Sender<bool>,
}

/// What a client reads.
struct Client {
    body: Body,
    text: String,
    /// Where it is told that it begins.
    begins_at: Option<u64>,
}

/// The id of an event as the client keeps it, and the event.
type Told = (Option<u64>, Value);

impl Place {
    async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let (events, stop) = (Arc::new(Events::with(limits)), watch::Sender::new(false));
        Self { harness: Harness::connected().await, events, stop }
    }

    fn api(&self) -> Api {
        Shared {
            web: Arc::new(Web::new("127.0.0.1:7007".parse().unwrap(), vec![], vec![])),
            guard: Arc::new(crate::access::Guard::open(tokens()).unwrap()),
            engine: self.harness.handle.clone(),
            clock: self.harness.clock,
            stats: Arc::new(ApiStats::default()),
            settings: super::super::tests::settings(),
            keys: KeysInUse::default(),
            consoles: super::super::Consoles::new(crate::telemetry::Ring::new(self.harness.clock)),
            look_ups: LookUps::default(),
            status: Default::default(),
            bodies: Default::default(),
            webhooks: crate::webhooks::Webhooks::new(self.harness.handle.clone(), self.harness.clock, false),
            events: Arc::clone(&self.events),
            shutdown: self.stop.subscribe(),
        }
        .into()
    }

    fn router(&self) -> Router {
        router(self.api())
    }

    async fn ask(&self, query: &str, last: Option<u64>) -> Response {
        let mut request = Request::get(format!("/events{query}")).header(header::AUTHORIZATION, bearer());
        request = request.header(header::HOST, "localhost");
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        self.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// A client whose stream is open.
    async fn open(&self, query: &str, last: Option<u64>) -> Client {
        let response = self.ask(query, last).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        Client::new(response.into_body()).await
    }

    /// Ana writes in a chat.
    async fn message(&self, id: &str, chat: &str, body: &str) {
        let told = json!({
            "type": "message", "from": "+15551112222", "body": body, "messageId": id,
            "chat": {"kind": "group", "id": chat},
        });
        self.harness.says(&told.to_string()).await;
    }

    /// The number of the last event.
    async fn last(&self) -> u64 {
        self.harness.handle.journal().head().await.unwrap()
    }

    /// Writes to the database behind the program's back.
    fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.harness.folder().join("pilothouse.db")).unwrap().execute_batch(sql).unwrap();
    }
}

impl Client {
    /// The first that it is told is when to come back.
    async fn new(body: Body) -> Self {
        let mut client = Self { body, text: String::new(), begins_at: None };
        let opening = client.block().await.unwrap();
        let (retry, id) = opening.split_once('\n').unwrap_or((&opening, ""));
        assert_eq!(retry, "retry: 2000");
        client.begins_at = id.strip_prefix("id: ").map(|id| id.parse().unwrap());
        client
    }

    async fn over_the_wire(address: std::net::SocketAddr, query: &str, last: Option<u64>) -> Self {
        let mut request =
            Request::get(format!("http://{address}/events{query}")).header(header::AUTHORIZATION, bearer());
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let http = Http::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>();
        let response = http.request(request.body(Empty::new()).unwrap()).await.unwrap();
        Self::new(Body::new(response.into_body())).await
    }

    /// What comes up to the next empty line; none: the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let bytes = self.body.frame().await?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn event(&mut self) -> Told {
        let block = self.block().await.expect("an event");
        let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
        let event: Value = serde_json::from_str(field("data: ").unwrap_or_else(|| panic!("{block}"))).unwrap();
        assert_eq!(field("event: "), event["type"].as_str());
        let id = field("id: ").map(|id| id.parse().unwrap());
        assert_eq!(id, event["id"].as_u64());
        (id, event)
    }

    /// The texts of the next messages.
    async fn texts(&mut self, count: usize) -> Vec<(u64, String)> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let (id, event) = self.event().await;
            texts.push((id.unwrap(), event["data"]["text"].as_str().unwrap().to_owned()));
        }
        texts
    }
}

fn kind(event: &Told) -> &str {
    event.1["type"].as_str().unwrap()
}

#[tokio::test]
async fn it_begins_at_the_end_or_at_the_oldest_or_after_the_event_that_is_named() {
    let place = Place::new().await;
    let last = place.last().await;
    let mut now = place.open("", None).await;
    assert_eq!(now.begins_at, Some(last), "who is cut off now knows where to come back to");
    place.message("1", "a@g.us", "one").await;
    assert_eq!(now.texts(1).await, [(last + 1, "one".to_owned())]);
    place.message("2", "a@g.us", "two").await;
    assert_eq!(now.texts(1).await, [(last + 2, "two".to_owned())]);
    let mut all = place.open("?after=0", None).await;
    let (id, event) = all.event().await;
    assert_eq!((id, &event["type"], &event["version"]), (Some(1), &json!("connection.changed"), &json!(1)));
    for id in 2..=last + 2 {
        assert_eq!(all.event().await.0, Some(id));
    }
    let mut named = place.open("?after=0", Some(last + 1)).await;
    assert_eq!(named.texts(1).await, [(last + 2, "two".to_owned())]);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed_once_and_in_order() {
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, None, place.api(), Default::default()));
    let (mut seen, mut last, mut sent) = (Vec::new(), place.last().await, 0);
    for round in 0..5 {
        let mut client = Client::over_the_wire(address, "", Some(last)).await;
        for _ in 0..20 {
            place.message(&format!("{sent}"), "a@g.us", &format!("{sent}")).await;
            sent += 1;
        }
        // It goes in the middle, with some of it told and some not.
        for (id, text) in client.texts(5 + round * 3).await {
            assert_eq!(id, last + 1);
            last = id;
            seen.push(text);
        }
    }
    let mut client = Client::over_the_wire(address, "", Some(last)).await;
    seen.extend(client.texts(sent - seen.len()).await.into_iter().map(|(_, text)| text));
    assert_eq!(seen, (0..sent).map(|n| n.to_string()).collect::<Vec<_>>());
    drop(client);
    place.stop.send_replace(true);
    serving.await.unwrap();
}

#[tokio::test]
async fn how_far_the_slowest_stream_is_behind_is_known() {
    let place = Place::new().await;
    assert_eq!(place.events.worst_lag(), 0);
    let mut quick = place.open("?type=message.*", None).await;
    let mut slow = place.open("?type=link.qr", None).await;
    for n in 0..3 {
        place.message(&format!("{n}"), "a@g.us", "x").await;
    }
    quick.texts(3).await;
    assert_eq!(place.events.worst_lag(), 3, "it has looked at none of them");
    let reading = tokio::time::timeout(std::time::Duration::ZERO, slow.block()).await;
    assert!(reading.is_err(), "none of them is for it");
    assert_eq!(place.events.worst_lag(), 0, "and it knows that now");
    place.message("last", "a@g.us", "x").await;
    quick.texts(1).await;
    assert_eq!(place.events.worst_lag(), 1);
    drop(slow);
    assert_eq!((place.events.worst_lag(), place.events.streams()), (0, 1));
}

#[tokio::test]
async fn an_open_stream_ends_with_the_process_and_says_when_to_come_back() {
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, None, place.api(), Default::default()));
    let mut client = Client::over_the_wire(address, "", None).await;
    place.stop.send_replace(true);
    assert_eq!(client.block().await.as_deref(), Some(": the gateway is stopping\nretry: 2000"));
    assert_eq!(client.block().await, None, "in order, not cut off");
    serving.await.unwrap();
}

#[tokio::test]
async fn only_what_is_wanted_is_told_and_the_rest_moves_the_place_to_come_back_to() {
    let limits = Limits { keep_alive: Duration::from_millis(10), ..Limits::default() };
    let place = Place::with(limits).await;
    let last = place.last().await;
    let mut client = place.open("?type=message.received&chat=a@g.us", None).await;
    assert_eq!(client.block().await.as_deref(), Some(": keep-alive"));
    place.message("1", "b@g.us", "another chat").await;
    let moved = format!(": keep-alive\nid: {}", last + 1);
    let mut found = false;
    for _ in 0..1_000 {
        found |= client.block().await.unwrap() == moved;
        if found {
            break;
        }
    }
    assert!(found, "it is told where to come back to");
    place.message("2", "a@g.us", "wanted").await;
    let wanted = loop {
        let block = client.block().await.unwrap();
        if !block.starts_with(": keep-alive") {
            break block;
        }
    };
    assert!(wanted.contains(r#""text":"wanted""#), "{wanted}");
}

#[tokio::test]
async fn a_filter_finds_what_is_far_back() {
    let place = Place::new().await;
    let mut end = place.open("", None).await;
    for n in 0..300 {
        place.message(&format!("{n}"), if n % 100 == 7 { "a@g.us" } else { "b@g.us" }, &format!("{n}")).await;
    }
    end.texts(300).await;
    let mut client = place.open("?after=0&chat=a@g.us", None).await;
    let texts: Vec<_> = client.texts(3).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["7", "107", "207"]);
}

#[tokio::test]
async fn what_retention_has_taken_is_told_by_a_gap() {
    let place = Place::new().await;
    let mut end = place.open("", None).await;
    for n in 0..10 {
        place.message(&format!("{n}"), "a@g.us", &format!("{n}")).await;
    }
    let last = end.texts(10).await[9].0;
    place.sql(&format!("DELETE FROM journal WHERE seq < {}", last - 1));
    let mut client = place.open("?chat=b@g.us,a@g.us", Some(1)).await;
    let gap = client.event().await;
    assert_eq!((kind(&gap), gap.0), ("gap", Some(last - 2)));
    assert_eq!(gap.1["data"], json!({"after": 1, "upto": last - 2, "reason": "retention"}));
    assert_eq!(client.texts(2).await, [(last - 1, "8".to_owned()), (last, "9".to_owned())]);
    // With the gap's id there is none.
    assert_eq!(place.open("", Some(last - 2)).await.texts(1).await[0].0, last - 1);
    // Also when nothing at all is left.
    place.sql("DELETE FROM journal");
    let mut client = place.open("?after=0", None).await;
    assert_eq!(client.event().await.1["data"], json!({"after": 0, "upto": last, "reason": "retention"}));
    place.message("new", "a@g.us", "new").await;
    assert_eq!(client.texts(1).await, [(last + 1, "new".to_owned())]);
}

#[tokio::test]
async fn an_id_that_was_never_given_is_a_gap_and_goes_on_at_the_end() {
    let place = Place::new().await;
    let last = place.last().await;
    let mut client = place.open("", Some(last + 1_000)).await;
    let gap = client.event().await;
    assert_eq!((gap.0, gap.1["data"]["reason"].as_str()), (Some(last), Some("reset")));
    place.message("1", "a@g.us", "one").await;
    assert_eq!(client.texts(1).await, [(last + 1, "one".to_owned())]);
    assert_eq!(place.open("", Some(u64::MAX)).await.event().await.0, Some(last + 1));
}

#[tokio::test]
async fn that_there_is_something_to_link_with_is_told_live_and_without_its_secret() {
    let place = Place::new().await;
    let mut before = place.open("?type=link.*", None).await;
    let mut others = place.open("?type=connection.changed", None).await;
    place.harness.says(r#"{"type":"qr","qr":"SECRET"}"#).await;
    let event = before.event().await;
    assert_eq!((kind(&event), event.0), ("link.qr", None));
    assert!(event.1["data"]["expires_at"].is_string() && !event.1.to_string().contains("SECRET"));
    let mut later = place.open("?type=link.qr", None).await;
    assert_eq!(later.event().await.1["data"], event.1["data"], "who comes later is told what there is");
    place.harness.says(r#"{"type":"pairing_code","code":"SECRET"}"#).await;
    assert_eq!(kind(&before.event().await), "link.pairing_code");
    place.harness.says(r#"{"type":"passkey","options":{"challenge":"SECRET"},"snippet":"SECRET"}"#).await;
    let event = before.event().await;
    assert!(kind(&event) == "link.passkey" && !event.1.to_string().contains("SECRET"));
    place.harness.says(r#"{"type":"passkey_code","code":"SECRET","confirm":true}"#).await;
    assert_eq!(kind(&before.event().await), "link.passkey_code");
    place.harness.says(r#"{"type":"connection","state":"open","account":{"phone":"+15550009999"}}"#).await;
    let mut states = vec![];
    while states.len() < 3 {
        states.push(others.event().await.1["data"]["state"].clone());
    }
    assert_eq!(states, ["linking", "passkey", "open"]);
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_its_place_is_free_again_when_one_goes() {
    let place = Place::with(Limits { streams: 2, ..Limits::default() }).await;
    let first = place.open("", None).await;
    let _second = place.open("", None).await;
    let refused = place.ask("", None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(place.events.streams(), 2);
    drop(first);
    place.open("", None).await;
    for query in ["?after=x", "?type=nothing", "?chat=ana", "?since=3"] {
        assert!(place.ask(query, None).await.status().is_client_error(), "{query}");
    }
    assert_eq!(place.events.streams(), 1, "a request that is refused takes no place");
}

#[tokio::test]
async fn without_a_stream_nothing_is_followed_and_the_next_one_is_as_the_first() {
    let place = Place::new().await;
    let followed = || *place.events.followed.lock().unwrap();
    assert!(!followed());
    let client = place.open("", None).await;
    assert!(followed());
    drop(client);
    while followed() {
        tokio::task::yield_now().await;
    }
    let mut client = place.open("", None).await;
    place.message("1", "a@g.us", "one").await;
    assert_eq!(client.texts(1).await[0].1, "one");
}

#[tokio::test]
async fn a_piece_that_is_not_taken_is_the_only_one_and_ends_the_stream_in_time() {
    let place = Place::with(Limits { patience: Duration::from_millis(20), ..Limits::default() }).await;
    let mut body = place.ask("?after=0", None).await.into_body();
    let opening = body.frame().await.unwrap().unwrap().into_data().unwrap();
    drop(opening);
    let held = body.frame().await.unwrap().unwrap().into_data().unwrap();
    place.message("1", "a@g.us", "one").await;
    assert!(body.frame().await.unwrap().is_err(), "no second piece while one is held");
    drop(held);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_client_that_never_reads_holds_nobody_up() {
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, None, place.api(), Default::default()));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut deaf = socket.connect(address).await.unwrap();
    let request = format!("GET /events HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n", bearer());
    deaf.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    deaf.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let mut client = Client::over_the_wire(address, "", None).await;
    let (text, count) = ("x".repeat(60_000), 200);
    for n in 0..count {
        place.message(&format!("{n}"), "a@g.us", &text).await;
        assert_eq!(client.texts(1).await[0].1.len(), text.len());
    }
    assert_eq!(place.events.streams(), 2, "it is waited for");
    drop(deaf);
    while place.events.streams() > 1 {
        tokio::task::yield_now().await;
    }
    drop(client);
    place.stop.send_replace(true);
    serving.await.unwrap();
}
