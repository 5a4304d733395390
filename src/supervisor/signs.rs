//! What is seen of a run from outside: whether it is read, and whether it gives signs of life.
//!
//! A bridge whose output we don't read can't answer. So patience is counted in *reading time*: the time in which the
//! reader did not wait for the engine. It is counted in small steps, none of which counts for more than its length, so
//! that a process that was stopped for an hour does not blame the bridge.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::protocol::{ConnectionPhase, Event};
use crate::state::ExitClass;

/// In how many steps patience is counted.
const STEPS: u32 = 8;

/// What is seen of a run.
#[derive(Debug)]
pub(super) struct Signs(watch::Sender<Seen>);

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// It said something.
    heard: bool,
    /// The last `ping` that was written.
    asked: Option<u64>,
    /// The last one that was answered.
    answered: Option<u64>,
    /// The last that it told of its link: it is ended.
    logged_out: bool,
    /// How long the reader has waited for the engine in all, not counting now.
    waited: Duration,
    /// Since when it waits now.
    waits_since: Option<Instant>,
    /// Its process has ended: what is left to be read of it is in the pipe.
    ended: bool,
    /// It is not to be read any more.
    closed: bool,
}

impl Default for Signs {
    fn default() -> Self {
        Self(watch::Sender::new(Seen::default()))
    }
}

impl Signs {
    /// It said something.
    pub(super) fn heard(&self) {
        self.0.send_if_modified(|seen| !std::mem::replace(&mut seen.heard, true));
    }

    /// It said this.
    pub(super) fn told(&self, event: &Event) {
        self.heard();
        match event {
            Event::Pong(pong) => self.0.send_modify(|seen| seen.answered = seen.answered.max(Some(pong.id))),
            Event::Connection(connection) => {
                let ended = connection.state == ConnectionPhase::LoggedOut;
                self.0.send_if_modified(|seen| std::mem::replace(&mut seen.logged_out, ended) != ended);
            }
            Event::Hello(_)
            | Event::Ready(_)
            | Event::Qr(_)
            | Event::PairingCode(_)
            | Event::Passkey(_)
            | Event::PasskeyCode(_)
            | Event::Message(_)
            | Event::Sent(_)
            | Event::Receipt(_)
            | Event::Error(_)
            | Event::Restriction(_)
            | Event::Groups(_)
            | Event::Unknown(_) => {}
        }
    }

    /// It was asked for a sign of life.
    pub(super) fn asked(&self, ping: u64) {
        self.0.send_modify(|seen| seen.asked = Some(ping));
    }

    /// The reader begins to wait for the engine, or has waited.
    pub(super) fn reader_waits(&self, waits: bool) {
        self.0.send_if_modified(|seen| {
            if let Some(since) = seen.waits_since.take() {
                seen.waited += since.elapsed();
            }
            seen.waits_since = waits.then(Instant::now);
            false
        });
    }

    /// The last that it told of its link is that it was ended.
    pub(super) fn logged_out(&self) -> bool {
        self.0.borrow().logged_out
    }

    /// Its process has ended.
    pub(super) fn process_ended(&self) {
        self.0.send_modify(|seen| seen.ended = true);
    }

    /// Its process has ended: what is left to be read of it is in the pipe.
    pub(super) fn has_ended(&self) -> bool {
        self.0.borrow().ended
    }

    /// It is not to be read any more.
    pub(super) fn close(&self) {
        self.0.send_modify(|seen| seen.closed = true);
    }

    /// Waits until it is not to be read any more. Cancel-safe.
    pub(super) async fn closed(&self) {
        let _ = self.0.subscribe().wait_for(|seen| seen.closed).await;
    }

    fn waited(&self) -> Duration {
        let seen = self.0.borrow();
        seen.waited + seen.waits_since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Waits for so much reading time; for ever when it is zero.
    pub(super) async fn ran_out(&self, patience: Duration) {
        if patience.is_zero() {
            std::future::pending::<()>().await;
        }
        let mut left = patience;
        while !left.is_zero() {
            let step = left.min((patience / STEPS).max(Duration::from_millis(1)));
            let before = self.waited();
            tokio::time::sleep(step).await;
            left = left.saturating_sub(step.saturating_sub(self.waited().saturating_sub(before)));
        }
    }

    /// Waits for a first word, for at most this reading time. Returns whether it came.
    pub(super) async fn first_word(&self, patience: Duration) -> bool {
        let mut seen = self.0.subscribe();
        tokio::select! {
            _ = seen.wait_for(|seen| seen.heard) => true,
            () = self.ran_out(patience) => false,
        }
    }

    /// Waits until a `ping` is without an answer for this reading time.
    pub(super) async fn unanswered(&self, patience: Duration) -> ExitClass {
        let mut seen = self.0.subscribe();
        loop {
            let asked = seen.wait_for(|seen| seen.asked > seen.answered).await.map(|seen| seen.asked);
            let Ok(asked) = asked else { std::future::pending().await };
            tokio::select! {
                _ = seen.wait_for(|seen| seen.answered >= asked) => {}
                () = self.ran_out(patience) => return ExitClass::Unresponsive,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Pong;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn pong(id: u64) -> Event {
        Event::Pong(Pong {
            id,
            rss_bytes: None,
            event_loop_lag_ms: None,
            last_frame_age_ms: None,
            last_answer_age_ms: None,
        })
    }

    /// Lets time pass, and says whether a ping is still waited for.
    async fn still_patient(watch: &mut (impl Future<Output = ExitClass> + Unpin), seconds: u64) -> bool {
        tokio::time::timeout(Duration::from_secs(seconds), watch).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_without_an_answer_is_noticed_after_the_patience_and_an_answered_one_never() {
        let signs = Signs::default();
        let mut watch = Box::pin(signs.unanswered(PATIENCE));
        assert!(still_patient(&mut watch, 1_000).await, "nothing was asked");
        signs.asked(1);
        assert!(still_patient(&mut watch, 59).await);
        signs.told(&pong(1));
        assert!(still_patient(&mut watch, 1_000).await);
        signs.asked(2);
        signs.told(&pong(1));
        assert!(still_patient(&mut watch, 59).await);
        signs.asked(3);
        assert!(!still_patient(&mut watch, 2).await, "a further ping gives no further time");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_we_do_not_read_is_not_counted() {
        let signs = Signs::default();
        let mut watch = Box::pin(signs.unanswered(PATIENCE));
        signs.asked(1);
        assert!(still_patient(&mut watch, 30).await);
        signs.reader_waits(true);
        assert!(still_patient(&mut watch, 10_000).await, "it is we who don't read");
        signs.reader_waits(false);
        assert!(still_patient(&mut watch, 20).await);
        assert!(!still_patient(&mut watch, 20).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_word_is_waited_for_in_reading_time() {
        let signs = Signs::default();
        assert!(!signs.first_word(PATIENCE).await);
        signs.heard();
        assert!(signs.first_word(PATIENCE).await);
        let off = tokio::time::timeout(Duration::from_secs(1_000_000), signs.ran_out(Duration::ZERO)).await;
        assert!(off.is_err(), "no patience set: it never runs out");
    }
}
