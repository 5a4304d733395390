use rusqlite::TransactionBehavior;

use super::super::{rows, schema};
use super::*;

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = schema::open(&folder.path().join("x.db")).unwrap();
    (folder, connection)
}

fn reading(folder: &tempfile::TempDir) -> Connection {
    super::super::reader::connect(&folder.path().join("x.db")).unwrap()
}

/// How many keys are in runs, in generations and in buckets.
fn counts(connection: &Connection) -> [usize; 3] {
    let [runs, parts] = ["runs", "parts"].map(|table| {
        let sql = format!("SELECT coalesce(sum(length(keys)), 0) / 10 FROM key_{table}");
        connection.query_row(&sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize
    });
    [runs, parts, buckets(connection).iter().map(|bucket| bucket.keys).sum()]
}

struct Bucket {
    keys: usize,
    bytes: usize,
}

fn buckets(connection: &Connection) -> Vec<Bucket> {
    let mut statement = connection.prepare("SELECT id, keys FROM key_buckets").unwrap();
    let bucket = |row: &rusqlite::Row<'_>| {
        let bytes = row.get_ref(1)?.as_blob()?;
        Ok(Bucket { keys: Packed::read(row.get(0)?, bytes)?.len(), bytes: bytes.len() })
    };
    statement.query_map([], bucket).unwrap().map(Result::unwrap).collect()
}

/// A transaction with these keys, each with the number of its row.
fn add(merger: &mut Merger, connection: &mut Connection, keys: impl IntoIterator<Item = (Key, i64)>) {
    let transaction = connection.transaction().unwrap();
    merger.ready(&transaction).unwrap();
    let written = merger.write(&transaction, keys.into_iter().map(|(key, n)| entry(key, n).unwrap()).collect());
    transaction.commit().unwrap();
    merger.written(written.unwrap());
}

/// With little room, so that keys go through all places.
fn merger(recent: &Recent) -> Merger {
    Merger::new(recent.clone()).with_room(600, 2_000)
}

impl Rows<'_> {
    /// The rows that have a key.
    fn with(&mut self, key: Key) -> rusqlite::Result<Vec<i64>> {
        let mut rows = Vec::new();
        self.first(key, |n| {
            rows.push(n);
            Ok(None::<()>)
        })?;
        rows.sort_unstable();
        Ok(rows)
    }
}

fn bits(bits: u64) -> Key {
    Key::from_bits(bits)
}

fn random(count: i64) -> Vec<(Key, i64)> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..count).map(|n| (bits(random.u64(..)), n)).collect()
}

#[test]
fn keys_go_on_and_each_is_found_once_wherever_it_is() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(9_150);
    for (round, some) in keys.chunks(100).enumerate() {
        add(&mut merger, &mut connection, some.iter().copied());
        if round % 13 == 12 {
            // As after a start.
            merger = self::merger(&recent);
        }
        merger.make_room(&mut connection);
        let [runs, parts, _] = counts(&connection);
        assert!(runs < 1_500 && parts < 4_000, "{runs} {parts}");
        // By what is kept in memory, and by what is in the database.
        for recent in [&recent, &Recent::default()] {
            let mut rows = Rows::of(&other, recent).unwrap();
            for (key, n) in keys.iter().take(100 * (round + 1)).step_by(71) {
                assert_eq!((rows.with(*key).unwrap(), rows.none_with(*key).unwrap()), (vec![*n], false), "{round}");
            }
            assert!(rows.none_with(bits(1)).unwrap());
        }
    }
    let [runs, parts, rest] = counts(&connection);
    assert!(runs > 100 && parts > 1_000 && rest > 5_000 && runs + parts + rest == 9_150, "{runs} {parts} {rest}");
    let transaction = connection.transaction().unwrap();
    merger.ready(&transaction).unwrap();
    let mut rows = merger.rows(&transaction).unwrap();
    for (key, n) in keys {
        assert_eq!(rows.with(key).unwrap(), [n]);
    }
    let added = [entry(bits(5), 9_200).unwrap()];
    assert_eq!(rows.first_of(&added, bits(5), |n| Ok(Some(n))).unwrap(), Some(9_200));
    assert_eq!(rows.first_of(&added, bits(6), |n| Ok(Some(n))).unwrap(), None);
}

