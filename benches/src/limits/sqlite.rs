//! SQLite alone: the rows that the program wrote, written again with nothing around it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::figures::milliseconds;

/// The tables into which each message goes. The program spreads the keys over several; here they are in one,
/// and made anew, spread as evenly.
const TABLES: [&str; 3] = ["messages", "journal", "message_keys_1"];

/// What has the rows of each of these, in the order in which they came.
const SOURCES: [&str; 3] =
    ["messages ORDER BY n", "journal ORDER BY seq", "(SELECT random(), n FROM messages) ORDER BY n"];

/// What a database of the program has, to be written again.
pub struct Commits {
    schema: Vec<String>,
    /// For each message its row in each table.
    messages: Vec<[Vec<Value>; 3]>,
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
        let [messages, journal, keys] = SOURCES.map(|source| rows(&connection, source, most));
        let messages: Vec<_> =
            messages?.into_iter().zip(journal?).zip(keys?).map(|((message, row), key)| [message, row, key]).collect();
        if messages.is_empty() {
            bail!("{} has no messages", database.display());
        }
        Ok(Self { schema, messages })
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
        let inserts = [0, 1, 2].map(|table| {
            let columns = self.messages.first().map_or(0, |rows| rows[table].len());
            format!("INSERT INTO {} VALUES ({})", TABLES[table], vec!["?"; columns].join(", "))
        });
        let (begin, mut times, mut written) = (Instant::now(), Vec::new(), 0);
        for messages in self.messages.chunks(batch.max(1)) {
            let from = Instant::now();
            let transaction = connection.transaction()?;
            for message in messages {
                for (row, insert) in message.iter().zip(&inserts) {
                    transaction.prepare_cached(insert)?.execute(params_from_iter(row))?;
                }
            }
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

/// The statements that make the tables and indices which a message goes into.
fn schema(connection: &Connection) -> anyhow::Result<Vec<String>> {
    let sql =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN (?1, ?2, ?3) ORDER BY type DESC, rowid";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map(TABLES, |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    if found.is_empty() { bail!("the program's tables have other names now") } else { Ok(found) }
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

    #[test]
    fn rows_are_written_again_into_the_same_tables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        let sql = "CREATE TABLE messages (n INTEGER PRIMARY KEY, id TEXT) STRICT; CREATE INDEX i ON messages (id);
            CREATE TABLE other (x); CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT);
            CREATE TABLE message_keys_1 (key INTEGER, n INTEGER, PRIMARY KEY (key, n)) WITHOUT ROWID;
            INSERT INTO messages VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO journal VALUES (1, '{}'), (2, '{}'), (3, '{}')";
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let commits = Commits::of(&path, 10).unwrap();
        assert_eq!((commits.schema.len(), commits.messages.len()), (4, 3));
        let committed = commits.run(2, Duration::from_secs(60)).unwrap();
        assert_eq!(committed.times.len(), 2);
        assert!(committed.rate > 0.0);
        assert_eq!(query(&path, "SELECT n FROM messages WHERE id = ?1", "b", 3).unwrap().len(), 3);
        assert!(Commits::of(&path, 0).is_err());
    }
}
