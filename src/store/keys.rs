//! Which row has a message, by the message's key.
//!
//! Keys are spread evenly, whatever comes. In one table of all of them each new key would change a page of its own, which
//! is then written anew, into the log and later into the file. So there are three tables, each much larger than the one
//! before it, as in a log-structured merge-tree: new keys come into the first, where many share a page, and go on in runs
//! of neighbours, which share pages in the next table as well. A look-up asks all three: the view `message_keys`.
//!
//! * A key is added in the transaction of its message, and a run goes on in one transaction: at each moment a message's
//!   key is in one of the tables.
//! * Runs are taken in turn, from the least key to the greatest: where one was taken last, the fewest have come since.
//! * A key alone proves nothing. Whoever looks up compares the names in the row as well.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::state::Lookup;

/// Adds a message's key and the number of its row.
pub(super) const ADD: &str = "INSERT INTO message_keys_0 (key, n) VALUES (?1, ?2)";

/// How many keys a run has. With many more, callers would wait for it.
const RUN: i64 = 256;

/// What a message of ours is looked up by, wherever it went: answers and receipts name it by its id alone.
pub(super) fn of_ours(account: &str, id: &str) -> i64 {
    of(account, "", id)
}

/// What a message that is not ours is looked up by. Nobody can choose names so that many messages have the same.
pub(super) fn of(account: &str, chat: &str, id: &str) -> i64 {
    let mut hash = Sha256::new();
    for name in [account, chat, id] {
        hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(name);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    i64::from_le_bytes(*first)
}

/// The keys by which this finds something.
pub(super) fn of_lookup(account: &str, lookup: &Lookup) -> impl Iterator<Item = i64> {
    let (message, ours) = match lookup {
        Lookup::Incoming(chat, id) => (Some(of(account, chat.as_str(), id.as_str())), None),
        Lookup::FromUs(chat, id) => {
            (Some(of(account, chat.as_str(), id.as_str())), Some(of_ours(account, id.as_str())))
        }
        Lookup::Ours(id) => (None, Some(of_ours(account, id.as_str()))),
    };
    message.into_iter().chain(ours)
}

/// Brings keys from one table to the next.
#[derive(Debug)]
pub(super) struct Merger {
    first: Table,
    second: Table,
}

/// A table that is not the last.
#[derive(Debug)]
struct Table {
    name: &'static str,
    into: &'static str,
    /// With so many keys, runs go on.
    full: i64,
    /// How many keys it has; none: they were not counted yet.
    count: Option<i64>,
    /// The least key of the next run.
    next: i64,
}

impl Merger {
    /// For any database: what it has is counted when the first keys are added.
    pub(super) fn new() -> Self {
        let table = |name, into, full| Table { name, into, full, count: None, next: i64::MIN };
        Self {
            first: table("message_keys_0", "message_keys_1", 2_048),
            second: table("message_keys_1", "message_keys_2", 32_768),
        }
    }

    /// So many keys were added. When a table is full, runs of it go on.
    ///
    /// It is not waited for until that is on disk: after a loss of power the keys are where they were.
    pub(super) fn added(&mut self, connection: &mut Connection, keys: usize) {
        if let Err(error) = self.make_room(connection, i64::try_from(keys).unwrap_or(i64::MAX)) {
            tracing::warn!(%error, "keys of messages could not go on; it is tried again with the next ones");
            *self = Self::new();
        }
    }

    fn make_room(&mut self, connection: &mut Connection, keys: i64) -> rusqlite::Result<()> {
        let Self { first, second } = self;
        first.more(connection, keys)?;
        second.more(connection, 0)?;
        while first.is_full() || second.is_full() {
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if first.is_full() {
                let moved = first.pass_on(&transaction)?;
                second.more(&transaction, moved)?;
            }
            if second.is_full() {
                second.pass_on(&transaction)?;
            }
            transaction.commit()?;
        }
        Ok(())
    }
}

impl Table {
    fn is_full(&self) -> bool {
        self.count.is_some_and(|count| count >= self.full)
    }

    /// So many keys came.
    fn more(&mut self, connection: &Connection, keys: i64) -> rusqlite::Result<()> {
        self.count = Some(match self.count {
            Some(count) => count.saturating_add(keys),
            None => connection.query_row(&format!("SELECT count(*) FROM {}", self.name), [], |row| row.get(0))?,
        });
        Ok(())
    }

    /// A run goes on into the next table. Returns how many keys it had, which may be none when the greatest have gone.
    fn pass_on(&mut self, connection: &Connection) -> rusqlite::Result<i64> {
        let Self { name, into, next, .. } = *self;
        let last = connection
            .prepare_cached(&format!("SELECT key FROM {name} WHERE key >= ?1 ORDER BY key LIMIT 1 OFFSET ?2"))?
            .query_row(params![next, RUN - 1], |row| row.get(0));
        let last = match last {
            Err(rusqlite::Error::QueryReturnedNoRows) => i64::MAX,
            last => last?,
        };
        let run = params![next, last];
        let moved = connection
            .prepare_cached(&format!("INSERT INTO {into} SELECT key, n FROM {name} WHERE key BETWEEN ?1 AND ?2"))?
            .execute(run)?;
        connection.prepare_cached(&format!("DELETE FROM {name} WHERE key BETWEEN ?1 AND ?2"))?.execute(run)?;
        self.next = last.checked_add(1).unwrap_or(i64::MIN);
        let moved = i64::try_from(moved).unwrap_or(i64::MAX);
        self.count = self.count.map(|count| count.saturating_sub(moved));
        Ok(moved)
    }
}

/// Takes out the key of a message that is about to be deleted.
pub(super) fn forget(connection: &Connection, n: i64) -> rusqlite::Result<()> {
    let key = connection
        .prepare_cached("SELECT account, chat, id, direction = 'out' FROM messages WHERE n = ?1")?
        .query_row([n], |row| {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            let (account, id) = (text(0)?, text(2)?);
            Ok(if row.get(3)? { of_ours(account, id) } else { of(account, text(1)?, id) })
        })?;
    for table in ["message_keys_0", "message_keys_1", "message_keys_2"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1 AND n = ?2"))?
            .execute(params![key, n])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{rows, schema};
    use super::*;

    fn database() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = schema::open(&folder.path().join("x.db")).unwrap();
        (folder, connection)
    }

    fn counts(connection: &Connection) -> [i64; 3] {
        [0, 1, 2].map(|table| {
            let sql = format!("SELECT count(*) FROM message_keys_{table}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        })
    }

    fn add(connection: &mut Connection, keys: impl Iterator<Item = (i64, i64)>) -> usize {
        let transaction = connection.transaction().unwrap();
        let mut added = 0;
        for (key, n) in keys {
            transaction.prepare_cached(ADD).unwrap().execute([key, n]).unwrap();
            added += 1;
        }
        transaction.commit().unwrap();
        added
    }

    /// Small tables, so that keys go through all of them.
    fn merger() -> Merger {
        let mut merger = Merger::new();
        (merger.first.full, merger.second.full) = (600, 2_000);
        merger
    }

    #[test]
    fn keys_go_on_and_each_is_found_wherever_it_is() {
        let (_folder, mut connection) = database();
        let mut merger = merger();
        let mut random = fastrand::Rng::with_seed(7);
        let keys: Vec<_> = (0..9_000).map(|n| (random.i64(..), n)).collect();
        for (round, some) in keys.chunks(100).enumerate() {
            let added = add(&mut connection, some.iter().copied());
            if round % 10 == 9 {
                // As after a start.
                merger = self::merger();
            }
            merger.added(&mut connection, added);
            let [first, second, _] = counts(&connection);
            assert!(first < 600 && second < 2_000, "{first} {second}");
        }
        let [first, second, third] = counts(&connection);
        assert_eq!(first + second + third, 9_000);
        assert!(first > 100 && second > 1_000 && third > 5_000, "{first} {second} {third}");
        let mut find = connection.prepare("SELECT n FROM message_keys WHERE key = ?1").unwrap();
        for (key, n) in keys {
            assert_eq!(find.query_row([key], |row| row.get::<_, i64>(0)).unwrap(), n);
        }
    }

    #[test]
    fn keys_that_coincide_and_the_greatest_ones_go_on_as_well() {
        let (_folder, mut connection) = database();
        let mut merger = merger();
        for (start, key) in [(0, 7), (1_000, i64::MAX), (2_000, i64::MIN), (3_000, 7)] {
            let added = add(&mut connection, (start..start + 1_000).map(|n| (key, n)));
            merger.added(&mut connection, added);
        }
        let [first, second, third] = counts(&connection);
        assert!(first < 600 && second < 2_000);
        assert_eq!(first + second + third, 4_000);
    }

    #[test]
    fn keys_that_could_not_go_on_do_so_with_the_next_ones() {
        let (folder, mut connection) = database();
        let mut merger = merger();
        let added = add(&mut connection, (0..900).map(|n| (n, n)));
        let other = Connection::open(folder.path().join("x.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        merger.added(&mut connection, added);
        assert_eq!(counts(&connection), [900, 0, 0]);
        other.execute_batch("ROLLBACK").unwrap();
        let added = add(&mut connection, [(900, 900)].into_iter());
        (merger.first.full, merger.second.full) = (600, 2_000);
        merger.added(&mut connection, added);
        assert_eq!(counts(&connection), [389, 512, 0]);
    }

    #[test]
    fn a_look_up_is_made_ready_once_for_all_values() {
        let (folder, writing) = database();
        let reading = super::super::reader::connect(&folder.path().join("x.db")).unwrap();
        for connection in [writing, reading] {
            let mut statement = connection.prepare(&rows::by_key("1")).unwrap();
            for key in 0..3 {
                assert!(!statement.exists(params![key, "main", "a@g.us", key.to_string()]).unwrap());
            }
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        }
    }

    #[test]
    fn a_look_up_goes_by_the_key_in_each_table() {
        let (_folder, connection) = database();
        for sql in [rows::by_key("1"), rows::ours_by_key("1"), rows::UPDATE.to_owned()] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut plan = Vec::new();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().unwrap() {
                plan.push(row.get::<_, String>(3).unwrap());
            }
            for table in ["message_keys_0", "message_keys_1", "message_keys_2"] {
                assert!(plan.contains(&format!("SEARCH {table} USING PRIMARY KEY (key=?)")), "{plan:?}");
            }
            assert!(!plan.iter().any(|step| step.contains("SCAN")), "{plan:?}");
        }
    }
}
