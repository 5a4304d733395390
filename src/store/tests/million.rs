//! What finding costs at a million messages: `cargo test --release --lib million -- --ignored --nocapture`.

use std::time::Duration;

use rusqlite::Connection;

use super::keys::{Merger, Recent};
use super::*;
use crate::clock::Clock;
use crate::state::{Filter, Find, Order, Place};

const MESSAGES: u32 = 1_000_000;

fn time(clock: Clock, mut what: impl FnMut()) -> Duration {
    let mut took: Vec<_> = (0..5)
        .map(|_| {
            let start = clock.now().mono;
            what();
            clock.now().mono.since(start)
        })
        .collect();
    took.sort();
    took[2]
}

/// A word by its rank: the first ones are common, and each beginning of two syllables is that of many.
fn word(rank: usize) -> String {
    let syllables = ["ka", "lo", "mi", "ta", "re", "su", "no", "be", "di", "fu", "ga", "po"];
    format!("{}{}{rank}", syllables[rank % 12], syllables[rank / 12 % 12])
}

/// The state of a message of ours: a few failed, 2,000 ran out of time, and 10,000 were taken back.
fn state(n: u32) -> &'static str {
    match n {
        _ if n.is_multiple_of(10_007) => "failed",
        _ if n % 500 == 3 => "expired",
        _ if n % 100 == 27 => "cancelled",
        _ => "read",
    }
}

/// As an older version left it: messages of ten words, common ones and rare ones, in a thousand chats. Those that were
/// taken back have rare words only.
fn old_database(path: &Path) {
    let old = Connection::open(path).unwrap();
    old.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL").unwrap();
    let before = schema::MIGRATIONS.len() - 1;
    schema::MIGRATIONS[..before].iter().for_each(|migration| old.execute_batch(migration).unwrap());
    old.pragma_update(None, "user_version", before as i64).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let transaction = old.unchecked_transaction().unwrap();
    for n in 0..MESSAGES {
        let direction = ["in", "in", "in", "out"][n as usize % 4];
        let state = (direction == "out").then_some(state(n));
        let rank = |random: f64| if state == Some("cancelled") { 0.5 + random / 2.0 } else { random };
        let body: Vec<_> = (0..10).map(|_| word(20_000_f64.powf(rank(random.f64())) as usize)).collect();
        transaction
            .prepare_cached(
                "INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at, state)
                 VALUES ('main', ?1, ?2, ?3, 'person', '', ?4, ?5, ?6, ?7)",
            )
            .unwrap()
            .execute(rusqlite::params![
                format!("{}@s.whatsapp.net", random.u32(0..1_000)),
                format!("{n:032X}"),
                direction,
                if n % 100 == 0 { "image" } else { "text" },
                body.join(" "),
                AT.as_millis() + i64::from(n) * 1_000,
                state,
            ])
            .unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
#[ignore = "it takes minutes, and tells times"]
fn a_million_messages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let clock = Clock::start();
    old_database(&path);
    let size = || std::fs::metadata(&path).unwrap().len() / 1_000_000;
    println!("{} MB before", size());
    let start = clock.now().mono;
    let mut connection = schema::open(&path).unwrap();
    println!("{:?} to start with it, {} MB then", clock.now().mono.since(start), size());
    let (mut steps, start) = (vec![], clock.now().mono);
    loop {
        let before = clock.now().mono;
        let more = index::step(&mut connection, index::REST_ROWS).unwrap();
        steps.push(clock.now().mono.since(before));
        if !more {
            break;
        }
    }
    let all = clock.now().mono.since(start);
    steps.sort();
    let (median, longest) = (steps[steps.len() / 2], steps[steps.len() - 1]);
    println!("{all:?} in {} steps, {median:?} each, {longest:?} at most, {} MB", steps.len(), size());
    let reader = Reader::open(&path, AccountId::main()).unwrap();
    let chat = || Some("7@s.whatsapp.net".into());
    let at = |n: i64| Some(Timestamp::from_millis(AT.as_millis() + n * 1_000));
    let search = |text: &str| Filter { search: Some(text.into()), ..Filter::default() };
    let none = Filter::default;
    for (name, filter) in [
        ("first page", none()),
        ("chat", Filter { chat: chat(), ..none() }),
        ("chat and kind", Filter { chat: chat(), kind: Some("image".into()), ..none() }),
        ("chat and direction", Filter { chat: chat(), direction: Some(Direction::Out), ..none() }),
        ("failed", Filter { state: Some(DeliveryState::Failed), ..none() }),
        ("kind and direction", Filter { kind: Some("image".into()), direction: Some(Direction::In), ..none() }),
        ("an hour of long ago", Filter { from: at(10_000), to: at(13_600), ..none() }),
        ("no such direction", Filter { direction: Some(Direction::OutElsewhere), ..none() }),
        ("a common word", search(&format!("{} ", word(1)))),
        ("two common words", search(&format!("{} {}", word(1), word(2)))),
        ("one letter", search("k")),
        ("four letters", search("suno")),
        ("a rare word", search(&word(15_000))),
        ("a common word as a beginning", search(&word(1))),
        ("a rare and a common word", search(&format!("{} {}", word(15_000), word(1)))),
        ("no such word", search("nothing")),
        ("a common word in a chat", Filter { chat: chat(), ..search(&word(1)) }),
        ("a common word in an hour of long ago", Filter { from: at(10_000), to: at(13_600), ..search(&word(1)) }),
        ("a common word that failed", Filter { state: Some(DeliveryState::Failed), ..search(&word(1)) }),
        ("a common beginning that failed", Filter { state: Some(DeliveryState::Failed), ..search("k") }),
        ("a common word that ran out of time", Filter { state: Some(DeliveryState::Expired), ..search(&word(1)) }),
        ("a rare word that ran out of time", Filter { state: Some(DeliveryState::Expired), ..search(&word(15_000)) }),
        (
            "a common word that was never taken back",
            Filter { state: Some(DeliveryState::Cancelled), ..search(&word(1)) },
        ),
        ("a common beginning that was taken back", Filter { state: Some(DeliveryState::Cancelled), ..search("k") }),
        ("a common word that was read", Filter { state: Some(DeliveryState::Read), ..search(&word(1)) }),
    ] {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let find = Find { filter: filter.clone(), order, after: None, limit: 50 };
            let mut found = 0;
            let took = time(clock, || found = reader.find(&find).unwrap().items.len());
            println!("{took:>12.1?} {found:>3} {name}, {order:?}");
        }
    }
    let middle = Find { after: Some(Place(500_000)), limit: 50, ..Find::default() };
    println!("{:?} a page in the middle", time(clock, || drop(reader.find(&middle).unwrap())));
    println!("{:?} chats", time(clock, || drop(reader.chats(None, 50).unwrap())));
    let retention = Retention { max_age: Some(Duration::ZERO), max_bytes: None, look_every: Duration::ZERO, clock };
    let now = at(i64::from(MESSAGES)).unwrap();
    let mut merger = Merger::new(Recent::default());
    let mut step = || assert!(retention::step(&mut connection, &mut merger, &retention, now).unwrap());
    println!("{:?} a step of retention", time(clock, &mut step));
}
