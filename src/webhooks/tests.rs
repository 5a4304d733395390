//! Webhooks over an engine with a real store and real receivers on loopback.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, State as Held};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::engine::harness::Harness;
use crate::state::{Secret, WebhookState, event_text};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A header that tells how long the answer's body is.
const BODY: &str = "x-body";

/// A header of answers that wait until they are let go.
const HELD: &str = "x-held";

/// A receiver that answers as it is told: in this order, and then always 204.
struct Receiver {
    address: SocketAddr,
    received: mpsc::Receiver<Received>,
    answers: Answers,
    let_go: Arc<Semaphore>,
}

type Answers = Arc<Mutex<VecDeque<Answer>>>;

/// Status, header and what it leads to; none: it never answers.
type Answer = Option<(u16, &'static str, String)>;

/// What came.
struct Received {
    from: SocketAddr,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        self.event()["data"]["text"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Clone)]
struct Receiving {
    received: mpsc::Sender<Received>,
    answers: Answers,
    let_go: Arc<Semaphore>,
}

async fn receive(
    Held(receiving): Held<Receiving>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.to_string();
    receiving.received.send(Received { from, path, headers, body }).await.unwrap();
    let answer = receiving.answers.lock().unwrap().pop_front();
    match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(None) => std::future::pending().await,
        Some(Some((status, name, value))) => {
            if name == HELD {
                receiving.let_go.acquire().await.unwrap().forget();
            }
            let body = if name == BODY { "x".repeat(value.parse().unwrap()) } else { "what it says".to_owned() };
            (StatusCode::from_u16(status).unwrap(), [(name, value)], body).into_response()
        }
    }
}

impl Receiver {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::channel(1_024);
        let answers = Answers::default();
        let let_go = Arc::new(Semaphore::new(0));
        let receiving = Receiving { received: sender, answers: Arc::clone(&answers), let_go: Arc::clone(&let_go) };
        let router = Router::new().fallback(receive).with_state(receiving);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, received, answers, let_go }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?x=1", self.address)
    }

    /// Answers so next.
    fn answers(&self, status: u16) {
        self.answers.lock().unwrap().push_back(Some((status, header::SERVER.as_str(), "test".to_owned())));
    }

    async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }

    async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.next().await.text());
        }
        texts
    }
}

fn described(name: &str, url: String) -> Description {
    Description {
        name: name.to_owned(),
        url: Some(url.into()),
        secret: Some(KEY.to_owned().into()),
        types: vec!["message.received".to_owned()],
        chats: vec![],
    }
}

fn webhooks(harness: &Harness) -> Webhooks {
    Webhooks::new(harness.handle.clone(), harness.clock, true)
}

/// Ana writes.
async fn message(harness: &Harness, text: &str) {
    let chat = json!({"kind": "group", "id": if text.contains("other") { "2@g.us" } else { "1@g.us" }});
    let told = json!({"type": "message", "from": "+15551112222", "body": text, "messageId": text, "chat": chat});
    harness.says(&told.to_string()).await;
}

/// Waits until a webhook is as wanted, as consoles see it.
async fn until(harness: &Harness, wanted: impl Fn(&[crate::state::WebhookView]) -> bool) {
    harness.until(|snapshot| wanted(&snapshot.webhooks)).await;
}

/// Waits until a webhook is in this state.
async fn until_state(harness: &Harness, state: WebhookState) {
    until(harness, |views| views.first().is_some_and(|view| view.state == state)).await;
}

