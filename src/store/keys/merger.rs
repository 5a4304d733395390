//! What brings keys from one place to the next.
//!
//! In the order in which it happens:
//!
//! 1. [`Merger::write`] puts the keys of a transaction into a run, and [`Merger::written`] is told of its commit.
//! 2. After each commit the writing thread calls [`Merger::make_room`]. With enough keys in runs, `gather` makes a
//!    generation of them.
//! 3. With enough keys in generations, `pass_on` brings one part of all of them into buckets: the part in which the oldest
//!    has something left. So each generation has nothing left after as many steps as there are parts, at the latest.
//! 4. After that, [`BucketFilter::fill`] adds some more buckets to the filter of them, until it has all. What goes on into buckets
//!    meanwhile is added to it at once.
//!
//! Each of the first three is a transaction of its own. Nothing is noted of how far they are: what is in the database says
//! it, and is read after a start or a failure.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::bucket_filter::BucketFilter;
use super::entries::{self, Entry, entry, key};
use super::view::{self, Generation, PART, Recent, Run, View};
use super::{PARTS, Rows, buckets};

/// A run of fewer keys is put together with the next one.
const SMALL: usize = 128;

/// With so many keys in runs, these become a generation.
const FULL: usize = 2_048;

/// With so many keys in generations, some go on into buckets. The more there are, the more come into each bucket, and the
/// more memory their filters take: 96 kB for these.
const FULL_GENERATIONS: usize = 65_536;

/// The keys of messages, for the one thread that writes.
#[derive(Debug)]
pub(in crate::store) struct Merger {
    recent: Recent,
    filter: BucketFilter,
    /// The number of the next run, and of the next generation.
    next: (i64, i64),
    /// What is in the database; none: that is to be read first.
    places: Option<Places>,
    full: usize,
    full_generations: usize,
    /// Whether keys that were to go on could not.
    stuck: bool,
}

/// Where keys are before they are in buckets.
#[derive(Debug, Default)]
struct Places {
    /// All runs but the last: not as they are in the database, but put together, so that there are few to look through. Each
    /// has at least twice as many keys as the one after it.
    earlier: Vec<Run>,
    /// The last run, and the number of its row.
    last: Option<(i64, Run)>,
    /// The oldest first.
    generations: Vec<Generation>,
}

/// A run that is written and not yet committed.
#[derive(Debug)]
pub(in crate::store) struct Written {
    id: i64,
    run: Run,
    /// Whether it takes the place of the last one, whose keys it has as well.
    replaces: bool,
}

impl Places {
    /// All runs, or all but the last.
    fn runs(&self, but_last: bool) -> impl DoubleEndedIterator<Item = &Run> {
        let last = self.last.iter().filter(move |_| !but_last).map(|(_, run)| run);
        self.earlier.iter().chain(last)
    }

    fn in_runs(&self) -> usize {
        self.runs(false).map(|run| run.len()).sum()
    }

    fn in_generations(&self) -> usize {
        self.generations.iter().map(|generation| generation.count).sum()
    }

    /// Another run.
    fn push(&mut self, Written { id, run, replaces }: Written) {
        if let Some((_, before)) = self.last.replace((id, run))
            && !replaces
        {
            self.earlier.push(before);
        }
        while let [.., first, second] = &*self.earlier
            && first.len() < second.len().saturating_mul(2)
        {
            let both = Run::new(entries::together(first, second));
            self.earlier.truncate(self.earlier.len().saturating_sub(2));
            self.earlier.push(both);
        }
    }
}

impl Merger {
    /// For any database: what is in it is read when the first keys are added.
    pub(in crate::store) fn new(recent: Recent) -> Self {
        Self {
            recent,
            filter: BucketFilter::Wanted(0),
            next: (0, 0),
            places: None,
            full: FULL,
            full_generations: FULL_GENERATIONS,
            stuck: false,
        }
    }

    /// With room for so many keys in runs and in generations.
    #[cfg(test)]
    pub(super) fn with_room(mut self, runs: usize, generations: usize) -> Self {
        (self.full, self.full_generations) = (runs, generations);
        self
    }

