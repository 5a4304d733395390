//! SQLite alone: the rows that the program wrote, written again with nothing around it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::figures::milliseconds;

/// The tables into which each message goes.
const TABLES: [&str; 3] = ["messages", "journal", "key_runs"];

/// What has the rows of messages and of what is told of them, in the order in which they came.
const SOURCES: [&str; 2] = ["messages ORDER BY n", "journal ORDER BY seq"];

/// More messages in one commit make SQLite hardly quicker.
pub const LARGE: usize = 4_096;

/// What a key takes, with the number of its row.
const KEY: i64 = 10;

/// What is told of messages that are in their rows already, for all of a transaction at once.
const TELL: &str = "INSERT INTO journal (account, at, type, n, message_id, payload)
    SELECT account, at, 'message.received', n, id, '' FROM messages WHERE n BETWEEN ?1 AND ?2 ORDER BY n";

/// What a database of the program has, to be written again: the rows of messages, what is told of them, and for each
/// transaction their keys in one row. It is the least that has all of it on disk: nothing is looked up, and keys stay
/// where they are, though among so many rows nobody would find them any more.
pub struct Commits {
    schema: Vec<String>,
    messages: Vec<Vec<Value>>,
    /// What is told of each of them; none: it is all in their rows.
    told: Option<Vec<Vec<Value>>>,
}

/// How it went.
pub struct Committed {
    /// Messages a second.
    pub rate: f64,
    /// How long each commit took in milliseconds, shortest first.
    pub times: Vec<f64>,
}

impl Commits {
    /// Reads at most so many messages from a database that no program has open.
    ///
    /// # Errors
    /// What SQLite says, or that there is nothing in it.
    pub fn of(database: &Path, most: usize) -> anyhow::Result<Self> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let schema = schema(&connection)?;
        let [mut messages, mut told] = [rows(&connection, SOURCES[0], most)?, rows(&connection, SOURCES[1], most)?];
        let all = messages.len().min(told.len());
        if all == 0 {
            bail!("{} has no messages", database.display());
        }
        messages.truncate(all);
        told.truncate(all);
        let in_rows = "SELECT NOT EXISTS (SELECT 1 FROM journal WHERE payload <> '' OR n IS NULL)";
        let in_rows = connection.query_row(in_rows, [], |row| row.get::<_, bool>(0))?;
        Ok(Self { schema, messages, told: (!in_rows).then_some(told) })
    }

    /// Writes them into a new database, so many in a transaction, for so long or until there are no more. Each transaction
    /// is on disk before the next one begins, as in the program.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn run(&self, batch: usize, length: Duration) -> anyhow::Result<Committed> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let mut connection = Connection::open(folder.path().join("rows.db"))?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        self.schema.iter().try_for_each(|sql| connection.execute_batch(sql))?;
        let [message, told] =
            [("messages", Some(&self.messages)), ("journal", self.told.as_ref())].map(|(table, rows)| {
                let columns = rows.and_then(|rows| rows.first()).map_or(0, Vec::len);
                format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(", "))
            });
        let (begin, mut times, mut written) = (Instant::now(), Vec::new(), 0);
        for messages in self.messages.chunks(batch.max(1)) {
            let from = Instant::now();
            let transaction = connection.transaction()?;
            let first = insert(&transaction, &message, messages)?;
            let last = transaction.last_insert_rowid();
            match &self.told {
                Some(rows) => {
                    let rows = rows.get(written..written + messages.len()).unwrap_or_default();
                    insert(&transaction, &told, rows)?;
                }
                None => {
                    transaction.prepare_cached(TELL)?.execute([first, last])?;
                }
            }
            let keys = "INSERT INTO key_runs (keys) VALUES (randomblob(?1))";
            transaction.prepare_cached(keys)?.execute([KEY.saturating_mul(messages.len() as i64)])?;
            transaction.commit()?;
            times.push(from.elapsed());
            written += messages.len();
            if begin.elapsed() > length {
                break;
            }
        }
        Ok(Committed { rate: written as f64 / begin.elapsed().as_secs_f64(), times: milliseconds(&times) })
    }
}

