mod about;
mod find;
mod journal;
mod million;

use std::sync::Arc;

use super::*;
use crate::clock::Timestamp;
use crate::protocol::ChatKind;
use crate::state::{
    Chat, ChatId, Delivery, DeliveryState, Direction, Failure, Fingerprint, IdempotencyKey, Lookup, MessageId, Phone,
    Used, Write, WriteSeq,
};

const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn open(folder: &Path) -> Store {
    Store::open(folder, AccountId::main(), 10).unwrap()
}

fn incoming(chat: &str, id: &str, body: &str) -> Write {
    Write::Message(Arc::new(Message {
        id: MessageId::from(id),
        direction: Direction::In,
        chat: Chat { id: ChatId::from(chat), kind: ChatKind::Group, phone: None, lid: None },
        from: "+15551112222".into(),
        name: Some("Ana".into()),
        kind: "text".into(),
        target: None,
        body: body.into(),
        at: AT,
        delivery: None,
    }))
}

fn outgoing(id: &str, phone: &str) -> Message {
    Message {
        id: MessageId::from(id),
        direction: Direction::Out,
        chat: Chat::with_person(phone.parse::<Phone>().unwrap()),
        from: "".into(),
        name: None,
        kind: "text".into(),
        target: None,
        body: "hola".into(),
        at: AT,
        delivery: Some(Box::new(Delivery::queued(AT))),
    }
}

/// Gives batches to the writer, waits until they are on disk, and closes the store.
async fn write_all(store: Store, batches: Vec<Vec<Write>>) {
    let Store { writer, lock, .. } = store;
    let mut watermark = writer.watermark;
    let last = WriteSeq(batches.len() as u64);
    for (n, writes) in batches.into_iter().enumerate() {
        writer.batches.send(Batch { seq: WriteSeq(n as u64 + 1), writes, unsure: true }).await.unwrap();
    }
    watermark.wait_for(|w| w.committed == last).await.unwrap();
    drop(writer.batches);
    tokio::task::spawn_blocking(|| writer.thread.join().unwrap()).await.unwrap();
    drop(lock);
}

#[tokio::test]
async fn what_the_watermark_has_reached_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    write_all(
        open(folder.path()),
        vec![
            vec![incoming("a@g.us", "1", "one"), incoming("a@g.us", "2", "two")],
            vec![Write::Linking(Linking { use_pairing_code: true, phone_number: "+15551112222".parse().ok() })],
            vec![Write::Bridge("other".into())],
        ],
    )
    .await;
    let store = open(folder.path());
    let bodies: Vec<_> = store.restored.feed.iter().map(|m| &*m.body).collect();
    assert_eq!(bodies, ["one", "two"]);
    assert_eq!(store.restored.feed[0].chat.kind, ChatKind::Group);
    assert!(store.restored.linking.as_ref().unwrap().use_pairing_code);
    assert_eq!(store.restored.bridge.as_deref(), Some("other"));
    assert_eq!(store.reader.journal_after(0, 10, 1 << 20).unwrap().rows.len(), 2);
}

#[tokio::test]
async fn a_message_is_there_once_for_each_account_chat_and_id() {
    let folder = tempfile::tempdir().unwrap();
    write_all(
        open(folder.path()),
        vec![vec![
            incoming("a@g.us", "1", "first"),
            incoming("a@g.us", "1", "again"),
            incoming("b@g.us", "1", "same id, other chat"),
        ]],
    )
    .await;
    let store = open(folder.path());
    let bodies: Vec<_> = store.restored.feed.iter().map(|m| &*m.body).collect();
    assert_eq!(bodies, ["first", "same id, other chat"]);
    assert_eq!(store.reader.journal_after(0, 10, 1 << 20).unwrap().rows.len(), 2, "the journal has it once as well");
    assert!(store.reader.has_message(&"a@g.us".into(), &"1".into()).unwrap());
    assert!(!store.reader.has_message(&"a@g.us".into(), &"2".into()).unwrap());
}

