//! Forgets what is old or too much, in small steps between batches.
//!
//! * Only settled messages and rows of the journal go, the oldest first. What is queued or dispatched stays, whatever
//!   its age.
//! * What is about an earlier message, such as an edit, is a row like others: it goes when its own turn comes, after
//!   that message, and may be there without it for a while.
//! * A step is one transaction of at most [`STEP_ROWS`] rows and [`STEP_BYTES`] bytes, and some pages that are given
//!   back to the file system. A batch never waits for more than one step.
//! * Time is what the messages of others say, as far as it is behind this computer's clock: a clock that jumps ahead
//!   deletes nothing.
//! * The size is that of the pages in use. The file follows within [`SLACK_PAGES`] pages, the log beside it has at most
//!   8 MiB at rest.
//!
//! A message that was forgotten and is told again is new. WhatsApp itself keeps what it could not deliver for about 30
//! days.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::index;
use super::keys::Merger;
use super::rows::UNSETTLED;
use crate::clock::{Clock, Mono, Timestamp};
use crate::state::Kept;

/// The most rows that one step takes.
const STEP_ROWS: usize = 500;

/// The bytes of text after which a step takes no further row.
const STEP_BYTES: i64 = 4 << 20;

/// The most pages that one step gives back.
const STEP_PAGES: i64 = 512;

/// So many free pages stay for the next messages: giving all back would move pages for nothing.
const SLACK_PAGES: i64 = 256;

/// How long after the start it is looked for the first time: by then there is time for it.
const SETTLED: Duration = Duration::from_secs(5);

/// How many times longer it takes until the next look when nothing was written since one that found nothing to do.
const AT_REST: u32 = 10;

/// How far back a message of somebody else is looked for, which tells the time.
const RECENT: i64 = 500;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// What is older goes; none: no age is too old.
    pub max_age: Option<Duration>,
    /// With more bytes than this, the oldest goes; none: no size is too large.
    pub max_bytes: Option<u64>,
    /// How often to look while something is written. At rest it is a tenth as often, which is how often the thread wakes up.
    pub look_every: Duration,
    /// The time.
    pub clock: Clock,
}

/// When there is something to do, and doing it.
#[derive(Debug)]
pub(super) struct Sweeper {
    /// None: everything is kept, whatever is asked for.
    retention: Option<Retention>,
    due: Mono,
    /// Nothing was to be done at the last look, and nothing has been written since.
    rests: bool,
}

impl Sweeper {
    pub(super) fn new(retention: Option<Retention>) -> Self {
        let due = retention.map(|r| r.clock.mono().plus(r.look_every.min(SETTLED))).unwrap_or_default();
        Self { retention, due, rests: false }
    }

    /// Keeps this from now on, and looks at once.
    pub(super) fn keep(&mut self, kept: Kept) {
        if let Some(retention) = &mut self.retention {
            (retention.max_age, retention.max_bytes) = (kept.max_age, kept.max_bytes);
            self.due = retention.clock.now().mono;
        }
    }

    /// What is to be deleted, if anything ever.
    fn limited(&self) -> Option<Retention> {
        self.retention.filter(|r| r.max_age.is_some() || r.max_bytes.is_some())
    }

    /// How long until the next step; none: there is never one.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.limited().map(|r| self.due.since(r.clock.now().mono))
    }

    /// Something was written.
    pub(super) fn written(&mut self) {
        if let Some(retention) = self.retention
            && std::mem::take(&mut self.rests)
        {
            self.due = self.due.min(retention.clock.mono().plus(retention.look_every));
        }
    }

    /// Makes a step when it is time for one.
    pub(super) fn step(&mut self, connection: &mut Connection, keys: &mut Merger) {
        let Some(retention) = self.limited() else { return };
        let now = retention.clock.now();
        if now.mono < self.due {
            return;
        }
        let found = step(connection, keys, &retention, now.wall).inspect_err(|error| {
            tracing::warn!(%error, "what is too old or too much could not be deleted; it is tried again later");
        });
        self.rests = matches!(found, Ok(false));
        self.due = match found {
            Ok(true) => now.mono,
            Ok(false) => now.mono.plus(retention.look_every.saturating_mul(AT_REST)),
            Err(_) => now.mono.plus(retention.look_every),
        };
    }
}

