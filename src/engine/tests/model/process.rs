//! One process of the gateway: the engine and its store as they are, with the disk, the clock and the end in the test's
//! hand.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::operation::{Fault, Setup};
use crate::clock::{Clock, Now, Timestamp};
use crate::engine::handle::Envelope;
use crate::engine::{Engine, Notice};
use crate::protocol::Command;
use crate::state::{AccountId, FEED_CAPACITY, Incarnation, Input, Message, Pace, Sampled, Snapshot, State, WriteSeq};
use crate::store::{Batch, FolderLock, Reader, Restored, Store, Writer};
use crate::supervisor;

/// How many messages may be unsettled: few, so that sequences get there.
pub(super) const QUEUE: usize = 45;

/// How many batches the engine can hand out that are not on disk, as with the real channel and the thread behind it.
const ROOM: usize = 3;

const FILE: &str = "pilothouse.db";

/// Undoes what makes commits fail.
const MEND: &str = "DROP TRIGGER full; DROP TRIGGER full_for_changes";

pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) commands: mpsc::Receiver<(Incarnation, Command)>,
    writer: Writer,
    reader: Reader,
    /// Handed out by the engine, and not given to the writing thread.
    handed: VecDeque<Batch>,
    /// The last batch that the thread has and can't commit.
    stuck: Option<WriteSeq>,
    fault: Option<Fault>,
    _lock: FolderLock,
    folder: TempDir,
    runtime: Arc<Runtime>,
}