#[tokio::test]
async fn a_message_of_ours_that_comes_back_is_not_there_twice_also_when_it_could_not_be_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let ours = outgoing("ours", "+15551112222");
    write_all(open(folder.path()), vec![vec![Write::Message(Arc::new(ours.clone()))]]).await;
    let other = Chat { id: "77@lid".into(), ..ours.chat.clone() };
    let back = |id: &str, chat: &Chat| {
        let direction = Direction::OutElsewhere;
        let (id, chat) = (MessageId::from(id), chat.clone());
        Write::Message(Arc::new(Message { id, direction, chat, delivery: None, ..ours.clone() }))
    };
    // In a batch that may have something that is there.
    let told = vec![back("ours", &ours.chat), back("ours", &other), back("from the phone", &other)];
    write_all(open(folder.path()), vec![told]).await;
    let store = open(folder.path());
    let ids: Vec<_> = store.restored.feed.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["ours", "from the phone"]);
    assert_eq!(store.reader.journal_after(0, 10, 1 << 20).unwrap().rows.len(), 2, "it is not told again either");
}

#[tokio::test]
async fn what_is_surely_not_there_is_told_of_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sent = outgoing("ours", "+15551112222");
    let chat = sent.chat.id.clone();
    write_all(open(folder.path()), vec![vec![incoming("a@g.us", "1", "theirs"), Write::Message(Arc::new(sent))]]).await;
    let theirs = |chat: &str, id: &str| Some(Lookup::Incoming(chat.into(), id.into()));
    let from_us = |chat: &ChatId, id: &str| Some(Lookup::FromUs(chat.clone(), id.into()));
    let lookups = [
        theirs("a@g.us", "2"),
        theirs("a@g.us", "1"),
        None,
        theirs("b@g.us", "1"),
        from_us(&chat, "ours"),
        from_us(&chat, "theirs"),
        from_us(&"a@g.us".into(), "1"),
        Some(Lookup::Ours("ours".into())),
        Some(Lookup::Ours("1".into())),
    ];
    let absent = open(folder.path()).reader.absent(&lookups).unwrap();
    assert_eq!(absent, [true, false, false, true, false, true, false, false, true]);
}

/// Look-ups that are held, and the message that was written since.
async fn held_while_one_came(folder: &Path) -> (Reader, ChatId, MessageId) {
    let store = open(folder);
    let reader = store.reader.clone();
    let (chat, id) = (ChatId::from("a@g.us"), MessageId::from("1"));
    reader.hold().unwrap();
    assert!(!reader.has_message(&chat, &id).unwrap());
    write_all(store, vec![vec![incoming("a@g.us", "1", "came meanwhile")]]).await;
    (reader, chat, id)
}

#[tokio::test]
async fn look_ups_that_are_held_together_see_one_moment_and_the_next_one_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, chat, id) = held_while_one_came(folder.path()).await;
    assert!(!reader.has_message(&chat, &id).unwrap());
    reader.release().unwrap();
    assert!(reader.has_message(&chat, &id).unwrap());
}

#[tokio::test]
async fn look_ups_that_were_not_ended_do_not_hold_the_next_ones_at_their_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, chat, id) = held_while_one_came(folder.path()).await;
    // As after an end that failed.
    reader.hold().unwrap();
    assert!(reader.has_message(&chat, &id).unwrap());
    reader.release().unwrap();
    reader.release().unwrap();
}

