//! The one thread that writes.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::index::Indexer;
use super::keys::Merger;
use super::log::Log;
use super::retention::{Retention, Sweeper};
use super::{failure, groups, rows, webhooks};
use crate::clock::{Clock, Mono, Timestamp};
use crate::metrics::{Counter, Histogram};
use crate::state::{AccountId, JournalKind, Message, StatusEvent, Write, WriteSeq};

/// How many batches may wait for the writing thread. The engine waits when there are more: the one place where it does. All
/// that wait are committed together: with four a flood came in faster by a quarter, and left 0.4 MB more in memory.
const WAITING_BATCHES: usize = 2;

/// How long the thread waits before it tries a commit again that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a key of a request is kept at least: callers are told that they can count on it.
const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(48 * 60 * 60);

/// How many old ones are removed for each that is added: more than one, so that there is an end to it.
const IDEMPOTENCY_SWEPT: u32 = 4;

/// A disk that is well takes less than a millisecond, and a busy one less than a second.
const COMMIT_BOUNDS: &[Duration] = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// Writes that belong together, and their number.
#[derive(Debug)]
pub struct Batch {
    /// Numbers grow by one.
    pub seq: WriteSeq,
    /// What to write, in order.
    pub writes: Vec<Write>,
    /// Whether a message of these may be there already, since looking it up failed. Each is looked for then before it is
    /// added; without that nothing in the database prevents a second one.
    pub unsure: bool,
}

/// How far the disk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watermark {
    /// All batches up to this one are on disk.
    pub committed: WriteSeq,
    /// Why the next one can't be committed at present. It is tried again until it can.
    pub failing: Option<String>,
}

/// The engine's end of the writing thread. Dropping the sender ends the thread once everything is written, or found not
/// to be writable.
#[derive(Debug)]
pub struct Writer {
    /// Where batches go.
    pub batches: mpsc::Sender<Batch>,
    /// How far the disk is.
    pub watermark: watch::Receiver<Watermark>,
    /// The thread; it ends after the last batch.
    pub thread: JoinHandle<()>,
    /// How its commits go.
    pub commits: Arc<Commits>,
}

/// How commits go.
#[derive(Debug)]
pub struct Commits {
    /// How long they take, those that fail as well.
    pub durations: Histogram,
    /// How many failed.
    pub failures: Counter,
}

impl Default for Commits {
    fn default() -> Self {
        Self { durations: Histogram::new(COMMIT_BOUNDS), failures: Counter::default() }
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        log: Log,
        account: AccountId,
        keys: Merger,
        retention: Option<Retention>,
    ) -> std::io::Result<Self> {
        let (batches, waiting) = mpsc::channel(WAITING_BATCHES);
        let (progress, watermark) = watch::channel(Watermark::default());
        let sweeper = Sweeper::new(retention);
        let commits = Arc::new(Commits::default());
        let counted = Arc::clone(&commits);
        // Only for waiting with a limit.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let database = Database { connection, log, account, keys, age: Age::start() };
            run(database, waiting, &progress, &counted, sweeper, &runtime)
        })?;
        Ok(Self { batches, watermark, thread, commits })
    }
}

/// What the thread writes into.
struct Database {
    connection: Connection,
    log: Log,
    account: AccountId,
    keys: Merger,
    age: Age,
}

/// By what time keys of requests get old: the clock's, but no later than what it said at the first of them in this run and
/// what has passed since. A clock that is set forward, as after a start without a network, would have a request that is
/// sent again after that be taken as new. In the next run the clock alone counts.
struct Age {
    clock: Clock,
    first: Option<(Timestamp, Mono)>,
}

impl Age {
    fn start() -> Self {
        Self { clock: Clock::start(), first: None }
    }

    fn time(&mut self, at: Timestamp) -> Timestamp {
        let now = self.clock.mono();
        let (first, then) = *self.first.get_or_insert((at, now));
        at.min(first.plus(now.since(then)))
    }
}

