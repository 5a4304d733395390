//! Webhooks of the whole program: receivers that are away, programs that are killed, TLS, the settings file.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use crate::support::{Gateway, Place, within};

const ALLOWED: &[(&str, &str)] = &[("PILOTHOUSE_WEBHOOKS_ALLOW_PRIVATE", "true")];

/// A bridge that says nothing.
const NO_BRIDGE: &[&str] = &["--bridge", "/bin/cat"];

/// No more than so many events are told again after a kill.
const TOLD_AGAIN: usize = 64;

/// What a receiver got.
#[derive(Debug)]
struct Received {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Received {
    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver; it answers only as many as it is allowed to.
#[derive(Clone)]
struct Receiver {
    received: mpsc::Sender<Received>,
    allowed: Arc<Semaphore>,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let one = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    receiver.received.send(one).await.unwrap();
    receiver.allowed.acquire().await.unwrap().forget();
    StatusCode::OK
}

/// A port that nobody listens on.
async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn listen(port: u16, receiver: Receiver) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let router = Router::new().fallback(receive).with_state(receiver);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// Has messages accepted, each of which is an event.
async fn send(gateway: &Gateway, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let sent = gateway.post("/send", json!({"to": "+15551112222", "text": n.to_string()})).await;
        assert_eq!(sent.status, 202, "{}", sent.json);
    }
}

/// Takes what comes until there were so many different events.
async fn take(from: &mut mpsc::Receiver<Received>, into: &mut Vec<Received>, different: usize) {
    loop {
        let ids: BTreeSet<_> = into.iter().map(|one| one.id.as_str()).collect();
        if ids.len() >= different {
            return;
        }
        into.push(within("an event", from.recv()).await.unwrap());
    }
}

/// Has Node compute the signatures: nothing of it is shared with the program.
async fn check_signatures(key: &str, received: &[Received]) {
    const CHECK: &str = "const crypto = require('crypto');
        const { key, messages } = JSON.parse(require('fs').readFileSync(0));
        const bytes = Buffer.from(key.slice('whsec_'.length), 'base64');
        for (const [id, timestamp, body, signature] of messages) {
          const hash = crypto.createHmac('sha256', bytes).update(`${id}.${timestamp}.${body}`).digest('base64');
          if (signature !== `v1,${hash}`) throw new Error(id);
        }";
    let messages: Vec<_> = received.iter().map(|one| [&one.id, &one.timestamp, &one.body, &one.signature]).collect();
    let mut node = tokio::process::Command::new("node");
    let mut node = node.args(["-e", CHECK]).stdin(Stdio::piped()).spawn().expect("node");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(json!({ "key": key, "messages": messages }).to_string().as_bytes()).await.unwrap();
    drop(stdin);
    assert!(within("the check", node.wait()).await.unwrap().success(), "signatures are right");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_has_one_that_is_parked_go_on() {
    let place = Place::bare().await;
    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    // It wants nothing once, which parks a webhook, and everything after that.
    let (sender, mut from) = mpsc::channel(16);
    let receive = move |body: String| {
        let sender = sender.clone();
        async move {
            let first = sender.capacity() == sender.max_capacity();
            sender.send(body).await.unwrap();
            if first { StatusCode::GONE } else { StatusCode::OK }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(receive)).await });
    let made = gateway.post("/webhooks", json!({"name": "crm", "url": url, "types": ["message.status"]})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    send(&gateway, 0..1).await;
    gateway.until(|status| status["webhooks"][0]["state"] == "parked").await;

    let resume = |name: &str| gateway.post("/console/requests", json!({"request": "resume_webhook", "of": name}));
    let answer = resume("nobody").await;
    assert_eq!(answer.json["answer"], "refused", "{}", answer.json);
    let answer = resume("crm").await;
    assert_eq!(answer.json["answer"], "done", "{}", answer.json);
    gateway.until(|status| status["webhooks"][0]["state"] == "going" && status["webhooks"][0]["behind"] == 0).await;
    let [first, again] = [from.recv().await.unwrap(), from.recv().await.unwrap()];
    assert_eq!(first, again, "it goes on where it was");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_in_order_at_least_once_after_the_receiver_was_down_and_the_program_was_killed() {
    let place = Place::bare().await;
    let port = free_port().await;
    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    let url = format!("http://127.0.0.1:{port}/hook");
    let made = gateway.post("/webhooks", json!({"name": "crm", "url": url, "types": ["message.status"]})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let key = made.json["secret"].as_str().unwrap().to_owned();

    // The receiver is down, and the program dies.
    send(&gateway, 0..60).await;
    gateway.until(|status| status["webhooks"][0]["state"] == "retrying").await;
    gateway.kill().await;

    // It tries again by itself, and dies again in the midst of what it has to tell.
    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    send(&gateway, 60..200).await;
    let (sender, mut from) = mpsc::channel(4_096);
    let receiver = Receiver { received: sender, allowed: Arc::new(Semaphore::new(150)) };
    listen(port, receiver.clone()).await;
    let mut received = Vec::new();
    take(&mut from, &mut received, 151).await;
    gateway.kill().await;
    let before = received.len();
    assert_eq!(before, 151, "nothing doubles as long as nobody dies");

    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    receiver.allowed.add_permits(10_000);
    send(&gateway, 200..220).await;
    take(&mut from, &mut received, 220).await;
    gateway.until(|status| status["webhooks"][0]["behind"] == 0).await;
    assert!(from.try_recv().is_err());

    let again = received.len() - 220;
    assert!(again <= TOLD_AGAIN, "{again} were told again");
    let mut told = BTreeSet::new();
    let firsts: Vec<_> = received.iter().filter(|one| told.insert(one.id.clone())).collect();
    let texts: Vec<_> = firsts.iter().map(|one| one.event()["data"]["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, (0..220).map(|n| n.to_string()).collect::<Vec<_>>());
    for one in &received[before..] {
        let same = firsts.iter().find(|first| first.id == one.id).unwrap();
        assert_eq!(same.body, one.body, "told again with the same id and body");
    }
    check_signatures(&key, &received).await;

    // After all of it, it goes on from an earlier place on demand.
    let first = firsts[0].event()["id"].as_u64().unwrap();
    let answer = gateway.post("/webhooks/crm/replay", json!({"after": first - 1})).await;
    assert_eq!(answer.status, 202, "{}", answer.json);
    let mut replayed = Vec::new();
    take(&mut from, &mut replayed, 220).await;
    assert!(replayed.iter().zip(&firsts).all(|(one, first)| one.id == first.id && one.body == first.body));
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_the_settings_file_sends_is_changed_there_only_and_its_secrets_are_told_nowhere() {
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let place = Place::bare().await;
    let (sender, mut from) = mpsc::channel(16);
    let port = free_port().await;
    listen(port, Receiver { received: sender, allowed: Arc::new(Semaphore::new(100)) }).await;
    let settings = format!(
        "[[webhooks]]\nname = \"crm\"\nurl = \"http://127.0.0.1:{port}/?token=HIDDEN\"\nsecret = \"{KEY}\"\n\
         types = [\"message.*\"]\nchats = [\"+15551112222\"]\n"
    );
    std::fs::write(place.home().join("pilothouse.toml"), settings).unwrap();
    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    let refused = gateway.request("PATCH", "/webhooks/crm", Some(json!({"types": []}))).await;
    assert_eq!((refused.status, &refused.json["type"]), (409, &json!("urn:pilothouse:problem:webhook-in-settings")));
    assert!(refused.json["detail"].as_str().unwrap().contains("settings file"));
    assert_eq!(gateway.request("DELETE", "/webhooks/crm", None).await.status, 409);
    let other = gateway.post("/send", json!({"to": "+15553334444", "text": "other"})).await;
    assert_eq!(other.status, 202);
    send(&gateway, 0..1).await;
    let one = within("the event", from.recv()).await.unwrap();
    assert_eq!(one.event()["data"]["text"], "0");
    check_signatures(KEY, &[one]).await;
    let log = gateway.log_at_end().await;
    assert!(!log.contains("HIDDEN") && !log.contains("MfKQ"), "{log}");

    std::fs::write(place.home().join("pilothouse.toml"), "[[webhooks]]\nname = \"crm\"\nurl = \"http://x/HIDDEN\"\n")
        .unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    let output = command.arg("--headless").env_clear().envs(place.env()).current_dir(place.home()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("\"crm\"") && text.contains("needs its key"), "{text}");
    assert!(!text.contains("HIDDEN"), "{text}");
}

/// Answers one request over TLS with 200 each time, with a certificate for localhost. Returns its port and the
/// certificate.
async fn secure_receiver() -> (u16, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = vec![0; 4_096];
            let length = stream.read(&mut bytes).await.unwrap();
            assert!(bytes[..length].starts_with(b"POST /hook HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    });
    (port, cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_certificates_of_the_system_count_and_no_others() {
    let place = Place::bare().await;
    let (port, certificate) = secure_receiver().await;
    let file = place.home().join("authority.pem");
    std::fs::write(&file, certificate).unwrap();
    let gateway = Gateway::start_with(&place, NO_BRIDGE, ALLOWED).await;
    for (name, host) in [("crm", "localhost"), ("other", "127.0.0.1")] {
        let url = format!("https://{host}:{port}/hook");
        let made = gateway.post("/webhooks", json!({"name": name, "url": url, "types": ["account.*"]})).await;
        assert_eq!(made.status, 201, "{}", made.json);
    }
    let tried = gateway.request("POST", "/webhooks/crm/test", None).await;
    assert_eq!((tried.status, &tried.json["delivered"]), (200, &json!(false)), "{}", tried.json);
    assert!(gateway.end().await.success());

    let trusting = [ALLOWED[0], ("SSL_CERT_FILE", file.to_str().unwrap())];
    let gateway = Gateway::start_with(&place, NO_BRIDGE, &trusting).await;
    let tried = gateway.request("POST", "/webhooks/crm/test", None).await;
    assert_eq!(tried.json["delivered"], true, "{}", tried.json);
    let tried = gateway.request("POST", "/webhooks/other/test", None).await;
    assert_eq!(tried.json["delivered"], false, "the certificate is for another name: {}", tried.json);
    assert!(gateway.end().await.success());
}
