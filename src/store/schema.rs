//! The tables, and how an older database becomes a present one.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, keys};

/// What a new database has. To go through all versions took 2 ms more.
const TABLES: &str = include_str!("tables.sql");

/// What each version adds. The version of a database is how many of these it has had. What a later one takes away again is
/// not made any more: it may be there or not. With all of them it has what a new one has.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE messages (
        n                 INTEGER PRIMARY KEY,
        account           TEXT NOT NULL,
        chat              TEXT NOT NULL,
        id                TEXT NOT NULL,
        direction         TEXT NOT NULL,
        chat_kind         TEXT NOT NULL,
        phone             TEXT,
        lid               TEXT,
        sender            TEXT NOT NULL,
        name              TEXT,
        kind              TEXT NOT NULL,
        body              TEXT NOT NULL,
        at                INTEGER NOT NULL,
        state             TEXT,
        attempts          INTEGER NOT NULL DEFAULT 0,
        queued_at         INTEGER,
        dispatched_at     INTEGER,
        sent_at           INTEGER,
        delivered_at      INTEGER,
        read_at           INTEGER,
        failed_at         INTEGER,
        failure_code      INTEGER,
        failure_text      TEXT,
        failure_retryable INTEGER
    ) STRICT;
    CREATE INDEX messages_pending ON messages (account, n) WHERE state IN ('queued', 'dispatched');
    CREATE TABLE journal (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        account    TEXT NOT NULL,
        at         INTEGER NOT NULL,
        type       TEXT NOT NULL,
        chat       TEXT,
        message_id TEXT,
        payload    TEXT NOT NULL
    ) STRICT;
    CREATE TABLE settings (
        account TEXT NOT NULL,
        key     TEXT NOT NULL,
        value   TEXT NOT NULL,
        PRIMARY KEY (account, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE idempotency (
        account     TEXT NOT NULL,
        key         TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        message_id  TEXT NOT NULL,
        at          INTEGER NOT NULL,
        PRIMARY KEY (account, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_at ON idempotency (account, at);
    ALTER TABLE messages ADD COLUMN expires_at INTEGER;
    ALTER TABLE messages ADD COLUMN expired_at INTEGER;
    ALTER TABLE messages ADD COLUMN cancelled_at INTEGER;
    CREATE TABLE known_chats (
        account TEXT NOT NULL,
        chat    TEXT NOT NULL,
        PRIMARY KEY (account, chat)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO known_chats SELECT account, chat FROM messages WHERE direction = 'in';
    INSERT OR IGNORE INTO known_chats SELECT account, lid FROM messages WHERE direction = 'in' AND lid IS NOT NULL;
",
    // Edits, revocations and reactions that an earlier version kept have no target: it was not told on.
    "
    ALTER TABLE messages ADD COLUMN target TEXT;
    ALTER TABLE messages ADD COLUMN target_from_me INTEGER;
    CREATE INDEX messages_target ON messages (account, chat, target) WHERE target IS NOT NULL;
",
    // Nobody could read the journal until now, and its rows were not written to be told.
    "
    DELETE FROM journal;
    ALTER TABLE journal ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
",
    // The index of states is in the order of `n` for each, which is the order of the answers: none needs sorting. What the
    // index of messages derives (see `index`) is filled in afterwards, in steps.
    "
    CREATE INDEX messages_state ON messages (account, state) WHERE state IS NOT NULL;
    CREATE TABLE indexed (
        upto INTEGER NOT NULL
    ) STRICT;
    INSERT INTO indexed VALUES (0);
    CREATE TABLE message_hours (
        account TEXT NOT NULL,
        hour    INTEGER NOT NULL,
        first_n INTEGER NOT NULL,
        last_n  INTEGER NOT NULL,
        PRIMARY KEY (account, hour)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE chats (
        account TEXT NOT NULL,
        chat    TEXT NOT NULL,
        last_n  INTEGER NOT NULL,
        name    TEXT,
        PRIMARY KEY (account, chat)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX chats_last ON chats (account, last_n);
",
    // What a webhook is and how far it has come are JSON: nothing is ever looked for in them.
    "
    CREATE TABLE webhooks (
        account    TEXT NOT NULL,
        name       TEXT NOT NULL,
        definition TEXT,
        progress   TEXT NOT NULL,
        PRIMARY KEY (account, name)
    ) STRICT, WITHOUT ROWID;
",
    // A message's key is a number, which makes its index about a quarter as large: each message goes into it at another place.
    // What is told of a message of somebody else is made from the message (`n`) when it is told. The words of the index
    // of messages have chats, directions and kinds. It has no index of beginnings any more, which was most of it: of a
    // common one the nearest messages are enough (see `near`), and a rare one is that of few words. It is filled in anew.
    "
    ALTER TABLE messages ADD COLUMN key INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE journal ADD COLUMN n INTEGER;
    DROP INDEX IF EXISTS messages_key;
    DROP INDEX IF EXISTS messages_chat;
    DROP INDEX IF EXISTS messages_direction;
    DROP INDEX IF EXISTS messages_kind;
    DROP TABLE IF EXISTS message_text;
    CREATE VIRTUAL TABLE message_text USING fts5 (
        text, content = '', detail = none, columnsize = 0,
        tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co M*'\"
    );
    INSERT INTO message_text (message_text, rank) VALUES ('hashsize', 65536);
    DELETE FROM chats;
    DELETE FROM message_hours;
    UPDATE indexed SET upto = 0;
",
    // The keys of what was there: see `fill_keys`.
    "",
    // Ours are looked up by keys of their own: see `fill_keys`.
    "
    DROP INDEX IF EXISTS messages_ours;
",
    "
    CREATE TABLE group_subjects (
        account TEXT NOT NULL,
        chat    TEXT NOT NULL,
        subject TEXT NOT NULL,
        PRIMARY KEY (account, chat)
    ) STRICT, WITHOUT ROWID;
",
    // Keys are in tables of their own: see `keys`. The column of messages is not written any more; taking it out would
    // write all of them anew.
    "
    CREATE TABLE message_keys_0 (key INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (key, n)) STRICT, WITHOUT ROWID;
    CREATE TABLE message_keys_1 (key INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (key, n)) STRICT, WITHOUT ROWID;
    CREATE TABLE message_keys_2 (key INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (key, n)) STRICT, WITHOUT ROWID;
    INSERT INTO message_keys_2 (key, n) SELECT key, n FROM messages ORDER BY key, n;
    DROP INDEX IF EXISTS messages_key;
    CREATE VIEW message_keys (key, n) AS
        SELECT key, n FROM message_keys_0
        UNION ALL SELECT key, n FROM message_keys_1
        UNION ALL SELECT key, n FROM message_keys_2;
",
    // The keys that came last are runs now, no table.
    "
    DROP VIEW message_keys;
    INSERT OR IGNORE INTO message_keys_1 SELECT key, n FROM message_keys_0;
    DROP TABLE message_keys_0;
    CREATE TABLE message_keys_0 (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
    CREATE VIEW message_keys (key, n) AS
        SELECT key, n FROM message_keys_1
        UNION ALL SELECT key, n FROM message_keys_2;
",
    // Keys are in runs, parts and buckets: see `keys`.
    "
    CREATE TABLE key_runs (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
    CREATE TABLE key_parts (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
    CREATE TABLE key_buckets (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
",
    // What was in tables is brought there: see `keys::migrate`.
    "
    DROP VIEW message_keys;
    DROP TABLE message_keys_0;
    DROP TABLE message_keys_1;
    DROP TABLE message_keys_2;
",
    // Buckets take less room: see `keys::pack`.
    "",
];

/// The version in which messages get their keys.
pub(super) const KEYED: usize = 7;

/// The version in which the keys that came last become runs.
#[cfg(test)]
pub(super) const RUNS: usize = 11;

/// The version in which keys are brought from tables to buckets.
const BUCKETS: usize = 13;

/// The version in which keys in buckets are packed.
pub(super) const PACKED: usize = 14;

/// The version in which messages of ours get keys of their ids alone.
const OURS_KEYED: usize = 8;

/// Opens the database for writing, making it or bringing it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let sqlite = |source| StoreError::sqlite(path, source);
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    refuse_lost(path)?;
    if is_missing(path).map_err(io)? {
        make(path)?;
    }
    make_private(path).map_err(io)?;
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sqlite)?;
    let found = version(&connection, path)?;
    let known = known_version();
    let shrinks = can_shrink(&connection).map_err(sqlite)?;
    configure(&connection).map_err(sqlite)?;
    if !shrinks {
        make_shrinkable(&connection);
    }
    if found < known {
        migrate(&mut connection, found).map_err(sqlite)?;
    }
    Ok(connection)
}

/// Brings a database of this version up to date.
fn migrate(connection: &mut Connection, found: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        if version == KEYED || version == OURS_KEYED {
            fill_keys(&transaction, version)?;
        }
        if version == BUCKETS {
            keys::migrate(&transaction)?;
        }
        if version == PACKED && found as usize > BUCKETS {
            keys::pack(&transaction)?;
        }
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known_version())?;
    transaction.commit()
}

/// Whether there is no database yet, or an empty file in its place. What a link leads to is not looked at: a new file in
/// its place would lead there no more.
fn is_missing(path: &Path) -> std::io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(file) => Ok(file.is_file() && file.len() == 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Makes a new database beside its place and moves it there when it is whole and on disk. SQLite itself waits for the disk
/// eight times on the way, here it is once; a loss of power leaves either nothing or all of it. That it was moved is on
/// disk with the first commit: SQLite waits for the folder as well when it has made the log of a database (`unixSync` in
/// its `os_unix.c`, for files that are opened with `SQLITE_OPEN_WAL`).
fn make(path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let sqlite = |source| StoreError::sqlite(path, source);
    let mut new = path.as_os_str().to_owned();
    new.push("-new");
    let new = Path::new(&new);
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        Ok(()) | Err(_) => {}
    }
    make_private(new).map_err(io)?;
    fill(new).map_err(sqlite)?;
    std::fs::File::open(new).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(new, path).map_err(io)
}

/// Fills an empty file. Nothing is waited for, and nobody else has it open.
fn fill(path: &Path) -> rusqlite::Result<()> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    for (pragma, value) in [
        ("locking_mode", "EXCLUSIVE"),
        ("synchronous", "OFF"),
        ("journal_mode", "OFF"),
        ("temp_store", "MEMORY"),
        ("auto_vacuum", "INCREMENTAL"),
    ] {
        connection.pragma_update(None, pragma, value)?;
    }
    connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {}; COMMIT", known_version()))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)
}

/// Gives the messages of an older version their keys: those that are not ours, and in the version after it ours.
fn fill_keys(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    let mut update = connection.prepare("UPDATE messages SET key = ?2 WHERE n = ?1")?;
    let those = if version == KEYED { "direction <> 'out'" } else { "direction = 'out'" };
    let mut messages = connection.prepare(&format!("SELECT n, account, chat, id FROM messages WHERE {those}"))?;
    let mut found = messages.query([])?;
    while let Some(row) = found.next()? {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
        let (account, chat, id) = (text(1)?, text(2)?, text(3)?);
        let key = if version == KEYED { keys::of(account, chat, id) } else { keys::of_ours(account, id) };
        update.execute((row.get::<_, i64>(0)?, key.migrating()))?;
    }
    Ok(())
}

fn known_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The version of a database, unless it is newer than this program.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let found = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| StoreError::sqlite(path, source))?;
    let known = known_version();
    if found > known { Err(StoreError::Newer { path: path.to_owned(), found, known }) } else { Ok(found) }
}

/// Whether the database can give pages back. A new one is told to, which must be before it has tables.
fn can_shrink(connection: &Connection) -> rusqlite::Result<bool> {
    let get = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if get("page_count")? == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    Ok(get("auto_vacuum")? == INCREMENTAL)
}

const INCREMENTAL: i64 = 2;

/// Writes an older database anew, once, so that it can give pages back. Where there is no room for that it stays as it
/// is: what is deleted is used again, and only the file doesn't get smaller.
fn make_shrinkable(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM") {
        tracing::warn!(%error, "the database can't be written anew; its file will not get smaller");
    }
}

/// No plan hangs on a value: otherwise some statements would be made ready anew for each.
pub(super) fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// The pages that the writing connection keeps, in KiB: little, since the operating system has them as well. With 128 no
/// more messages came in.
const CACHE_KIB: i64 = 64;

/// What holds for the writing connection.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    plan_once(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", 8 << 20)?;
    connection.set_prepared_statement_cache_capacity(24);
    Ok(())
}

/// Makes the file before SQLite does, so that nobody else can read it.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

/// Refuses an empty database beside a log with content: SQLite would throw the log away and start anew.
fn refuse_lost(path: &Path) -> Result<(), StoreError> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if size(path) > 0 || size(Path::new(&log)) == 0 {
        return Ok(());
    }
    Err(StoreError::Damaged { path: path.to_owned(), why: "it is empty, and its log is not".to_owned() })
}
