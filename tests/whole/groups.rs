//! Groups: what members write, what is sent to all of them, and what becomes of it, with the real Baileys.

use std::time::Duration;

use serde_json::{Value, json};
use whatsapp_simulator::{Contact, Group, Members, Receipts};

use crate::support::{Gateway, Place, signal, within};

const ID: &str = "120363041234567890@g.us";
const ANA: &str = "+15551112222";
const BEN: &str = "+15553334444";

/// A linked gateway, and a group of its account, Ana and Ben.
async fn with_group(members: Members) -> (Place, Gateway, Group, [Contact; 2]) {
    let place = Place::new().await;
    let ana = place.simulator.contact(ANA, "Ana").await.unwrap();
    let ben = place.simulator.contact(BEN, "Ben").await.unwrap();
    let group = place.simulator.group(ID, "Saturday football", &[ANA, BEN], members).await.unwrap();
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    (place, gateway, group, [ana, ben])
}

/// The messages that the gateway has, the oldest first.
async fn messages(gateway: &Gateway) -> Vec<Value> {
    let mut items = gateway.get("/messages").await.json["messages"].as_array().unwrap().clone();
    items.reverse();
    items
}

/// Asks again and again until the answer is as wanted.
async fn until(gateway: &Gateway, path: &str, wanted: impl Fn(&Value) -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    within(path, async {
        while !wanted(&gateway.get(path).await.json) {
            pause.tick().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_write_comes_in_with_its_writer_and_its_group() {
    for members in [Members::ByLid, Members::ByNumber] {
        let (place, gateway, group, _) = with_group(members).await;
        for (number, text) in [(ANA, "who plays?"), (ANA, "and who drives?"), (BEN, "I do")] {
            group.say(number, text).await.unwrap();
        }
        gateway.until(|status| status["messages_received"] == 3).await;
        let told: Vec<_> = messages(&gateway).await;
        let told: Vec<_> = told
            .iter()
            .map(|m| {
                ["kind", "id"]
                    .map(|f| m["chat"][f].as_str().unwrap())
                    .into_iter()
                    .chain(["from", "name", "text"].map(|f| m[f].as_str().unwrap()))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            told,
            [
                ["group", ID, ANA, "Ana", "who plays?"],
                ["group", ID, ANA, "Ana", "and who drives?"],
                ["group", ID, BEN, "Ben", "I do"],
            ]
        );
        within("the confirmations", place.simulator.wait_confirmed()).await;
        until(&gateway, "/chats", |chats| chats["chats"][0]["name"] == "Saturday football").await;
        group.rename("Sunday tennis").await;
        until(&gateway, "/chats", |chats| chats["chats"][0]["name"] == "Sunday tennis").await;
        assert_eq!(place.simulator.retries().await, 0, "all were read at once, with the members' sender keys");
        assert!(gateway.end().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_made_later_is_called_by_its_subject_with_the_first_message() {
    let (place, gateway, group, _) = with_group(Members::ByLid).await;
    group.say(ANA, "who plays?").await.unwrap();
    // It was asked what the groups are called.
    until(&gateway, "/chats", |chats| chats["chats"][0]["name"] == "Saturday football").await;
    let group = place.simulator.group("120363055555555555@g.us", "Roof repairs", &[ANA], Members::ByLid).await.unwrap();
    group.say(ANA, "it leaks").await.unwrap();
    until(&gateway, "/chats", |chats| {
        chats["chats"].as_array().is_some_and(|chats| chats.iter().any(|chat| chat["name"] == "Roof repairs"))
    })
    .await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_is_called_is_known_after_a_restart_before_the_bridge_tells_it() {
    let (place, gateway, group, _) = with_group(Members::ByLid).await;
    group.say(ANA, "who plays?").await.unwrap();
    until(&gateway, "/chats", |chats| chats["chats"][0]["name"] == "Saturday football").await;
    assert!(gateway.end().await.success());
    let fake = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whole/fake-bridge.sh");
    let gateway = Gateway::start_with(&place, &["--bridge", fake], &[("WA_FAKE", "silent")]).await;
    let chats = gateway.get("/chats").await.json;
    assert_eq!((&chats["chats"][0]["name"], &chats["chats"][0]["id"]), (&json!("Saturday football"), &json!(ID)));
    assert_eq!(gateway.status().await["connected"], false);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_group_is_sent_once_and_every_member_can_read_it() {
    for members in [Members::ByLid, Members::ByNumber] {
        let (place, gateway, group, people) = with_group(members).await;
        for person in &people {
            person.set_receipts(Receipts::Read).await;
        }
        for text in ["at ten", "at the old place"] {
            let sent = gateway.post("/send?wait=sent", json!({"to": group.id(), "text": text})).await;
            assert_eq!((sent.status, &sent.json["to"]), (200, &json!(ID)), "{}", sent.json);
            for person in &people {
                within("the message", person.wait_copies(sent.json["id"].as_str().unwrap(), 1)).await;
            }
            let path = format!("/messages/{}", sent.json["id"].as_str().unwrap());
            until(&gateway, &path, |message| message["state"] == "read").await;
        }
        for person in &people {
            let received = person.received().await;
            let received: Vec<_> = received.iter().map(|r| (r.text.as_str(), r.copies)).collect();
            assert_eq!(received, [("at ten", 1), ("at the old place", 1)]);
        }
        assert_eq!(place.simulator.unreadable().await, 0);
        assert_eq!(group.queries().await, 1, "who is in it is asked once");
        assert!(gateway.end().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_the_account_is_not_in_is_named_as_the_reason() {
    let (place, gateway, group, _) = with_group(Members::ByLid).await;
    // It is known who is in it, and then the account is put out.
    let sent = gateway.post("/send?wait=sent", json!({"to": group.id(), "text": "hello"})).await;
    assert_eq!(sent.json["failure"], Value::Null, "{}", sent.json);
    group.put_out().await;
    within("the confirmation", place.simulator.wait_confirmed()).await;
    for (to, code, words) in [
        ("120363000000000000@g.us", 404, "WhatsApp knows no such group"),
        (group.id(), 403, "this account is not in the group"),
    ] {
        let sent = gateway.post("/send?wait=sent", json!({"to": to, "text": "anybody?"})).await;
        assert_eq!((sent.status, &sent.json["state"]), (200, &json!("failed")), "{}", sent.json);
        assert_eq!(sent.json["failure"]["code"], code, "{}", sent.json);
        assert!(sent.json["failure"]["text"].as_str().unwrap().contains(words), "{}", sent.json);
    }
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_way_to_a_group_is_sent_once_more_with_its_id_when_the_bridge_was_killed() {
    let (place, gateway, group, people) = with_group(Members::ByLid).await;
    place.simulator.withhold_acks(true).await;
    let sent = gateway.post("/send", json!({"to": group.id(), "text": "keep me"})).await;
    assert_eq!(sent.status, 202, "{}", sent.json);
    let id = sent.json["id"].as_str().unwrap();
    for person in &people {
        within("the message", person.wait_copies(id, 1)).await;
    }
    signal(gateway.status().await["bridge"]["pid"].as_i64().unwrap(), "KILL");
    within("the bridge's end", place.simulator.wait_offline()).await;
    place.simulator.withhold_acks(false).await;
    gateway.until(|status| status["messages_sent"] == 1).await;
    for person in &people {
        let received = person.received().await;
        assert_eq!((received.len(), received[0].id.as_str()), (1, id), "the same id: shown once");
        assert_eq!(received[0].copies, 2);
    }
    assert_eq!(place.simulator.unreadable().await, 0, "no sender key was used twice");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_into_a_group_can_read_what_is_written_then_and_who_goes_cannot() {
    let (place, gateway, group, [ana, ben]) = with_group(Members::ByLid).await;
    let carla = place.simulator.contact("+584244370180", "Carla").await.unwrap();
    let say = async |text: &str| {
        let sent = gateway.post("/send?wait=sent", json!({"to": group.id(), "text": text})).await;
        assert_eq!(sent.json["failure"], Value::Null, "{}", sent.json);
    };
    say("one").await;
    group.add(&place.simulator, &carla.number()).await.unwrap();
    within("the confirmation", place.simulator.wait_confirmed()).await;
    say("two").await;
    group.remove(&ben.number()).await;
    within("the confirmation", place.simulator.wait_confirmed()).await;
    say("three").await;
    for (person, texts) in [(ana, &["one", "two", "three"][..]), (ben, &["one", "two"]), (carla, &["two", "three"])] {
        let received = person.wait_received(texts.len()).await;
        assert_eq!(received.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), texts);
    }
    assert_eq!(place.simulator.unreadable().await, 0);
    assert_eq!(place.simulator.leaked().await, 0, "who has gone has no key for what is written later");
    assert_eq!(group.queries().await, 3, "it is asked again after each change");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_group_that_was_lost_with_its_keys_can_be_read_when_it_is_given_again() {
    let (place, gateway, group, people) = with_group(Members::ByLid).await;
    place.simulator.lose_sends(1).await;
    let sent = gateway.post("/send", json!({"to": group.id(), "text": "keep me"})).await;
    within("the loss", place.simulator.wait_lost(1)).await;
    signal(gateway.status().await["bridge"]["pid"].as_i64().unwrap(), "KILL");
    within("the bridge's end", place.simulator.wait_offline()).await;
    gateway.until(|status| status["messages_sent"] == 1).await;
    for person in &people {
        let received = person.received().await;
        assert_eq!((received.len(), received[0].copies), (1, 1));
        assert_eq!(received[0].id, sent.json["id"].as_str().unwrap());
    }
    assert_eq!(place.simulator.unreadable().await, 0, "nobody had to ask for it again");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn members_can_read_the_message_after_one_that_was_refused() {
    let (place, gateway, group, people) = with_group(Members::ByLid).await;
    place.simulator.refuse_sends(479, 1).await;
    let sent = gateway.post("/send?wait=sent", json!({"to": group.id(), "text": "refused"})).await;
    assert_eq!(sent.json["failure"]["code"], 479, "{}", sent.json);
    gateway.post("/send?wait=sent", json!({"to": group.id(), "text": "taken"})).await;
    for person in &people {
        assert_eq!(within("the message", person.wait_received(1)).await[0].text, "taken");
    }
    assert_eq!(place.simulator.unreadable().await, 0, "the key that the refused one carried was given again");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_keys_gets_the_message_when_he_asks_for_it_again() {
    let (place, gateway, group, [ana, ben]) = with_group(Members::ByLid).await;
    gateway.post("/send?wait=sent", json!({"to": group.id(), "text": "one"})).await;
    within("the message", ana.wait_received(1)).await;
    ana.forget_session().await;
    gateway.post("/send?wait=sent", json!({"to": group.id(), "text": "two"})).await;
    assert_eq!(within("the message", ana.wait_received(2)).await[1].text, "two");
    assert_eq!(place.simulator.unreadable().await, 1, "she had to ask once");
    assert_eq!(within("the message", ben.wait_received(2)).await.len(), 2, "the others show it once");
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_key_is_missing_comes_in_once_when_it_was_asked_for_again() {
    let (place, gateway, group, _) = with_group(Members::ByLid).await;
    group.withhold_key(ANA).await;
    let first = group.say(ANA, "unreadable at first").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    group.say(ANA, "readable at once").await.unwrap();
    gateway.until(|status| status["messages_received"] == 2).await;
    let told = messages(&gateway).await;
    assert_eq!((&told[0]["id"], &told[0]["text"]), (&json!(first), &json!("unreadable at first")));
    assert_eq!(place.simulator.retries().await, 1, "the key came with what was written again");
    assert!(gateway.end().await.success());
}