fn run(
    mut database: Database,
    mut waiting: mpsc::Receiver<Batch>,
    progress: &watch::Sender<Watermark>,
    commits: &Commits,
    mut sweeper: Sweeper,
    runtime: &Runtime,
) {
    let mut group = Vec::with_capacity(WAITING_BATCHES);
    let mut indexer = Indexer::new();
    let clock = Clock::start();
    database.keys.begin(&database.connection);
    loop {
        let limit = [indexer.wait(), sweeper.wait()].into_iter().flatten().min();
        match runtime.block_on(next(&mut waiting, limit)) {
            Next::Batch(first) => group.push(first),
            Next::Step => {
                let Database { connection, keys, .. } = &mut database;
                indexer.step(connection);
                sweeper.step(connection, keys);
                continue;
            }
            Next::End => break,
        }
        while let Ok(next) = waiting.try_recv() {
            group.push(next);
        }
        let mut check = group.iter().any(|batch| batch.unsure);
        let mut committed = false;
        loop {
            let start = clock.now().mono;
            let result = bring_to_disk(&mut database, &group, check, &mut committed);
            commits.durations.observe(clock.now().mono.since(start));
            let error = match result {
                Ok(()) => break,
                Err(error) => error,
            };
            database.keys.unsure();
            commits.failures.add_one();
            // It may be there, and only the end of writing it failed.
            check = true;
            let text = failure::words(&error);
            progress.send_if_modified(|w| {
                let news = w.failing.as_ref() != Some(&text);
                if news {
                    tracing::error!(%error, "the database can't be written; nothing is accepted until it can");
                    w.failing = Some(text);
                }
                news
            });
            if waiting.is_closed() {
                // Nobody waits any more, and nothing of this was acknowledged.
                return;
            }
            std::thread::park_timeout(RETRY_AFTER);
        }
        if let Some(last) = group.last() {
            progress.send_replace(Watermark { committed: last.seq, failing: None });
        }
        let mut writes = 0;
        for write in group.drain(..).flat_map(|batch| batch.writes) {
            writes += 1;
            if let Write::Kept(kept) = write {
                sweeper.keep(kept);
            }
        }
        let Database { connection, keys, .. } = &mut database;
        keys.make_room(connection);
        // When there is never a moment without a batch.
        indexer.committed(connection, writes);
        sweeper.written();
        sweeper.step(connection, keys);
    }
    if let Err(error) = database.connection.close() {
        tracing::warn!(error = %error.1, "the database was not closed in order; it is mended at the next start");
    }
}

/// What the thread does next.
enum Next {
    Batch(Batch),
    Step,
    End,
}

/// Waits for a batch, but for no longer than this. A batch that is there comes before a step.
async fn next(waiting: &mut mpsc::Receiver<Batch>, limit: Option<Duration>) -> Next {
    let batch = match limit {
        Some(limit) => match tokio::time::timeout(limit, waiting.recv()).await {
            Ok(batch) => batch,
            Err(_) => return Next::Step,
        },
        None => waiting.recv().await,
    };
    batch.map_or(Next::End, Next::Batch)
}

/// Commits a group of batches, unless it is committed. It is on disk only if the log can be relied on, before and after.
fn bring_to_disk(database: &mut Database, group: &[Batch], check: bool, committed: &mut bool) -> rusqlite::Result<()> {
    database.log.trusted(&database.connection)?;
    if *committed {
        return Ok(());
    }
    commit(database, group, check).inspect_err(|error| database.log.failed(error))?;
    *committed = true;
    database.log.trusted(&database.connection)
}

/// Commits a group of batches in one transaction. With `check`, no message is added that is there already.
fn commit(database: &mut Database, group: &[Batch], check: bool) -> rusqlite::Result<()> {
    let Database { connection, account, keys, age, .. } = database;
    keys.go_on(connection)?;
    // Steps between batches do not wait for the disk, and set it otherwise.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    keys.ready(&transaction)?;
    let added = {
        let mut messages = Messages::of(&transaction, account.as_str(), keys, age, check)?;
        for write in group.iter().flat_map(|batch| &batch.writes) {
            execute(&mut messages, write)?;
        }
        messages.tell()?;
        messages.insert.added
    };
    let written = keys.write(&transaction, added)?;
    transaction.commit()?;
    keys.written(written);
    Ok(())
}

/// What adds messages, made ready once for all of a transaction.
struct Messages<'a> {
    connection: &'a Connection,
    account: &'a str,
    age: &'a mut Age,
    insert: rows::Insert<'a>,
    untold: Option<Run>,
}

/// Messages that were added one after another and of which the same is to be told.
struct Run {
    kind: JournalKind,
    first: i64,
    last: i64,
}

impl<'a> Messages<'a> {
    fn of(
        connection: &'a Connection,
        account: &'a str,
        keys: &Merger,
        age: &'a mut Age,
        check: bool,
    ) -> rusqlite::Result<Self> {
        let insert = rows::Insert::new(connection, account, keys, check)?;
        Ok(Self { connection, account, age, insert, untold: None })
    }

    /// Adds a message, and what is told of it.
    fn add(&mut self, message: &Message) -> rusqlite::Result<()> {
        let Some(n) = self.insert.message(message)? else { return Ok(()) };
        let (at, kind, id) = (message.at, JournalKind::of(message), message.id.as_str());
        if let Some(delivery) = &message.delivery {
            let payload =
                rows::json(&StatusEvent::new(&message.id, Some(&message.chat), Some(&message.body), delivery))?;
            let chat = Some(message.chat.id.as_str());
            return self.journal(&Row { at, kind, chat, id: Some(id), payload });
        }
        match &mut self.untold {
            Some(run) if run.kind == kind => run.last = n,
            _ => {
                self.tell()?;
                self.untold = Some(Run { kind, first: n, last: n });
            }
        }
        Ok(())
    }