#[tokio::test]
async fn unsettled_messages_come_back_in_their_order_and_settled_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let queued = Delivery::queued(AT);
    let dispatched = queued.clone().dispatched(AT);
    let sent = dispatched.reached(DeliveryState::Sent, AT).unwrap();
    let failure = Failure { code: Some(463), text: "restricted".into(), retryable: false };
    let failed = dispatched.clone().failed(AT, failure.clone());
    let cancelled = queued.clone().cancelled(AT);
    let brief = queued.clone().expiring(Some(AT));
    let expired = brief.clone().expired(AT);
    let add = |id: &str| Write::Message(Arc::new(outgoing(id, "+15551112222")));
    let add_as = |id: &str, delivery: &Delivery| {
        Write::Message(Arc::new(Message { delivery: Some(Box::new(delivery.clone())), ..outgoing(id, "+15551112222") }))
    };
    let set = |id: &str, delivery: &Delivery| Write::Delivery { id: id.into(), delivery: delivery.clone() };
    write_all(
        open(folder.path()),
        vec![
            vec![add("a"), add("b"), add("c"), add("d"), add("e")],
            ["f", "g"].map(|id| add_as(id, &brief)).into(),
            vec![set("e", &cancelled), set("f", &expired)],
            vec![set("b", &sent), set("c", &dispatched), set("d", &failed)],
        ],
    )
    .await;
    let store = open(folder.path());
    let pending: Vec<_> = store.restored.pending.iter().map(|p| (p.id.as_str(), &p.delivery)).collect();
    assert_eq!(pending, [("a", &queued), ("c", &dispatched), ("g", &brief)]);
    assert_eq!(store.reader.delivery(&"b".into()).unwrap(), Some(Box::new(sent)));
    assert_eq!(store.reader.delivery(&"e".into()).unwrap(), Some(Box::new(cancelled)));
    assert_eq!(store.reader.delivery(&"f".into()).unwrap(), Some(Box::new(expired)));
    assert_eq!(store.reader.delivery(&"d".into()).unwrap().unwrap().failure, Some(failure));
    assert_eq!(store.reader.sent_message(&"nobody's".into()).unwrap(), None);
}

#[tokio::test]
async fn a_key_is_found_again_and_old_ones_are_removed_a_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let key = |n: i64| IdempotencyKey::of_header(&format!("k{n}")).unwrap();
    let hour = 60 * 60 * 1_000;
    let add = |n: i64, hours: i64| Write::Key {
        key: key(n),
        fingerprint: Fingerprint(u128::MAX - 1),
        id: "a".into(),
        at: Timestamp::from_millis(AT.as_millis() + hours * hour),
    };
    let old: Vec<_> = (0..10).map(|n| add(n, 0)).collect();
    write_all(open(folder.path()), vec![old]).await;
    let kept = |reader: &Reader| (0..10).filter(|n| reader.used_key(&key(*n)).unwrap().is_some()).count();
    let store = open(folder.path());
    let used = Used { fingerprint: Fingerprint(u128::MAX - 1), id: "a".into() };
    assert_eq!((kept(&store.reader), store.reader.used_key(&key(3)).unwrap()), (10, Some(used)));
    write_all(store, vec![vec![add(20, 24)]]).await;
    let store = open(folder.path());
    assert_eq!(kept(&store.reader), 10, "a day is kept");
    write_all(store, vec![vec![add(21, 49)]]).await;
    let store = open(folder.path());
    assert_eq!(kept(&store.reader), 6);
    write_all(store, vec![vec![add(22, 49), add(23, 49)]]).await;
    let store = open(folder.path());
    assert_eq!(kept(&store.reader), 0);
    assert!(store.reader.used_key(&key(20)).unwrap().is_some());
}

#[tokio::test]
async fn a_clock_that_is_set_forward_takes_no_key_that_was_used_in_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let key = |n: i64| IdempotencyKey::of_header(&format!("k{n}")).unwrap();
    let add = |n: i64, days: i64| {
        let at = Timestamp::from_millis(AT.as_millis() + days * 24 * 60 * 60 * 1_000);
        vec![Write::Key { key: key(n), fingerprint: Fingerprint(1), id: "a".into(), at }]
    };
    write_all(open(folder.path()), vec![add(0, 0), add(1, 30), add(2, 30)]).await;
    let store = open(folder.path());
    let there = |reader: &Reader| [0, 1, 2].map(|n| reader.used_key(&key(n)).unwrap().is_some());
    assert_eq!(there(&store.reader), [true; 3]);
    write_all(store, vec![add(3, 30)]).await;
    assert_eq!(there(&open(folder.path()).reader), [false, true, true]);
}

