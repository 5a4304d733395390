//! The journal in the database.

use super::*;
use crate::state::JournalKind;
use crate::store::schema;

fn told(row: &JournalRow) -> serde_json::Value {
    serde_json::from_str(&row.payload).unwrap()
}

fn seqs(page: &JournalPage) -> Vec<u64> {
    page.rows.iter().map(|row| row.seq).collect()
}

#[tokio::test]
async fn a_row_tells_all_that_a_program_needs() {
    let folder = tempfile::tempdir().unwrap();
    let queued = Delivery::queued(AT);
    let sent = queued.clone().dispatched(AT).reached(DeliveryState::Sent, AT).unwrap();
    write_all(
        open(folder.path()),
        vec![
            vec![incoming("a@g.us", "1", "hi\nthere"), Write::Message(Arc::new(outgoing("o", "+15551112222")))],
            vec![
                Write::Delivery { id: "o".into(), delivery: sent.clone() },
                Write::Delivery { id: "not kept".into(), delivery: sent },
            ],
        ],
    )
    .await;
    let page = open(folder.path()).reader.journal_after(0, 10, 1 << 20).unwrap();
    assert_eq!((seqs(&page), page.head), (vec![1, 2, 3, 4], 4));
    let received = &page.rows[0];
    assert_eq!((received.kind.as_str(), received.version, received.at), ("message.received", 1, AT));
    assert_eq!(received.chat, Some("a@g.us".into()));
    assert!(!received.payload.contains('\n'), "one line");
    let want = serde_json::json!({
        "id": "1", "chat": {"id": "a@g.us", "kind": "group", "phone": null, "lid": null}, "direction": "in",
        "from": "+15551112222", "name": "Ana", "kind": "text", "target": null, "text": "hi\nthere", "at": AT,
    });
    assert_eq!(told(received), want);
    let accepted = told(&page.rows[1]);
    assert_eq!((&accepted["state"], &accepted["text"]), (&"queued".into(), &"hola".into()));
    let status = told(&page.rows[2]);
    assert_eq!(page.rows[2].chat, Some("15551112222@s.whatsapp.net".into()));
    for (field, want) in [("id", "o"), ("to", "+15551112222"), ("state", "sent")] {
        assert_eq!(status[field], want, "{status}");
    }
    assert!(status["sent_at"].is_string() && status["chat"]["phone"].is_string(), "{status}");
    assert_eq!((&page.rows[3].chat, &told(&page.rows[3])["chat"]), (&None, &serde_json::Value::Null));
    assert!(page.rows[1..].iter().all(|row| row.kind == JournalKind::MessageStatus.as_str()));
}

#[tokio::test]
async fn a_page_has_a_bound_in_rows_and_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10).await;
    let reader = open(folder.path()).reader;
    assert_eq!(seqs(&reader.journal_after(4, 3, 1 << 20).unwrap()), [5, 6, 7]);
    assert_eq!(seqs(&reader.journal_after(4, 10, 2_000).unwrap()), [5, 6]);
    assert_eq!(seqs(&reader.journal_after(4, 10, 1).unwrap()), [5], "one at least");
    assert_eq!(reader.journal_after(10, 10, 1).unwrap(), JournalPage { rows: Vec::new(), head: 10 });
    assert_eq!(reader.journal_after(u64::MAX, 10, 1).unwrap().rows, []);
}

#[tokio::test]
async fn numbers_are_not_used_again_when_the_newest_rows_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    rusqlite::Connection::open(folder.path().join("pilothouse.db"))
        .unwrap()
        .execute("DELETE FROM journal", [])
        .unwrap();
    let store = open(folder.path());
    assert_eq!(store.reader.journal_head().unwrap(), 3);
    write_all(store, vec![vec![incoming("b@g.us", "1", "x")]]).await;
    assert_eq!(seqs(&open(folder.path()).reader.journal_after(0, 10, 1 << 20).unwrap()), [4]);
}

#[tokio::test]
async fn another_reader_waits_for_nobody_who_has_this_one() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 1).await;
    let reader = open(folder.path()).reader;
    let another = reader.another().unwrap();
    reader.with(|_, _| another.journal_head()).map(|head| assert_eq!(head, 1)).unwrap();
}

#[tokio::test]
async fn what_is_told_of_a_message_goes_with_the_message_and_is_never_that_of_another_one() {
    let folder = tempfile::tempdir().unwrap();
    write_all(open(folder.path()), vec![vec![incoming("a@g.us", "1", "stays"), incoming("a@g.us", "2", "goes")]]).await;
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    raw.execute_batch("DELETE FROM messages WHERE id = '2'; UPDATE indexed SET upto = 1").unwrap();
    assert_eq!(seqs(&open(folder.path()).reader.journal_after(0, 10, 1 << 20).unwrap()), [1]);
    // Its number is given again.
    write_all(open(folder.path()), vec![vec![incoming("a@g.us", "3", "comes")]]).await;
    let page = open(folder.path()).reader.journal_after(0, 10, 1 << 20).unwrap();
    let texts: Vec<_> = page.rows.iter().map(|row| (row.seq, told(row)["text"].clone())).collect();
    assert_eq!(texts, [(1, "stays".into()), (3, "comes".into())]);
}

#[tokio::test]
async fn a_database_of_before_the_keys_gets_them_and_keeps_what_it_told() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    old.execute_batch(&schema::MIGRATIONS[..schema::KEYED - 1].concat()).unwrap();
    old.execute_batch(
        "INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at)
             VALUES ('main', 'a@g.us', '1', 'in', 'group', '', 'text', 'of before', 1);
         INSERT INTO journal (account, at, type, chat, message_id, payload)
             VALUES ('main', 1, 'message.received', 'a@g.us', '1', '{\"id\":\"1\"}')",
    )
    .unwrap();
    old.pragma_update(None, "user_version", (schema::KEYED - 1) as i64).unwrap();
    drop(old);
    let again = vec![vec![incoming("a@g.us", "1", "again"), incoming("a@g.us", "2", "of now")]];
    write_all(open(folder.path()), again).await;
    let store = open(folder.path());
    let found = |id: &str| store.reader.has_message(&"a@g.us".into(), &id.into()).unwrap();
    assert!(found("1") && found("2") && !found("3"));
    let page = store.reader.journal_after(0, 10, 1 << 20).unwrap();
    let ids: Vec<_> = page.rows.iter().map(|row| (row.seq, row.chat.clone(), told(row)["id"].clone())).collect();
    let chat = Some(ChatId::from("a@g.us"));
    assert_eq!(ids, [(1, chat.clone(), "1".into()), (2, chat, "2".into())]);
}

#[tokio::test]
async fn messages_whose_keys_coincide_are_told_apart_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    write_all(open(folder.path()), vec![vec![incoming("a@g.us", "1", "one")]]).await;
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    // In a bucket and in a run.
    let key = keys::of("main", "a@g.us", "2");
    keys::add(&raw, key, 1);
    raw.execute("UPDATE key_runs SET keys = ?1", [keys::entry(key, 1).unwrap()]).unwrap();
    write_all(open(folder.path()), vec![vec![incoming("a@g.us", "2", "two"), incoming("a@g.us", "2", "again")]]).await;
    let store = open(folder.path());
    let bodies: Vec<_> = store.restored.feed.iter().map(|m| &*m.body).collect();
    assert_eq!(bodies, ["one", "two"]);
    assert_eq!(&*store.reader.message(&"a@g.us".into(), &"2".into()).unwrap().unwrap().body, "two");
}