/// Inserts rows by one statement that is made ready once. Returns the number of the first.
fn insert(connection: &Connection, sql: &str, rows: &[Vec<Value>]) -> anyhow::Result<i64> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut first = None;
    for row in rows {
        let n = statement.insert(params_from_iter(row))?;
        first.get_or_insert(n);
    }
    Ok(first.unwrap_or_default())
}

/// The statements that make the tables and indices which a message goes into.
fn schema(connection: &Connection) -> anyhow::Result<Vec<String>> {
    let sql =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN (?1, ?2, ?3) ORDER BY type DESC, rowid";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map(TABLES, |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    if found.len() < TABLES.len() { bail!("the program's tables have other names now") } else { Ok(found) }
}

fn rows(connection: &Connection, source: &str, most: usize) -> anyhow::Result<Vec<Vec<Value>>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {source} LIMIT {most}"))?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many messages of a database, which the program may have open, can be found by their words.
///
/// # Errors
/// What SQLite says.
pub fn sorted_in(database: &Path) -> anyhow::Result<u64> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let upto = connection.query_row("SELECT upto FROM indexed", [], |row| row.get::<_, i64>(0));
    Ok(upto.context("the program's tables have other columns now")?.unsigned_abs())
}

/// How many messages a second SQLite sorts in by their words, so many of a database and nothing else.
///
/// # Errors
/// What SQLite says.
pub fn sorting(database: &Path, most: usize) -> anyhow::Result<f64> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let mut connection = Connection::open(folder.path().join("words.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let table = "SELECT sql FROM sqlite_schema WHERE name = 'message_text'";
    connection.execute_batch(&source.query_row(table, [], |row| row.get::<_, String>(0))?)?;
    let texts = rows(&source, "(SELECT n, body FROM messages ORDER BY n)", most)?;
    let begin = Instant::now();
    for texts in texts.chunks(LARGE) {
        let transaction = connection.transaction()?;
        insert(&transaction, "INSERT INTO message_text (rowid, text) VALUES (?1, ?2)", texts)?;
        transaction.commit()?;
    }
    Ok(texts.len() as f64 / begin.elapsed().as_secs_f64())
}

/// How long a query takes in milliseconds, all rows taken. The first time it only warms up.
///
/// # Errors
/// What SQLite says.
pub fn query(database: &Path, sql: &str, text: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(sql).context("the program's tables have other columns now")?;
    let wants = statement.parameter_count();
    let mut times = Vec::new();
    for _ in 0..=runs {
        let from = Instant::now();
        let mut rows = statement.query(params_from_iter([text].iter().take(wants)))?;
        while let Some(row) = rows.next()? {
            row.get_ref(0)?;
        }
        times.push(from.elapsed());
    }
    Ok(milliseconds(times.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database as the program leaves it, of which so much is told in rows of its own.
    fn database(path: &Path, payload: &str) {
        let connection = Connection::open(path).unwrap();
        let sql = format!(
            "CREATE TABLE messages (n INTEGER PRIMARY KEY, account TEXT, id TEXT, at INTEGER) STRICT;
            CREATE INDEX i ON messages (id);
            CREATE TABLE other (x);
            CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, at INTEGER, type TEXT,
                message_id TEXT, payload TEXT NOT NULL, n INTEGER);
            CREATE TABLE key_runs (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
            INSERT INTO messages VALUES (1, 'x', 'a', 5), (2, 'x', 'b', 6), (3, 'x', 'c', 7);
            INSERT INTO journal (account, n, payload) SELECT 'x', n, '{payload}' FROM messages"
        );
        connection.execute_batch(&sql).unwrap();
    }

    #[test]
    fn rows_are_written_again_into_the_same_tables() {
        for payload in ["", "{}"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            database(&path, payload);
            let commits = Commits::of(&path, 10).unwrap();
            assert_eq!((commits.schema.len(), commits.messages.len()), (4, 3));
            assert_eq!(commits.told.is_none(), payload.is_empty());
            let committed = commits.run(2, Duration::from_secs(60)).unwrap();
            assert_eq!(committed.times.len(), 2);
            assert!(committed.rate > 0.0);
            assert_eq!(query(&path, "SELECT n FROM messages WHERE id = ?1", "b", 3).unwrap().len(), 3);
            assert!(Commits::of(&path, 0).is_err());
        }
    }
}