/// One step. Returns whether there may be more to do.
pub(super) fn step(
    connection: &mut Connection,
    keys: &mut Merger,
    retention: &Retention,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let cutoff = match retention.max_age {
        Some(age) => Some(time(connection, now)?.minus(age)),
        None => None,
    };
    let mut messages = oldest(connection, &messages_oldest_first())?;
    let mut journal = oldest(connection, "SELECT seq, at, octet_length(payload) FROM journal ORDER BY seq")?;
    let old = |rows: &[Row]| rows.iter().any(|row| cutoff.is_some_and(|cutoff| row.at < cutoff));
    if old(&messages) || old(&journal) {
        let aged = |row: &Row| cutoff.is_some_and(|cutoff| row.at < cutoff);
        messages.retain(aged);
        journal.retain(aged);
    } else if retention.max_bytes.is_some_and(|most| Pages::of(connection).is_ok_and(|pages| pages.used_bytes() > most))
    {
        // A message and its rows in the journal are about as old as each other.
        match (messages.first(), journal.first()) {
            (Some(message), Some(row)) if row.at <= message.at => messages.clear(),
            (Some(_), _) => journal.clear(),
            (None, _) => {}
        }
    } else {
        messages.clear();
        journal.clear();
    }
    let removes = !messages.is_empty() || !journal.is_empty();
    if removes {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in &messages {
            index::forget(&transaction, row.number)?;
        }
        keys.forget(&transaction, &messages.iter().map(|row| row.number).collect::<Vec<_>>())?;
        for (sql, rows) in
            [("DELETE FROM messages WHERE n = ?1", &messages), ("DELETE FROM journal WHERE seq = ?1", &journal)]
        {
            let mut statement = transaction.prepare_cached(sql)?;
            for row in rows {
                statement.execute(params![row.number])?;
            }
        }
        if !messages.is_empty() {
            index::forgot(&transaction)?;
        }
        transaction.commit()?;
    }
    Ok(give_back(connection)? || removes)
}

/// A row that may go.
struct Row {
    number: i64,
    at: Timestamp,
}

fn messages_oldest_first() -> String {
    format!(
        "SELECT n, at, octet_length(body) FROM messages
         WHERE n NOT IN (SELECT n FROM messages WHERE {UNSETTLED}) ORDER BY n"
    )
}

/// The first rows of a query, as many as a step takes.
fn oldest(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while rows.len() < STEP_ROWS && bytes < STEP_BYTES {
        let Some(row) = found.next()? else { break };
        rows.push(Row { number: row.get(0)?, at: Timestamp::from_millis(row.get(1)?) });
        bytes += row.get::<_, i64>(2)?;
    }
    Ok(rows)
}

/// The time by the last message of somebody else, when that is behind the clock.
fn time(connection: &Connection, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let told: Option<i64> = connection
        .prepare_cached(
            "SELECT max(at) FROM (SELECT at, direction FROM messages ORDER BY n DESC LIMIT ?1) WHERE direction = 'in'",
        )?
        .query_row([RECENT], |row| row.get(0))?;
    Ok(told.map_or(now, |told| now.min(Timestamp::from_millis(told))))
}

/// The pages of the file.
struct Pages {
    all: i64,
    free: i64,
    bytes_each: i64,
}

impl Pages {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let get = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        Ok(Self { all: get("page_count")?, free: get("freelist_count")?, bytes_each: get("page_size")? })
    }

    fn used_bytes(&self) -> u64 {
        u64::try_from(self.all.saturating_sub(self.free).saturating_mul(self.bytes_each)).unwrap_or(0)
    }
}