#[test]
fn generations_are_few_and_each_is_empty_in_the_end_also_over_restarts() {
    let (_folder, mut connection) = database();
    let recent = Recent::default();
    let mut merger = merger(&recent);
    let mut most = 0;
    for (round, some) in random(60_000).chunks(100).enumerate() {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
        if round % 7 == 0 {
            merger = self::merger(&recent);
        }
        most = most.max(view::generations(&connection).unwrap().len());
    }
    assert!((4..=12).contains(&most), "{most} {:?}", counts(&connection));
    let all = view::generations(&connection).unwrap();
    let oldest = all.first().unwrap().number;
    assert!(oldest > 60, "{all:?}");
}

#[test]
fn at_the_beginning_all_generations_are_read_and_kept_for_who_looks_up() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut first = merger(&Recent::default());
    let keys = random(1_500);
    for some in keys.chunks(100) {
        add(&mut first, &mut connection, some.iter().copied());
        first.make_room(&mut connection);
    }
    let read = |recent: &Recent| {
        let view = recent.view(&other).unwrap();
        view.generations.iter().map(|generation| generation.filter.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(read(&recent), [false, false]);
    merger(&recent).begin(&connection);
    assert_eq!(read(&recent), [true, true]);
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
}

#[test]
fn buckets_are_divided_before_they_take_more_than_a_page() {
    let (_folder, connection) = database();
    let mut all = Vec::new();
    for some in random(20_000).chunks(500) {
        let some: Vec<_> = some.iter().map(|(key, n)| entry(*key, *n).unwrap()).collect();
        super::buckets::add(&connection, &some).unwrap();
        // Once more: each is there once.
        super::buckets::add(&connection, &some).unwrap();
        all.extend(some);
    }
    let count = buckets(&connection).len();
    let largest = buckets(&connection).into_iter().map(|bucket| bucket.bytes).max().unwrap();
    assert!(largest <= packed::MOST && (35..=70).contains(&count), "{count} {largest}");
    assert_eq!(counts(&connection), [0, 0, 20_000]);
    let pages = || connection.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0)).unwrap();
    connection.execute("CREATE TABLE alone (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT", []).unwrap();
    let before = pages();
    connection.execute("INSERT INTO alone VALUES (1 << 32, zeroblob(?1))", [packed::MOST as i64]).unwrap();
    assert_eq!(pages(), before, "a full one has no other page");
    // The least keys, the greatest ones, and all others.
    all.sort_unstable();
    let (some, others) = all.split_at(15_000);
    super::buckets::remove(&connection, some).unwrap();
    assert_eq!(counts(&connection), [0, 0, 5_000]);
    assert!(buckets(&connection).len() < count / 2);
    super::buckets::remove(&connection, others).unwrap();
    super::buckets::remove(&connection, others).unwrap();
    assert!(counts(&connection) == [0; 3] && buckets(&connection).is_empty());
    super::buckets::add(&connection, &all).unwrap();
    assert_eq!(counts(&connection), [0, 0, 20_000]);
}