/// In memory where the system has such a folder: hundreds of databases are made, and none must outlive the test.
pub(super) fn new_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Process {
    /// A process that starts with what is in this folder.
    pub(super) fn start(folder: TempDir, setup: Setup, wall: Timestamp, runtime: Arc<Runtime>) -> Self {
        let Store { writer, reader, restored, lock } =
            Store::open(folder.path(), AccountId::main(), FEED_CAPACITY).unwrap();
        let (supervisor, commands) = {
            let _inside = runtime.enter();
            supervisor::Handle::detached()
        };
        let state = restore(restored, setup, wall);
        let sample = Box::new(|_| Sampled::default());
        let engine = Engine::new(state, reader.clone(), supervisor, sample, Clock::start());
        let (handed, stuck, fault) = (VecDeque::new(), None, None);
        Self { engine, commands, writer, reader, handed, stuck, fault, _lock: lock, folder, runtime }
    }

    /// The engine takes what has come, as far as it would.
    pub(super) fn turn(&mut self, asked: &mut Vec<Envelope>, told: &mut Vec<Notice>, now: Now) {
        self.hand_out();
        if self.engine.pending.is_none() {
            self.engine.turn(&mut Vec::new(), asked, told, now);
            self.hand_out();
        } else if self.engine.trouble.reason().is_some() {
            asked.drain(..).for_each(|envelope| self.engine.refuse(envelope));
        }
    }

    /// The engine looks at the figures: that is the first that it does, and it does so every ten seconds.
    pub(super) fn sample(&mut self, now: Now) {
        self.engine.take_inputs(&mut vec![Input::Sampled(Box::default())], now);
    }

    fn hand_out(&mut self) {
        if self.handed.len() < ROOM {
            self.handed.extend(self.engine.pending.take());
        }
    }

    /// Everything that was decided is on disk.
    pub(super) fn is_quiet(&self) -> bool {
        self.handed.is_empty() && self.stuck.is_none() && self.engine.pending.is_none()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    /// How many batches wait for the disk.
    pub(super) fn waiting(&self) -> usize {
        self.handed.len()
    }

    /// Commits so many batches, and tells the engine how it went.
    pub(super) fn commit(&mut self, batches: usize, now: Now) {
        if self.stuck.is_none() {
            self.stuck = self.give(batches);
            self.follow(now);
        }
    }

    /// Commits so many batches of which the engine hears nothing any more.
    pub(super) fn commit_unseen(&mut self, batches: usize) {
        if self.stuck.is_some() || self.fault.is_some() {
            return;
        }
        if let Some(last) = self.give(batches) {
            let Self { runtime, writer, .. } = self;
            runtime.block_on(writer.watermark.wait_for(|mark| mark.committed >= last)).unwrap();
        }
    }

    /// Gives batches to the writing thread. Returns the number of the last.
    fn give(&mut self, batches: usize) -> Option<WriteSeq> {
        let batches = self.handed.drain(..batches.min(self.handed.len())).collect::<Vec<_>>();
        let last = batches.last()?.seq;
        self.runtime.block_on(async {
            for batch in batches {
                self.writer.batches.send(batch).await.unwrap();
            }
        });
        Some(last)
    }

    /// Tells the engine of the disk's progress, until all is committed that was given or nothing more can be.
    fn follow(&mut self, now: Now) {
        while let Some(last) = self.stuck {
            self.runtime.block_on(self.writer.watermark.changed()).unwrap();
            let mark = self.writer.watermark.borrow_and_update().clone();
            let failing = mark.failing.is_some();
            self.stuck = Some(last).filter(|last| mark.committed < *last);
            self.engine.store_progressed(mark, now);
            if failing {
                return;
            }
        }
    }

    /// Makes commits fail as on a disk that is full.
    pub(super) fn break_disk(&mut self, fault: Fault) {
        if self.fault.is_none() {
            let table = match fault {
                Fault::Journal => "journal",
                Fault::Keys => "idempotency",
                Fault::Runs => "key_runs",
            };
            let full = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
            self.alter(&format!(
                "CREATE TRIGGER full BEFORE INSERT ON {table} {full};
                 CREATE TRIGGER full_for_changes BEFORE UPDATE ON {table} {full};"
            ));
            self.fault = Some(fault);
        }
    }

    /// Lets commits succeed again, and the waiting ones be tried at once.
    pub(super) fn mend_disk(&mut self, now: Now) {
        if self.fault.take().is_some() {
            self.alter(MEND);
            self.writer.thread.thread().unpark();
            self.follow(now);
        }
    }

    fn alter(&self, sql: &str) {
        Connection::open(self.folder.path().join(FILE)).unwrap().execute_batch(sql).unwrap();
    }

    /// Ends it as a kill does, and starts another with what is on disk.
    pub(super) fn die_and_start(&mut self, setup: Setup, wall: Timestamp) {
        let copy = self.copy();
        self.end();
        if self.fault.is_some() {
            Connection::open(copy.path().join(FILE)).unwrap().execute_batch(MEND).unwrap();
        }
        *self = Self::start(copy, setup, wall, Arc::clone(&self.runtime));
    }

    /// Ends it in order, and starts another.
    pub(super) fn end_and_start(&mut self, setup: Setup, wall: Timestamp) {
        self.end();
        *self = Self::start(self.copy(), setup, wall, Arc::clone(&self.runtime));
    }

    /// The files as they are at this moment.
    fn copy(&self) -> TempDir {
        let copy = new_folder();
        for name in [FILE, "pilothouse.db-wal"] {
            std::fs::copy(self.folder.path().join(name), copy.path().join(name)).unwrap();
        }
        copy
    }

    /// Ends the writing thread, and waits until it has ended.
    fn end(&mut self) {
        self.writer.batches = mpsc::channel(1).0;
        self.writer.thread.thread().unpark();
        self.runtime.block_on(async { while self.writer.watermark.changed().await.is_ok() {} });
    }

    /// What the journal has after this number: number, kind and payload.
    pub(super) fn journal_after(&self, seq: u64) -> Vec<(u64, String, serde_json::Value)> {
        let page = self.reader.journal_after(seq, usize::MAX, usize::MAX).unwrap();
        page.rows.into_iter().map(|row| (row.seq, row.kind, serde_json::from_str(&row.payload).unwrap())).collect()
    }

    /// All messages on disk, in their order.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.reader.last_messages(usize::MAX).unwrap()
    }
}

/// The state that the last process left, as the program restores it.
fn restore(restored: Restored, setup: Setup, wall: Timestamp) -> State {
    let mut snapshot = Snapshot::new(wall);
    snapshot.feed = restored.feed.into_iter().map(Arc::new).collect();
    snapshot.restriction = restored.restriction;
    snapshot.groups = restored.groups;
    let pace = if setup.paced { Pace { per_minute: 30, burst: 3 } } else { Pace::default() };
    State::restored(snapshot, restored.pending).with_pace(pace, wall).with_queue_capacity(QUEUE)
}