/// Gives some free pages back when there are many. Returns whether there are more.
fn give_back(connection: &Connection) -> rusqlite::Result<bool> {
    let free = Pages::of(connection)?.free;
    if free <= SLACK_PAGES {
        return Ok(false);
    }
    let pages = STEP_PAGES.min(free - SLACK_PAGES);
    // It gives one page back for each row that is taken.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    let left = Pages::of(connection)?.free;
    Ok(left < free && left > SLACK_PAGES)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{self, Recent};
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn database() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&folder.path().join("x.db")).unwrap();
        (folder, connection)
    }

    fn add(connection: &Connection, id: usize, direction: &str, state: Option<&str>, at: i64, bytes: usize) {
        let (id, text) = (id.to_string(), "x".repeat(bytes));
        connection
            .execute(
                "INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at, state)
                 VALUES ('a', 'c', ?1, ?2, 'person', '', 'text', ?3, ?4, ?5)",
                params![id, direction, text, at, state],
            )
            .unwrap();
        let key = if direction == "out" { keys::of_ours("a", &id) } else { keys::of("a", "c", &id) };
        keys::add(connection, key, connection.last_insert_rowid());
        connection
            .execute(
                "INSERT INTO journal (account, at, type, message_id, payload) VALUES ('a', ?1, 'x', ?2, ?3)",
                params![at, id, text],
            )
            .unwrap();
    }

    fn merger() -> Merger {
        Merger::new(Recent::default())
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn keep(max_age: Option<Duration>, max_bytes: Option<u64>) -> Retention {
        Retention { max_age, max_bytes, look_every: DAY, clock: Clock::start() }
    }

    fn days(n: i64) -> i64 {
        1_790_000_000_000 + n * 24 * 60 * 60 * 1_000
    }

    #[test]
    fn what_is_settled_and_too_old_goes_in_small_steps_and_all_else_stays() {
        let (_folder, mut connection) = database();
        let states = [("in", None), ("out", Some("queued")), ("out", Some("dispatched")), ("out", Some("read"))];
        connection.execute_batch("BEGIN").unwrap();
        for n in 0..1_200 {
            let (direction, state) = states[n % 4];
            add(&connection, n, direction, state, days(0), 10);
        }
        // What comes late counts by its time, and what lies in the future by its place.
        add(&connection, 5_000, "in", None, days(99), 10);
        add(&connection, 5_001, "in", None, days(31), 10);
        connection.execute_batch("COMMIT").unwrap();
        let retention = keep(Some(DAY * 30), None);
        let (mut keys, now) = (merger(), Timestamp::from_millis(days(31)));
        assert!(step(&mut connection, &mut keys, &retention, now).unwrap());
        assert_eq!((count(&connection, "messages"), count(&connection, "journal")), (702, 702));
        while step(&mut connection, &mut keys, &retention, now).unwrap() {}
        assert_eq!((count(&connection, "messages"), count(&connection, "journal")), (602, 2));
        assert_eq!(keys::count(&connection), 602, "their keys go with them");
        let unsettled: i64 = connection
            .query_row(&format!("SELECT count(*) FROM messages WHERE {UNSETTLED}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(unsettled, 600);
    }

    #[test]
    fn what_is_to_be_kept_can_change_from_everything_to_less() {
        let (_folder, mut connection) = database();
        add(&connection, 0, "in", None, days(-400), 10);
        let mut sweeper = Sweeper::new(Some(keep(None, None)));
        assert_eq!(sweeper.wait(), None, "nothing is ever to be done");
        sweeper.step(&mut connection, &mut merger());
        assert_eq!(count(&connection, "messages"), 1);
        // By the clock of others: somebody wrote just now.
        let now = Clock::start().now().wall.as_millis();
        add(&connection, 1, "in", None, now, 10);
        sweeper.keep(Kept { max_age: Some(DAY), max_bytes: None });
        assert_eq!(sweeper.wait(), Some(Duration::ZERO));
        sweeper.step(&mut connection, &mut merger());
        assert_eq!(count(&connection, "messages"), 1);
    }

    #[test]
    fn at_rest_it_is_looked_seldom_and_as_often_as_wanted_from_the_next_write_on() {
        let (_folder, mut connection) = database();
        let mut sweeper = Sweeper::new(Some(Retention { look_every: Duration::ZERO, ..keep(Some(DAY), None) }));
        sweeper.written();
        assert_eq!(sweeper.wait(), Some(Duration::ZERO), "nothing is known yet");
        if let Some(retention) = &mut sweeper.retention {
            retention.look_every = DAY;
        }
        sweeper.step(&mut connection, &mut merger());
        assert!(sweeper.wait() > Some(DAY * 9));
        sweeper.written();
        let due = sweeper.due;
        assert!(sweeper.wait() <= Some(DAY) && sweeper.wait() > Some(DAY / 2));
        sweeper.written();
        assert_eq!(sweeper.due, due, "it is not put off by what is written");
    }

    #[test]
    fn a_clock_that_jumps_ahead_deletes_nothing() {
        let (_folder, mut connection) = database();
        for n in 0..10 {
            add(&connection, n, "in", None, days(0), 10);
        }
        add(&connection, 10, "out", Some("sent"), days(400), 10);
        assert!(
            !step(&mut connection, &mut merger(), &keep(Some(DAY), None), Timestamp::from_millis(days(400))).unwrap()
        );
        assert_eq!(count(&connection, "messages"), 11);
    }

    #[test]
    fn the_file_comes_down_to_the_size_that_is_allowed_and_the_newest_stays() {
        let (folder, mut connection) = database();
        connection.execute_batch("BEGIN").unwrap();
        for n in 0..2_000 {
            // Some are larger than many pages.
            add(&connection, n, "in", None, days(0), if n % 100 == 0 { 200_000 } else { 2_000 });
        }
        connection.execute_batch("COMMIT").unwrap();
        let retention = keep(None, Some(4 << 20));
        let (mut steps, mut before) = (0, count(&connection, "messages") + count(&connection, "journal"));
        let mut keys = merger();
        while step(&mut connection, &mut keys, &retention, Timestamp::from_millis(days(1))).unwrap() {
            let left = count(&connection, "messages") + count(&connection, "journal");
            assert!(before - left <= 500);
            (steps, before) = (steps + 1, left);
        }
        assert!(steps > 4, "{steps}");
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let bytes = std::fs::metadata(folder.path().join("x.db")).unwrap().len();
        assert!((1 << 20..=(5 << 20)).contains(&bytes), "{bytes}");
        let newest: String =
            connection.query_row("SELECT id FROM messages ORDER BY n DESC LIMIT 1", [], |row| row.get(0)).unwrap();
        assert_eq!(newest, "1999");
        let apart = count(&connection, "messages").abs_diff(count(&connection, "journal"));
        assert!(apart <= 500, "{apart}");
    }
}
