//! The engine with a real store, and the test in the bridge's place.

#[expect(clippy::wildcard_enum_match_arm, reason = "tests pick out what they look for")]
mod model;

use std::sync::Arc;
use std::time::Duration;

use super::harness::Harness;
use super::{Next, Unavailable, link};
use crate::link::{Ask, Update};
use crate::protocol::Command;
use crate::state::{
    Answer, Change, Chat, DeliveryState, Find, Found, LookUp, MessageId, Phone, Refusal, Request, RequestId,
    SendOptions, Snapshot, StoreState, apply,
};

fn text(body: &str) -> Request {
    let ana: Phone = "+15551112222".parse().unwrap();
    Request::Send { chat: Chat::with_person(ana), text: body.into(), options: SendOptions::default() }
}

async fn accepted(harness: &Harness, body: &str) -> MessageId {
    let answer = harness.handle.ask(text(body)).await.unwrap();
    let Answer::Accepted { id, .. } = answer else { panic!("{answer:?}") };
    id
}

fn message(id: &str) -> String {
    format!(
        r#"{{"type":"message","from":"+15551112222","body":"Hola","messageId":"{id}","kind":"text",
            "chat":{{"kind":"person","id":"15551112222@s.whatsapp.net","phone":"+15551112222"}}}}"#
    )
    .replace('\n', "")
}

#[tokio::test]
async fn an_answer_means_that_it_is_on_disk() {
    let harness = Harness::connected().await;
    let reader = harness.reader();
    for n in 0..20 {
        let id = accepted(&harness, &format!("text {n}")).await;
        assert!(reader.sent_message(&id).unwrap().is_some(), "text {n}");
    }
    harness.end().await;
}

#[tokio::test]
async fn what_the_bridge_is_given_is_on_disk_as_given() {
    let mut harness = Harness::connected().await;
    let reader = harness.reader();
    let id = accepted(&harness, "text").await;
    let Command::Send { message_id, .. } = harness.command().await else { panic!() };
    assert_eq!(message_id.as_deref(), Some(id.as_str()));
    let delivery = reader.delivery(&id).unwrap().unwrap();
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Dispatched, 1));
    harness.end().await;
}

#[tokio::test]
async fn a_message_of_ours_that_comes_back_as_written_with_our_account_is_not_shown_again() {
    let mut harness = Harness::connected().await;
    let id = accepted(&harness, "text").await;
    let Command::Send { .. } = harness.command().await else { panic!() };
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","messageId":"{}","ok":true}}"#, id.as_str())).await;
    harness.until(|s| s.queue == 0).await;
    let ours = message(id.as_str()).replace("\"kind\":\"text\"", "\"kind\":\"text\",\"fromMe\":true");
    // Under whatever id the chat is told there.
    harness.says(&ours).await;
    harness.says(&ours.replace("15551112222@s.whatsapp.net", "777@lid")).await;
    harness.says(&ours.replace(id.as_str(), "FROM-THE-PHONE")).await;
    harness.says(&ours.replace(id.as_str(), "FROM-THE-PHONE")).await;
    harness.until(|s| s.counters.duplicates == 3).await;
    assert_eq!(harness.reader().last_messages(9).unwrap().len(), 2);
    harness.end().await;
}

#[tokio::test]
async fn what_is_published_is_on_disk() {
    let harness = Harness::connected().await;
    let reader = harness.reader();
    let mut cursor = harness.handle.feed().follow();
    harness.says(&message("3A01")).await;
    harness.published(&mut cursor, |change| matches!(change, Change::MessageAdded(_))).await;
    assert_eq!(reader.last_messages(10).unwrap().len(), 1);
    harness.end().await;
}

#[tokio::test]
async fn what_is_acknowledged_to_the_bridge_is_on_disk() {
    let mut harness = Harness::connected().await;
    let reader = harness.reader();
    for n in 1..=20 {
        harness.says(&message(&format!("3A{n:02}")).replace("\"from\"", &format!("\"seq\":{n},\"from\""))).await;
    }
    let mut acknowledged = 0;
    while acknowledged < 20 {
        let Command::Ack { seq } = harness.command().await else { panic!() };
        assert!(seq > acknowledged, "acknowledgements grow");
        acknowledged = seq;
        assert!(reader.last_messages(100).unwrap().len() as u64 >= seq, "{seq}");
    }
    // Told again by the next run: taken once, and acknowledged again.
    harness.says(&message("3A20").replace("\"from\"", "\"seq\":20,\"from\"")).await;
    assert_eq!(harness.command().await, Command::Ack { seq: 20 });
    assert_eq!(reader.last_messages(100).unwrap().len(), 20);
    harness.end().await;
}

