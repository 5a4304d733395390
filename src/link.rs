//! The seam between an engine and a console: three channels of plain data.
//!
//! A console folds what comes through `updates` and asks through `requests`
//! and `look_ups`. It cannot tell an engine in its own
//! process from one behind a network.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::state::{Answer, Change, Found, LookUp, Request, RequestId, Snapshot};

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
#[derive(Clone, Debug, PartialEq)]
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
}

/// A request of a console, with the number that its answer carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Chosen by the console.
    pub id: RequestId,
    /// What it asks for.
    pub request: Request,
}
