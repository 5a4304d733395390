//! The numbered changes that consoles follow, and the snapshot they add up to.
//!
//! * The snapshot is the fold of all changes published so far; only what is on disk is published.
//! * A follower that falls behind the ring gets the snapshot instead of the changes it missed: slow followers cost
//!   nobody anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::state::{Change, Seq, Snapshot, apply};

/// How many changes the ring holds.
const CAPACITY: usize = 300;

/// The published changes.
#[derive(Debug)]
pub struct Feed {
    inner: Mutex<Inner>,
    head: watch::Sender<Seq>,
}

#[derive(Debug)]
struct Inner {
    snapshot: Snapshot,
    ring: VecDeque<Arc<Change>>,
    /// The number of the last change.
    head: Seq,
}

/// A place in the feed.
#[derive(Debug)]
pub struct Cursor {
    feed: Arc<Feed>,
    at: Seq,
    head: watch::Receiver<Seq>,
}

/// What a follower gets.
#[derive(Debug)]
pub enum Next {
    /// The changes since the last call, in order.
    Changes(Vec<Arc<Change>>),
    /// Everything anew, since changes were missed.
    Snapshot(Box<Snapshot>),
}

impl Feed {
    /// A feed that starts from this snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        let inner = Inner { snapshot, ring: VecDeque::new(), head: Seq::default() };
        Self { inner: Mutex::new(inner), head: watch::Sender::new(Seq::default()) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes changes, in order.
    pub fn publish(&self, changes: impl IntoIterator<Item = Arc<Change>>) {
        let mut inner = self.lock();
        let before = inner.head;
        for change in changes {
            apply(&mut inner.snapshot, &change);
            if inner.ring.len() >= CAPACITY {
                inner.ring.pop_front();
            }
            inner.ring.push_back(change);
            inner.head = inner.head.next();
        }
        let head = inner.head;
        drop(inner);
        if head != before {
            self.head.send_replace(head);
        }
    }

    /// Looks at the snapshot without copying it. `look` must be quick: nothing is published meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> T {
        look(&self.lock().snapshot)
    }

    /// The number of the last change. What [`Feed::look`] shows afterwards has it.
    pub fn head(&self) -> Seq {
        *self.head.borrow()
    }

    /// Changes whenever something was published, and so after each commit that wrote to the journal.
    pub fn watch(&self) -> watch::Receiver<Seq> {
        self.head.subscribe()
    }

    /// A copy of the snapshot and a cursor for what comes after it.
    pub fn subscribe(self: &Arc<Self>) -> (Snapshot, Cursor) {
        let receiver = self.head.subscribe();
        let inner = self.lock();
        (inner.snapshot.clone(), Cursor { feed: Arc::clone(self), at: inner.head, head: receiver })
    }

    /// A cursor for what comes from now on.
    pub fn follow(self: &Arc<Self>) -> Cursor {
        let receiver = self.head.subscribe();
        Cursor { feed: Arc::clone(self), at: self.lock().head, head: receiver }
    }
}

impl Cursor {
    /// Waits for news; at most `limit` changes at once. Cancel-safe.
    pub async fn next(&mut self, limit: usize) -> Next {
        loop {
            if let Some(next) = self.take(limit) {
                return next;
            }
            // The cursor itself keeps the feed, and so the sender, alive: this can't fail.
            if self.head.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn take(&mut self, limit: usize) -> Option<Next> {
        let inner = self.feed.lock();
        let missed = usize::try_from(inner.head.0 - self.at.0).unwrap_or(usize::MAX);
        if missed == 0 {
            return None;
        }
        if missed > inner.ring.len() {
            self.at = inner.head;
            return Some(Next::Snapshot(Box::new(inner.snapshot.clone())));
        }
        let changes: Vec<_> = inner.ring.iter().skip(inner.ring.len() - missed).take(limit).cloned().collect();
        self.at = Seq(self.at.0 + changes.len() as u64);
        Some(Next::Changes(changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn queue(n: usize) -> Arc<Change> {
        Arc::new(Change::Queue(n))
    }

    fn feed() -> Arc<Feed> {
        Arc::new(Feed::new(Snapshot::new(Timestamp::default())))
    }

    #[tokio::test]
    async fn a_follower_gets_every_change_once_and_in_order() {
        let feed = feed();
        feed.publish([queue(1)]);
        let (snapshot, mut cursor) = feed.subscribe();
        assert_eq!(snapshot.queue, 1);
        feed.publish([queue(2), queue(3)]);
        let Next::Changes(first) = cursor.next(1).await else { panic!() };
        let Next::Changes(second) = cursor.next(10).await else { panic!() };
        assert_eq!((&*first[0], &*second[0]), (&Change::Queue(2), &Change::Queue(3)));
        assert!(cursor.take(1).is_none());
    }

    #[tokio::test]
    async fn a_follower_left_behind_gets_the_snapshot() {
        let feed = feed();
        let mut cursor = feed.follow();
        feed.publish((0..=CAPACITY).map(queue));
        let Next::Snapshot(snapshot) = cursor.next(10).await else { panic!() };
        assert_eq!(snapshot.queue, CAPACITY);
        feed.publish([queue(7)]);
        assert!(matches!(cursor.next(10).await, Next::Changes(c) if c.len() == 1));
    }
}