#[tokio::test]
async fn chats_in_which_somebody_wrote_are_known_and_a_restriction_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let add = |id: &str, phone: &str| Write::Message(Arc::new(outgoing(id, phone)));
    let chat = Chat { lid: Some("77@lid".into()), ..Chat::with_person("+15551112222".parse().unwrap()) };
    let from_ana =
        Message { direction: Direction::In, delivery: None, chat: chat.clone(), ..outgoing("3A", "+15551112222") };
    let restriction = RestrictionView {
        class: "reachout_timelock".into(),
        since: AT,
        until: AT,
        until_told: true,
        text: "t".into(),
        held: 0,
    };
    let writes = vec![
        add("a", "+15551112222"),
        add("b", "+15553334444"),
        Write::Message(Arc::new(from_ana)),
        Write::Restriction(Some(restriction.clone())),
    ];
    write_all(open(folder.path()), vec![writes]).await;
    let store = open(folder.path());
    let warm: Vec<_> = store.restored.pending.iter().map(|p| (p.id.as_str(), p.warm)).collect();
    assert_eq!(warm, [("a", true), ("b", false)]);
    assert!(store.reader.knows_chat(&chat.id).unwrap() && store.reader.knows_chat(&"77@lid".into()).unwrap());
    assert!(!store.reader.knows_chat(&"15553334444@s.whatsapp.net".into()).unwrap());
    assert_eq!(store.restored.restriction, Some(restriction));
    write_all(store, vec![vec![Write::Restriction(None)]]).await;
    assert_eq!(open(folder.path()).restored.restriction, None);
}

#[test]
fn a_database_of_the_first_version_is_brought_up_to_date_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO messages (account, chat, id, direction, chat_kind, lid, sender, kind, body, at, state) VALUES
             ('main', '1@s.whatsapp.net', 'a', 'in', 'person', '7@lid', '', 'text', 'hi', 1, NULL),
             ('main', '1@s.whatsapp.net', 'b', 'out', 'person', NULL, '', 'text', 'to one who wrote', 1, 'queued'),
             ('main', '2@s.whatsapp.net', 'c', 'out', 'person', NULL, '', 'text', 'to one who did not', 1, 'queued'),
             ('main', '3@g.us', 'd', 'out', 'group', NULL, '', 'text', 'to a group', 1, 'queued');",
    )
    .unwrap();
    drop(old);
    let store = open(folder.path());
    let warm: Vec<_> = store.restored.pending.iter().map(|p| (p.id.as_str(), p.warm, p.delivery.expires_at)).collect();
    assert_eq!(warm, [("b", true, None), ("c", false, None), ("d", true, None)]);
    let ours = |id: &str| store.reader.sent_message(&id.into()).unwrap().map(|m| m.body);
    assert_eq!(
        [ours("a"), ours("b")].map(|body| body.as_deref().map(str::to_owned)),
        [None, Some("to one who wrote".to_owned())]
    );
    assert!(store.reader.has_message(&"1@s.whatsapp.net".into(), &"a".into()).unwrap());
    assert!(store.reader.knows_chat(&"7@lid".into()).unwrap());
}

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let error = Store::open(folder.path(), AccountId::main(), 10).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("--data-dir"), "{error}");
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path(), AccountId::main(), 10).unwrap_err().to_string();
    assert!(error.contains("version 999"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn the_folder_and_the_database_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("state/pilothouse");
    let _store = open(&folder);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("pilothouse.db")), 0o600);
    assert_eq!(mode(&folder.join("pilothouse.db-wal")), 0o600);
}

