//! Reads new events once for all streams, and looks what there is to link with.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::Events;
use super::frame::Frame;
use super::ring::Ring;
use crate::clock::Timestamp;
use crate::engine::{Handle, Journal, JournalError};
use crate::state::{Pairing, Snapshot};

/// How long the streams are left alone after they were woken. The first event after a pause goes out at once; in a flood
/// a thousand streams are woken forty times a second, and not for each event.
const PAUSE: Duration = Duration::from_millis(25);

/// The most rows that are read at once.
const PAGE_ROWS: usize = 256;

/// The bytes of text after which a page takes no further row.
const PAGE_BYTES: usize = 128 << 10;

/// That there is something to link with; not what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The type of its event.
    pub(super) kind: &'static str,
    shown_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl Offer {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        snapshot.pairing.as_ref().map(|pairing| {
            let (kind, shown_at) = match pairing {
                Pairing::Qr { shown_at, .. } => ("link.qr", shown_at),
                Pairing::Code { shown_at, .. } => ("link.pairing_code", shown_at),
                Pairing::Passkey { shown_at, .. } => ("link.passkey", shown_at),
                Pairing::PasskeyCode { shown_at, .. } => ("link.passkey_code", shown_at),
            };
            Self { kind, shown_at: *shown_at, expires_at: pairing.expires_at() }
        })
    }
}

impl Events {
    /// For waiting for news; starts the follower when it doesn't run.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        engine: &Handle,
    ) -> (watch::Receiver<u64>, watch::Receiver<Option<Offer>>) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let receivers = (self.head.subscribe(), self.offer.subscribe());
        if !std::mem::replace(&mut *followed, true) {
            tokio::spawn(follow(Arc::clone(self), engine.clone()));
        }
        receivers
    }

    /// Stops the follower, unless somebody has come meanwhile.
    fn unfollowed(&self) -> bool {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.head.receiver_count() > 0 {
            return false;
        }
        *followed = false;
        *self.ring() = Ring::default();
        self.offer.send_replace(None);
        true
    }

    /// Takes what is new into the ring.
    async fn read_on(&self, journal: &Journal) -> Result<(), JournalError> {
        loop {
            let after = self.ring().head();
            let page = journal.after(after, PAGE_ROWS, PAGE_BYTES).await?;
            let last = page.rows.last().map_or(page.head, |row| row.seq);
            if last <= after {
                return Ok(());
            }
            let frames: Vec<_> = page.rows.into_iter().map(Frame::from).collect();
            let mut ring = self.ring();
            if frames.is_empty() {
                *ring = Ring::at(last);
            }
            frames.into_iter().for_each(|frame| ring.push(frame));
            drop(ring);
            self.head.send_replace(last);
            if last >= page.head {
                return Ok(());
            }
        }
    }
}

async fn follow(events: Arc<Events>, engine: Handle) {
    let (feed, journal) = (engine.feed(), engine.journal());
    let mut published = feed.watch();
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut begun = false;
    loop {
        pause.tick().await;
        published.borrow_and_update();
        let offer = feed.look(Offer::of);
        events.offer.send_if_modified(|old| std::mem::replace(old, offer) != offer);
        let read = if begun {
            events.read_on(journal).await
        } else {
            // What is older is read by who wants it.
            journal.head().await.map(|head| {
                begun = true;
                *events.ring() = Ring::at(head);
                events.head.send_replace(head);
            })
        };
        if let Err(error) = read {
            tracing::error!(%error, "events can't be read; it is tried again when there are more");
        }
        tokio::select! {
            changed = published.changed() => if changed.is_err() { return },
            () = events.head.closed() => if events.unfollowed() { return },
        }
    }
}
