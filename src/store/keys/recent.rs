//! The keys that came last, in runs: each has the keys of one commit or of some small ones.
//!
//! A run is a row of `message_keys_0`, whose number is never used again while the process lives. Hence the greatest of them
//! says which runs there are, and what is kept here for it spares reading them: whoever sees that number in the database
//! finds no key that is neither in these runs nor in a table. Where nothing is kept for it, they are read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::types::FromSqlError;

/// Keys, each with the number of its message's row, in order.
pub(super) type Run = Arc<Vec<(i64, i64)>>;

/// For how many of the last commits runs are kept: the one that is being made, the one before it, and another for who looks up
/// a little longer.
const COMMITS: usize = 3;

/// The runs of the last commits. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Recent(Arc<Mutex<Kept>>);

/// The greatest number of a row after a commit, and all runs then; the newest at the end.
type Kept = VecDeque<(i64, Arc<[Run]>)>;

impl Recent {
    /// All runs that this connection sees, and possibly keys that have gone on into tables meanwhile.
    ///
    /// It need not be in a transaction, if the tables are looked at later: they have all that has left the runs by then.
    /// What a row that was deleted meanwhile had is caught by the names, which are compared.
    pub(super) fn runs(&self, connection: &Connection) -> rusqlite::Result<Arc<[Run]>> {
        let last = connection
            .prepare_cached("SELECT max(id) FROM message_keys_0")?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?;
        let Some(last) = last else { return Ok(Arc::default()) };
        match self.kept(last) {
            Some(runs) => Ok(runs),
            None => Ok(read(connection)?.into_iter().map(|(_, run)| run).collect()),
        }
    }

    /// What is kept for when that one is the last. Whoever writes waits for the lock, so nothing is read meanwhile.
    fn kept(&self, last: i64) -> Option<Arc<[Run]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|(id, _)| *id == last).map(|(_, runs)| Arc::clone(runs))
    }

    /// These will be all runs when that one is the last. It is said before the commit: whoever sees it may look at once. If
    /// there is none, nobody ever sees that number.
    pub(super) fn keep(&self, last: i64, runs: Arc<[Run]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= COMMITS {
            kept.pop_front();
        }
        kept.push_back((last, runs));
    }

    /// Keeps nothing more of the commits until now.
    pub(super) fn clear(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Kept::new();
    }
}

/// The rows in this run that have this key.
pub(super) fn with(run: &[(i64, i64)], key: i64) -> impl Iterator<Item = i64> {
    let first = run.partition_point(|(other, _)| *other < key);
    run.iter().skip(first).take_while(move |(other, _)| *other == key).map(|(_, n)| *n)
}

/// The runs in the database, each with the number of its row.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<(i64, Run)>> {
    let mut statement = connection.prepare_cached("SELECT id, keys FROM message_keys_0 ORDER BY id")?;
    let runs = statement.query_map([], |row| {
        let bytes = row.get_ref(1)?.as_blob()?;
        let (pairs, rest) = bytes.as_chunks::<PAIR>();
        if !rest.is_empty() {
            return Err(
                FromSqlError::InvalidBlobSize { expected_size: pairs.len() * PAIR, blob_size: bytes.len() }.into()
            );
        }
        let number = |pair: &[u8; PAIR], half: usize| {
            let half = pair.as_chunks::<8>().0.get(half).copied().unwrap_or_default();
            i64::from_le_bytes(half)
        };
        let run = Run::new(pairs.iter().map(|pair| (number(pair, 0), number(pair, 1))).collect());
        // Whoever looks for a key in it would miss some.
        if !run.is_sorted() {
            return Err(FromSqlError::Other("the keys of a run are not in order".into()).into());
        }
        Ok((row.get(0)?, run))
    })?;
    runs.collect()
}

/// The bytes of a key and its row's number.
const PAIR: usize = 16;

/// A run as it is in the database.
pub(super) fn bytes(run: &[(i64, i64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(run.len() * PAIR);
    for (key, n) in run {
        bytes.extend_from_slice(&key.to_le_bytes());
        bytes.extend_from_slice(&n.to_le_bytes());
    }
    bytes
}