#[test]
fn an_old_database_becomes_what_a_new_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    let raw = rusqlite::Connection::open(&old).unwrap();
    raw.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").unwrap();
    raw.execute_batch(&schema::MIGRATIONS[..schema::KEYED - 1].concat()).unwrap();
    // What versions had in between.
    raw.execute_batch(
        "CREATE UNIQUE INDEX messages_key ON messages (account, chat, id);
         CREATE UNIQUE INDEX messages_ours ON messages (account, id) WHERE direction = 'out';
         CREATE INDEX messages_chat ON messages (account, chat);
         CREATE INDEX messages_direction ON messages (account, direction);
         CREATE INDEX messages_kind ON messages (account, kind);
         CREATE VIRTUAL TABLE message_text USING fts5 (text, content = '', detail = none, prefix = '1 2 3');",
    )
    .unwrap();
    raw.pragma_update(None, "user_version", (schema::KEYED - 1) as i64).unwrap();
    drop(raw);
    // Without how the statements are set.
    let set = |text: String| {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        words.replace(" ,", ",").replace("( ", "(").replace(" )", ")")
    };
    let [old, new] = [old, new].map(|path| {
        let connection = schema::open(&path).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
                 UNION ALL SELECT 'upto ' || upto FROM indexed
                 UNION ALL SELECT k || ' ' || v FROM message_text_config
                 UNION ALL SELECT 'version ' || user_version FROM pragma_user_version ORDER BY 1",
            )
            .unwrap();
        let found = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        found.map(|row| set(row.unwrap())).collect::<Vec<_>>()
    });
    assert_eq!(old, new);
    assert!(new.len() > 25, "{new:?}");
}

#[test]
fn keys_of_a_version_with_tables_are_found() {
    // With three tables, and with two and runs.
    for version in [schema::RUNS - 1, schema::RUNS] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pilothouse.db");
        filled_without_keys(&path, version + 1, 9_000);
        let mut old = rusqlite::Connection::open(&path).unwrap();
        let transaction = old.transaction().unwrap();
        let mut run = Vec::new();
        for n in 0..9_000_i64 {
            let key = keys::of("main", "a@g.us", &n.to_string()).migrating() + 0x77_ffff;
            // Most are in the last, and one that was on its way is in two.
            let places = if n < 7_000 { &[2][..] } else { [&[1][..], &[0], &[0, 1]][n as usize % 3] };
            for place in places {
                if *place == 0 && version == schema::RUNS {
                    run.push((key, n));
                    continue;
                }
                let sql = format!("INSERT INTO message_keys_{place} VALUES (?1, ?2)");
                transaction.prepare_cached(&sql).unwrap().execute([key, n]).unwrap();
            }
        }
        run.sort_unstable();
        let run: Vec<_> = run.iter().flat_map(|(key, n)| [key.to_le_bytes(), n.to_le_bytes()].concat()).collect();
        if version == schema::RUNS {
            transaction.execute("INSERT INTO message_keys_0 (keys) VALUES (?1)", [run]).unwrap();
        }
        transaction.commit().unwrap();
        drop(old);
        let store = open(folder.path());
        let found = |n: i64| store.reader.has_message(&"a@g.us".into(), &n.to_string().as_str().into()).unwrap();
        assert!((0..9_000).all(found) && !found(9_000));
        assert_eq!(keys::count(&rusqlite::Connection::open(&path).unwrap()), 9_000);
    }
}

#[test]
fn keys_of_a_version_with_larger_buckets_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    filled_without_keys(&path, schema::PACKED, 9_000);
    let mut old = rusqlite::Connection::open(&path).unwrap();
    let transaction = old.transaction().unwrap();
    let mut keys: Vec<_> =
        (0..9_000_i64).map(|n| keys::entry(keys::of("main", "a@g.us", &n.to_string()), n).unwrap()).collect();
    keys.sort_unstable();
    // As they were: whole entries, of which each bucket has a page at most.
    for some in keys.chunks(400) {
        let last = some.last().unwrap();
        let id = if last == keys.last().unwrap() { u32::MAX } else { u32::from_be_bytes(*last.first_chunk().unwrap()) };
        let values = rusqlite::params![id, some.as_flattened()];
        transaction.execute("INSERT INTO key_buckets (id, keys) VALUES (?1, ?2)", values).unwrap();
    }
    transaction.commit().unwrap();
    drop(old);
    let store = open(folder.path());
    let found = |n: i64| store.reader.has_message(&"a@g.us".into(), &n.to_string().as_str().into()).unwrap();
    assert!((0..9_000).all(found) && !found(9_000));
    let raw = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(keys::count(&raw), 9_000);
    let buckets: u32 = raw.query_row("SELECT count(*) FROM key_buckets", [], |row| row.get(0)).unwrap();
    assert!(buckets < 20, "they were 23: {buckets}");
}

