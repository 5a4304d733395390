//! Why the store can't be used.

use crate::clock::Now;
use crate::state::{Change, LastError, StoreState, StoreView};

/// What is wrong with the store: two things, of which the first is shown if there are both.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Why nothing can be committed.
    unwritable: Option<String>,
    /// Why what the bridge told can't be decided on.
    unreadable: Option<String>,
}

impl Trouble {
    /// The reason that is shown; none: the store is well.
    pub(super) fn reason(&self) -> Option<&str> {
        self.unwritable.as_deref().or(self.unreadable.as_deref())
    }

    /// Nothing can be committed, for this reason, or all can. Returns what is to be told of it, at once: it can't wait for
    /// the disk.
    pub(super) fn writing(&mut self, unwritable: Option<String>, now: Now) -> Vec<Change> {
        let before = self.reason().map(str::to_owned);
        self.unwritable = unwritable;
        self.news(before.as_deref(), now)
    }

    /// What the bridge told can't be decided on, for this reason, or all can. Returns the same.
    pub(super) fn reading(&mut self, unreadable: Option<String>, now: Now) -> Vec<Change> {
        if let Some(reason) = unreadable.as_ref().filter(|_| self.unreadable != unreadable) {
            tracing::error!(reason, "what the bridge told can't be decided on; nothing is accepted until it can");
        }
        let before = self.reason().map(str::to_owned);
        self.unreadable = unreadable;
        self.news(before.as_deref(), now)
    }

    fn news(&self, before: Option<&str>, now: Now) -> Vec<Change> {
        let reason = self.reason();
        if before == reason {
            return Vec::new();
        }
        let state = if reason.is_some() { StoreState::Failing } else { StoreState::Ok };
        let mut changes = vec![Change::Store(StoreView { state, reason: reason.map(Into::into) })];
        if let Some(reason) = reason {
            let what = if self.unwritable.is_some() { "written" } else { "read" };
            let text = format!("the database can't be {what}: {reason}; nothing is accepted until it can");
            changes.push(Change::Error(LastError { at: now.wall, text: text.into() }));
        } else {
            tracing::info!("the database can be used again");
        }
        changes
    }
}
