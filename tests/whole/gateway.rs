//! The whole gateway without a terminal: the real program, its API, the real bridge, and WhatsApp simulated.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use whatsapp_simulator::{OWNER, Receipts};

use crate::support::{Gateway, Place, signal, within};

/// A gateway that was linked by its own QR.
async fn linked(place: &Place) -> Gateway {
    let gateway = Gateway::start(place, &[]).await;
    gateway.link(place).await;
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_qr_sends_receives_and_comes_back_linked() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    let health = gateway.get("/health").await;
    assert_eq!((health.status, &health.json["connected"]), (200, &json!(false)));
    gateway.link(&place).await;
    let status = gateway.status().await;
    assert_eq!(status["connected"], true);
    assert_eq!(status["account"]["phone"], OWNER);
    assert_eq!(gateway.get("/qr").await.status, 409);

    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("Hola").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;

    let sent = gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "Hi Ana"})).await;
    assert_eq!(sent.status, 200, "{}", sent.json);
    let id = sent.json["id"].as_str().unwrap();
    assert_eq!(sent.location.as_deref(), Some(format!("/messages/{id}").as_str()));
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!((received[0].id.as_str(), received[0].text.as_str()), (id, "Hi Ana"));
    gateway.until(|status| status["counters"]["messages_delivered"] == 1).await;
    ana.read(id).await;
    gateway.until(|status| status["counters"]["messages_read"] == 1).await;
    let message = gateway.get(&format!("/messages/{id}")).await.json;
    assert_eq!(message["state"], "read");
    for time in ["queued_at", "dispatched_at", "sent_at", "delivered_at", "read_at"] {
        assert!(message[time].is_string(), "{message}");
    }
    assert!(gateway.end().await.success());

    let again = Gateway::start(&place, &[]).await;
    let status = again.until(|status| status["connected"] == true || status["pairing"].is_string()).await;
    assert_eq!(status["pairing"], Value::Null, "it is linked still");
    assert_eq!(again.get(&format!("/messages/{id}")).await.json, message, "it is kept");
    assert_eq!(place.simulator.logins().await, 2);
    assert!(again.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_code_from_the_flag_and_from_the_api() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &["--pairing-code", OWNER]).await;
    gateway.until(|status| status["pairing"] == "code").await;
    // Another way, and back again: the bridge follows.
    gateway.post("/config", json!({"use_pairing_code": false})).await;
    gateway.until(|status| status["pairing"] == "qr").await;
    let answer = gateway.post("/config", json!({"use_pairing_code": true, "phone_number": OWNER})).await;
    assert_eq!((answer.status, &answer.json["phone_number"]), (200, &json!(OWNER)));
    gateway.until(|status| status["pairing"] == "code").await;
    let pairing = gateway.get("/pairing").await.json;
    assert!(pairing["expires_at"].is_string(), "{pairing}");
    assert_eq!(gateway.get("/qr").await.status, 503);
    assert!(within("the code", place.simulator.enter_code(pairing["code"].as_str().unwrap())).await.unwrap());
    gateway.until(|status| status["connected"] == true).await;
    assert_eq!(gateway.get("/pairing").await.status, 409);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_killed_comes_back_and_nothing_is_lost() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    // Accepted, given to the bridge, and not acknowledged: the bridge dies with it.
    ana.set_receipts(Receipts::None).await;
    place.simulator.withhold_acks(true).await;
    let sent = gateway.post("/send", json!({"to": ana.number(), "text": "keep me"})).await;
    assert_eq!(sent.status, 202, "{}", sent.json);
    within("the message", ana.wait_received(1)).await;
    let pid = gateway.status().await["bridge"]["pid"].as_i64().unwrap();
    signal(pid, "KILL");
    within("the bridge's end", place.simulator.wait_offline()).await;
    ana.send_text("while it was away").await.unwrap();
    place.simulator.withhold_acks(false).await;
    let id = sent.json["id"].as_str().unwrap();
    let status = gateway.until(|status| status["messages_sent"] == 1).await;
    assert_eq!((&status["bridge_restarts"], &status["connected"]), (&json!(1), &json!(true)));
    assert_ne!(status["bridge"]["pid"], json!(pid));
    gateway.until(|status| status["messages_received"] == 1).await;
    let received = ana.received().await;
    assert_eq!((received.len(), received[0].id.as_str()), (1, id), "the same id: shown once");
    assert_eq!(received[0].copies, 2);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_has_is_not_told_again() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    for n in 0..20 {
        ana.send_text(&format!("text {n}")).await.unwrap();
    }
    gateway.until(|status| status["messages_received"] == 20).await;
    // Commands are read in order: who has sent this has seen the acknowledgement before it.
    let sent = gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "got it"})).await;
    assert!(sent.json["sent_at"].is_string(), "{}", sent.json);
    let status = gateway.status().await;
    signal(status["bridge"]["pid"].as_i64().unwrap(), "KILL");
    within("the bridge's end", place.simulator.wait_offline()).await;
    gateway.until(|status| status["bridge_restarts"] == 1 && status["connected"] == true).await;
    ana.send_text("one more").await.unwrap();
    let status = gateway.until(|status| status["messages_received"] == 21).await;
    assert_eq!(status["counters"]["duplicates"], 0, "{status:#}");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_is_proven_and_not_claimed() {
    let place = Place::new().await;
    std::fs::write(place.home().join("pilothouse.toml"), "proof_seconds = 3\n").unwrap();
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    // The bridge asks the server only every 20 s: too rarely for three seconds.
    let status = gateway.until(|status| status["connection"]["state"] == "unverified").await;
    assert_eq!(status["connected"], false);
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("still there").await.unwrap();
    let status = gateway.until(|status| status["connected"] == true).await;
    assert_eq!(status["connection"]["state"], "open");
    assert!(status["connection"]["proven_at"].is_string(), "{status:#}");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_the_death_of_the_host() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.set_receipts(Receipts::None).await;
    place.simulator.withhold_acks(true).await;
    let sent = gateway.post("/send", json!({"to": ana.number(), "text": "keep me"})).await;
    within("the message", ana.wait_received(1)).await;
    gateway.kill().await;
    within("the bridge's end", place.simulator.wait_offline()).await;
    place.simulator.withhold_acks(false).await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.until(|status| status["counters"]["messages_sent"] == 1).await;
    let received = ana.received().await;
    assert_eq!((received.len(), received[0].id.as_str()), (1, sent.json["id"].as_str().unwrap()));
    assert_eq!(received[0].copies, 2, "it was given again, with the same id");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_says_why() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    place.simulator.refuse_sends(479, 1).await;
    let sent = gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "refused"})).await;
    assert_eq!((sent.status, &sent.json["state"]), (200, &json!("failed")));
    assert_eq!(sent.json["failure"]["code"], 479);
    assert!(!sent.json["failure"]["text"].as_str().unwrap().is_empty(), "{}", sent.json);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_lock_holds_new_chats_and_lets_the_others_go_on_also_after_a_restart() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let ben = place.simulator.contact("+15553334444", "Ben").await.unwrap();
    ben.send_text("Hola").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    place.simulator.restrict_until(Some(4_000_000_000)).await;
    place.simulator.refuse_sends(463, 1).await;
    let cold = gateway.post("/send", json!({"to": ana.number(), "text": "cold"})).await;
    let status = gateway.until(|status| status["restriction"]["held"] == 1).await;
    assert_eq!(status["restriction"]["class"], "reachout_timelock");
    assert_eq!(status["restriction"]["until"], "2096-10-02T07:06:40.000Z");
    let location = cold.location.unwrap();
    assert_eq!(gateway.get(&location).await.json["state"], "queued", "it is held, not failed");
    gateway.post("/send", json!({"to": ben.number(), "text": "warm"})).await;
    within("the message", ben.wait_received(1)).await;
    gateway.until(|status| status["messages_sent"] == 1).await;
    gateway.kill().await;
    within("the bridge's end", place.simulator.wait_offline()).await;

    let gateway = Gateway::start(&place, &[]).await;
    let status = gateway.until(|status| status["connected"] == true).await;
    assert_eq!((&status["restriction"]["held"], &status["queue"]), (&json!(1), &json!(1)), "{status}");
    // Who writes to us can be answered.
    ana.send_text("Who are you?").await.unwrap();
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!(location, format!("/messages/{}", received[0].id));
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_after_a_kill_is_still_one_message() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let body = json!({"to": ana.number(), "text": "once"});
    let first = gateway.send_keyed("order-17", body.clone()).await;
    assert_eq!(first.status, 202, "{}", first.json);
    gateway.kill().await;
    within("the bridge's end", place.simulator.wait_offline()).await;
    let gateway = Gateway::start(&place, &[]).await;
    let again = gateway.send_keyed("order-17", body).await;
    assert_eq!((again.status, &again.location, &again.json["id"]), (202, &first.location, &first.json["id"]));
    assert_eq!(gateway.send_keyed("order-17", json!({"to": ana.number(), "text": "other"})).await.status, 422);
    let last = gateway.post("/send", json!({"to": ana.number(), "text": "last"})).await;
    let received = within("the messages", ana.wait_received(2)).await;
    let ids: Vec<_> = received.iter().map(|message| json!(message.id)).collect();
    assert_eq!(ids, [first.json["id"].clone(), last.json["id"].clone()]);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_of_the_settings_holds_and_what_waits_can_expire_or_be_taken_back() {
    let place = Place::new().await;
    let pace = [("PILOTHOUSE_SEND_RATE_PER_MINUTE", "1"), ("PILOTHOUSE_SEND_BURST", "1")];
    let gateway = Gateway::start_with(&place, &[], &pace).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "at once"})).await;
    let waits = gateway.post("/send", json!({"to": ana.number(), "text": "waits"})).await;
    let status = gateway.until(|status| status["pacing"]["waiting"] == 1).await;
    assert!(status["pacing"]["next_send_at"].is_string(), "{status}");
    gateway.post("/send", json!({"to": ana.number(), "text": "brief", "expires_in": 1})).await;
    gateway.until(|status| status["counters"]["messages_expired"] == 1).await;
    let cancelled = gateway.request("DELETE", waits.location.as_deref().unwrap(), None).await;
    assert_eq!((cancelled.status, &cancelled.json["state"]), (200, &json!("cancelled")));
    gateway.until(|status| status["queue"] == 0 && status["pacing"].is_null()).await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_link_is_said_with_the_next_step() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    place.simulator.unlink().await;
    let status = gateway.until(|status| status["connection"]["state"] == "logged_out").await;
    assert_eq!(status["connected"], false);
    assert_eq!(status["connection"]["reason"]["class"], "logged_out");
    assert!(status["connection"]["reason"]["text"].as_str().unwrap().contains("link anew"), "{status}");
    // A message is accepted all the same and waits for the new link.
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let sent = gateway.post("/send", json!({"to": ana.number(), "text": "later"})).await;
    assert_eq!(sent.status, 202);
    gateway.post("/config", json!({"use_pairing_code": false})).await;
    gateway.link(&place).await;
    within("the message", ana.wait_received(1)).await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_taken_over_again_and_again_is_taken_back_when_asked_for() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let nothing = gateway.post("/connection", json!({"action": "take_over"})).await;
    assert_eq!((nothing.status, &nothing.json["type"]), (409, &json!("urn:pilothouse:problem:not-taken-over")));
    let replaced = |status: &serde_json::Value| {
        status["connection"]["state"] == "closed" && status["connection"]["reason"]["class"] == "replaced"
    };
    place.simulator.replace().await;
    gateway.until(replaced).await;
    assert_eq!(gateway.post("/connection", json!({"action": "restart"})).await.status, 202);
    gateway.until(|status| status["connected"] == true).await;
    within("the login", place.simulator.wait_online()).await;
    place.simulator.replace().await;
    gateway.until(replaced).await;
    // A new start alone does not help any more: the fight would go on for ever.
    assert_eq!(gateway.post("/connection", json!({"action": "restart"})).await.status, 202);
    gateway.until(|status| status["bridge_restarts"] == 2 && replaced(status)).await;
    assert_eq!(gateway.post("/connection", json!({"action": "take_over"})).await.status, 202);
    let status = gateway.until(|status| status["connected"] == true).await;
    assert_eq!(status["timeline"].as_array().unwrap().last().unwrap()["state"], "open");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_on_each_signal_with_a_request_and_a_connection_open() {
    let place = Place::new().await;
    for name in ["INT", "TERM", "HUP"] {
        let gateway = Gateway::start(&place, &[]).await;
        gateway.until(|status| status["bridge"]["pid"].is_i64()).await;
        let bridge = gateway.status().await["bridge"]["pid"].as_i64().unwrap();
        let open = tokio::net::TcpStream::connect(&gateway.address).await.unwrap();
        let waiting = tokio::spawn(gateway.request("POST", "/send?wait=sent", Some(json!({"to": OWNER, "text": "x"}))));
        gateway.until(|status| status["queue"].as_u64() > Some(0)).await;
        signal(gateway.pid(), name);
        let answer = within("the answer", waiting).await.unwrap();
        assert_eq!(answer.status, 202);
        let status = gateway.ended().await;
        assert!(status.success(), "{name}: {status}");
        assert!(!PathBuf::from(format!("/proc/{bridge}")).exists(), "{name}: the bridge is gone");
        drop(open);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_told_what_is_wrong() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    let cases = [
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/status", None, 405),
        ("GET", "/messages/3EB0FFFFFFFFFFFFFFFFFF", None, 404),
        ("POST", "/send", Some(json!({"to": "0424", "text": "x"})), 422),
        ("POST", "/send", Some(json!({"to": OWNER, "text": ""})), 422),
        ("POST", "/send", Some(json!({"to": OWNER})), 422),
        ("POST", "/send", Some(json!([])), 422),
        ("POST", "/send", Some(json!({"to": OWNER, "text": "x".repeat(2 << 20)})), 413),
        ("POST", "/send?wait=read", Some(json!({"to": OWNER, "text": "x"})), 400),
        ("POST", "/config", Some(json!({"phone_number": "12"})), 422),
        ("POST", "/config", Some(json!({"bridge": "/bin/sh"})), 422),
    ];
    for (method, path, body, status) in cases {
        let answer = gateway.request(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.json);
        assert_eq!(answer.kind, "application/problem+json", "{method} {path}");
        assert_eq!(answer.json["status"], status);
        assert!(answer.json["type"].as_str().unwrap().starts_with("urn:pilothouse:problem:"), "{}", answer.json);
        assert!(!answer.json["detail"].as_str().unwrap().is_empty());
    }
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_secret_and_no_text_of_a_message() {
    let place = Place::new().await;
    let gateway = linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("for your eyes only").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "mine as well"})).await;
    let qr = gateway.qr.lock().unwrap().clone().unwrap();
    let log = gateway.log_at_end().await;
    assert!(log.contains("the API listens"), "{log}");
    let parts: Vec<&str> = qr.split([',', '#', '@']).filter(|part| part.len() > 20).collect();
    assert!(parts.len() >= 4, "{}", parts.len());
    for secret in parts.into_iter().chain(["for your eyes only", "mine as well"]) {
        assert!(!log.contains(secret), "{secret}");
    }
    let files = std::fs::read_dir(place.data().join("logs")).unwrap();
    let kept: String = files.map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap()).collect();
    assert!(kept.contains("the API listens") && !kept.contains("for your eyes only"));
}