/// A database of this version with so many messages, which have no keys.
fn filled_without_keys(path: &Path, version: usize, count: i64) {
    let mut old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch(&schema::MIGRATIONS[..version].concat()).unwrap();
    let transaction = old.transaction().unwrap();
    for n in 0..count {
        transaction
            .prepare_cached(
                "INSERT INTO messages (n, account, chat, id, direction, chat_kind, sender, kind, body, at)
                 VALUES (?1, 'main', 'a@g.us', ?1, 'in', 'group', '', 'text', 'x', 1)",
            )
            .unwrap()
            .execute([n])
            .unwrap();
    }
    transaction.pragma_update(None, "user_version", version as i64).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_new_database_comes_to_its_place_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, new) = (folder.path().join("pilothouse.db"), folder.path().join("pilothouse.db-new"));
    // As a start that was killed leaves it.
    std::fs::write(&new, [7; 5_000]).unwrap();
    std::fs::write(&path, "").unwrap();
    drop(open(folder.path()));
    assert!(!new.exists());
    let raw = rusqlite::Connection::open(&path).unwrap();
    let mode = |name| raw.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(mode("journal_mode"), "wal".to_owned().into());
    assert_eq!(mode("auto_vacuum"), 2.into());
    assert_eq!(mode("integrity_check"), "ok".to_owned().into());
}

#[test]
fn a_new_database_that_can_not_be_made_leaves_nothing_in_its_place_and_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, new) = (folder.path().join("pilothouse.db"), folder.path().join("pilothouse.db-new"));
    std::fs::create_dir(&new).unwrap();
    let error = Store::open(folder.path(), AccountId::main(), 10).unwrap_err().to_string();
    assert!(error.contains("pilothouse.db"), "{error}");
    assert!(!path.exists());
    std::fs::remove_dir(&new).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere.db"), &path).unwrap();
    drop(open(folder.path()));
    assert!(path.is_symlink() && folder.path().join("elsewhere.db").metadata().unwrap().len() > 0);
}

/// A database with so many messages.
async fn filled(folder: &Path, messages: usize) {
    let writes = (0..messages).map(|n| incoming("a@g.us", &format!("{n}"), &"x".repeat(1_000))).collect();
    write_all(open(folder), vec![writes]).await;
}

fn refused(folder: &Path) -> String {
    Store::open(folder, AccountId::main(), 10).unwrap_err().to_string()
}

#[tokio::test]
async fn a_damaged_database_is_refused_with_what_to_do_and_left_as_it_is() {
    let ways: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes.fill(0x5a),
        |bytes| bytes[..100].fill(0),
        |bytes| bytes.truncate(20_000),
        // The page where the last messages are found.
        |bytes| bytes[8192..12288].fill(0xff),
        |bytes| bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0x5a),
    ];
    for (n, damage) in ways.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), 100).await;
        let path = folder.path().join("pilothouse.db");
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let error = refused(folder.path());
        assert!(error.contains("is damaged") && error.contains("pilothouse restore"), "{n}: {error}");
        assert!(std::fs::read(&path).unwrap() == bytes, "{n}: it was changed");
    }
}

#[tokio::test]
async fn a_database_whose_last_keys_are_damaged_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10).await;
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    let turned = raw.execute("UPDATE key_runs SET keys = unhex(substr(hex(keys), 21) || substr(hex(keys), 1, 20))", []);
    assert_eq!(turned, Ok(1));
    let error = refused(folder.path());
    assert!(error.contains("is damaged") && error.contains("pilothouse restore"), "{error}");
}

