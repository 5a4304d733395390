//! What brings keys from one place to the next.
//!
//! In the order in which it happens:
//!
//! 1. [`Merger::write`] puts the keys of a transaction into a run, and [`Merger::written`] is told of its commit.
//! 2. After each commit the writing thread calls [`Merger::make_room`], and [`Merger::rest`] when no batch comes. With
//!    enough keys in runs, `Runs::leave` has all of these runs go on.
//! 3. They do so by `step`, some keys in a transaction of its own, into the first table. Their rows stay in
//!    `message_keys_0` until the last of them is there, and are deleted with it: so no key is ever in no place, and
//!    nothing needs to be noted of how far it is. After a crash the runs are read, and all of their keys go on again.
//! 4. In the same transaction `Table::make_room` has neighbours go on into the second table, when the first is full.

use std::collections::BTreeSet;

use rusqlite::{Connection, Error, TransactionBehavior, ffi, params};

use super::recent::{self, Recent, Run};

/// How many keys go on in one transaction. With many more, callers would wait for it.
const STEP: usize = 256;

/// A run of fewer keys is put together with the next one.
const SMALL: usize = 128;

/// With so many keys in runs, these go on.
const FULL: usize = 2_048;

/// With so many keys, some of the first table go on into the second.
const FULL_TABLE: i64 = 32_768;

/// The keys of messages, for the one thread that writes.
#[derive(Debug)]
pub(in crate::store) struct Merger {
    recent: Recent,
    /// The number of the next run's row.
    next: i64,
    /// What is in the database; none: that is to be read first.
    runs: Option<Runs>,
    table: Table,
    full: usize,
    /// Whether keys that were to go on could not.
    stuck: bool,
}

/// The keys that are in no table, or on their way there.
#[derive(Debug, Default)]
struct Runs {
    leaving: Option<Leaving>,
    /// The others but for the last: not as they are in the database, but put together, so that there are few to look
    /// through. Each has at least twice as many keys as the one after it.
    earlier: Vec<Run>,
    /// The last one, and the number of its row.
    last: Option<(i64, Run)>,
}

/// Runs that go on.
#[derive(Debug)]
struct Leaving {
    /// All of their keys.
    keys: Run,
    /// How many of these have gone.
    gone: usize,
    /// The number of the last of their rows.
    last: i64,
    /// How many keys were added since they began to.
    added: usize,
}

/// A run that is written and not yet committed.
#[derive(Debug)]
pub(in crate::store) struct Written {
    id: i64,
    run: Run,
    /// Whether it takes the place of the last one, whose keys it has as well.
    replaces: bool,
}

impl Runs {
    /// All of them, or all but the last.
    fn all(&self, but_last: bool) -> impl Iterator<Item = &Run> {
        let last = self.last.iter().filter(move |_| !but_last).map(|(_, run)| run);
        self.leaving.iter().map(|leaving| &leaving.keys).chain(&self.earlier).chain(last)
    }

    /// Those that do not go on.
    fn stay(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.earlier.iter().chain(self.last.iter().map(|(_, run)| run))
    }

    /// How many keys those have.
    fn staying(&self) -> usize {
        self.stay().map(|run| run.len()).sum()
    }

    /// Another one. Returns how many keys came; those of the last run are in it as well if it takes its place.
    fn push(&mut self, Written { id, run, replaces }: Written) -> usize {
        let count = run.len();
        match self.last.replace((id, run)) {
            Some((_, before)) if replaces => return count.saturating_sub(before.len()),
            Some((_, before)) => self.earlier.push(before),
            None => {}
        }
        while let [.., first, second] = &*self.earlier
            && first.len() < second.len().saturating_mul(2)
        {
            let both = together(first, second);
            self.earlier.truncate(self.earlier.len().saturating_sub(2));
            self.earlier.push(both);
        }
        count
    }

    /// The keys that are there begin to go on, unless others do.
    fn leave(&mut self) {
        if self.leaving.is_some() {
            return;
        }
        let Some((last, _)) = self.last else { return };
        let keys = self.stay().rev().fold(Run::default(), |keys, run| together(run, &keys));
        (self.earlier, self.last) = (Vec::new(), None);
        self.leaving = Some(Leaving { keys, gone: 0, last, added: 0 });
    }
}

/// The keys of both as one run.
fn together(one: &[(i64, i64)], other: &[(i64, i64)]) -> Run {
    let mut keys = Vec::with_capacity(one.len().saturating_add(other.len()));
    let (mut one, mut other) = (one.iter().copied().peekable(), other.iter().copied().peekable());
    while let Some(key) = match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if second < first => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    } {
        keys.push(key);
    }
    Run::new(keys)
}

impl Merger {
    /// For any database: what is in it is read when the first keys are added.
    pub(in crate::store) fn new(recent: Recent) -> Self {
        Self { recent, next: 0, runs: None, table: Table::new(), full: FULL, stuck: false }
    }

