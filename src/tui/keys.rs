//! Keys from the terminal, read on a thread that is never waited for: a terminal that went away can't hold up the end.
//!
//! While another program has the terminal, the thread reads nothing: whatever it read would be missing there. It waits in
//! a read that nothing but the terminal ends, so it is woken as by a change of the terminal's size.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::event::Event;
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::mpsc;

/// How many keys may wait.
const WAITING: usize = 256;

/// How long the thread may take to let go of the terminal.
const PATIENCE: Duration = Duration::from_secs(1);

/// The keys, and the thread that reads them.
pub(super) struct Keys {
    /// What was read.
    pub(super) events: mpsc::Receiver<Event>,
    turn: Arc<Turn>,
}

/// Whose turn it is to read.
#[derive(Default)]
struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Another is to read.
    paused: bool,
    /// The thread reads nothing any more.
    parked: bool,
}

impl Turn {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while another reads. Returns whether it did.
    fn park(&self) -> bool {
        let mut state = self.lock();
        if !state.paused {
            return false;
        }
        state.parked = true;
        self.changed.notify_all();
        let resumed = self.changed.wait_while(state, |state| state.paused);
        resumed.unwrap_or_else(PoisonError::into_inner).parked = false;
        true
    }
}

impl Keys {
    /// Starts to read.
    pub(super) fn read() -> Self {
        let (events_tx, events) = mpsc::channel(WAITING);
        let turn = Arc::new(Turn::default());
        let theirs = Arc::clone(&turn);
        let reading = std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            while let Ok(event) = crossterm::event::read() {
                // What woke it is no key.
                if !theirs.park() && events_tx.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        if let Err(error) = reading {
            tracing::error!(%error, "no keys can be read");
        }
        Self { events, turn }
    }

    /// Lets another program read. Returns whether the thread let go; else nothing has changed.
    pub(super) fn pause(&self) -> bool {
        self.turn.lock().paused = true;
        let _ = kill_process(getpid(), Signal::WINCH);
        let waited = self.turn.changed.wait_timeout_while(self.turn.lock(), PATIENCE, |state| !state.parked);
        let parked = waited.unwrap_or_else(PoisonError::into_inner).0.parked;
        if !parked {
            self.resume();
        }
        parked
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        self.turn.lock().paused = false;
        self.turn.changed.notify_all();
    }
}