#[test]
fn an_empty_database_beside_a_full_log_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pilothouse.db-wal"), "what was not brought in yet").unwrap();
    let error = refused(folder.path());
    assert!(error.contains("is damaged"), "{error}");
    assert!(folder.path().join("pilothouse.db-wal").exists());
}

#[tokio::test]
async fn damage_that_is_found_while_running_stops_the_writing_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 100).await;
    let store = open(folder.path());
    let path = folder.path().join("pilothouse.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let Store { mut writer, .. } = store;
    writer
        .batches
        .send(Batch { seq: WriteSeq(1), writes: vec![incoming("a@g.us", "new", "x")], unsure: false })
        .await
        .unwrap();
    let mark = writer.watermark.wait_for(|w| w.failing.is_some()).await.unwrap().clone();
    assert_eq!(mark.committed, WriteSeq(0));
    assert!(mark.failing.as_ref().unwrap().contains("damaged"), "{mark:?}");
    assert!(writer.commits.failures.get() >= 1, "it is counted");
}

#[tokio::test]
async fn keys_that_can_not_go_on_stop_the_writing_with_the_reason_until_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let Store { mut writer, reader, .. } = open(folder.path());
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    raw.execute_batch("ALTER TABLE key_parts RENAME TO away").unwrap();
    // So many that they become a generation once they are written.
    let many = (0..3_000).map(|n| incoming("a@g.us", &format!("{n}"), "x")).collect();
    writer.batches.send(Batch { seq: WriteSeq(1), writes: many, unsure: false }).await.unwrap();
    writer.watermark.wait_for(|w| w.committed == WriteSeq(1)).await.unwrap();
    let writes = vec![incoming("a@g.us", "after", "x")];
    writer.batches.send(Batch { seq: WriteSeq(2), writes, unsure: false }).await.unwrap();
    let mark = writer.watermark.wait_for(|w| w.failing.is_some() || w.committed == WriteSeq(2)).await.unwrap().clone();
    assert_eq!(mark.committed, WriteSeq(1));
    assert!(mark.failing.as_ref().unwrap().contains("key_parts"), "{mark:?}");
    raw.execute_batch("ALTER TABLE away RENAME TO key_parts").unwrap();
    writer.watermark.wait_for(|w| w.committed == WriteSeq(2)).await.unwrap();
    assert!(reader.has_message(&"a@g.us".into(), &"after".into()).unwrap());
}

#[tokio::test]
async fn a_commit_that_failed_only_at_its_end_is_not_made_twice() {
    let folder = tempfile::tempdir().unwrap();
    let Store { mut writer, reader, .. } = open(folder.path());
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    // The last thing that is written before the commit itself.
    raw.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON key_runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    )
    .unwrap();
    let writes = vec![incoming("a@g.us", "1", "x")];
    writer.batches.send(Batch { seq: WriteSeq(1), writes, unsure: false }).await.unwrap();
    writer.watermark.wait_for(|w| w.failing.is_some()).await.unwrap();
    // As if it had got to the disk all the same.
    raw.execute_batch(
        "BEGIN IMMEDIATE;
         DROP TRIGGER full;
         INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at)
             VALUES ('main', 'a@g.us', '1', 'in', 'group', '', 'text', 'x', 1);
         INSERT INTO journal (account, at, type, n, message_id, payload)
             VALUES ('main', 1, 'message.received', last_insert_rowid(), '1', '');",
    )
    .unwrap();
    let n: i64 = raw.query_row("SELECT n FROM messages", [], |row| row.get(0)).unwrap();
    keys::add_run(&raw, 5, &[keys::entry(keys::of("main", "a@g.us", "1"), n).unwrap()]);
    raw.execute_batch("COMMIT").unwrap();
    writer.watermark.wait_for(|w| w.committed == WriteSeq(1)).await.unwrap();
    assert_eq!(reader.last_messages(10).unwrap().len(), 1);
    assert_eq!(reader.journal_after(0, 10, 1 << 20).unwrap().rows.len(), 1);
}