#[test]
fn keys_that_coincide_and_the_greatest_ones_go_on_as_well() {
    let (_folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    for (start, key) in [(0, 7), (1_000, u64::MAX), (2_000, 1 << 39), (3_000, 7)] {
        for n in 0..10 {
            add(&mut merger, &mut connection, (0..100).map(|i| (bits(key), start + 100 * n + i)));
            merger.make_room(&mut connection);
        }
    }
    let [runs, parts, rest] = counts(&connection);
    assert!(runs < 600 && rest > 1_000 && runs + parts + rest == 4_000, "{runs} {parts} {rest}");
    assert_eq!(merger.rows(&connection).unwrap().with(bits(7)).unwrap().len(), 2_000);
    assert_eq!(merger.rows(&connection).unwrap().with(bits(u64::MAX)).unwrap().len(), 1_000);
}

#[test]
fn small_commits_share_a_run() {
    let (folder, mut connection) = database();
    let recent = Recent::default();
    let mut merger = Merger::new(recent.clone());
    for n in 0..300_i64 {
        let key = bits(n.unsigned_abs() * 7);
        add(&mut merger, &mut connection, [(key, n)]);
        merger.make_room(&mut connection);
        let other = reading(&folder);
        assert_eq!(Rows::of(&other, &recent).unwrap().with(key).unwrap(), [n]);
    }
    assert_eq!(view::runs(&connection).unwrap().len(), 3);
    add(&mut merger, &mut connection, []);
    assert_eq!(counts(&connection), [300, 0, 0]);
    let mut merger = Merger::new(recent);
    merger.ready(&connection).unwrap();
    assert_eq!(merger.rows(&connection).unwrap().with(bits(7)).unwrap(), [1]);
}

#[test]
fn keys_that_could_not_go_on_do_so_with_the_next_ones() {
    let (folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    add(&mut merger, &mut connection, random(900));
    let other = Connection::open(folder.path().join("x.db")).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let blocking = rusqlite::Transaction::new_unchecked(&other, TransactionBehavior::Immediate).unwrap();
    merger.make_room(&mut connection);
    drop(blocking);
    assert_eq!(counts(&connection), [900, 0, 0]);
    merger.go_on(&mut connection).unwrap();
    assert_eq!(counts(&connection), [0, 900, 0]);
}

#[test]
fn who_looks_at_an_earlier_moment_finds_what_was_there() {
    let (folder, mut connection) = database();
    let (recent, mut other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(6_000);
    add(&mut merger, &mut connection, keys.iter().copied().take(550));
    let moment = other.transaction().unwrap();
    let seen = recent.view(&moment).unwrap();
    assert_eq!((seen.runs.len(), seen.generations.len()), (1, 0));
    for some in keys.get(550..).unwrap().chunks(70) {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
        // What was seen then, and what is read anew of that moment.
        for view in [Arc::clone(&seen), recent.view(&moment).unwrap()] {
            let mut rows = Rows::seen(&moment, view, &recent).unwrap();
            for (key, n) in keys.iter().take(550).step_by(50) {
                assert_eq!(rows.with(*key).unwrap(), [*n]);
            }
        }
    }
    let mut rows = Rows::of(&moment, &recent).unwrap();
    assert!(keys.iter().take(550).all(|(key, n)| rows.with(*key).unwrap() == [*n]));
    assert!(keys.iter().skip(550).all(|(key, _)| rows.none_with(*key).unwrap()));
    drop(rows);
    drop(moment);
    assert!(counts(&connection)[2] > 1_000);
    // What was seen then and is looked for at a later moment has gone on, and is found there.
    let mut rows = Rows::seen(&other, seen, &recent).unwrap();
    assert!(keys.iter().take(550).all(|(key, n)| rows.with(*key).unwrap().contains(n)));
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
}

#[test]
fn who_looks_without_a_transaction_misses_nothing_that_goes_on_meanwhile() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(2_400);
    add(&mut merger, &mut connection, keys.iter().copied());
    merger.make_room(&mut connection);
    let seen = recent.view(&other).unwrap();
    assert_eq!((seen.runs.len(), seen.generations.len()), (0, 1));
    let mut rows = Rows::seen(&other, seen, &recent).unwrap();
    for (key, n) in keys.iter().step_by(40) {
        assert_eq!(rows.with(*key).unwrap(), [*n]);
        merger.make_room(&mut connection);
    }
    assert!(counts(&connection)[2] > 300);
}

#[test]
fn what_is_not_committed_is_not_found_and_its_number_is_not_used_again() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = Merger::new(recent.clone());
    add(&mut merger, &mut connection, [(bits(1), 1)]);
    let last = |connection: &Connection| view::runs(connection).unwrap().last().unwrap().0;
    let before = last(&connection);
    let transaction = connection.transaction().unwrap();
    merger.write(&transaction, vec![entry(bits(2), 2).unwrap()]).unwrap();
    let undone = last(&transaction);
    transaction.rollback().unwrap();
    merger.unsure();
    add(&mut merger, &mut connection, [(bits(3), 2)]);
    assert!(before < undone && undone < last(&connection));
    // One that was, but is said not to have been.
    let transaction = connection.transaction().unwrap();
    merger.write(&transaction, vec![entry(bits(4), 3).unwrap()]).unwrap();
    transaction.commit().unwrap();
    merger.unsure();
    merger.ready(&connection).unwrap();
    assert_eq!(merger.rows(&connection).unwrap().with(bits(4)).unwrap(), [3]);
    let mut rows = Rows::of(&other, &recent).unwrap();
    let found = [1, 2, 3, 4].map(|key| rows.with(bits(key)).unwrap());
    assert_eq!(found, [vec![1], vec![], vec![2], vec![3]]);
}

#[test]
fn a_generation_that_was_not_committed_is_made_again_with_another_number() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(1_300);
    add(&mut merger, &mut connection, keys.iter().copied().take(650));
    connection
        .execute_batch(
            "CREATE TRIGGER full BEFORE DELETE ON key_runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        )
        .unwrap();
    merger.make_room(&mut connection);
    assert_eq!(counts(&connection), [650, 0, 0]);
    assert!(merger.go_on(&mut connection).unwrap_err().to_string().contains("full"));
    merger.unsure();
    connection.execute_batch("DROP TRIGGER full").unwrap();
    merger.go_on(&mut connection).unwrap();
    let made = view::generations(&connection).unwrap();
    assert_eq!(made.iter().map(|generation| generation.number).collect::<Vec<_>>(), [2], "two were not");
    add(&mut merger, &mut connection, keys.iter().copied().skip(650));
    merger.make_room(&mut connection);
    assert_eq!(counts(&connection), [0, 1_300, 0]);
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
}

#[test]
fn keys_of_what_is_deleted_go_from_wherever_they_are() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = messages(&connection, 6_000);
    for some in keys.chunks(210) {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
    }
    add(&mut merger, &mut connection, [(bits(7), 7_000)]);
    let [runs, parts, rest] = counts(&connection);
    assert!(runs > 100 && parts > 1_000 && rest > 1_000, "{runs} {parts} {rest}");
    // Some of each place.
    let goes = |n: &i64| n % 3 == 0;
    merger.forget(&connection, &(0..6_000).filter(goes).collect::<Vec<_>>()).unwrap();
    assert_eq!(counts(&connection).iter().sum::<usize>(), 4_001);
    for recent in [&recent, &Recent::default()] {
        let mut rows = Rows::of(&other, recent).unwrap();
        for (key, n) in &keys {
            assert_eq!(rows.with(*key).unwrap(), if goes(n) { vec![] } else { vec![*n] });
        }
    }
    merger.forget(&connection, &(0..6_000).filter(|n| !goes(n)).collect::<Vec<_>>()).unwrap();
    assert_eq!(counts(&connection), [1, 0, 0]);
    // A number is given again.
    add(&mut merger, &mut connection, [(bits(7), 599)]);
    assert_eq!(Rows::of(&other, &recent).unwrap().with(bits(7)).unwrap(), [599, 7_000]);
}

