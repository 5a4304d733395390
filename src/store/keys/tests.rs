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

/// How many keys are in runs, in the first table and in the second.
fn counts(connection: &Connection) -> [usize; 3] {
    let runs = recent::read(connection).unwrap().iter().map(|(_, run)| run.len()).sum();
    let [first, second] = [1, 2].map(|table| {
        let sql = format!("SELECT count(*) FROM message_keys_{table}");
        connection.query_row(&sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize
    });
    [runs, first, second]
}

/// A transaction with these keys, each with the number of its row.
fn add(merger: &mut Merger, connection: &mut Connection, keys: impl IntoIterator<Item = (i64, i64)>) {
    let transaction = connection.transaction().unwrap();
    merger.ready(&transaction).unwrap();
    let written = merger.write(&transaction, keys.into_iter().collect()).unwrap();
    transaction.commit().unwrap();
    merger.written(written);
}

/// With little room, so that keys go through all places.
fn merger(recent: &Recent) -> Merger {
    Merger::new(recent.clone()).with_room(600, 2_000)
}

/// The rows that have a key, each once: one whose key is on its way is found at both of its places. `first` gives them to
/// what it is given until that finds something.
fn all(
    first: impl FnOnce(&mut dyn FnMut(i64) -> rusqlite::Result<Option<()>>) -> rusqlite::Result<Option<()>>,
) -> rusqlite::Result<Vec<i64>> {
    let mut rows = Vec::new();
    first(&mut |n| {
        rows.push(n);
        Ok(None)
    })?;
    rows.sort_unstable();
    rows.dedup();
    Ok(rows)
}

/// For who looks up, and for who writes.
impl Rows<'_> {
    fn with(&self, key: i64) -> rusqlite::Result<Vec<i64>> {
        all(|read| self.first(key, read))
    }
}

impl Merger {
    fn rows(&self, connection: &Connection, added: &[(i64, i64)], key: i64) -> rusqlite::Result<Vec<i64>> {
        all(|read| self.first(connection, added, key, read))
    }
}

fn random(count: i64) -> Vec<(i64, i64)> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..count).map(|n| (random.i64(..), n)).collect()
}

#[test]
fn keys_go_on_and_each_is_found_once_wherever_it_is() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(9_000);
    for (round, some) in keys.chunks(100).enumerate() {
        add(&mut merger, &mut connection, some.iter().copied());
        if round % 13 == 12 {
            // As after a start, also while keys are on their way.
            merger = self::merger(&recent);
        }
        merger.make_room(&mut connection);
        let [runs, first, _] = counts(&connection);
        assert!(runs < 1_900 && first < 2_000, "{runs} {first}");
        // By what is kept in memory, and by what is in the database.
        for recent in [&recent, &Recent::default()] {
            let rows = Rows::of(&other, recent).unwrap();
            for (key, n) in keys.iter().take(100 * (round + 1)).step_by(71) {
                assert_eq!((rows.with(*key).unwrap(), rows.none_with(*key).unwrap()), (vec![*n], false), "{round}");
            }
            assert!(rows.none_with(1).unwrap());
        }
    }
    let [runs, first, second] = counts(&connection);
    assert!(runs > 100 && first > 1_000 && second > 5_000, "{runs} {first} {second}");
    let transaction = connection.transaction().unwrap();
    merger.ready(&transaction).unwrap();
    for (key, n) in keys {
        assert_eq!(merger.rows(&transaction, &[(5, 9_001)], key).unwrap(), [n]);
    }
    assert_eq!(merger.rows(&transaction, &[(5, 9_001)], 5).unwrap(), [9_001]);
    drop(transaction);
    while merger.rest(&mut connection) {}
    let [runs, first, second] = counts(&connection);
    assert!(runs < 256 && runs + first + second == 9_000, "{runs} {first} {second}");
}

