//! What a webhook is told.

use hyper::body::Bytes;

use super::client::Message;
use crate::clock::Timestamp;
use crate::engine::JournalRow;
use crate::state::{Missing, event_text, gap_text};

/// A row of the journal, or that some are missing.
pub(super) struct Event {
    /// Once it has arrived, everything up to here is done.
    pub(super) upto: u64,
    /// When it happened.
    pub(super) at: Timestamp,
    pub(super) message: Message,
}

impl Event {
    /// Its id is made of number and time: also after the database was put back to an earlier state, and from another
    /// gateway, the same id means the same event.
    pub(super) fn of(row: &JournalRow) -> Self {
        let JournalRow { seq, at, kind, version, chat: _, payload } = row;
        let body = Bytes::from(event_text(*seq, kind, *version, *at, payload));
        Self { upto: *seq, at: *at, message: Message { id: format!("evt_{seq}_{}", at.as_millis()), body } }
    }

    pub(super) fn gap(after: u64, upto: u64, why: Missing, at: Timestamp) -> Self {
        let body = Bytes::from(gap_text(after, upto, why, at));
        Self { upto, at, message: Message { id: format!("gap_{after}_{upto}"), body } }
    }
}
