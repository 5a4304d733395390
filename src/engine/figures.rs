//! What is measured of the engine, for `/metrics`.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::metrics::{Counter, Gauge, Histogram};
use crate::protocol::Pong;
use crate::state::{Change, DeliveryState, Direction, LagSample, Sampled, TIME_BOUNDS_MS, Times, TimesSample};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A message takes a moment when all is well, and days when the phone of whom it is for is off.
const MESSAGE_BOUNDS: &[Duration] = &{
    let mut bounds = [Duration::ZERO; TIME_BOUNDS_MS.len()];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = ms(TIME_BOUNDS_MS[at]);
        at += 1;
    }
    bounds
};

/// The runtime's timers are a millisecond late at most when nothing is in their way.
const LAG_BOUNDS: &[Duration] =
    &[ms(1), ms(2), ms(5), ms(10), ms(25), ms(50), ms(100), ms(250), ms(500), ms(1_000), ms(5_000)];

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
    /// The last of these, in milliseconds.
    host_loop_lag: Gauge,
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
            host_loop_lag: Gauge::default(),
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

    /// A timer of the loop was so late.
    pub(super) fn late(&self, lag: Duration) {
        self.loop_lag.observe(lag);
        self.host_loop_lag.set(u64::try_from(lag.as_millis()).ok());
    }

    /// Takes what was sampled, and adds to it what is measured here.
    pub(super) fn sampled(&self, sampled: &mut Sampled) {
        self.host_rss.set(sampled.host.rss_bytes);
        self.bridge_rss.set(sampled.bridge_rss);
        self.log_lines_dropped.set(Some(sampled.host.log_lines_dropped));
        if sampled.bridge_rss.is_none() {
            self.bridge_loop_lag.set(None);
        }
        sampled.host.event_loop_lag =
            LagSample { host_ms: self.host_loop_lag.get().unwrap_or_default(), bridge_ms: self.bridge_loop_lag.get() };
        sampled.host.message_times =
            TimesSample { until_sent: self.until_sent.counts(), until_delivered: self.until_delivered.counts() };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_here_goes_with_what_is_sampled() {
        let figures = Figures::default();
        figures.late(ms(1_300));
        figures.answered(&Pong {
            id: 1,
            rss_bytes: None,
            event_loop_lag_ms: Some(40),
            last_frame_age_ms: None,
            last_answer_age_ms: None,
        });
        figures.until_sent.observe(ms(200));
        figures.until_delivered.observe(ms(8 * 24 * 60 * 60_000));
        let mut sampled = Sampled { bridge_rss: Some(1), ..Sampled::default() };
        figures.sampled(&mut sampled);
        assert_eq!(sampled.host.event_loop_lag, LagSample { host_ms: 1_300, bridge_ms: Some(40) });
        let times = sampled.host.message_times;
        assert_eq!((times.until_sent[1], times.until_delivered[16]), (1, 1));
        assert_eq!(times.until_sent.iter().chain(&times.until_delivered).sum::<u64>(), 2);
        // A bridge that is gone has no lag.
        let mut gone = Sampled::default();
        figures.sampled(&mut gone);
        assert_eq!(gone.host.event_loop_lag.bridge_ms, None);
    }
}