#[tokio::test]
async fn after_a_commit_that_failed_nothing_counts_before_the_log_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let Store { mut writer, .. } = open(folder.path());
    let log = || std::fs::metadata(folder.path().join("pilothouse.db-wal")).unwrap().len();
    let many = (0..100).map(|n| incoming("a@g.us", &format!("{n}"), &"x".repeat(1_000))).collect();
    writer.batches.send(Batch { seq: WriteSeq(1), writes: many, unsure: false }).await.unwrap();
    writer.watermark.wait_for(|w| w.committed == WriteSeq(1)).await.unwrap();
    assert!(log() > 100_000);
    let raw = rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    raw.execute_batch("ALTER TABLE journal RENAME TO away").unwrap();
    let writes = vec![incoming("a@g.us", "after", "x")];
    writer.batches.send(Batch { seq: WriteSeq(2), writes, unsure: false }).await.unwrap();
    writer.watermark.wait_for(|w| w.failing.is_some()).await.unwrap();
    raw.execute_batch("ALTER TABLE away RENAME TO journal").unwrap();
    writer.watermark.wait_for(|w| w.committed == WriteSeq(2)).await.unwrap();
    assert!(log() < 100_000, "it began anew: {}", log());
}

#[tokio::test]
async fn what_is_too_old_goes_while_batches_are_written_and_the_file_gives_back_its_space() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3_000).await;
    let path = folder.path().join("pilothouse.db");
    let full = std::fs::metadata(&path).unwrap().len();
    let retention = Retention {
        max_age: None,
        max_bytes: Some(1 << 20),
        look_every: std::time::Duration::from_millis(1),
        clock: crate::clock::Clock::start(),
    };
    let store = Store::open_with(folder.path(), AccountId::main(), 10, Some(retention)).unwrap();
    let Store { mut writer, reader, .. } = store;
    let mut seq = 0;
    while reader.has_message(&"a@g.us".into(), &"2000".into()).unwrap() {
        seq += 1;
        let id = format!("new {seq}");
        writer
            .batches
            .send(Batch { seq: WriteSeq(seq), writes: vec![incoming("a@g.us", &id, "x")], unsure: false })
            .await
            .unwrap();
        writer.watermark.wait_for(|w| w.committed == WriteSeq(seq)).await.unwrap();
        assert!(reader.has_message(&"a@g.us".into(), &id.as_str().into()).unwrap());
    }
    assert_eq!(writer.commits.durations.read().count, seq, "each was timed");
    drop(writer.batches);
    tokio::task::spawn_blocking(|| writer.thread.join().unwrap()).await.unwrap();
    let after = std::fs::metadata(&path).unwrap().len();
    assert!(after < full, "{full} {after}");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let count = |table| {
        raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0)).unwrap() as usize
    };
    assert_eq!(keys::count(&raw), count("messages"), "their keys go with them");
}

#[tokio::test]
async fn an_older_database_is_written_anew_once_so_that_it_can_get_smaller() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10).await;
    let raw = || rusqlite::Connection::open(folder.path().join("pilothouse.db")).unwrap();
    let mode = || raw().pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(mode(), 2);
    raw().execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
    assert_eq!(mode(), 0);
    let store = open(folder.path());
    assert_eq!((mode(), store.restored.feed.len()), (2, 10));
}

#[tokio::test]
async fn a_webhook_is_kept_with_its_place_and_its_definition_stays_when_only_the_place_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let record = |name: &str, definition: Option<&str>, progress: &str| WebhookRecord {
        name: name.into(),
        definition: definition.map(|text| text.to_owned().into()),
        progress: progress.into(),
    };
    let writes = vec![
        Write::Webhook(record("crm", Some("where"), "1")),
        Write::Webhook(record("crm", None, "2")),
        Write::Webhook(record("file", None, "3")),
        Write::Webhook(record("gone", Some("where"), "4")),
        Write::ForgetWebhook("gone".into()),
    ];
    write_all(open(folder.path()), vec![writes]).await;
    assert_eq!(open(folder.path()).restored.webhooks, [record("crm", Some("where"), "2"), record("file", None, "3")]);
}