    /// As if the filter of what is in buckets were too full.
    #[cfg(test)]
    pub(super) fn end_filter(&mut self) {
        self.filter.end(&self.recent, BucketFilter::Wanted(0));
    }

    /// Reads what is in the database, where that is not known: all of the runs, and which generations there are.
    pub(in crate::store) fn ready(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.places.is_none() {
            let mut places = Places { generations: view::generations(connection)?, ..Places::default() };
            for generation in &mut places.generations {
                // About as many as any.
                generation.count = self.full;
            }
            for (id, run) in view::runs(connection)? {
                self.next.0 = self.next.0.max(id.saturating_add(1));
                places.push(Written { id, run, replaces: false });
            }
            if let Some(last) = places.generations.last() {
                self.next.1 = self.next.1.max(last.number.saturating_add(1));
            }
            self.places = Some(places);
        }
        Ok(())
    }

    /// Before the first batch: reads all generations, and keeps them for whoever looks up. Each would be looked into for each
    /// key otherwise until it is read after a commit.
    pub(in crate::store) fn begin(&mut self, connection: &Connection) {
        if let Err(error) = self.read_all(connection) {
            tracing::warn!(%error, "keys of messages could not be read; it is tried again after the next ones");
            self.unsure();
        }
    }

    fn read_all(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.ready(connection)?;
        let Some(places) = &mut self.places else { return Ok(()) };
        for generation in &mut places.generations {
            *generation = generation.read(connection)?;
        }
        places.generations.retain(|generation| generation.parts != 0);
        let newest = places.generations.last().map(|generation| generation.number);
        let moment = (places.last.as_ref().map(|(id, _)| *id), newest);
        self.recent.keep(moment, places.view(None));
        Ok(())
    }

    /// What is in the database is not known any more.
    pub(in crate::store) fn unsure(&mut self) {
        self.places = None;
    }