/// These messages, whose keys are to be added.
fn messages(connection: &Connection, count: i64) -> Vec<(Key, i64)> {
    connection
        .execute(
            "WITH RECURSIVE c (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c WHERE n < ?1 - 1)
             INSERT INTO messages (n, account, chat, id, direction, chat_kind, sender, kind, body, at)
             SELECT n, 'main', 'a@g.us', n, iif(n % 2, 'in', 'out'), 'group', '', 'text', 'hi', 1 FROM c",
            [count],
        )
        .unwrap();
    let key = |n: i64| if n % 2 == 1 { of("main", "a@g.us", &n.to_string()) } else { of_ours("main", &n.to_string()) };
    (0..count).map(|n| (key(n), n)).collect()
}

#[test]
fn who_is_told_of_a_new_run_is_told_of_those_before_it_as_well() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    add(&mut Merger::new(recent.clone()), &mut connection, random(300));
    // Nothing was read of what is there, and it is not asked for either.
    Merger::new(recent.clone()).write(&connection, vec![entry(bits(7), 300).unwrap()]).unwrap();
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!(random(300).iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
    assert_eq!(rows.with(bits(7)).unwrap(), [300]);
}

#[test]
fn what_is_damaged_is_an_error() {
    let (_folder, mut connection) = database();
    let error = |connection: &Connection| {
        Rows::of(connection, &Recent::default()).and_then(|mut rows| rows.none_with(bits(1))).is_err()
    };
    let disorder = [[0; 10], [1; 10], [0; 10]];
    let [one, two, three] = [&disorder[..1], &disorder[..2], &disorder].map(|some| some.as_flattened().to_vec());
    for (table, id) in [("key_runs", 1), ("key_parts", 5 * PARTS), ("key_buckets", 3)] {
        for damaged in [&one[1..], &two[1..]] {
            connection
                .execute(&format!("INSERT INTO {table} (id, keys) VALUES (?1, ?2)"), rusqlite::params![id, damaged])
                .unwrap();
            assert!(error(&connection), "{table}");
            connection.execute(&format!("DELETE FROM {table}"), []).unwrap();
        }
    }
    assert!(!error(&connection));
    // Whole, but not in order: found when it is read at the start, or when it goes on.
    add_run(&connection, 1, &disorder);
    assert!(Merger::new(Recent::default()).ready(&connection).is_err());
    connection.execute_batch("UPDATE key_runs SET keys = x''").unwrap();
    connection.execute("INSERT INTO key_parts (id, keys) VALUES (320, ?1)", [&three]).unwrap();
    let mut merger = Merger::new(Recent::default());
    merger.make_room(&mut connection);
    assert!(merger.go_on(&mut connection).unwrap_err().to_string().contains("not in order"));
    connection.execute_batch("DELETE FROM key_parts").unwrap();
    merger.go_on(&mut connection).unwrap();
    let bucket = packed::pack(3, &[(1, 1), (0, 1)]);
    connection.execute("INSERT INTO key_buckets (id, keys) VALUES (3, ?1)", [bucket]).unwrap();
    assert!(super::buckets::add(&connection, &disorder[..1]).is_err());
}