#[test]
fn keys_that_coincide_and_the_greatest_ones_go_on_as_well() {
    let (_folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    for (start, key) in [(0, 7), (1_000, i64::MAX), (2_000, i64::MIN), (3_000, 7)] {
        for n in 0..10 {
            add(&mut merger, &mut connection, (0..100).map(|i| (key, start + 100 * n + i)));
            merger.make_room(&mut connection);
        }
    }
    while merger.rest(&mut connection) {}
    let [runs, first, second] = counts(&connection);
    assert!(runs < 256 && first < 2_000 && runs + first + second == 4_000, "{runs} {first} {second}");
    assert_eq!(merger.rows(&connection, &[], 7).unwrap().len(), 2_000);
}

#[test]
fn small_commits_share_a_run_and_keys_that_are_few_stay_in_it() {
    let (folder, mut connection) = database();
    let recent = Recent::default();
    let mut merger = Merger::new(recent.clone());
    for n in 0..300 {
        add(&mut merger, &mut connection, [(n * 7, n)]);
        merger.make_room(&mut connection);
        let other = reading(&folder);
        assert_eq!(Rows::of(&other, &recent).unwrap().with(n * 7).unwrap(), [n]);
    }
    assert_eq!(recent::read(&connection).unwrap().len(), 3);
    add(&mut merger, &mut connection, []);
    assert_eq!((counts(&connection), merger.rest(&mut connection)), ([300, 0, 0], true));
    while merger.rest(&mut connection) {}
    assert_eq!(counts(&connection), [0, 300, 0]);
    add(&mut merger, &mut connection, [(1, 301)]);
    assert_eq!((merger.rest(&mut connection), counts(&connection)), (false, [1, 300, 0]));
    let mut merger = Merger::new(recent);
    assert_eq!((merger.rest(&mut connection), counts(&connection)), (false, [1, 300, 0]));
    assert_eq!(merger.rows(&connection, &[], 1).unwrap(), [301]);
}

#[test]
fn keys_that_could_not_go_on_do_so_with_the_next_ones() {
    let (folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    add(&mut merger, &mut connection, random(900));
    add(&mut merger, &mut connection, [(1, 900)]);
    let other = Connection::open(folder.path().join("x.db")).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let blocking = rusqlite::Transaction::new_unchecked(&other, TransactionBehavior::Immediate).unwrap();
    assert!(!merger.rest(&mut connection));
    drop(blocking);
    assert_eq!(counts(&connection), [901, 0, 0]);
    add(&mut merger, &mut connection, random(300));
    merger.make_room(&mut connection);
    add(&mut merger, &mut connection, random(700));
    merger.make_room(&mut connection);
    assert!(counts(&connection)[1] > 0, "{:?}", counts(&connection));
}

#[test]
fn who_looks_at_an_earlier_moment_finds_what_was_there() {
    let (folder, mut connection) = database();
    let (recent, mut other) = (Recent::default(), reading(&folder));
    let mut merger = merger(&recent);
    let keys = random(3_000);
    add(&mut merger, &mut connection, keys.iter().copied().take(550));
    let moment = other.transaction().unwrap();
    assert_eq!(Rows::of(&moment, &recent).unwrap().runs.len(), 1);
    for some in keys.get(550..).unwrap().chunks(70) {
        add(&mut merger, &mut connection, some.iter().copied());
        merger.make_room(&mut connection);
        let rows = Rows::of(&moment, &recent).unwrap();
        for (key, n) in keys.iter().take(550).step_by(50) {
            assert_eq!(rows.with(*key).unwrap(), [*n]);
        }
    }
    while merger.rest(&mut connection) {}
    let rows = Rows::of(&moment, &recent).unwrap();
    assert!(keys.iter().take(550).all(|(key, n)| rows.with(*key).unwrap() == [*n]));
    assert!(keys.iter().skip(550).all(|(key, _)| rows.none_with(*key).unwrap()));
    drop(moment);
    let rows = Rows::of(&other, &recent).unwrap();
    assert!(keys.iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
}

#[test]
fn what_is_not_committed_is_not_found_and_its_number_is_not_used_again() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = Merger::new(recent.clone());
    add(&mut merger, &mut connection, [(1, 1)]);
    let last = |connection: &Connection| recent::read(connection).unwrap().last().unwrap().0;
    let before = last(&connection);
    let transaction = connection.transaction().unwrap();
    merger.write(&transaction, vec![(2, 2)]).unwrap();
    let undone = last(&transaction);
    transaction.rollback().unwrap();
    merger.unsure();
    add(&mut merger, &mut connection, [(3, 2)]);
    assert!(before < undone && undone < last(&connection));
    // One that was, but is said not to have been.
    let transaction = connection.transaction().unwrap();
    merger.write(&transaction, vec![(4, 3)]).unwrap();
    transaction.commit().unwrap();
    merger.unsure();
    merger.ready(&connection).unwrap();
    assert_eq!(merger.rows(&connection, &[], 4).unwrap(), [3]);
    let rows = Rows::of(&other, &recent).unwrap();
    let found = [1, 2, 3, 4].map(|key| rows.with(key).unwrap());
    assert_eq!(found, [vec![1], vec![], vec![2], vec![3]]);
}

#[test]
fn keys_of_what_is_deleted_go_from_wherever_they_are() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    let mut merger = Merger::new(recent.clone());
    messages(&connection, 600);
    let key = |n: i64| of("main", "a@g.us", &n.to_string());
    for n in 0..3 {
        add(&mut merger, &mut connection, (200 * n..200 * (n + 1)).map(|n| (key(n), n)));
    }
    // Some are on their way, and in both places.
    assert!(merger.rest(&mut connection));
    assert_eq!(counts(&connection), [600, 256, 0]);
    merger.forget(&connection, &(0..300).collect::<Vec<_>>()).unwrap();
    assert!(counts(&connection)[0] == 300 && counts(&connection)[1] < 256, "{:?}", counts(&connection));
    for recent in [&recent, &Recent::default()] {
        let rows = Rows::of(&other, recent).unwrap();
        assert!((0..300).all(|n| rows.none_with(key(n)).unwrap()));
        assert!((300..600).all(|n| rows.with(key(n)).unwrap() == [n]));
    }
    // What goes on then is what is left.
    while merger.rest(&mut connection) {}
    assert_eq!(counts(&connection), [0, 300, 0]);
    merger.forget(&connection, &[599]).unwrap();
    assert_eq!(counts(&connection), [0, 299, 0]);
    // Its number is given again.
    add(&mut merger, &mut connection, [(7, 599)]);
    assert_eq!(Rows::of(&other, &recent).unwrap().with(7).unwrap(), [599]);
}

/// These messages, whose keys are to be added.
fn messages(connection: &Connection, count: i64) -> Vec<(i64, i64)> {
    connection
        .execute(
            "WITH RECURSIVE c (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c WHERE n < ?1 - 1)
             INSERT INTO messages (n, account, chat, id, direction, chat_kind, sender, kind, body, at)
             SELECT n, 'main', 'a@g.us', n, 'in', 'group', '', 'text', 'hi', 1 FROM c",
            [count],
        )
        .unwrap();
    (0..count).map(|n| (of("main", "a@g.us", &n.to_string()), n)).collect()
}

#[test]
fn who_is_told_of_a_new_run_is_told_of_those_before_it_as_well() {
    let (folder, mut connection) = database();
    let (recent, other) = (Recent::default(), reading(&folder));
    add(&mut Merger::new(recent.clone()), &mut connection, random(300));
    // Nothing was read of what is there, and it is not asked for either.
    Merger::new(recent.clone()).write(&connection, vec![(7, 300)]).unwrap();
    let rows = Rows::of(&other, &recent).unwrap();
    assert!(random(300).iter().all(|(key, n)| rows.with(*key).unwrap() == [*n]));
    assert_eq!(rows.with(7).unwrap(), [300]);
}

#[test]
fn after_many_were_deleted_the_first_table_has_room_again() {
    let (_folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    let keys = messages(&connection, 2_900);
    add(&mut merger, &mut connection, keys.iter().copied().take(1_800));
    while merger.rest(&mut connection) {}
    assert_eq!(counts(&connection), [0, 1_800, 0]);
    merger.forget(&connection, &(0..1_700).collect::<Vec<_>>()).unwrap();
    add(&mut merger, &mut connection, keys.iter().copied().skip(1_800));
    while merger.rest(&mut connection) {}
    assert_eq!(counts(&connection), [0, 1_200, 0]);
}

#[test]
fn keys_that_are_counted_and_not_there_are_an_error_and_no_endless_search() {
    let (_folder, mut connection) = database();
    let mut merger = merger(&Recent::default());
    connection
        .execute_batch("CREATE TRIGGER lost BEFORE DELETE ON message_keys_1 BEGIN SELECT RAISE(IGNORE); END")
        .unwrap();
    add(&mut merger, &mut connection, random(2_560));
    while merger.rest(&mut connection) {}
    assert_eq!(counts(&connection)[2], 0);
    let error = merger.go_on(&mut connection).unwrap_err().to_string();
    assert!(error.contains("not found"), "{error}");
    connection.execute_batch("DROP TRIGGER lost").unwrap();
    merger.go_on(&mut connection).unwrap();
    let [runs, first, second] = counts(&connection);
    assert!(runs == 0 && second > 0 && first + second == 2_560, "{runs} {first} {second}");
}

#[test]
fn a_run_that_is_damaged_is_an_error() {
    let (_folder, connection) = database();
    connection.execute("INSERT INTO message_keys_0 (keys) VALUES (x'0102')", []).unwrap();
    assert!(Rows::of(&connection, &Recent::default()).is_err());
    assert!(Merger::new(Recent::default()).ready(&connection).is_err());
    // Whole, but not in order.
    let run = recent::bytes(&[(2, 1), (1, 2)]);
    connection.execute("UPDATE message_keys_0 SET keys = ?1", [run]).unwrap();
    assert!(Rows::of(&connection, &Recent::default()).is_err());
    assert!(Merger::new(Recent::default()).ready(&connection).is_err());
}

#[test]
fn a_look_up_is_made_ready_once_for_all_values() {
    let (folder, writing) = database();
    for connection in [writing, reading(&folder)] {
        let mut statement = connection.prepare(IN_TABLES).unwrap();
        let mut named = connection.prepare(&rows::named("1")).unwrap();
        for key in 0..3 {
            assert!(!statement.exists([key]).unwrap());
            assert!(!named.exists(params![key, "main", "a@g.us", key.to_string()]).unwrap());
        }
        for statement in [statement, named] {
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        }
    }
}

#[test]
fn a_look_up_goes_by_the_key_in_each_table_and_by_the_number_of_the_row() {
    let (_folder, connection) = database();
    let keys = ["message_keys_1", "message_keys_2"].map(|t| format!("SEARCH {t} USING PRIMARY KEY (key=?)")).to_vec();
    let row = vec!["SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)".to_owned()];
    for (sql, wanted) in [
        (IN_TABLES.to_owned(), &keys),
        (rows::named("1"), &row),
        (rows::ours("1"), &row),
        (rows::UPDATE.to_owned(), &row),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut plan = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>(3).unwrap());
        }
        assert!(wanted.iter().all(|step| plan.contains(step)), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("SCAN")), "{plan:?}");
    }
}