    /// For looking keys up that are written, in the transaction that writes others.
    pub(in crate::store) fn rows<'a>(&self, connection: &'a Connection) -> rusqlite::Result<Rows<'a>> {
        let view = self.places.as_ref().map(|places| places.view(None)).unwrap_or_default();
        Rows::seen(connection, Arc::new(view), &self.recent)
    }

    /// Adds the keys of a transaction, each with the number of its row.
    pub(in crate::store) fn write(
        &mut self,
        connection: &Connection,
        mut added: Vec<Entry>,
    ) -> rusqlite::Result<Option<Written>> {
        if added.is_empty() {
            return Ok(None);
        }
        // Readers are told that there are no runs but these.
        self.ready(connection)?;
        let Some(places) = &self.places else { return Ok(None) };
        let id = self.next.0;
        self.next.0 = id.saturating_add(1);
        let small = places.last.as_ref().filter(|(_, run)| run.len() < SMALL);
        if let Some((_, run)) = small {
            added.extend_from_slice(run);
        }
        added.shrink_to_fit();
        added.sort_unstable();
        let bytes = added.as_flattened();
        let placed = match small {
            Some((last, _)) => connection
                .prepare_cached("UPDATE key_runs SET id = ?1, keys = ?2 WHERE id = ?3")?
                .execute(params![id, bytes, last])?,
            None => 0,
        };
        if placed == 0 {
            connection
                .prepare_cached("INSERT INTO key_runs (id, keys) VALUES (?1, ?2)")?
                .execute(params![id, bytes])?;
        }
        let written = Written { id, run: Run::new(added), replaces: small.is_some() };
        let newest = places.generations.last().map(|generation| generation.number);
        self.recent.keep((Some(id), newest), places.view(Some(&written)));
        Ok(Some(written))
    }

    /// It was committed.
    pub(in crate::store) fn written(&mut self, written: Option<Written>) {
        if let (Some(written), Some(places)) = (written, &mut self.places) {
            places.push(written);
        }
    }

    /// Keys that are to go on do so: one step, or as many as it takes after a large commit.
    ///
    /// It is not waited for until that is on disk: after a loss of power the keys are where they were.
    pub(in crate::store) fn make_room(&mut self, connection: &mut Connection) {
        let done = loop {
            match self.step(connection) {
                Ok(true) if self.is_far_behind() => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "keys of messages could not go on; it is tried again with the next ones");
            self.unsure();
            self.stuck = true;
        }
        if let Err(error) = self.filter.fill(connection, &self.recent) {
            self.filter.fail(&self.recent, &error);
        }
    }

    /// Whether so many keys are to go on that a step after each commit may not be enough.
    fn is_far_behind(&self) -> bool {
        let most = self.full_generations.saturating_add(self.full.saturating_mul(2));
        self.places.as_ref().is_some_and(|places| places.in_generations() >= most)
    }

    /// Where keys could not go on, has all of them do so before others are added: of a row that is damaged nobody would know
    /// otherwise, and the runs would become ever more, which are in memory too and are read anew after each failure.
    ///
    /// # Errors
    /// Why they still can't.
    pub(in crate::store) fn go_on(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        if self.stuck {
            while self.step(connection)? {}
            self.stuck = false;
        }
        Ok(())
    }

    /// One step. Returns whether one was due.
    fn step(&mut self, connection: &mut Connection) -> rusqlite::Result<bool> {
        self.ready(connection)?;
        let Self { places: Some(places), recent, filter, next: (_, next), .. } = self else { return Ok(false) };
        let unread = places.generations.iter_mut().find(|generation| generation.filter.is_none());
        let reads = unread.is_some();
        if let Some(unread) = unread {
            // After a failure, or when some of its keys were deleted. All at once would hold up the next commit.
            *unread = unread.read(connection)?;
        }
        if places.in_runs() >= self.full {
            let number = *next;
            // Also if it is not committed.
            *next = number.saturating_add(1);
            places.gather(connection, recent, number)?;
        } else if places.in_generations() >= self.full_generations {
            places.pass_on(connection, recent, filter)?;
        } else if !reads {
            return Ok(false);
        }
        places.generations.retain(|generation| generation.parts != 0);
        Ok(true)
    }

    /// Takes out the keys of the messages in these rows, which are about to be deleted.
    pub(in crate::store) fn forget(&mut self, connection: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
        self.ready(connection)?;
        let mut gone = rows.iter().map(|n| of_row(connection, *n)).collect::<rusqlite::Result<Vec<_>>>()?;
        gone.sort_unstable();
        buckets::remove(connection, &gone)?;
        let Some(places) = &self.places else { return Ok(()) };
        let mut changed = false;
        for generation in &places.generations {
            for part in gone.chunk_by(|a, b| key(a).part() == key(b).part()) {
                changed |= generation.remove(connection, part)?;
            }
        }
        let gone: BTreeSet<_> = gone.into_iter().collect();
        if places.runs(false).any(|run| run.iter().any(|entry| gone.contains(entry))) {
            changed = true;
            for (id, run) in view::runs(connection)? {
                let left: Vec<_> = run.iter().copied().filter(|entry| !gone.contains(entry)).collect();
                if left.is_empty() {
                    connection.prepare_cached("DELETE FROM key_runs WHERE id = ?1")?.execute([id])?;
                } else if left.len() < run.len() {
                    let new = self.next.0;
                    self.next.0 = new.saturating_add(1);
                    connection
                        .prepare_cached("UPDATE key_runs SET id = ?1, keys = ?2 WHERE id = ?3")?
                        .execute(params![new, left.as_flattened(), id])?;
                }
            }
        }
        if changed {
            // What was read does not hold any more, nor if this is not committed.
            self.unsure();
        }
        Ok(())
    }
}

/// The key of the message in a row, with that.
fn of_row(connection: &Connection, n: i64) -> rusqlite::Result<Entry> {
    let key = connection
        .prepare_cached("SELECT account, chat, id, direction = 'out' FROM messages WHERE n = ?1")?
        .query_row([n], |row| {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            let (account, id) = (text(0)?, text(2)?);
            Ok(if row.get(3)? { super::of_ours(account, id) } else { super::of(account, text(1)?, id) })
        })?;
    entry(key, n)
}