    /// With room for so many keys in runs and in the first table.
    #[cfg(test)]
    pub(super) fn with_room(mut self, runs: usize, table: i64) -> Self {
        (self.full, self.table.full) = (runs, table);
        self
    }

    /// Reads what is in the database, where that is not known.
    pub(in crate::store) fn ready(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.runs.is_none() {
            let mut runs = Runs::default();
            for (id, run) in recent::read(connection)? {
                self.next = self.next.max(id.saturating_add(1));
                runs.push(Written { id, run, replaces: false });
            }
            self.runs = Some(runs);
            self.table.count = None;
        }
        Ok(())
    }

    /// What is in the database is not known any more.
    pub(in crate::store) fn unsure(&mut self) {
        self.runs = None;
    }

    /// What the first of the rows that have this key gives. These `added` ones are in no run yet.
    pub(in crate::store) fn first<T>(
        &self,
        connection: &Connection,
        added: &[(i64, i64)],
        key: i64,
        mut read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        for (_, n) in added.iter().rev().filter(|(other, _)| *other == key) {
            if let Some(found) = read(*n)? {
                return Ok(Some(found));
            }
        }
        let runs = self.runs.iter().flat_map(|runs| runs.all(false)).map(|run| run.as_slice());
        super::first(connection, runs, key, read)
    }

    /// Adds the keys of a transaction, each with the number of its row.
    pub(in crate::store) fn write(
        &mut self,
        connection: &Connection,
        mut added: Vec<(i64, i64)>,
    ) -> rusqlite::Result<Option<Written>> {
        if added.is_empty() {
            return Ok(None);
        }
        // Readers are told that there are no runs but these.
        self.ready(connection)?;
        let id = self.next;
        self.next = id.saturating_add(1);
        let small = self.runs.iter().flat_map(|runs| &runs.last).find(|(_, run)| run.len() < SMALL);
        if let Some((_, run)) = small {
            added.extend_from_slice(run);
        }
        added.shrink_to_fit();
        added.sort_unstable();
        let bytes = recent::bytes(&added);
        let placed = match small {
            Some((last, _)) => connection
                .prepare_cached("UPDATE message_keys_0 SET id = ?1, keys = ?2 WHERE id = ?3")?
                .execute(params![id, bytes, last])?,
            None => 0,
        };
        if placed == 0 {
            connection
                .prepare_cached("INSERT INTO message_keys_0 (id, keys) VALUES (?1, ?2)")?
                .execute(params![id, bytes])?;
        }
        let (replaces, run) = (small.is_some(), Run::new(added));
        let before = self.runs.iter().flat_map(|runs| runs.all(replaces));
        self.recent.keep(id, before.chain([&run]).cloned().collect());
        Ok(Some(Written { id, run, replaces }))
    }

    /// It was committed.
    pub(in crate::store) fn written(&mut self, written: Option<Written>) {
        let (Some(written), Some(runs)) = (written, &mut self.runs) else { return };
        let added = runs.push(written);
        if let Some(leaving) = &mut runs.leaving {
            leaving.added += added;
        }
    }

    /// Keys that are to go on do so.
    ///
    /// It is not waited for until that is on disk: after a loss of power the keys are where they were.
    pub(in crate::store) fn make_room(&mut self, connection: &mut Connection) {
        loop {
            let Some(runs) = &mut self.runs else { return };
            if runs.staying() >= self.full {
                runs.leave();
            }
            // All of them have gone when as many have come.
            let due = runs.leaving.as_ref().is_some_and(|l| l.gone * self.full < l.keys.len() * l.added);
            if !(due && self.step(connection, STEP)) {
                return;
            }
        }
    }

    /// Takes out the keys of the messages in these rows, which are about to be deleted.
    pub(in crate::store) fn forget(&mut self, connection: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
        for n in rows {
            if super::forget(connection, *n)? {
                // With too high a count all keys that come would go straight on into the second table, each to a page of
                // its own.
                self.table.count = None;
            }
        }
        self.ready(connection)?;
        let rows: BTreeSet<_> = rows.iter().copied().collect();
        let goes = |n: &i64| rows.contains(n);
        if !self.runs.iter().flat_map(|runs| runs.all(false)).any(|run| run.iter().any(|(_, n)| goes(n))) {
            return Ok(());
        }
        // What was read does not hold any more, nor if this is not committed.
        self.unsure();
        for (id, run) in recent::read(connection)? {
            let left: Vec<_> = run.iter().copied().filter(|(_, n)| !goes(n)).collect();
            if left.is_empty() {
                connection.prepare_cached("DELETE FROM message_keys_0 WHERE id = ?1")?.execute([id])?;
            } else if left.len() < run.len() {
                let new = self.next;
                self.next = new.saturating_add(1);
                connection
                    .prepare_cached("UPDATE message_keys_0 SET id = ?1, keys = ?2 WHERE id = ?3")?
                    .execute(params![new, recent::bytes(&left), id])?;
            }
        }
        Ok(())
    }

