//! The bridge alone: its lines, as the real Baileys makes them against the simulator.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tokio::process::Command;
use whatsapp_simulator::{Addressing, OWNER, Receipts, image};

use crate::process::Bridge;
use crate::support::{Place, bridge_folder, within};

const ID: &str = "3EB0C767D26A1B7F0E5A11";

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_pass_their_own_tests() {
    let _place = Place::new().await; // its packages are needed
    let files = std::fs::read_dir(bridge_folder().join("test")).unwrap().map(|entry| entry.unwrap().path());
    let tests = files.filter(|path| path.to_string_lossy().ends_with(".test.mjs"));
    let run = Command::new("node").arg("--test").args(tests).output();
    let output = within("the tests of the parts", run).await.expect("node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_qr_and_stays_linked() {
    let place = Place::new().await;
    let mut bridge = Bridge::connected(&place).await;
    assert_eq!(bridge.next().await, json!({"type": "connection", "state": "connecting"}));
    let qr = bridge.wait("qr").await;
    assert_eq!(qr["expiresInMs"], 60_000);
    within("the scan", place.simulator.scan(qr["qr"].as_str().unwrap())).await.unwrap();
    let closed = bridge.connection("closed").await;
    assert_eq!(closed["reason"]["class"], "restart_required");
    assert_eq!(closed["retryInMs"], 0);
    let ready = bridge.wait("ready").await;
    assert_eq!(ready["account"]["phone"], OWNER);
    assert!(ready["account"]["lid"].as_str().unwrap().ends_with("@lid"), "{ready}");

    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.session()), 0o700);
    assert_eq!(mode(place.session().join("state")), 0o700);
    for folder in [place.session(), place.session().join("state")] {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            assert!(path.is_dir() || mode(path.clone()) == 0o600, "{}", path.display());
        }
    }
    bridge.end().await;

    let mut bridge = Bridge::connected(&place).await;
    let first = bridge.wait_for(|event| event["type"] == "qr" || event["type"] == "ready").await;
    assert_eq!(first["type"], "ready");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_a_code() {
    let place = Place::new().await;
    let mut bridge = Bridge::start(&place).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": true, "phoneNumber": OWNER})).await;
    let event = bridge.wait("pairing_code").await;
    let code = event["code"].as_str().unwrap();
    assert_eq!(code.len(), 8);
    assert!(event["expiresInMs"].as_u64().unwrap() > 60_000);
    assert!(within("the code", place.simulator.enter_code(code)).await.unwrap());
    assert_eq!(bridge.wait("ready").await["account"]["phone"], OWNER);
    assert!(!bridge.seen.iter().any(|event| event["type"] == "qr"));
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_does_not_link() {
    let place = Place::new().await;
    let mut bridge = Bridge::start(&place).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": true, "phoneNumber": OWNER})).await;
    bridge.wait("pairing_code").await;
    assert!(!within("the code", place.simulator.enter_code("WRONGONE")).await.unwrap());
    assert!(!place.simulator.is_linked().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_messages_with_who_wrote_them() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let id = ana.send_text("Hola, ¿qué tal?").await.unwrap();
    let event = bridge.wait("message").await;
    assert_eq!(event["from"], "+15551112222");
    assert_eq!(event["body"], "Hola, ¿qué tal?");
    assert_eq!(event["messageId"], id);
    assert_eq!(event["kind"], "text");
    assert_eq!(event["fromMe"], false);
    assert_eq!(event["name"], "Ana");
    assert_eq!(event["chat"]["kind"], "person");
    assert_eq!(event["chat"]["id"], "15551112222@s.whatsapp.net");
    assert!(event["timestampMs"].as_u64().unwrap() > 1_600_000_000_000);

    // Addressed by LID: the number and the LID are both told, and the chat is the same one.
    let text = whatsapp_simulator::text("by LID");
    ana.send(text, Addressing::Lid).await.unwrap();
    let by_lid = bridge.wait("message").await;
    assert_eq!(by_lid["from"], "+15551112222");
    assert_eq!(by_lid["chat"]["id"], event["chat"]["id"]);
    assert_eq!(by_lid["chat"]["phone"], "+15551112222");
    assert!(by_lid["chat"]["lid"].as_str().unwrap().ends_with("@lid"), "{by_lid}");

    ana.send(image("a boat"), Addressing::Number).await.unwrap();
    let picture = bridge.wait("message").await;
    assert_eq!((&picture["kind"], &picture["body"]), (&json!("image"), &json!("a boat")));
    within("the receipts", place.simulator.wait_confirmed()).await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_with_the_given_id_and_tells_how_far_it_came() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    bridge.send(&ana, "Hello 👋", ID).await;
    let sent = bridge.wait("sent").await;
    assert_eq!(sent, json!({"type": "sent", "to": ana.number(), "ok": true, "messageId": ID}));
    let receipt = bridge.wait("receipt").await;
    assert_eq!((&receipt["messageId"], &receipt["status"]), (&json!(ID), &json!("delivered")));
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!((received[0].id.as_str(), received[0].text.as_str()), (ID, "Hello 👋"));
    ana.read(ID).await;
    let receipt = bridge.wait("receipt").await;
    assert_eq!((&receipt["messageId"], &receipt["status"]), (&json!(ID), &json!("read")));

    // The same id again: WhatsApp has it, so it is answered and not sent.
    bridge.send(&ana, "Hello 👋", ID).await;
    assert_eq!(bridge.wait("sent").await, sent);
    let received = ana.received().await;
    assert_eq!((received.len(), received[0].copies), (1, 1));

    // An answer on the same session, in both directions.
    ana.send_text("Hello yourself").await.unwrap();
    assert_eq!(bridge.wait("message").await["body"], "Hello yourself");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_means_acknowledged() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.set_receipts(Receipts::None).await;
    place.simulator.withhold_acks(true).await;
    bridge.send(&ana, "one", ID).await;
    within("the message", ana.wait_received(1)).await;
    bridge.command(json!({"cmd": "ping", "id": 7})).await;
    bridge.wait("pong").await;
    assert!(!bridge.seen.iter().any(|event| event["type"] == "sent"), "the server said nothing yet");
    // The connection ends without an answer: that is said, and that the same may be given again.
    place.simulator.drop_connection().await;
    let sent = bridge.wait("sent").await;
    assert_eq!((&sent["ok"], &sent["code"], &sent["retryable"]), (&json!(false), &json!(428), &json!(true)));
    place.simulator.withhold_acks(false).await;
    bridge.wait("ready").await;
    bridge.send(&ana, "one", ID).await;
    assert_eq!(bridge.wait("sent").await["ok"], true);
    assert_eq!(ana.received().await[0].copies, 2);

    place.simulator.refuse_sends(463, 1).await;
    bridge.send(&ana, "two", "3EB0C767D26A1B7F0E5A12").await;
    let refused = bridge.wait("sent").await;
    assert_eq!((&refused["ok"], &refused["code"], &refused["retryable"]), (&json!(false), &json!(463), &json!(false)));
    assert!(refused["error"].as_str().unwrap().contains("restricts"), "{refused}");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_can_not_read_a_message_gets_it_again() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    bridge.send(&ana, "first", ID).await;
    within("the first", ana.wait_received(1)).await;
    ana.forget_session().await;
    bridge.send(&ana, "second", "3EB0C767D26A1B7F0E5A12").await;
    let received = within("the second", ana.wait_received(2)).await;
    assert_eq!(received[1].text, "second");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_it_was_away_comes_in_order() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("before").await.unwrap();
    bridge.wait("message").await;
    within("the receipt", place.simulator.wait_confirmed()).await;
    bridge.end().await;
    within("the end", place.simulator.wait_offline()).await;
    for n in 0..5 {
        ana.send_text(&format!("while away {n}")).await.unwrap();
    }
    let mut bridge = Bridge::connected(&place).await;
    for n in 0..5 {
        assert_eq!(bridge.wait("message").await["body"], format!("while away {n}"));
    }
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comes_back_by_itself_where_whatsapp_expects_it() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.drop_connection().await;
    let closed = bridge.connection("closed").await;
    assert_eq!(closed["reason"]["class"], "connection_lost");
    assert!(closed["retryInMs"].as_u64().unwrap() > 0, "{closed}");
    bridge.wait("ready").await;
    place.simulator.stream_error(503).await;
    let closed = bridge.connection("closed").await;
    assert_eq!((&closed["reason"]["class"], &closed["reason"]["code"]), (&json!("unavailable"), &json!(503)));
    bridge.wait("ready").await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_is_said_and_not_fought() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.replace().await;
    let closed = bridge.connection("closed").await;
    assert_eq!((&closed["reason"]["class"], &closed["reason"]["code"]), (&json!("replaced"), &json!(440)));
    assert!(closed.get("retryInMs").is_none(), "{closed}");
    // The operator says so: then it connects.
    bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
    bridge.wait("ready").await;
    assert_eq!(place.simulator.logins().await, 2);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_the_link_is_said_and_a_new_one_is_offered_when_asked_for() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.unlink().await;
    let event = bridge.connection("logged_out").await;
    assert_eq!((&event["reason"]["class"], &event["reason"]["code"]), (&json!("logged_out"), &json!(401)));
    assert!(event["reason"]["text"].as_str().unwrap().contains("connect again"), "{event}");
    bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
    bridge.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("after the new link").await.unwrap();
    assert_eq!(bridge.wait("message").await["body"], "after the new link");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_are_refused_are_told_apart() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    for (code, class) in [(403, "banned"), (405, "outdated"), (411, "outdated"), (500, "bad_session")] {
        place.simulator.fail_logins(Some(code)).await;
        place.simulator.drop_connection().await;
        let closed = bridge.wait_for(|e| e["state"] == "closed" && e["reason"]["class"] != "connection_lost").await;
        assert_eq!((&closed["reason"]["class"], &closed["reason"]["code"]), (&json!(class), &json!(code)));
        assert!(closed.get("retryInMs").is_none(), "{closed}");
        place.simulator.fail_logins(None).await;
        bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
        bridge.wait("ready").await;
    }
    place.simulator.fail_logins(Some(503)).await;
    place.simulator.drop_connection().await;
    let closed = bridge.wait_for(|e| e["reason"]["class"] == "unavailable").await;
    assert!(closed["retryInMs"].is_u64(), "{closed}");
    place.simulator.fail_logins(None).await;
    bridge.wait("ready").await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_nothing_is_noticed() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.set_silent(true).await;
    let closed = bridge.connection("closed").await;
    assert_eq!(closed["reason"]["class"], "connection_lost");
    place.simulator.set_silent(false).await;
    bridge.wait("ready").await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_does_not_cost_the_link() {
    let place = Place::new().await;
    Bridge::linked(&place).await.kill().await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    for round in 0..6 {
        let mut bridge = Bridge::connected(&place).await;
        for n in 0..20 {
            ana.send_text(&format!("{round}.{n}")).await.unwrap();
        }
        // Killed in the middle of reading: each round at another place.
        for _ in 0..=round {
            bridge.wait_for(|event| event["type"] == "message" || event["type"] == "ready").await;
        }
        bridge.kill().await;
    }
    let mut bridge = Bridge::connected(&place).await;
    let first = bridge.wait_for(|event| event["type"] == "qr" || event["type"] == "ready").await;
    assert_eq!(first["type"], "ready");
    bridge.send(&ana, "still here", ID).await;
    assert_eq!(bridge.wait("sent").await["ok"], true);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_commands_are_answered_and_change_nothing() {
    let place = Place::new().await;
    let mut bridge = Bridge::start(&place).await;
    for wrong in ["{", "[]", "null", r#"{"cmd":7}"#, r#"{"cmd":"dance"}"#, r#"{"cmd":"connect","usePairingCode":3}"#] {
        bridge.raw(wrong).await;
        assert_eq!(bridge.next().await["type"], "error", "{wrong}");
    }
    let number = json!({"cmd": "connect", "usePairingCode": true, "phoneNumber": "0424 437"});
    bridge.command(number).await;
    assert!(bridge.next().await["error"].as_str().unwrap().contains("E.164"));
    for to in ["424", "+0424", "+12", "person@s.whatsapp.net", ""] {
        bridge.command(json!({"cmd": "send", "to": to, "text": "x"})).await;
        let sent = bridge.next().await;
        assert_eq!((&sent["type"], &sent["ok"], &sent["code"]), (&json!("sent"), &json!(false), &json!(400)), "{to}");
    }
    bridge.raw(&"x".repeat(2 << 20)).await;
    assert!(bridge.next().await["error"].as_str().unwrap().contains("too long"));
    bridge.command(json!({"cmd": "ping", "id": 1})).await;
    let pong = bridge.next().await;
    assert_eq!(pong["type"], "pong");
    assert!(pong["rssBytes"].as_u64().unwrap() > 1 << 20);
    bridge.end().await;
}