/// A bridge of the base level in a few lines of shell: six events, no hello.
const SHELL_BRIDGE: &str = r#"#!/bin/sh
echo '[bridge] a bridge of the base level' >&2
echo 'this is not JSON'
echo '{"type":"dance"}'
while IFS= read -r line; do
  case $line in
    *'"cmd":"connect"'*'"usePairingCode":true'*) echo '{"type":"pairing_code","code":"ABCD1234"}' ;;
    *'"cmd":"connect"'*)
      echo '{"type":"qr","qr":"2@a-secret"}'
      echo '{"type":"ready"}'
      echo '{"type":"message","from":"+15551112222","body":"Hola"}' ;;
    *'"cmd":"send"'*)
      to=${line#*\"to\":\"}
      case $line in
        *refuse*) echo "{\"type\":\"sent\",\"to\":\"${to%%\"*}\",\"ok\":false,\"error\":\"not today\"}" ;;
        *) echo "{\"type\":\"sent\",\"to\":\"${to%%\"*}\",\"ok\":true}" ;;
      esac ;;
    *) echo '{"type":"error","error":"there is no such command"}' ;;
  esac
done
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_of_the_base_level_is_enough_and_bad_lines_are_counted() {
    let place = Place::new().await;
    let bridge = place.home().join("bridge.sh");
    std::fs::write(&bridge, SHELL_BRIDGE).unwrap();
    std::fs::set_permissions(&bridge, std::fs::Permissions::from_mode(0o755)).unwrap();
    let gateway = Gateway::start(&place, &["--bridge", bridge.to_str().unwrap()]).await;
    let status = gateway.until(|status| status["messages_received"] == 1).await;
    assert_eq!(status["connected"], true);
    assert_eq!((&status["counters"]["protocol_errors"], &status["counters"]["unknown_events"]), (&json!(1), &json!(1)));
    let sent = gateway.post("/send?wait=sent", json!({"to": "+15551112222", "text": "Hi"})).await;
    assert_eq!((sent.status, &sent.json["state"]), (200, &json!("sent")));
    let refused = gateway.post("/send?wait=sent", json!({"to": "+15551112222", "text": "refuse me"})).await;
    assert_eq!((&refused.json["state"], &refused.json["failure"]["text"]), (&json!("failed"), &json!("not today")));
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_from_outside_is_refused_at_once() {
    let place = Place::new().await;
    let mut gateway = Gateway::start(&place, &[]).await;
    let token = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        let output = command.arg("token").args(args).env_clear().envs(place.env()).current_dir(place.home()).output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
    };
    assert_eq!(token(&[]), gateway.token);
    assert_eq!(gateway.get("/status").await.status, 200);
    let replaced = token(&["rotate"]);
    let refused = gateway.get("/status").await;
    assert_eq!((refused.status, refused.kind.as_str()), (401, "application/problem+json"));
    gateway.token = replaced;
    assert_eq!(gateway.get("/status").await.status, 200);
}