    /// Tells of the messages that are not ours, which are in their rows already: see `Reader::journal_after`. Many at once
    /// take half as long. One that fails undoes the whole transaction, as is done anyway, so that SQLite keeps nothing to
    /// undo it alone.
    fn tell(&mut self) -> rusqlite::Result<()> {
        let Some(Run { kind, first, last }) = self.untold.take() else { return Ok(()) };
        self.connection
            .prepare_cached(
                "INSERT OR ROLLBACK INTO journal (account, at, type, n, message_id, payload)
                 SELECT account, at, ?3, n, id, '' FROM messages WHERE n BETWEEN ?1 AND ?2 ORDER BY n",
            )?
            .execute(params![first, last, kind.as_str()])?;
        // Somebody wrote to us in these chats. That is kept when the messages are not any more.
        for name in ["chat", "lid"] {
            self.connection
                .prepare_cached(&format!(
                    "INSERT OR ROLLBACK INTO known_chats (account, chat) SELECT account, {name} FROM messages
                     WHERE n BETWEEN ?1 AND ?2 AND direction = 'in' AND chat_kind = 'person' AND {name} IS NOT NULL
                     ON CONFLICT DO NOTHING"
                ))?
                .execute([first, last])?;
        }
        Ok(())
    }

    /// Adds what is told, behind all that is to be told before it.
    fn journal(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        self.tell()?;
        self.connection
            .prepare_cached(
                "INSERT INTO journal (account, at, type, version, chat, message_id, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.account,
                row.at.as_millis(),
                row.kind.as_str(),
                row.kind.version(),
                row.chat,
                row.id,
                row.payload
            ])?;
        Ok(())
    }
}

fn execute(messages: &mut Messages<'_>, write: &Write) -> rusqlite::Result<()> {
    let Messages { connection, account, .. } = *messages;
    match write {
        Write::Message(message) => messages.add(message),
        Write::Key { key, fingerprint, id, at } => {
            connection
                .prepare_cached(
                    "INSERT INTO idempotency (account, key, fingerprint, message_id, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    account,
                    key.as_str(),
                    format!("{:032x}", fingerprint.0),
                    id.as_str(),
                    at.as_millis()
                ])?;
            let before = messages.age.time(*at).minus(IDEMPOTENCY_KEPT);
            connection
                .prepare_cached(
                    "DELETE FROM idempotency WHERE account = ?1 AND key IN
                     (SELECT key FROM idempotency WHERE account = ?1 AND at < ?2 ORDER BY at LIMIT ?3)",
                )?
                .execute(params![account, before.as_millis(), IDEMPOTENCY_SWEPT])?;
            Ok(())
        }
        Write::Delivery { id, delivery } => {
            let chat = messages.insert.update(id, delivery)?;
            let at = [
                delivery.times.cancelled_at,
                delivery.times.expired_at,
                delivery.times.failed_at,
                delivery.times.read_at,
                delivery.times.delivered_at,
                delivery.times.sent_at,
                delivery.times.dispatched_at,
                delivery.times.queued_at,
            ];
            let at = at.into_iter().flatten().next().unwrap_or_default();
            let payload = rows::json(&StatusEvent::new(id, chat.as_ref(), None, delivery))?;
            let (chat, kind) = (chat.as_ref().map(|chat| chat.id.as_str()), JournalKind::MessageStatus);
            messages.journal(&Row { at, kind, chat, id: Some(id.as_str()), payload })
        }
        Write::Journal { at, kind, payload } => {
            let payload = payload.to_string();
            messages.journal(&Row { at: *at, kind: *kind, chat: None, id: None, payload })
        }
        Write::Linking(linking) => set(connection, account, "linking", &json!(linking).to_string()),
        Write::Restriction(restriction) => set(connection, account, "restriction", &json!(restriction).to_string()),
        Write::Groups(told) => groups::keep(connection, account, told),
        Write::Bridge(name) => set(connection, account, "bridge", name),
        Write::Webhook(record) => webhooks::keep(connection, account, record),
        Write::ForgetWebhook(name) => webhooks::forget(connection, account, name),
        // It is for the sweeper.
        Write::Kept(_) => Ok(()),
    }
}

/// A row of the journal.
struct Row<'a> {
    at: Timestamp,
    kind: JournalKind,
    chat: Option<&'a str>,
    id: Option<&'a str>,
    payload: String,
}

fn set(connection: &Connection, account: &str, key: &str, value: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO settings (account, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![account, key, value])?;
    Ok(())
}