    /// When no batch comes: some keys go on, unless they are few, so that their memory can be given back. Returns whether
    /// they did, so that there may be more.
    pub(in crate::store) fn rest(&mut self, connection: &mut Connection) -> bool {
        self.step(connection, STEP)
    }

    /// Some of the runs that go on do so. If none do, all of them begin to when they have so many keys: fewer would come
    /// alone to most of their pages. Returns whether some went.
    fn step(&mut self, connection: &mut Connection, least: usize) -> bool {
        self.try_step(connection, least).unwrap_or_else(|error| {
            tracing::warn!(%error, "keys of messages could not go on; it is tried again with the next ones");
            self.unsure();
            self.stuck = true;
            false
        })
    }

    /// Where keys could not go on, has all of them do so before others are added: of a table that is damaged nobody would
    /// know otherwise, and the runs would become ever more, which are in memory too and are read anew after each failure.
    ///
    /// # Errors
    /// Why they still can't.
    pub(in crate::store) fn go_on(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        if self.stuck {
            while self.try_step(connection, STEP)? {}
            self.stuck = false;
        }
        Ok(())
    }

    fn try_step(&mut self, connection: &mut Connection, least: usize) -> rusqlite::Result<bool> {
        self.ready(connection)?;
        let Self { runs: Some(runs), table, .. } = self else { return Ok(false) };
        if runs.leaving.is_none() && runs.staying() >= least {
            runs.leave();
        }
        let Some(leaving) = &mut runs.leaving else { return Ok(false) };
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut moved = 0;
        {
            // Some are there already when the runs were read anew: after a start, a failure, or a step of retention.
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO message_keys_1 (key, n) VALUES (?1, ?2)")?;
            for (key, n) in leaving.keys.iter().skip(leaving.gone).take(STEP) {
                moved += insert.execute([key, n])?;
            }
        }
        let gone = leaving.gone.saturating_add(STEP);
        let all = gone >= leaving.keys.len();
        if all {
            transaction.prepare_cached("DELETE FROM message_keys_0 WHERE id <= ?1")?.execute([leaving.last])?;
        }
        table.make_room(&transaction, moved)?;
        transaction.commit()?;
        leaving.gone = gone;
        if all {
            runs.leaving = None;
            if runs.last.is_none() {
                self.recent.clear();
            }
        }
        Ok(true)
    }
}

/// The first table.
#[derive(Debug)]
struct Table {
    /// With so many keys, some go on.
    full: i64,
    /// How many keys it has; none: they were not counted yet.
    count: Option<i64>,
    /// The least key that goes on next.
    next: i64,
}

impl Table {
    const fn new() -> Self {
        Self { full: FULL_TABLE, count: None, next: i64::MIN }
    }

    /// So many keys came. When it is full, neighbours go on, in turn from the least key to the greatest: where some were
    /// taken last, the fewest have come since.
    fn make_room(&mut self, connection: &Connection, added: usize) -> rusqlite::Result<()> {
        let mut count = match self.count {
            Some(count) => count.saturating_add(i64::try_from(added).unwrap_or(i64::MAX)),
            None => connection.query_row("SELECT count(*) FROM message_keys_1", [], |row| row.get(0))?,
        };
        let mut none_went = false;
        while count >= self.full {
            let gone = self.pass_on(connection)?;
            if gone == 0 && none_went {
                // From the least key to the greatest there is none, but they were counted.
                let text = "keys of messages that are counted are not found".to_owned();
                return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text)));
            }
            none_went = gone == 0;
            count = count.saturating_sub(gone);
        }
        self.count = Some(count);
        Ok(())
    }

    /// Some go on. Returns how many, which may be none when the greatest have gone.
    fn pass_on(&mut self, connection: &Connection) -> rusqlite::Result<i64> {
        let last = connection
            .prepare_cached("SELECT key FROM message_keys_1 WHERE key >= ?1 ORDER BY key LIMIT 1 OFFSET ?2")?
            .query_row(params![self.next, (STEP - 1) as i64], |row| row.get(0));
        let last = match last {
            Err(rusqlite::Error::QueryReturnedNoRows) => i64::MAX,
            last => last?,
        };
        let these = [self.next, last];
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO message_keys_2 SELECT key, n FROM message_keys_1 WHERE key BETWEEN ?1 AND ?2",
            )?
            .execute(these)?;
        let gone =
            connection.prepare_cached("DELETE FROM message_keys_1 WHERE key BETWEEN ?1 AND ?2")?.execute(these)?;
        self.next = last.checked_add(1).unwrap_or(i64::MIN);
        Ok(i64::try_from(gone).unwrap_or(i64::MAX))
    }
}
