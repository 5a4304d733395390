//! What a crash of the bridge may not cost, and what it does when the host, or WhatsApp, is silent.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use whatsapp_simulator::{Contact, Members, Receipts};

use crate::process::Bridge;
use crate::support::{Place, within};

const ID: &str = "3EB0C767D26A1B7F0E5A11";

/// What a host has on disk: each event by its number.
#[derive(Default)]
struct Host(BTreeMap<u64, Value>);

impl Host {
    fn keep(&mut self, event: &Value) {
        let Some(seq) = event["seq"].as_u64() else { return };
        let known = self.0.entry(seq).or_insert_with(|| event.clone());
        assert_eq!(known, event, "a number means one event");
    }

    /// How often each message was told, by its id.
    fn messages(&self) -> HashMap<&str, usize> {
        let mut told = HashMap::new();
        for event in self.0.values().filter(|event| event["type"] == "message") {
            *told.entry(event["messageId"].as_str().unwrap()).or_default() += 1;
        }
        told
    }

    fn last(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

async fn burst(ana: &Contact, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(ana.send_text(&format!("burst {n}")).await.unwrap());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_during_a_burst_lose_nothing_double_nothing_and_cost_no_session() {
    let place = Place::new().await;
    Bridge::linked(&place).await.end().await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let (mut host, mut dice, mut sent) = (Host::default(), Dice(0x5EED), Vec::new());
    for _ in 0..6 {
        let mut bridge = Bridge::acknowledged(&place).await;
        bridge.wait("ready").await;
        bridge.seen.iter().for_each(|event| host.keep(event));
        let writer = ana.clone();
        let burst = tokio::spawn(async move { burst(&writer, 200).await });
        // Killed in the middle of the burst, with some of it acknowledged.
        for _ in 0..dice.below(150) {
            let event = bridge.wait("message").await;
            host.keep(&event);
            if dice.below(10) == 0 {
                bridge.command(json!({"cmd": "ack", "seq": event["seq"]})).await;
            }
        }
        bridge.kill().await;
        sent.extend(burst.await.unwrap());
    }
    let mut bridge = Bridge::acknowledged(&place).await;
    while host.messages().len() < sent.len() {
        let event = bridge.next().await;
        host.keep(&event);
    }
    within("the confirmations", place.simulator.wait_confirmed()).await;
    for id in &sent {
        assert_eq!(host.messages().get(id.as_str()), Some(&1), "{id}");
    }
    assert_eq!(place.simulator.retries().await, 0, "no session was damaged");
    ana.send_text("still readable").await.unwrap();
    assert_eq!(bridge.wait("message").await["body"], "still readable");
    bridge.send(&ana, "and answered", ID).await;
    assert_eq!(bridge.wait("sent").await["ok"], true);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_while_members_of_a_group_write_lose_nothing_and_double_nothing() {
    let place = Place::new().await;
    Bridge::linked(&place).await.end().await;
    let numbers = ["+15551112222", "+15553334444"];
    let group = place.simulator.group("120363041234567890@g.us", "Football", &numbers, Members::ByLid).await.unwrap();
    let (mut host, mut dice, mut sent) = (Host::default(), Dice(0x6EED), Vec::new());
    for _ in 0..4 {
        let mut bridge = Bridge::acknowledged(&place).await;
        bridge.wait("ready").await;
        bridge.seen.iter().for_each(|event| host.keep(event));
        let writers = group.clone();
        let burst = tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..200 {
                ids.push(writers.say(numbers[n % 2], &format!("burst {n}")).await.unwrap());
            }
            ids
        });
        for _ in 0..dice.below(150) {
            let event = bridge.wait("message").await;
            host.keep(&event);
        }
        bridge.kill().await;
        sent.extend(burst.await.unwrap());
    }
    let mut bridge = Bridge::acknowledged(&place).await;
    while host.messages().len() < sent.len() {
        let event = bridge.next().await;
        host.keep(&event);
    }
    within("the confirmations", place.simulator.wait_confirmed()).await;
    for id in &sent {
        assert_eq!(host.messages().get(id.as_str()), Some(&1), "{id}");
    }
    assert_eq!(place.simulator.retries().await, 0, "no sender key was damaged");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_did_not_acknowledge_is_told_again_first_and_in_order() {
    let place = Place::new().await;
    let mut bridge = Bridge::start(&place).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": false, "ack": true})).await;
    bridge.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.set_receipts(Receipts::Read).await;
    let mut host = Host::default();
    burst(&ana, 3).await;
    bridge.send(&ana, "one", ID).await;
    while host.0.len() < 6 {
        let event = bridge.next().await;
        host.keep(&event);
    }
    assert_eq!(host.0.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    bridge.command(json!({"cmd": "ack", "seq": 2})).await;
    bridge.command(json!({"cmd": "ping", "id": 1})).await;
    bridge.wait("pong").await;
    bridge.end().await;

    let mut bridge = Bridge::acknowledged(&place).await;
    for seq in 3..=6 {
        assert_eq!(bridge.next().await, host.0[&seq]);
    }
    assert_eq!(bridge.next().await, json!({"type": "connection", "state": "connecting"}));
    bridge.command(json!({"cmd": "ack", "seq": 6})).await;
    bridge.wait("ready").await;
    bridge.end().await;

    // Nothing is left, and the numbers go on.
    let mut bridge = Bridge::acknowledged(&place).await;
    assert_eq!(bridge.next().await["type"], "connection");
    bridge.wait("ready").await;
    burst(&ana, 1).await;
    assert_eq!(bridge.wait("message").await["seq"], host.last() + 1);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_acknowledges_nothing_gets_no_numbers_and_nothing_twice() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    burst(&ana, 1).await;
    assert!(bridge.wait("message").await.get("seq").is_none());
    bridge.end().await;
    let mut bridge = Bridge::connected(&place).await;
    bridge.wait("ready").await;
    assert!(!bridge.seen.iter().any(|event| event["type"] == "message"), "{:?}", bridge.seen);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_acknowledging_stops_the_reading_and_loses_nothing() {
    let place = Place::new().await;
    Bridge::linked(&place).await.end().await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let mut bridge = Bridge::start_with(&place, &[("WA_UNACKNOWLEDGED_MAX", "20")]).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": false, "ack": true})).await;
    bridge.wait("ready").await;
    let sent = burst(&ana, 60).await;
    let mut host = Host::default();
    let full = bridge.wait("error").await;
    assert!(full["error"].as_str().unwrap().contains("acknowledgement"), "{full}");
    bridge.seen.iter().for_each(|event| host.keep(event));
    while host.messages().len() < 20 {
        let event = bridge.next().await;
        host.keep(&event);
    }
    bridge.command(json!({"cmd": "ping", "id": 1})).await;
    assert_eq!(bridge.next().await["type"], "pong", "there is no twenty-first");
    assert!(place.simulator.unconfirmed().await >= 40);
    bridge.command(json!({"cmd": "ack", "seq": host.last()})).await;
    while host.messages().len() < sent.len() {
        let event = bridge.wait("message").await;
        host.keep(&event);
        bridge.command(json!({"cmd": "ack", "seq": event["seq"]})).await;
    }
    within("the confirmations", place.simulator.wait_confirmed()).await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_live_does_not_overtake_what_waited() {
    let place = Place::new().await;
    Bridge::linked(&place).await.end().await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let mut sent = burst(&ana, 150).await;
    let mut bridge = Bridge::connected(&place).await;
    within("the login", place.simulator.wait_online()).await;
    sent.extend(burst(&ana, 20).await);
    let mut told = Vec::new();
    while told.len() < sent.len() {
        told.push(bridge.wait("message").await["messageId"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, sent);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_acknowledged_is_not_sent_again_after_a_kill() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    bridge.send(&ana, "once", ID).await;
    bridge.wait("sent").await;
    bridge.kill().await;
    ana.forget_session().await;
    let mut bridge = Bridge::connected(&place).await;
    bridge.wait("ready").await;
    bridge.send(&ana, "once", ID).await;
    assert_eq!(bridge.wait("sent").await["ok"], true);
    assert_eq!(ana.received().await[0].copies, 1);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_asks_again_after_a_restart_gets_what_was_sent() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    bridge.send(&ana, "first", ID).await;
    bridge.wait("receipt").await;
    bridge.kill().await;
    ana.ask_again(ID).await;
    let bridge = Bridge::connected(&place).await;
    within("the second copy", ana.wait_copies(ID, 2)).await;
    assert_eq!(ana.received().await[0].text, "first");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_while_sending_use_no_key_twice() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("a session that both know").await.unwrap();
    bridge.wait("message").await;
    bridge.send(&ana, "first", ID).await;
    bridge.wait("sent").await;
    for round in 0..5_u8 {
        // Killed as soon as the server has the message, before the bridge learns so.
        place.simulator.withhold_acks(true).await;
        bridge.send(&ana, "x", &format!("3EB0C767D26A1B7F0E5B{round:02}")).await;
        within("the message", ana.wait_received(usize::from(round) + 2)).await;
        bridge.kill().await;
        place.simulator.withhold_acks(false).await;
        bridge = Bridge::connected(&place).await;
        bridge.wait("ready").await;
    }
    bridge.send(&ana, "last", "3EB0C767D26A1B7F0E5C00").await;
    within("the last", ana.wait_received(7)).await;
    assert_eq!(place.simulator.unreadable().await, 0);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_is_told_with_its_end() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    place.simulator.restrict_until(Some(4_000_000_000)).await;
    place.simulator.refuse_sends(463, 1).await;
    bridge.send(&ana, "cold", ID).await;
    let restriction = bridge.wait("restriction").await;
    assert_eq!((&restriction["class"], &restriction["active"]), (&json!("reachout_timelock"), &json!(true)));
    assert_eq!(restriction["untilMs"], 4_000_000_000_000_u64);
    let sent = bridge.wait("sent").await;
    assert_eq!((&sent["code"], &sent["retryAtMs"]), (&json!(463), &json!(4_000_000_000_000_u64)));
    // Refused again, but WhatsApp restricts nothing any more.
    place.simulator.restrict_until(None).await;
    place.simulator.refuse_sends(463, 1).await;
    bridge.send(&ana, "cold", ID).await;
    assert_eq!(bridge.wait("restriction").await["active"], false);
    let sent = bridge.wait("sent").await;
    assert!(sent["code"] == 463 && sent.get("retryAtMs").is_none(), "{sent}");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_takeover_needs_the_operators_word_even_after_a_restart() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    let connect = json!({"cmd": "connect", "usePairingCode": false});
    let replaced = |event: &Value| event["reason"]["class"] == "replaced";
    place.simulator.replace().await;
    bridge.wait_for(replaced).await;
    bridge.command(connect.clone()).await;
    bridge.wait("ready").await;
    within("the login", place.simulator.wait_online()).await;
    place.simulator.replace().await;
    bridge.wait_for(replaced).await;
    let logins = place.simulator.logins().await;
    bridge.command(connect.clone()).await;
    let closed = bridge.next().await;
    assert_eq!((&closed["state"], &closed["reason"]["class"]), (&json!("closed"), &json!("replaced")));
    bridge.end().await;
    let mut bridge = Bridge::connected(&place).await;
    assert_eq!(bridge.next().await, closed);
    assert_eq!(place.simulator.logins().await, logins);
    bridge.command(json!({"cmd": "connect", "usePairingCode": false, "takeOver": true})).await;
    bridge.wait("ready").await;
    bridge.end().await;
}
