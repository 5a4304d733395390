//! An engine with a real store and no bridge: the test plays the bridge.

use std::path::Path;

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{EngineError, Handle, Parts, Running, start};
use crate::clock::Clock;
use crate::protocol::{Command, Event};
use crate::state::{AccountId, BridgeNotice, Change, FEED_CAPACITY, Incarnation, Sampled, Snapshot, State};
use crate::store::{Reader, Store};
use crate::supervisor::{self, Notice};

/// The engine, and the bridge's end of it.
pub(crate) struct Harness {
    pub(crate) handle: Handle,
    pub(crate) clock: Clock,
    task: tokio::task::JoinHandle<Result<(), EngineError>>,
    notices: mpsc::Sender<Notice>,
    commands: mpsc::Receiver<(Incarnation, Command)>,
    folder: TempDir,
    _lock: crate::store::FolderLock,
}

impl Harness {
    /// In a folder of its own.
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    fn in_folder(folder: TempDir) -> Self {
        let clock = Clock::start();
        let Store { writer, reader, restored, lock } =
            Store::open(folder.path(), AccountId::main(), FEED_CAPACITY).unwrap();
        let mut snapshot = Snapshot::new(clock.now().wall);
        snapshot.feed = restored.feed.into_iter().map(Into::into).collect();
        snapshot.restriction = restored.restriction;
        snapshot.groups = restored.groups;
        let (supervisor, commands) = supervisor::Handle::detached();
        let (notices, told) = mpsc::channel(64);
        let Running { handle, task, resumed: _ } = start(Parts {
            state: State::restored(snapshot, restored.pending),
            writer,
            reader,
            supervisor,
            notices: told,
            sample: Box::new(|_| Sampled::default()),
            clock,
        });
        Self { handle, clock, task, notices, commands, folder, _lock: lock }
    }

    /// Where the database is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A reader with connections of its own.
    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.folder().join("pilothouse.db"), AccountId::main()).unwrap()
    }

    /// The bridge is started.
    pub(crate) async fn started(&self) {
        let notice = BridgeNotice::Started { incarnation: Incarnation(1), pid: 1 };
        self.notices.send(Notice::Bridge(notice)).await.unwrap();
    }

    /// The bridge says a line.
    pub(crate) async fn says(&self, line: &str) {
        let event = Event::decode(line.as_bytes()).unwrap();
        self.notices.send(Notice::Event { incarnation: Incarnation(1), event }).await.unwrap();
    }

    /// The bridge is started, has the capabilities of the bundled one, and is connected.
    pub(crate) async fn connected() -> Self {
        let mut harness = Self::new();
        harness.started().await;
        harness.says(r#"{"type":"hello","protocol":{"major":1},"bridge":"test","capabilities":["ids","receipts","connection","logout"]}"#).await;
        harness.says(r#"{"type":"connection","state":"open","account":{"phone":"+15550009999"}}"#).await;
        assert!(matches!(harness.command().await, Command::Connect { .. }));
        harness.until(Snapshot::connected).await;
        harness
    }

    /// The next command that the bridge is given.
    pub(crate) async fn command(&mut self) -> Command {
        self.commands.recv().await.expect("a command").1
    }

    /// A command that waits already.
    pub(crate) fn waiting_command(&mut self) -> Option<Command> {
        self.commands.try_recv().ok().map(|(_, command)| command)
    }

    /// Waits until the published snapshot is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) {
        let mut cursor = self.handle.feed().follow();
        while !self.handle.feed().look(&wanted) {
            cursor.next(usize::MAX).await;
        }
    }

    /// Waits for a change.
    pub(crate) async fn published(&self, cursor: &mut super::Cursor, wanted: impl Fn(&Change) -> bool) {
        loop {
            match cursor.next(usize::MAX).await {
                super::Next::Changes(changes) if changes.iter().any(|change| wanted(change)) => return,
                super::Next::Changes(_) | super::Next::Snapshot(_) => {}
            }
        }
    }

    /// Ends it in order. Returns the folder.
    pub(crate) async fn end(self) -> TempDir {
        self.handle.stop();
        drop(self.notices);
        self.task.await.unwrap().unwrap();
        self.folder
    }

    /// Ends it, and returns what went wrong.
    pub(crate) async fn fail(self) -> EngineError {
        self.handle.stop();
        drop(self.notices);
        self.task.await.unwrap().unwrap_err()
    }

    /// Ends it in order, and starts another in the same folder.
    pub(crate) async fn again(self) -> Self {
        let folder = {
            let Self { handle, task, notices, folder, _lock: lock, .. } = self;
            handle.stop();
            drop(notices);
            task.await.unwrap().unwrap();
            drop(lock);
            folder
        };
        Self::in_folder(folder)
    }
}
