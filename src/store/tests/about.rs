//! Edits, revocations and reactions in the database.

use super::keys::{Merger, Recent};
use super::*;
use crate::clock::Clock;
use crate::state::{About, Target};

const CHAT: &str = "a@g.us";

/// Somebody about the message `target`.
fn about(id: &str, kind: &str, body: &str, target: &str) -> Write {
    let Write::Message(message) = incoming(CHAT, id, body) else { unreachable!() };
    let target = Some(Box::new(Target { id: target.into(), from_me: target == "ours" }));
    Write::Message(Arc::new(Message { kind: kind.into(), target, ..(*message).clone() }))
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.id.as_str()).collect()
}

#[tokio::test]
async fn each_event_is_a_row_with_its_target_and_the_message_keeps_its_own_text() {
    let folder = tempfile::tempdir().unwrap();
    let writes = vec![
        incoming(CHAT, "1", "as it was"),
        about("2", "edit", "mended", "1"),
        incoming("b@g.us", "1", "another chat"),
        about("3", "reaction", "👍", "1"),
        about("3", "reaction", "👍", "1"),
        about("4", "reaction", "❤️", "ours"),
        about("5", "edit", "mended again", "1"),
        about("6", "revoke", "", "1"),
        about("7", "edit", "of one that is older than the database", "0"),
    ];
    write_all(open(folder.path()), vec![writes]).await;
    let store = open(folder.path());
    let found = store.reader.about(&CHAT.into(), &"1".into(), 10).unwrap();
    assert_eq!(ids(&found), ["2", "3", "5", "6"]);
    let kinds = [About::Edit, About::Reaction, About::Edit, About::Revoke];
    assert_eq!(found.iter().filter_map(Message::about).collect::<Vec<_>>(), kinds);
    assert_eq!(found[0].target.as_deref(), Some(&Target { id: "1".into(), from_me: false }));
    assert_eq!((&*found[0].body, &*found[1].body), ("mended", "👍"));
    assert_eq!(ids(&store.reader.about(&CHAT.into(), &"1".into(), 2).unwrap()), ["5", "6"], "the newest");
    assert_eq!(ids(&store.reader.about(&CHAT.into(), &"0".into(), 10).unwrap()), ["7"]);
    assert!(store.reader.about(&"b@g.us".into(), &"1".into(), 10).unwrap().is_empty());
    let ours = store.reader.about(&CHAT.into(), &"ours".into(), 10).unwrap();
    assert!(ours[0].target.as_ref().unwrap().from_me);
    // What consoles get after a restart.
    assert_eq!((&*store.restored.feed[0].body, &store.restored.feed[0].target), ("as it was", &None));
    assert_eq!(store.restored.feed[1], found[0]);
    let journal = store.reader.journal_after(0, 20, 1 << 20).unwrap().rows;
    let told: serde_json::Value = serde_json::from_str(&journal[3].payload).unwrap();
    assert_eq!(
        (journal[3].kind.as_str(), &told["target"]["id"], &told["text"]),
        ("message.reaction", &"1".into(), &"👍".into())
    );
    let kinds: Vec<_> = journal.iter().map(|row| row.kind.trim_start_matches("message.")).collect();
    assert_eq!(kinds, ["received", "edited", "received", "reaction", "reaction", "edited", "revoked", "edited"]);
}

#[tokio::test]
async fn a_look_at_what_is_about_a_message_goes_by_the_index() {
    let folder = tempfile::tempdir().unwrap();
    write_all(open(folder.path()), vec![vec![about("2", "edit", "x", "1")]]).await;
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    let plan: String = raw
        .query_row(
            "EXPLAIN QUERY PLAN SELECT id FROM messages WHERE account = ?1 AND chat = ?2 AND target = ?3 ORDER BY n DESC",
            ["main", CHAT, "1"],
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.contains("messages_target"), "{plan}");
}

