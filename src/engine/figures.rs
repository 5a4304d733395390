//! What is measured of the engine, for `/metrics`.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::metrics::{Counter, Gauge, Histogram};
use crate::protocol::Pong;
use crate::state::{Change, DeliveryState, Direction, Sampled, Times};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A message takes a moment when all is well, and days when the phone of whom it is for is off.
const MESSAGE_BOUNDS: &[Duration] = &[
    ms(100),
    ms(250),
    ms(500),
    secs(1),
    ms(2_500),
    secs(5),
    secs(10),
    secs(30),
    secs(60),
    secs(5 * 60),
    secs(15 * 60),
    secs(60 * 60),
    secs(6 * 60 * 60),
    secs(24 * 60 * 60),
    secs(3 * 24 * 60 * 60),
    secs(7 * 24 * 60 * 60),
];

/// The runtime's timers are a millisecond late at most when nothing is in their way.
const LAG_BOUNDS: &[Duration] =
    &[ms(1), ms(2), ms(5), ms(10), ms(25), ms(50), ms(100), ms(250), ms(500), secs(1), secs(5)];

/// Figures of the engine since the start of the process.
#[derive(Debug)]
pub struct Figures {
    /// Messages of ours that were accepted.
    pub accepted: Counter,
    /// The time from the acceptance of a message to the server's acknowledgement.
    pub until_sent: Histogram,
    /// The time from the acceptance of a message to its arrival on the recipient's phone.
    pub until_delivered: Histogram,
    /// How late the loop was when a timer had been set. Looked at with each sample, so that nothing is woken for it.
    pub loop_lag: Histogram,
    /// How late the bridge's loop was, as it says itself, in milliseconds.
    pub bridge_loop_lag: Gauge,
    /// The resident memory of this process in bytes.
    pub host_rss: Gauge,
    /// The resident memory of the bridge in bytes.
    pub bridge_rss: Gauge,
    /// Lines of this program's log that were not written, since the disk was too slow.
    pub log_lines_dropped: Gauge,
    /// When the oldest message that is not settled was accepted, in milliseconds since the Unix epoch.
    oldest_queued: Gauge,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            accepted: Counter::default(),
            until_sent: Histogram::new(MESSAGE_BOUNDS),
            until_delivered: Histogram::new(MESSAGE_BOUNDS),
            loop_lag: Histogram::new(LAG_BOUNDS),
            bridge_loop_lag: Gauge::default(),
            host_rss: Gauge::default(),
            bridge_rss: Gauge::default(),
            log_lines_dropped: Gauge::default(),
            oldest_queued: Gauge::default(),
        }
    }
}

impl Figures {
    /// A change was published, and so is on disk.
    pub(super) fn published(&self, change: &Change) {
        match change {
            Change::MessageAdded(message) if message.direction == Direction::Out => self.accepted.add_one(),
            Change::MessageProgressed { from, delivery, .. } => {
                let Times { queued_at, sent_at, delivered_at, .. } = delivery.times;
                let points = [
                    (DeliveryState::Sent, sent_at, &self.until_sent),
                    (DeliveryState::Delivered, delivered_at, &self.until_delivered),
                ];
                for (point, at, histogram) in points {
                    if *from < point
                        && delivery.state >= point
                        && let (Some(queued), Some(at)) = (queued_at, at)
                    {
                        histogram.observe(at.since(queued));
                    }
                }
            }
            Change::MessageAdded(_)
            | Change::Bridge(_)
            | Change::Connection(_)
            | Change::Pairing(_)
            | Change::Linking(_)
            | Change::Account(_)
            | Change::Queue(_)
            | Change::Pacing(_)
            | Change::Lateness(_)
            | Change::Restriction(_)
            | Change::Groups(_)
            | Change::Counted(_)
            | Change::Error(_)
            | Change::Store(_)
            | Change::Webhooks(_)
            | Change::Host(_) => {}
        }
    }

    pub(super) fn sampled(&self, sampled: &Sampled) {
        self.host_rss.set(sampled.host_rss);
        self.bridge_rss.set(sampled.bridge_rss);
        self.log_lines_dropped.set(Some(sampled.log_lines_dropped));
        if sampled.bridge_rss.is_none() {
            self.bridge_loop_lag.set(None);
        }
    }

    pub(super) fn answered(&self, pong: &Pong) {
        self.bridge_loop_lag.set(pong.event_loop_lag_ms);
    }

    /// The oldest message that is not settled was accepted then; none: all are settled. What is not on disk yet counts
    /// as well: this is a figure, and nobody acts on a single one.
    pub(super) fn oldest(&self, queued_at: Option<Timestamp>) {
        self.oldest_queued.set(queued_at.map(|at| u64::try_from(at.as_millis()).unwrap_or_default()));
    }

    /// For how long the oldest message that is not settled has waited; zero when all are settled.
    pub fn oldest_age(&self, now: Timestamp) -> Duration {
        let at = self.oldest_queued.get().and_then(|ms| i64::try_from(ms).ok());
        at.map_or(Duration::ZERO, |ms| now.since(Timestamp::from_millis(ms)))
    }
}