#[tokio::test]
async fn an_older_number_that_is_told_again_does_not_take_an_acknowledgement_back() {
    let mut harness = Harness::connected().await;
    let numbered = |seq: u64| message(&format!("3A{seq:02}")).replace("\"from\"", &format!("\"seq\":{seq},\"from\""));
    harness.says(&numbered(2)).await;
    assert_eq!(harness.command().await, Command::Ack { seq: 2 });
    harness.says(&numbered(1)).await;
    assert_eq!(harness.command().await, Command::Ack { seq: 2 });
    harness.end().await;
}

#[tokio::test]
async fn a_message_that_is_told_again_is_taken_once_also_after_a_restart() {
    let harness = Harness::connected().await;
    harness.says(&message("3A01")).await;
    harness.says(&message("3A01")).await;
    harness.says(&message("3A02")).await;
    harness.until(|s| s.counters.messages_received == 2).await;
    let harness = harness.again().await;
    harness.started().await;
    harness.says(&message("3A02")).await;
    harness.says(&message("3A03")).await;
    harness.until(|s| s.counters.messages_received == 1 && s.counters.duplicates == 1).await;
    assert_eq!(harness.reader().last_messages(10).unwrap().len(), 3);
    harness.end().await;
}

#[tokio::test]
async fn a_message_of_which_only_the_writer_is_told_is_taken_once_also_after_a_restart() {
    let told = |id: &str| format!(r#"{{"type":"message","from":"+15551112222","body":"Hola","messageId":"{id}"}}"#);
    let harness = Harness::connected().await;
    harness.says(&told("3A01")).await;
    harness.says(&told("3A01")).await;
    harness.until(|s| s.counters.messages_received == 1 && s.counters.duplicates == 1).await;
    let harness = harness.again().await;
    harness.started().await;
    harness.says(&told("3A01")).await;
    harness.says(&told("3A02")).await;
    harness.until(|s| s.counters.messages_received == 1 && s.counters.duplicates == 1).await;
    assert_eq!(harness.reader().last_messages(10).unwrap().len(), 2);
    harness.end().await;
}

#[tokio::test]
async fn what_was_accepted_goes_out_after_a_restart_under_its_id_and_in_order() {
    let harness = Harness::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(accepted(&harness, &format!("text {n}")).await);
    }
    let mut harness = harness.again().await;
    harness.started().await;
    harness.says(r#"{"type":"hello","protocol":{"major":1},"bridge":"t","capabilities":["ids"]}"#).await;
    harness.says(r#"{"type":"ready"}"#).await;
    let mut given = Vec::new();
    while given.len() < ids.len() {
        if let Command::Send { message_id: Some(id), .. } = harness.command().await {
            harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","ok":true,"messageId":"{id}"}}"#)).await;
            given.push(MessageId::from(id));
        }
    }
    assert_eq!(given, ids);
    harness.until(|s| s.queue == 0 && s.counters.messages_sent == 5).await;
    let folder = harness.end().await;
    drop(folder);
}

#[tokio::test]
async fn what_is_accepted_while_it_ends_is_kept_and_nothing_is_accepted_after() {
    let harness = Harness::connected().await;
    let handle = harness.handle.clone();
    let reader = harness.reader();
    let asked = tokio::spawn(async move {
        let mut ids = Vec::new();
        loop {
            match handle.ask(text("x")).await {
                Ok(Answer::Accepted { id, .. }) => ids.push(id),
                Ok(other) => panic!("{other:?}"),
                Err(Unavailable) => return ids,
            }
        }
    });
    harness.until(|s| s.queue > 3).await;
    let folder = harness.end().await;
    let ids = asked.await.unwrap();
    assert!(ids.len() > 3);
    assert!(ids.iter().all(|id| reader.sent_message(id).unwrap().is_some()));
    drop(folder);
}

#[tokio::test]
async fn a_follower_who_is_too_slow_gets_everything_at_once_and_is_right() {
    let harness = Harness::connected().await;
    let mut cursor = harness.handle.feed().follow();
    for n in 0..4_200 {
        harness.says(&message(&format!("3A{n}"))).await;
    }
    harness.until(|s| s.counters.messages_received == 4_200).await;
    let Next::Snapshot(snapshot) = cursor.next(100).await else { panic!("changes were missed") };
    harness.handle.feed().look(|now| assert_eq!(**now.feed.back().unwrap(), **snapshot.feed.back().unwrap()));
    harness.end().await;
}

#[tokio::test]
async fn a_console_folds_what_it_is_told_to_the_same_picture() {
    let harness = Harness::connected().await;
    let mut console = link(&harness.handle);
    let Some(Update::Snapshot(first)) = console.updates.recv().await else { panic!("a snapshot comes first") };
    let mut picture: Snapshot = *first;
    for n in 0..50 {
        harness.says(&message(&format!("3A{n}"))).await;
    }
    let id = RequestId(7);
    console.requests.send(Ask { id, request: text("from the console") }).await.unwrap();
    let mut answered = false;
    while !answered || picture.counters.messages_received < 50 {
        match console.updates.recv().await.unwrap() {
            Update::Snapshot(snapshot) => picture = *snapshot,
            Update::Changes(changes) => changes.iter().for_each(|change| apply(&mut picture, change)),
            Update::Answer { id: RequestId(7), answer: Answer::Accepted { .. } } => answered = true,
            Update::Answer { id, answer } => panic!("{id}: {answer:?}"),
            Update::Found { id, found } => panic!("{id}: {found:?}"),
            other @ (Update::Unanswered { .. } | Update::Lost(_) | Update::Logged(_)) => panic!("{other:?}"),
        }
    }
    assert_eq!(picture.queue, 1);
    assert_eq!(picture.feed.len(), 51);
    // What it looks up comes from the disk.
    let newest = LookUp::after(&Find { limit: 2, ..Find::default() }, None);
    console.look_ups.send((RequestId(8), newest)).await.unwrap();
    let Some(Update::Found { id: RequestId(8), found: Found::Messages(page) }) = console.updates.recv().await else {
        panic!("an answer comes")
    };
    assert_eq!(page.items.iter().map(|listed| &*listed.message.body).next(), Some("from the console"));
    harness.end().await;
    // The link ends with the engine.
    while console.updates.recv().await.is_some() {}
}

#[tokio::test]
async fn while_the_database_can_not_be_written_nothing_is_accepted_and_it_is_said() {
    let harness = Harness::connected().await;
    // Another program holds the database: writing waits, then fails.
    let other = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    other.execute_batch("DROP TABLE messages").unwrap();
    harness.says(&message("3A01")).await;
    harness.until(|s| s.last_error.as_ref().is_some_and(|e| e.text.contains("can't be written"))).await;
    let answer = harness.handle.ask(text("x")).await.unwrap();
    assert!(matches!(answer, Answer::Refused(Refusal::StoreFailed { .. })), "{answer:?}");
    assert_eq!(harness.handle.feed().look(|s| s.counters.messages_received), 0, "not on disk, so not told");
}

#[tokio::test]
async fn while_the_database_is_held_all_wait_and_go_on_when_it_is_let_go() {
    let harness = Harness::connected().await;
    let other = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = tokio::spawn({
        let handle = harness.handle.clone();
        async move { handle.ask(text("waits for the disk")).await }
    });
    harness.until(|s| s.store.state == StoreState::Failing).await;
    // More than fits anywhere: the bridge is made to wait, and requests are refused at once.
    let told = async {
        for n in 0..2_000 {
            harness.says(&message(&format!("3A{n}"))).await;
        }
    };
    let refusals = async {
        for _ in 0..200 {
            let answer = harness.handle.ask(text("x")).await.unwrap();
            let Answer::Refused(Refusal::StoreFailed { reason }) = answer else { panic!("{answer:?}") };
            assert!(reason.contains("locked"), "{reason}");
        }
        other.execute_batch("ROLLBACK").unwrap();
    };
    tokio::join!(told, refusals);
    harness.until(|s| s.store.state == StoreState::Ok && s.counters.messages_received == 2_000).await;
    assert_eq!(harness.handle.feed().look(|s| s.store.reason.clone()), None);
    let answer = first.await.unwrap().unwrap();
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    assert_eq!(harness.reader().last_messages(9_999).unwrap().len(), 2_001);
    accepted(&harness, "after").await;
    harness.end().await;
}

#[tokio::test]
async fn a_receipt_whose_message_can_not_be_looked_up_is_acknowledged_when_it_is_on_disk_and_so_is_what_comes_after() {
    let mut harness = Harness::connected().await;
    let id = accepted(&harness, "text").await;
    let Command::Send { .. } = harness.command().await else { panic!() };
    let sent = format!(r#"{{"type":"sent","seq":1,"to":"+15551112222","messageId":"{id}","ok":true}}"#);
    harness.says(&sent).await;
    assert_eq!(harness.command().await, Command::Ack { seq: 1 });
    // It has left the outbox, and can't be found on disk.
    let raw = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    raw.execute_batch("ALTER TABLE messages RENAME TO away").unwrap();
    harness.says(&format!(r#"{{"type":"receipt","seq":2,"messageId":"{id}","status":"delivered"}}"#)).await;
    harness.says(&message("3A03").replace("\"from\"", "\"seq\":3,\"from\"")).await;
    let failing = harness.until(|s| s.last_error.as_ref().is_some_and(|e| e.text.contains("can't be read")));
    tokio::time::timeout(Duration::from_secs(30), failing).await.expect("it is shown that the store fails");
    assert_eq!(harness.handle.feed().look(|s| s.store.state), StoreState::Failing);
    let answer = harness.handle.ask(text("x")).await.unwrap();
    let Answer::Refused(Refusal::StoreFailed { reason }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("can't be looked up"), "{reason}");
    assert_eq!(harness.waiting_command(), None, "nothing is acknowledged");
    raw.execute_batch("ALTER TABLE away RENAME TO messages").unwrap();
    let mut acknowledged = 0;
    while acknowledged < 3 {
        let Command::Ack { seq } = harness.command().await else { panic!() };
        acknowledged = seq;
        let delivery = harness.reader().delivery(&id).unwrap().unwrap();
        assert_eq!(delivery.state, DeliveryState::Delivered, "{seq}");
    }
    harness.until(|s| s.store.state == StoreState::Ok && s.counters.messages_received == 1).await;
    accepted(&harness, "after").await;
    harness.end().await;
}

#[tokio::test]
async fn it_ends_while_messages_can_not_be_looked_up_and_says_so() {
    let mut harness = Harness::connected().await;
    let raw = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    raw.execute_batch("DROP TABLE key_buckets").unwrap();
    harness.says(r#"{"type":"receipt","seq":1,"messageId":"3A01","status":"delivered"}"#).await;
    let failing = harness.until(|s| s.store.state == StoreState::Failing);
    tokio::time::timeout(Duration::from_secs(30), failing).await.expect("it is shown that the store fails");
    assert_eq!(harness.waiting_command(), None, "nothing is acknowledged");
    let error = harness.fail().await.to_string();
    assert!(error.contains("looked up") && error.contains("not acknowledged"), "{error}");
}

#[tokio::test]
async fn it_ends_while_the_database_can_not_be_written_and_says_so() {
    let harness = Harness::connected().await;
    let other = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    harness.says(&message("3A00")).await;
    harness.until(|s| s.store.state == StoreState::Failing).await;
    for n in 0..60 {
        harness.says(&message(&format!("3B{n}"))).await;
    }
    let error = harness.fail().await.to_string();
    assert!(error.contains("locked") && error.contains("not acknowledged"), "{error}");
}

#[tokio::test]
async fn a_bridge_that_does_not_read_its_stdin_costs_no_memory_and_no_message() {
    let mut harness = Harness::connected().await;
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(accepted(&harness, &format!("text {n}")).await);
    }
    // No more than the window was handed out; all are kept.
    let mut given = 0;
    while harness.waiting_command().is_some() {
        given += 1;
    }
    assert!(given < 128, "{given}");
    assert_eq!(harness.handle.feed().look(|s| s.queue), 300);
    let reader = harness.reader();
    assert!(ids.iter().all(|id| reader.sent_message(id).unwrap().is_some()));
    harness.end().await;
}

#[test]
fn the_link_is_plain_data() {
    fn plain<T: Send + 'static>() {}
    plain::<Update>();
    plain::<Ask>();
    plain::<Arc<Change>>();
}