#[tokio::test]
async fn a_database_of_the_second_version_keeps_its_rows_and_takes_targets() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    old.execute_batch(&schema::MIGRATIONS[..2].concat()).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 2;
         INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at, state, queued_at) VALUES
             ('main', 'a@g.us', '1', 'in', 'group', '+1', 'text', 'as it was', 1, NULL, NULL),
             ('main', 'a@g.us', '2', 'in', 'group', '+1', 'edit', 'mended', 2, NULL, NULL),
             ('main', 'a@g.us', '3', 'in', 'group', '+1', 'revoke', '', 3, NULL, NULL),
             ('main', '1@s.whatsapp.net', '4', 'out', 'person', '', 'text', 'waits', 4, 'queued', 4);
         INSERT INTO journal (account, at, type, payload) VALUES ('main', 1, 'message.received', '{}');",
    )
    .unwrap();
    drop(old);
    let store = open(folder.path());
    let kept: Vec<_> = store.restored.feed.iter().map(|m| (&*m.kind, &*m.body, m.target.is_some())).collect();
    let want = [("text", "as it was"), ("edit", "mended"), ("revoke", ""), ("text", "waits")];
    assert_eq!(kept, want.map(|(kind, body)| (kind, body, false)));
    assert_eq!(store.restored.pending.len(), 1);
    write_all(store, vec![vec![about("5", "reaction", "👍", "1")]]).await;
    let store = open(folder.path());
    assert_eq!(ids(&store.reader.about(&CHAT.into(), &"1".into(), 10).unwrap()), ["5"]);
    let journal = store.reader.journal_after(0, 10, 1 << 20).unwrap().rows;
    assert_eq!(journal.iter().map(|row| row.seq).collect::<Vec<_>>(), [2], "what was not written to be told is gone");
    drop(store);
    let version: u32 = rusqlite::Connection::open(folder.path().join("pilothouse.db"))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version as usize, schema::MIGRATIONS.len());
}

#[tokio::test]
async fn retention_takes_events_in_their_turn_and_they_may_outlive_their_message() {
    let folder = tempfile::tempdir().unwrap();
    let day = 24 * 60 * 60 * 1_000;
    let at = |write: Write, days: i64| {
        let Write::Message(message) = write else { unreachable!() };
        let at = Timestamp::from_millis(AT.as_millis() + days * day);
        Write::Message(Arc::new(Message { at, ..(*message).clone() }))
    };
    let writes = vec![
        at(incoming(CHAT, "1", "old"), 0),
        at(about("2", "edit", "mended at once", "1"), 0),
        at(about("3", "reaction", "👍", "1"), 20),
        at(incoming(CHAT, "4", "new"), 35),
    ];
    write_all(open(folder.path()), vec![writes]).await;
    let sweep = |days: i64| {
        let mut connection = schema::open(&folder.path().join("pilothouse.db")).unwrap();
        let max_age = Some(std::time::Duration::from_secs(30 * 24 * 60 * 60));
        let keep = Retention { max_age, max_bytes: None, look_every: Default::default(), clock: Clock::start() };
        let now = Timestamp::from_millis(AT.as_millis() + days * day);
        let mut keys = Merger::new(Recent::default());
        while retention::step(&mut connection, &mut keys, &keep, now).unwrap() {}
    };
    sweep(35);
    let store = open(folder.path());
    assert_eq!(ids(&store.restored.feed), ["3", "4"]);
    assert_eq!(ids(&store.reader.about(&CHAT.into(), &"1".into(), 10).unwrap()), ["3"]);
    write_all(store, vec![vec![at(incoming(CHAT, "5", "newest"), 60)]]).await;
    sweep(60);
    let store = open(folder.path());
    assert_eq!(ids(&store.restored.feed), ["4", "5"]);
    assert!(store.reader.about(&CHAT.into(), &"1".into(), 10).unwrap().is_empty());
}
