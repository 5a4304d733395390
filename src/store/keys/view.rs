//! Where keys are before they are in buckets, as whoever looks them up sees it.
//!
//! Numbers of runs and generations are never used again while the process lives. Hence the greatest of both say which there
//! are, and what is kept here for these spares reading them: whoever sees those numbers in the database finds no key that
//! is neither in these runs and generations nor in a bucket. Where nothing is kept for them, they are read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension};

use super::PARTS;
use super::entries::{self, Entry, Key, key};
use super::file_filter::FileFilter;
use super::filter::Filter;

/// Keys of one commit, or of some together, in order.
pub(super) type Run = Arc<Vec<Entry>>;

/// The greatest numbers of a run and of a generation.
pub(super) type Moment = (Option<i64>, Option<i64>);

/// For how many of the last moments views are kept: the one that is being made, the one before it, and others for who looks
/// up a little longer.
const MOMENTS: usize = 4;

/// Runs and generations at one moment.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) runs: Vec<Run>,
    /// The oldest first.
    pub(super) generations: Vec<Generation>,
}

/// Many runs that became one.
#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) number: i64,
    /// A bit for each part that it may have.
    pub(super) parts: u64,
    /// How many keys it has. While it has no filter that is not known.
    pub(super) count: usize,
    /// None: it was not read yet.
    pub(super) filter: Option<Arc<Filter>>,
}

impl Generation {
    /// One that was not read yet.
    const fn unread(number: i64) -> Self {
        Self { number, parts: u64::MAX, count: 0, filter: None }
    }

    /// With these keys, which are in order.
    pub(super) fn of(number: i64, entries: &[Entry]) -> Self {
        let parts = entries.iter().fold(0, |parts, entry| parts | 1 << key(entry).part());
        let filter = Filter::of(entries.iter().map(key));
        Self { number, parts, count: entries.len(), filter: Some(Arc::new(filter)) }
    }

    /// The number of the row of a part.
    pub(super) const fn row(&self, part: i64) -> i64 {
        self.number.saturating_mul(PARTS).saturating_add(part)
    }

    /// Whether this key may be in it.
    pub(super) fn may_have(&self, key: Key) -> bool {
        self.parts & 1 << key.part() != 0 && self.filter.as_ref().is_none_or(|filter| filter.may_have(key))
    }

    /// The rows that have this key in it.
    pub(super) fn with(&self, connection: &Connection, key: Key) -> rusqlite::Result<Vec<i64>> {
        connection
            .prepare_cached(PART)?
            .query_row([self.row(key.part())], |row| {
                Ok(entries::with(entries::read(row.get_ref(0)?.as_blob()?)?, key).collect())
            })
            .optional()
            .map(Option::unwrap_or_default)
    }

    /// Reads all of it, with a filter.
    pub(super) fn read(&self, connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached("SELECT keys FROM key_parts WHERE id BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query([self.row(0), self.row(PARTS - 1)])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.extend_from_slice(entries::read_all(row.get_ref(0)?.as_blob()?)?);
        }
        Ok(Self::of(self.number, &all))
    }
}

/// The statement that gives a part.
pub(super) const PART: &str = "SELECT keys FROM key_parts WHERE id = ?1";

impl View {
    /// What is in the database, with generations that are not read yet.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        // In this order: what becomes a generation meanwhile is seen as runs at least.
        let runs = runs(connection)?.into_iter().map(|(_, run)| run).collect();
        Ok(Self { runs, generations: generations(connection)? })
    }
}

/// The runs in the database, each with the number of its row.
pub(super) fn runs(connection: &Connection) -> rusqlite::Result<Vec<(i64, Run)>> {
    let mut statement = connection.prepare_cached("SELECT id, keys FROM key_runs ORDER BY id")?;
    let runs = statement
        .query_map([], |row| Ok((row.get(0)?, Run::new(entries::read_all(row.get_ref(1)?.as_blob()?)?.to_vec()))))?;
    runs.collect()
}

/// The generations in the database, not read yet, the oldest first. Each is found by a step over the one before it.
pub(super) fn generations(connection: &Connection) -> rusqlite::Result<Vec<Generation>> {
    let mut statement = connection.prepare_cached("SELECT min(id) FROM key_parts WHERE id >= ?1")?;
    let (mut found, mut from) = (Vec::new(), i64::MIN);
    while let Some(id) = statement.query_row([from], |row| row.get::<_, Option<i64>>(0))? {
        let generation = Generation::unread(id.div_euclid(PARTS));
        let next = generation.row(PARTS);
        found.push(generation);
        if next <= from {
            break;
        }
        from = next;
    }
    Ok(found)
}

/// The views of the last moments, and what says of most keys that they are in no bucket. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The newest at the end.
    views: VecDeque<(Moment, Arc<View>)>,
    filter: Option<Arc<FileFilter>>,
}

impl Recent {
    /// All runs and generations that this connection sees, and possibly keys that have gone on meanwhile.
    ///
    /// It need not be in a transaction, if generations and buckets are looked at later: they have all that has left their
    /// places by then. What a row that was deleted meanwhile had is caught by the names, which are compared.
    pub(super) fn view(&self, connection: &Connection) -> rusqlite::Result<Arc<View>> {
        let moment = connection
            .prepare_cached("SELECT (SELECT max(id) FROM key_runs), (SELECT max(id) FROM key_parts)")?
            .query_row([], |row| {
                let part = row.get::<_, Option<i64>>(1)?;
                Ok((row.get(0)?, part.map(|id| id.div_euclid(PARTS))))
            })?;
        match moment {
            (None, None) => Ok(Arc::default()),
            moment => match self.kept(moment) {
                Some(view) => Ok(view),
                None => View::read(connection).map(Arc::new),
            },
        }
    }

    /// What is kept for this moment. Whoever writes waits for the lock, so nothing is read meanwhile.
    fn kept(&self, moment: Moment) -> Option<Arc<View>> {
        self.lock().views.iter().rev().find(|(other, _)| *other == moment).map(|(_, view)| Arc::clone(view))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The filter of what is in buckets, if there is one: of no earlier moment than this, and right for any view.
    pub(super) fn filter(&self) -> Option<Arc<FileFilter>> {
        self.lock().filter.clone()
    }

    /// From now on this is it. The one before it must cover nothing any more before a key goes on that is not in it.
    pub(super) fn set_filter(&self, filter: Option<Arc<FileFilter>>) {
        self.lock().filter = filter;
    }

    /// This is what there will be when those are the greatest numbers. It is said before the commit: whoever sees it may look
    /// at once. If there is none, nobody ever sees those numbers.
    pub(super) fn keep(&self, moment: Moment, view: View) {
        let views = &mut self.lock().views;
        if views.len() >= MOMENTS {
            views.pop_front();
        }
        views.push_back((moment, Arc::new(view)));
    }
}
