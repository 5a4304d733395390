//! What waits for a commit.
//!
//! One queue: everything goes out in the order in which it was decided, and nothing before the writes decided with it
//! or before it are on disk. Nobody is told what a crash could take back.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::state::{Change, Effect, WriteSeq};

/// Something that leaves the engine.
#[derive(Debug, PartialEq)]
pub(super) enum Release {
    /// To everyone who watches.
    Publish(Arc<Change>),
    /// To be done.
    Effect(Effect),
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    waiting: VecDeque<(WriteSeq, Release)>,
    written: WriteSeq,
    committed: WriteSeq,
}

impl Gate {
    /// The number that the next batch of writes gets.
    pub(super) fn next_seq(&self) -> WriteSeq {
        self.written.next()
    }

    /// A batch with this number goes to the store.
    pub(super) fn wrote(&mut self, seq: WriteSeq) {
        self.written = seq;
    }

    /// The disk has everything up to this batch.
    pub(super) fn committed(&mut self, seq: WriteSeq) {
        self.committed = self.committed.max(seq);
    }

    /// Adds something that may go once everything written so far is on disk.
    pub(super) fn push(&mut self, release: Release) {
        self.waiting.push_back((self.written, release));
    }

    /// The next thing that may go. After a burst the room is given back.
    pub(super) fn pop(&mut self) -> Option<Release> {
        let Some((needs, _)) = self.waiting.front() else {
            self.waiting.shrink_to(64);
            return None;
        };
        if *needs > self.committed {
            return None;
        }
        self.waiting.pop_front().map(|(_, release)| release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(n: usize) -> Release {
        Release::Publish(Arc::new(Change::Queue(n)))
    }

    #[test]
    fn what_was_written_waits_for_its_commit_and_holds_up_what_comes_after() {
        let mut gate = Gate::default();
        gate.push(publish(0));
        assert_eq!(gate.pop(), Some(publish(0)), "nothing written: nothing to wait for");
        gate.wrote(gate.next_seq());
        gate.push(publish(1));
        gate.push(publish(2));
        gate.wrote(gate.next_seq());
        gate.push(publish(3));
        assert_eq!(gate.pop(), None);
        gate.committed(WriteSeq(1));
        assert_eq!((gate.pop(), gate.pop(), gate.pop()), (Some(publish(1)), Some(publish(2)), None));
        gate.committed(WriteSeq(2));
        assert_eq!((gate.pop(), gate.pop()), (Some(publish(3)), None));
    }
}
