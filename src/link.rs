//! The seam between an engine and a console: three channels of plain data.
//!
//! A console folds what comes through `updates` and asks through `requests`
//! and `look_ups`. It cannot tell an engine in its own
//! process from one behind a network.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::clock::Timestamp;
use crate::state::{Answer, Change, Found, LookUp, Request, RequestId, Snapshot};
use crate::telemetry::Part;

/// A console's end of its connection to an engine.
#[derive(Debug)]
pub struct Link {
    /// What the engine tells. The first is always a [`Update::Snapshot`]. When it ends, so does the engine.
    pub updates: mpsc::Receiver<Update>,
    /// What the console asks for. Full: the engine is overloaded, say so.
    pub requests: mpsc::Sender<Ask>,
    /// What the console looks up in what is kept, answered in this order by [`Update::Found`]. Full: too much is asked.
    pub look_ups: mpsc::Sender<(RequestId, LookUp)>,
}

/// What an engine tells a console.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "update", content = "of", rename_all = "snake_case")]
pub enum Update {
    /// Everything anew: at the start, and when the console was too slow to be told every change.
    Snapshot(Box<Snapshot>),
    /// What changed since the last update, in order.
    Changes(Vec<Arc<Change>>),
    /// The answer to a request.
    Answer {
        /// Which.
        id: RequestId,
        /// What.
        answer: Answer,
    },
    /// What was looked up.
    Found {
        /// Which look-up.
        id: RequestId,
        /// What.
        found: Found,
    },
    /// A request has no answer.
    Unanswered {
        /// Which.
        id: RequestId,
        /// Why, and whether it may have been done.
        why: Arc<str>,
    },
    /// The line to the engine broke, or could not be mended yet. Requests are of no use until the next
    /// [`Update::Snapshot`], which says that it is mended.
    Lost(Lost),
    /// What the gateway logged, told to consoles of other processes only.
    Logged(Part),
}

/// A line that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub retry_at: Timestamp,
    /// Why, and what to do about it.
    pub why: Arc<str>,
}

/// A request of a console, with the number that its answer carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Chosen by the console.
    pub id: RequestId,
    /// What it asks for.
    pub request: Request,
}