/// A database with these keys in buckets alone, and a filter of all of them.
fn filtered(keys: &[(Key, i64)], recent: &Recent) -> (tempfile::TempDir, Connection, Merger) {
    let (folder, mut connection) = database();
    let entries: Vec<_> = keys.iter().map(|(key, n)| entry(*key, *n).unwrap()).collect();
    super::buckets::add(&connection, &entries).unwrap();
    let mut merger = merger(recent);
    while recent.filter().is_none_or(|filter| !filter.is_whole()) {
        merger.make_room(&mut connection);
    }
    (folder, connection, merger)
}

#[test]
fn the_filter_of_buckets_spares_reading_them_for_what_is_not_there() {
    let (recent, keys) = (Recent::default(), random(20_000));
    let (folder, connection, _) = filtered(&keys, &recent);
    let other = reading(&folder);
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
    connection.execute_batch("UPDATE key_buckets SET keys = x'00'").unwrap();
    let mut random = fastrand::Rng::with_seed(8);
    let read = (0..1_000).filter(|_| rows.none_with(bits(random.u64(..))).is_err()).count();
    assert!(read < 10, "{read}");
    assert!(keys.iter().all(|(key, _)| rows.none_with(*key).is_err()), "what is there is read");
}

#[test]
fn what_is_looked_up_by_a_filter_that_was_given_up_is_found_when_it_has_gone_on() {
    let recent = Recent::default();
    let keys = random(20_000);
    let (before, after) = keys.split_at(17_000);
    let (folder, mut connection, mut merger) = filtered(before, &recent);
    for some in after.chunks(100) {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
    }
    assert!(counts(&connection)[1] > 1_000);
    let other = reading(&folder);
    let mut rows = Rows::of(&other, &recent).unwrap();
    merger.end_filter();
    // These come into generations and from there into buckets, while the next filter is made.
    let last = |n: usize| (bits(n as u64 * 977), 20_000 + n as i64);
    let mut made = 0;
    for round in 0..400 {
        add(&mut merger, &mut connection, (0..20).map(|n| last(20 * round + n)));
        merger.make_room(&mut connection);
        let filter = recent.filter();
        made += usize::from(filter.is_some_and(|filter| filter.is_whole()));
        if round % 50 == 0 {
            assert!(keys.iter().step_by(7).all(|(key, n)| rows.with(*key).unwrap() == [*n]), "{round}");
            let mut rows = Rows::of(&other, &recent).unwrap();
            assert!(keys.iter().step_by(7).all(|(key, n)| rows.with(*key).unwrap() == [*n]), "{round}");
        }
    }
    let [_, _, there] = counts(&connection);
    assert!(there > 20_000 && made > 300, "{there} {made}");
    let mut rows = Rows::of(&other, &recent).unwrap();
    assert!((0..8_000).map(last).all(|(key, n)| rows.with(key).unwrap() == [n]));
}

