//! Programs that follow events, over the death of everything.

use std::collections::BTreeSet;

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::support::{Gateway, Place, within};

/// A program that follows events, and writes down what it was told.
#[derive(Default)]
struct Follower {
    events: Vec<(u64, Value)>,
}

/// One stream of it.
struct Stream {
    body: Body,
    text: String,
}

impl Follower {
    /// Comes back to where it was.
    async fn connect(&self, gateway: &Gateway) -> Stream {
        let request = Request::get(format!("http://{}/events?after=0", gateway.address))
            .header("authorization", format!("Bearer {}", gateway.token));
        let request = match self.events.last() {
            Some((last, _)) => request.header("last-event-id", last.to_string()),
            None => request,
        };
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let response = within("the stream", client.request(request.body(Empty::new()).unwrap())).await.unwrap();
        assert_eq!(response.status(), 200);
        Stream { body: Body::new(response.into_body()), text: String::new() }
    }

    /// Reads until it knows enough.
    async fn read(&mut self, stream: &mut Stream, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let event = within("an event", stream.event()).await.expect("the stream is open");
            self.take(event);
        }
    }

    /// Reads what comes until the stream breaks.
    async fn read_to_the_end(&mut self, mut stream: Stream) {
        while let Some(event) = within("the end", stream.event()).await {
            self.take(event);
        }
    }

    fn take(&mut self, event: Value) {
        // What has no id is not told again, and counts for nothing.
        if let Some(id) = event["id"].as_u64() {
            self.events.push((id, event));
        }
    }

    fn texts(&self) -> Vec<&str> {
        let received = self.events.iter().filter(|(_, event)| event["type"] == "message.received");
        received.map(|(_, event)| event["data"]["text"].as_str().unwrap()).collect()
    }
}

impl Stream {
    /// The next event; none: the stream has ended or broken.
    async fn event(&mut self) -> Option<Value> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let data = block.lines().find_map(|line| line.strip_prefix("data: "));
                let event = data.map(|data| serde_json::from_str(data).unwrap());
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let bytes = self.body.frame().await?.ok()?.into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_misses_nothing_and_is_told_nothing_twice_when_all_is_killed() {
    let place = Place::new().await;
    let mut follower = Follower::default();
    let gateway = Gateway::start(&place, &[]).await;
    let mut stream = follower.connect(&gateway).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let mut sent = 0;
    for n in 0..20 {
        ana.send_text(&format!("{n}")).await.unwrap();
        sent += 1;
    }
    follower.read(&mut stream, |f| f.texts().len() >= 5).await;
    gateway.kill().await;
    // What was on its way when everything died is read as far as it came.
    follower.read_to_the_end(stream).await;

    // What comes while nobody follows.
    let gateway = Gateway::start(&place, &[]).await;
    for n in 20..40 {
        ana.send_text(&format!("{n}")).await.unwrap();
        sent += 1;
    }
    let answer = gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "hi"})).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let id = answer.json["id"].clone();
    let mut stream = follower.connect(&gateway).await;
    let is_sent = |event: &Value| event["data"]["id"] == id && event["data"]["state"] == "sent";
    follower.read(&mut stream, |f| f.texts().len() >= sent && f.events.iter().any(|(_, event)| is_sent(event))).await;
    assert!(gateway.end().await.success());
    follower.read_to_the_end(stream).await;

    let ids: Vec<_> = follower.events.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "each number once, and in order");
    let texts: BTreeSet<_> = follower.texts().into_iter().map(str::to_owned).collect();
    assert_eq!((follower.texts().len(), texts.len()), (sent, sent));
    let kinds: BTreeSet<_> = follower.events.iter().map(|(_, event)| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connection.changed", "message.received", "message.status"].into());
    let all = follower.events.iter().map(|(_, event)| event.to_string()).collect::<String>();
    assert!(follower.events.iter().all(|(_, event)| event["version"] == 1 && event["time"].is_string()));
    assert!(!all.contains("\"qr\""), "no secret is in any event");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_follow_at_once_where_the_system_gives_few_files_until_one_asks() {
    let place = Place::bare().await;
    let wrap = ["sh", "-c", "ulimit -Sn 64; exec \"$0\" \"$@\""];
    let gateway = Gateway::start_under(&place, &wrap, &["--bridge", "/bin/cat"]).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(Follower::default().connect(&gateway).await);
    }
    // It says how the bridge comes and goes.
    for stream in &mut streams {
        assert_eq!(within("an event", stream.event()).await.unwrap()["type"], "connection.changed");
    }
    assert_eq!(gateway.get("/health").await.status, 200);
    // Consoles and whoever asks are told of them with the next sample.
    gateway.until(|status| status["host"]["event_streams"]["open"] == 100).await;
    drop(streams);
    assert!(gateway.end().await.success());
}
