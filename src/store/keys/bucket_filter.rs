//! The [filter](FileFilter) of what is in buckets: whether there is one, making it, and giving it up.
//!
//! What is told to [`Recent`] here keeps its promise: one that is given up covers nothing any more before another key comes
//! into a bucket.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::buckets;
use super::entries::Prefix;
use super::file_filter::FileFilter;
use super::view::Recent;

/// How many buckets are added to the filter of them after each commit: some thousand keys.
const FILTERED_AT_ONCE: usize = 4;

/// The filter of what is in buckets.
#[derive(Debug)]
pub(super) enum BucketFilter {
    /// There is none yet. It is to be one for so many keys at least.
    Wanted(usize),
    Kept(Arc<FileFilter>),
    /// There can't be one; all is looked up in buckets.
    Failed,
}

impl BucketFilter {
    /// Makes the filter of what is in buckets, or adds some more of them to it.
    pub(super) fn fill(&mut self, connection: &Connection, recent: &Recent) -> rusqlite::Result<()> {
        let filter = match self {
            Self::Failed => return Ok(()),
            Self::Kept(filter) if filter.is_whole() => return Ok(()),
            Self::Kept(filter) => Arc::clone(filter),
            Self::Wanted(keys) => {
                let Some(there) = buckets::estimate(connection)? else { return Ok(()) };
                let path = Path::new(connection.path().unwrap_or_default());
                match FileFilter::beside(path, there.max(*keys)) {
                    Ok(filter) => {
                        let filter = Arc::new(filter);
                        *self = Self::Kept(Arc::clone(&filter));
                        recent.set_filter(Some(Arc::clone(&filter)));
                        filter
                    }
                    Err(error) => {
                        self.fail(recent, &error);
                        return Ok(());
                    }
                }
            }
        };
        // It was made for as many as there seemed to be, so there are more.
        let twice = filter.keys().saturating_mul(2);
        for _ in 0..FILTERED_AT_ONCE {
            let (prefixes, below) = buckets::next_from(connection, filter.covered())?;
            if filter.is_whole() || !self.add(recent, prefixes.into_iter(), twice) {
                break;
            }
            filter.cover(below);
        }
        Ok(())
    }

    /// Adds these prefixes, which are in order, if there is a filter. If it is too full then, there will be one for so many
    /// keys at least. Returns whether there still is one.
    pub(super) fn add(&mut self, recent: &Recent, prefixes: impl Iterator<Item = Prefix>, then: usize) -> bool {
        let Self::Kept(filter) = self else { return false };
        match filter.add(prefixes) {
            Ok(false) => return true,
            Ok(true) => self.end(recent, Self::Wanted(then)),
            Err(error) => self.fail(recent, &error),
        }
        false
    }

    /// There can't be one.
    pub(super) fn fail(&mut self, recent: &Recent, error: &dyn std::error::Error) {
        tracing::warn!(%error, "no file to tell by which messages are new; until the next start each takes longer");
        self.end(recent, Self::Failed);
    }

    /// Whoever still has the one that there was gets no answer from it any more.
    pub(super) fn end(&mut self, recent: &Recent, next: Self) {
        if let Self::Kept(filter) = std::mem::replace(self, next) {
            filter.cover(0);
        }
        recent.set_filter(None);
    }
}