#[test]
fn without_a_file_for_the_filter_all_is_looked_up_in_buckets() {
    let (folder, mut connection) = database();
    std::fs::create_dir(folder.path().join("x.db-filter")).unwrap();
    let (recent, keys) = (Recent::default(), random(9_000));
    let mut merger = merger(&recent);
    for some in keys.chunks(100) {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
    }
    assert!(counts(&connection)[2] > 5_000 && recent.filter().is_none());
    let mut rows = Rows::of(&connection, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]) && rows.none_with(bits(1)).unwrap());
}

#[test]
fn a_look_up_is_made_ready_once_for_all_values() {
    let (folder, writing) = database();
    for connection in [writing, reading(&folder)] {
        let mut statements = [super::buckets::OF, view::PART].map(|sql| connection.prepare(sql).unwrap());
        let mut named = connection.prepare(&rows::named("1")).unwrap();
        for key in 0..3 {
            for statement in &mut statements {
                assert!(!statement.exists([key]).unwrap());
            }
            assert!(!named.exists(rusqlite::params![key, "main", "a@g.us", key.to_string()]).unwrap());
        }
        for statement in statements.into_iter().chain([named]) {
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        }
    }
}

#[test]
fn a_look_up_goes_by_the_number_of_the_row() {
    let (_folder, connection) = database();
    let by = |table: &str, what: &str| format!("SEARCH {table} USING INTEGER PRIMARY KEY ({what})");
    for (sql, wanted) in [
        (super::buckets::OF.to_owned(), by("key_buckets", "rowid>?")),
        (view::PART.to_owned(), by("key_parts", "rowid=?")),
        (rows::named("1"), by("messages", "rowid=?")),
        (rows::ours("1"), by("messages", "rowid=?")),
        (rows::UPDATE.to_owned(), by("messages", "rowid=?")),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let (mut found, mut rows) = (Vec::new(), statement.raw_query());
        while let Some(row) = rows.next().unwrap() {
            found.push(row.get::<_, String>(3).unwrap());
        }
        assert_eq!(found, [wanted]);
    }
}