#[tokio::test]
async fn events_come_in_order_with_the_body_of_the_stream_and_a_signature() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    let (made, key) = webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    assert_eq!((made.view.state, key.as_ref().map(Secret::reveal)), (WebhookState::Going, Some(KEY)));
    for n in 0..300 {
        message(&harness, &n.to_string()).await;
    }
    let (mut seen, mut connections) = (Vec::new(), BTreeSet::new());
    for n in 0..300 {
        let one = receiver.next().await;
        assert_eq!((one.text(), one.path.as_str()), (n.to_string(), "/hook?x=1"));
        assert_eq!(one.headers[header::CONTENT_TYPE], "application/json");
        let seconds: i64 = one.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let at = crate::clock::Timestamp::from_millis(seconds * 1_000);
        let signature = signature_header(&[SigningKey::parse(KEY).unwrap()], one.id(), at, &one.body);
        assert_eq!(one.headers["webhook-signature"], signature.as_str());
        connections.insert(one.from);
        seen.push((one.id().to_owned(), one.body));
    }
    assert_eq!(connections.len(), 1, "the connection is kept");
    let rows = harness.handle.journal().after(0, 1_000, usize::MAX).await.unwrap().rows;
    let rows = rows.iter().filter(|row| row.kind == "message.received");
    let wanted: Vec<_> = rows
        .map(|row| {
            let id = format!("evt_{}_{}", row.seq, row.at.as_millis());
            (id, Bytes::from(event_text(row.seq, &row.kind, row.version, row.at, &row.payload)))
        })
        .collect();
    assert_eq!(seen, wanted);
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn only_what_is_wanted_comes_and_a_changed_filter_goes_on_at_the_same_place() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    let description = Description { chats: vec!["1@g.us".to_owned()], ..described("crm", receiver.url()) };
    webhooks.create(description, None).await.unwrap();
    for text in ["1", "other 2", "3"] {
        message(&harness, text).await;
    }
    assert_eq!(receiver.texts(2).await, ["1", "3"]);
    let patch = Patch { chats: Some(vec!["2@g.us".to_owned()]), ..Patch::default() };
    let (changed, key) = webhooks.change("crm".to_owned(), patch).await.unwrap();
    assert_eq!((changed.chats, key), (vec!["2@g.us".into()], None));
    for text in ["4", "other 5"] {
        message(&harness, text).await;
    }
    assert_eq!(receiver.texts(1).await, ["other 5"]);
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn what_fails_is_shown_and_goes_on_where_it_was_when_it_is_asked_to() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    receiver.answers(503);
    for text in ["1", "2"] {
        message(&harness, text).await;
    }
    let first = receiver.next().await;
    until_state(&harness, WebhookState::Retrying).await;
    let shown = webhooks.get("crm").unwrap();
    assert_eq!(shown.view.why.as_deref(), Some("it answered 503"));
    assert!(shown.view.retry_at.is_some() && shown.view.waiting_since.is_some() && shown.view.behind >= 1);
    assert_eq!((shown.failures, shown.failed, shown.delivered), (1, 1, 0));
    webhooks.replay("crm".to_owned(), None).await.unwrap();
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.body, again.text().as_str()), (first.id(), &first.body, "1"));
    assert_eq!(receiver.texts(1).await, ["2"]);
    until(&harness, |views| views[0].state == WebhookState::Going && views[0].behind == 0).await;
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn a_console_has_one_go_on_by_its_name() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    receiver.answers(410);
    message(&harness, "1").await;
    receiver.next().await;
    until_state(&harness, WebhookState::Parked).await;
    let (names, asked) = mpsc::channel(4);
    let resuming = tokio::spawn(webhooks.clone().resume_as_asked(asked));
    names.send("nobody".into()).await.unwrap();
    names.send("crm".into()).await.unwrap();
    assert_eq!(receiver.texts(1).await, ["1"]);
    until_state(&harness, WebhookState::Going).await;
    drop(names);
    resuming.await.unwrap();
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn one_that_answers_410_is_parked_at_once_and_replayed_on_demand() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    let (made, _) = webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    message(&harness, "1").await;
    let first = receiver.next().await.id().to_owned();
    receiver.answers(410);
    message(&harness, "2").await;
    let second = receiver.next().await.id().to_owned();
    until_state(&harness, WebhookState::Parked).await;
    message(&harness, "3").await;
    until(&harness, |views| views[0].behind >= 2).await;
    let shown = webhooks.get("crm").unwrap();
    assert!(shown.parked_at.is_some() && shown.view.why.unwrap().contains("410"));
    let beyond = webhooks.replay("crm".to_owned(), Some(shown.cursor + 1)).await;
    assert_eq!(beyond.unwrap_err(), WebhookError::NotThere(shown.cursor));
    webhooks.replay("crm".to_owned(), Some(made.cursor)).await.unwrap();
    assert_eq!([receiver.next().await.id(), receiver.next().await.id()], [first, second], "the same ids");
    assert_eq!(receiver.texts(1).await, ["3"]);
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (harness, mut receiver, mut other) = (Harness::connected().await, Receiver::new().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    for status in [302, 307] {
        receiver.answers.lock().unwrap().push_back(Some((status, header::LOCATION.as_str(), other.url())));
        message(&harness, &status.to_string()).await;
        receiver.next().await;
        until_state(&harness, WebhookState::Retrying).await;
        assert!(webhooks.get("crm").unwrap().view.why.unwrap().contains("redirects are not followed"));
        webhooks.replay("crm".to_owned(), None).await.unwrap();
        receiver.next().await;
        until_state(&harness, WebhookState::Going).await;
    }
    assert!(other.received.try_recv().is_err());
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn an_address_within_the_network_is_not_connected_to_by_number_or_by_name() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = Webhooks::new(harness.handle.clone(), harness.clock, false);
    let refused = webhooks.create(described("crm", receiver.url()), None).await;
    assert_eq!(refused.err(), Some(WebhookError::Wrong(DefinitionError::Private)));
    let by_name = format!("http://localhost:{}/hook", receiver.address.port());
    webhooks.create(described("crm", by_name), None).await.unwrap();
    message(&harness, "1").await;
    until_state(&harness, WebhookState::Retrying).await;
    let why = webhooks.get("crm").unwrap().view.why.unwrap();
    assert!(why.contains("private network") && why.contains("webhooks_allow_private"), "{why}");
    let tried = webhooks.test("crm").await.unwrap();
    assert_eq!((tried.delivered, tried.why), (false, Some(why)));
    assert!(receiver.received.try_recv().is_err());
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn what_retention_has_taken_is_told_by_a_gap() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    for text in ["1", "2", "3"] {
        message(&harness, text).await;
    }
    harness.until(|snapshot| snapshot.counters.messages_received == 3).await;
    let last = harness.handle.journal().head().await.unwrap();
    let database = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    database.execute("DELETE FROM journal WHERE seq < ?1", [i64::try_from(last).unwrap()]).unwrap();
    webhooks.create(described("crm", receiver.url()), Some(1)).await.unwrap();
    let gap = receiver.next().await;
    assert_eq!(gap.id(), format!("gap_1_{}", last - 1));
    assert_eq!(gap.event()["data"], json!({"after": 1, "upto": last - 1, "reason": "retention"}));
    assert_eq!(receiver.texts(1).await, ["3"]);
    let beyond = webhooks.create(described("later", receiver.url()), Some(last + 1)).await;
    assert_eq!(beyond.err(), Some(WebhookError::NotThere(last)));
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn it_goes_on_after_a_restart_where_it_was() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let first = webhooks(&harness);
    first.create(described("crm", receiver.url()), None).await.unwrap();
    message(&harness, "1").await;
    assert_eq!(receiver.texts(1).await, ["1"]);
    receiver.answers(503);
    message(&harness, "2").await;
    receiver.next().await;
    until_state(&harness, WebhookState::Retrying).await;
    first.stop().await;
    let before = first.get("crm").unwrap();

    let harness = harness.again().await;
    let second = webhooks(&harness);
    second.start(&[], harness.reader().webhooks().unwrap()).await.unwrap();
    let after = second.get("crm").unwrap();
    let what = |one: &Described| (one.url.clone(), one.cursor, one.view.state, one.view.retry_at, one.origin);
    assert_eq!(what(&after), what(&before));
    let waiting = |view: &crate::state::WebhookView| view.waiting_since == before.view.waiting_since;
    until(&harness, |views| views.first().is_some_and(waiting)).await;
    second.replay("crm".to_owned(), None).await.unwrap();
    assert_eq!(receiver.texts(1).await, ["2"]);
    second.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn one_that_never_answers_holds_up_no_other() {
    let (harness, mut deaf, mut receiver) = (Harness::connected().await, Receiver::new().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    deaf.answers.lock().unwrap().push_back(None);
    webhooks.create(described("a", deaf.url()), None).await.unwrap();
    webhooks.create(described("b", receiver.url()), None).await.unwrap();
    for n in 0..200 {
        message(&harness, &n.to_string()).await;
    }
    assert_eq!(receiver.texts(200).await, (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(deaf.texts(1).await, ["0"]);
    assert!(deaf.received.try_recv().is_err(), "one at a time");
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn one_that_takes_too_long_has_failed() {
    let (harness, receiver) = (Harness::connected().await, Receiver::new().await);
    let limits = Limits { answer: Duration::from_millis(20), ..Limits::default() };
    let webhooks = Webhooks::with(harness.handle.clone(), harness.clock, Network::new(true, limits));
    receiver.answers.lock().unwrap().push_back(None);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    message(&harness, "1").await;
    until_state(&harness, WebhookState::Retrying).await;
    let why = webhooks.get("crm").unwrap().view.why.unwrap();
    assert!(why.contains("did not answer"), "{why}");
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn what_is_under_way_arrives_before_it_is_stopped() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let limits = Limits { last: Duration::from_secs(60), ..Limits::default() };
    let webhooks = Webhooks::with(harness.handle.clone(), harness.clock, Network::new(true, limits));
    receiver.answers.lock().unwrap().push_back(Some((200, HELD, String::new())));
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    for text in ["1", "2"] {
        message(&harness, text).await;
    }
    assert_eq!(receiver.texts(1).await, ["1"]);
    let stopping = tokio::spawn({
        let webhooks = webhooks.clone();
        async move { webhooks.replay("crm".to_owned(), None).await }
    });
    while webhooks.inner.set().entries["crm"].running.is_some() {
        tokio::task::yield_now().await;
    }
    receiver.let_go.add_permits(1);
    stopping.await.unwrap().unwrap();
    assert_eq!(receiver.texts(1).await, ["2"], "the first is not told again");
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn while_its_place_cannot_be_written_no_more_is_sent_than_may_come_twice() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    receiver.answers.lock().unwrap().push_back(Some((200, HELD, String::new())));
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    let all: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    for text in &all {
        message(&harness, text).await;
    }
    harness.until(|snapshot| snapshot.counters.messages_received == 100).await;
    let mut texts = receiver.texts(1).await;
    let other = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    receiver.let_go.add_permits(1);
    harness.until(|snapshot| snapshot.store.state == crate::state::StoreState::Failing).await;
    let most = usize::try_from(runner::SAVE_EVERY).unwrap();
    texts.extend(receiver.texts(most - 1).await);
    assert!(receiver.received.try_recv().is_err());
    other.execute_batch("ROLLBACK").unwrap();
    texts.extend(receiver.texts(100 - most).await);
    assert_eq!(texts, all);
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn a_connection_that_is_of_no_more_use_is_no_failure() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    // It is closed by the receiver, is dropped since there is too much to read, and is kept.
    for (name, value) in [("connection", "close"), (BODY, "100000"), (BODY, "4000")] {
        receiver.answers.lock().unwrap().push_back(Some((200, name, value.to_owned())));
    }
    let mut connections = Vec::new();
    for n in 0..4 {
        message(&harness, &n.to_string()).await;
        let one = receiver.next().await;
        assert_eq!(one.text(), n.to_string());
        connections.push(one.from);
    }
    let different: BTreeSet<_> = connections.iter().collect();
    assert!(different.len() == 3 && connections[2] == connections[3], "{connections:?}");
    until(&harness, |views| views.first().is_some_and(|view| view.behind == 0)).await;
    assert_eq!(webhooks.get("crm").unwrap().failed, 0);
    webhooks.stop().await;
    harness.end().await;
}

/// Ends all tasks as a kill would: nothing more is saved.
fn kill(webhooks: &Webhooks) {
    let mut set = webhooks.inner.set();
    set.stopping = true;
    for running in set.entries.values_mut().filter_map(|entry| entry.running.take()) {
        running.task.abort();
    }
}

#[tokio::test]
async fn whatever_fails_and_whenever_it_dies_all_comes_in_order_at_least_once() {
    const EVENTS: usize = 100;
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
        let mut hooks = webhooks(&harness);
        hooks.create(described("crm", receiver.url()), None).await.unwrap();
        let all: Vec<_> = (0..EVENTS).map(|n| n.to_string()).collect();
        for text in &all {
            message(&harness, text).await;
        }
        let mut firsts = Vec::<String>::new();
        while firsts.len() < EVENTS {
            let Ok(one) = receiver.received.try_recv() else {
                if hooks.list()[0].view.state != WebhookState::Going {
                    hooks.replay("crm".to_owned(), None).await.unwrap();
                }
                tokio::task::yield_now().await;
                continue;
            };
            let text = one.text();
            if !firsts.contains(&text) {
                firsts.push(text);
            }
            // Only when something came: else nothing ever would.
            match random.u8(0..100) {
                0..20 => receiver.answers([503, 410, 302, 500][random.usize(0..4)]),
                20..25 => {
                    kill(&hooks);
                    hooks = webhooks(&harness);
                    hooks.start(&[], harness.reader().webhooks().unwrap()).await.unwrap();
                }
                _ => {}
            }
        }
        assert_eq!(firsts, all, "seed {seed}");
        hooks.stop().await;
        harness.end().await;
    }
}

#[tokio::test]
async fn a_test_is_signed_and_changes_nothing() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    let cursor = webhooks.get("crm").unwrap().cursor;
    assert!(webhooks.test("crm").await.unwrap().delivered);
    let one = receiver.next().await;
    assert_eq!((&one.event()["type"], &one.event()["id"]), (&json!("webhook.test"), &Value::Null));
    assert!(one.headers.contains_key("webhook-signature"));
    receiver.answers(404);
    let tried = webhooks.test("crm").await.unwrap();
    assert!(!tried.delivered && tried.why.unwrap().contains("404"));
    let shown = webhooks.get("crm").unwrap();
    assert_eq!((shown.cursor, shown.view.state), (cursor, WebhookState::Going));
    assert_eq!(webhooks.test("nobody").await, Err(WebhookError::NoSuchWebhook));
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn a_key_is_replaced_without_a_message_that_neither_knows() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    webhooks.create(described("crm", receiver.url()), None).await.unwrap();
    let patch = Patch { secret: Some(None), ..Patch::default() };
    let (_, key) = webhooks.change("crm".to_owned(), patch).await.unwrap();
    let keys = [key.unwrap().reveal().to_owned(), KEY.to_owned()].map(|key| SigningKey::parse(&key).unwrap());
    message(&harness, "1").await;
    let one = receiver.next().await;
    let seconds: i64 = one.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
    let at = crate::clock::Timestamp::from_millis(seconds * 1_000);
    assert_eq!(one.headers["webhook-signature"], signature_header(&keys, one.id(), at, &one.body).as_str());
    webhooks.stop().await;
    harness.end().await;
}

#[tokio::test]
async fn a_deleted_one_is_gone_from_the_disk_and_from_the_screen_and_nothing_follows() {
    let (harness, receiver) = (Harness::connected().await, Receiver::new().await);
    let webhooks = webhooks(&harness);
    let followed = || webhooks.inner.set().followed;
    assert!(!followed());
    webhooks.create(Description { name: String::new(), ..described("", receiver.url()) }, None).await.unwrap();
    let name = webhooks.list()[0].view.name.to_string();
    assert!(name.starts_with("wh-") && name.len() == 11 && followed(), "{name}");
    until(&harness, |views| views.len() == 1).await;
    let twice = webhooks.create(described(&name, receiver.url()), None).await;
    assert_eq!(twice.err(), Some(WebhookError::NameTaken));
    webhooks.delete(name.clone()).await.unwrap();
    until(&harness, <[_]>::is_empty).await;
    assert!(webhooks.list().is_empty() && harness.reader().webhooks().unwrap().is_empty());
    assert_eq!(webhooks.delete(name).await, Err(WebhookError::NoSuchWebhook));
    while followed() {
        tokio::task::yield_now().await;
    }
    harness.end().await;
}

#[tokio::test]
async fn one_of_the_settings_file_keeps_its_place_and_is_changed_there_only() {
    let (harness, mut receiver) = (Harness::connected().await, Receiver::new().await);
    let file = [described("crm", receiver.url())];
    let first = webhooks(&harness);
    first.start(&file, vec![]).await.unwrap();
    first.stop().await;
    message(&harness, "1").await;
    harness.until(|snapshot| snapshot.counters.messages_received == 1).await;
    let stored = harness.reader().webhooks().unwrap();
    assert!(stored[0].definition.is_none(), "the secret is in the file only");
    let second = webhooks(&harness);
    second.start(&file, stored).await.unwrap();
    assert_eq!(receiver.texts(1).await, ["1"]);
    let name = || "crm".to_owned();
    assert_eq!(second.change(name(), Patch::default()).await.err(), Some(WebhookError::InSettings));
    assert_eq!(second.delete(name()).await, Err(WebhookError::InSettings));
    second.replay(name(), Some(0)).await.unwrap();
    assert_eq!(receiver.texts(1).await, ["1"]);
    second.stop().await;
    let third = webhooks(&harness);
    for (bad, why) in [
        (vec![Description { secret: None, ..file[0].clone() }], "secret"),
        (vec![file[0].clone(), file[0].clone()], "name"),
        (vec![described("CRM", receiver.url())], "name"),
    ] {
        let error = third.start(&bad, vec![]).await.unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains(KEY), "{error}");
    }
    harness.end().await;
}