impl Places {
    /// What whoever looks up sees, when this is written as well.
    fn view(&self, written: Option<&Written>) -> View {
        let but_last = written.is_some_and(|written| written.replaces);
        let runs = self.runs(but_last).chain(written.map(|written| &written.run)).cloned().collect();
        View { runs, generations: self.generations.clone() }
    }

    /// All runs become a generation with this number.
    fn gather(&mut self, connection: &mut Connection, recent: &Recent, number: i64) -> rusqlite::Result<()> {
        let Some((last, _)) = self.last else { return Ok(()) };
        let keys = self.runs(false).rev().fold(Vec::new(), |keys, run| entries::together(run, &keys));
        let new = Generation::of(number, &keys);
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO key_parts (id, keys) VALUES (?1, ?2)")?;
            for some in keys.chunk_by(|a, b| key(a).part() == key(b).part()) {
                let part = some.first().map_or(0, |entry| key(entry).part());
                insert.execute(params![new.row(part), some.as_flattened()])?;
            }
            transaction.prepare_cached("DELETE FROM key_runs WHERE id <= ?1")?.execute([last])?;
        }
        let generations: Vec<_> = self.generations.iter().cloned().chain([new]).collect();
        recent.keep((None, Some(number)), View { runs: Vec::new(), generations: generations.clone() });
        transaction.commit()?;
        *self = Self { generations, ..Self::default() };
        Ok(())
    }

    /// One part of all generations goes on into buckets: the first in which the oldest may have something.
    fn pass_on(
        &mut self,
        connection: &mut Connection,
        recent: &Recent,
        filter: &mut BucketFilter,
    ) -> rusqlite::Result<()> {
        let Some(oldest) = self.generations.iter().find(|generation| generation.parts != 0) else { return Ok(()) };
        let part = oldest.parts.trailing_zeros();
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut generations = self.generations.clone();
        let mut keys = Vec::new();
        for generation in &mut generations {
            if generation.parts & 1 << part != 0 {
                let row = generation.row(i64::from(part));
                let before = keys.len();
                transaction
                    .prepare_cached(PART)?
                    .query_row([row], |row| {
                        keys.extend_from_slice(entries::read_all(row.get_ref(0)?.as_blob()?)?);
                        Ok(())
                    })
                    .optional()?;
                transaction.prepare_cached("DELETE FROM key_parts WHERE id = ?1")?.execute([row])?;
                generation.parts &= !(1 << part);
                generation.count = generation.count.saturating_sub(keys.len() - before);
            }
        }
        keys.sort_unstable();
        // Before they are there: whoever sees them there finds them in the filter.
        filter.add(recent, keys.iter().map(|entry| key(entry).prefix()), 0);
        buckets::add(&transaction, &keys)?;
        transaction.commit()?;
        self.generations = generations;
        Ok(())
    }
}

impl Generation {
    /// Takes these out, which are of one part. Returns whether any was there.
    fn remove(&self, connection: &Connection, gone: &[Entry]) -> rusqlite::Result<bool> {
        let Some(first) = gone.first().filter(|_| gone.iter().any(|entry| self.may_have(key(entry)))) else {
            return Ok(false);
        };
        let row = self.row(key(first).part());
        let there = connection
            .prepare_cached(PART)?
            .query_row([row], |row| Ok(entries::read_all(row.get_ref(0)?.as_blob()?)?.to_vec()))
            .optional()?
            .unwrap_or_default();
        let left: Vec<_> = there.iter().copied().filter(|entry| gone.binary_search(entry).is_err()).collect();
        if left.len() == there.len() {
            return Ok(false);
        }
        if left.is_empty() {
            connection.prepare_cached("DELETE FROM key_parts WHERE id = ?1")?.execute([row])?;
        } else {
            let values = params![row, left.as_flattened()];
            connection.prepare_cached("UPDATE key_parts SET keys = ?2 WHERE id = ?1")?.execute(values)?;
        }
        Ok(true)
    }
}

const _: () = assert!(PARTS == u64::BITS as i64, "there is a bit for each part");
