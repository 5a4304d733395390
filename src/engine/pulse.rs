//! Whether the engine's loop still turns, found out by asking it.
//!
//! A level on each side, no queue: however many ask, the loop answers all of them at once, at its next turn. It
//! answers while it waits for the disk as well. A loop that nobody asks is not woken.

use std::time::Duration;

use tokio::sync::watch;

/// The loop did not answer in time, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine does not answer")]
pub struct NoPulse;

/// For asking whether an engine's loop turns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse {
    asked: watch::Sender<u64>,
    answered: watch::Receiver<u64>,
}

/// The loop's end.
#[derive(Debug)]
pub(crate) struct Beat {
    asked: watch::Receiver<u64>,
    answered: watch::Sender<u64>,
}

pub(crate) fn pulse() -> (Pulse, Beat) {
    let (asked, asked_rx) = watch::channel(0);
    let (answered_tx, answered) = watch::channel(0);
    (Pulse { asked, answered }, Beat { asked: asked_rx, answered: answered_tx })
}

impl Pulse {
    /// Asks the loop, and waits until it has turned once since.
    ///
    /// # Errors
    /// [`NoPulse`] when that takes longer than `patience`, or when the loop has ended.
    pub async fn felt(&self, patience: Duration) -> Result<(), NoPulse> {
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let mut answered = self.answered.clone();
        match tokio::time::timeout(patience, answered.wait_for(|answered| *answered >= number)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NoPulse),
        }
    }
}

impl Beat {
    /// Answers whoever has asked since the last time.
    pub(crate) fn answer(&mut self) {
        if self.asked.has_changed().unwrap_or(false) {
            self.answered.send_replace(*self.asked.borrow_and_update());
        }
    }

    /// Waits until somebody asks; for ever when nobody can any more. Cancel-safe.
    pub(crate) async fn wanted(&mut self) {
        // Left unseen: `answer` looks for it.
        if self.asked.changed().await.is_ok() {
            self.asked.mark_changed();
        } else {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_turns_answers_everyone_and_one_that_stands_or_has_ended_nobody() {
        let (pulse, mut beat) = pulse();
        assert_eq!(pulse.felt(PATIENCE).await, Err(NoPulse), "it stands");
        beat.answer();
        assert_eq!(pulse.felt(PATIENCE).await, Err(NoPulse), "what was answered before is no answer");
        let other = pulse.clone();
        let turning = tokio::spawn(async move {
            loop {
                beat.wanted().await;
                beat.answer();
            }
        });
        assert_eq!(tokio::join!(pulse.felt(PATIENCE), other.felt(PATIENCE)), (Ok(()), Ok(())));
        turning.abort();
        assert!(turning.await.is_err());
        assert_eq!(pulse.felt(Duration::MAX).await, Err(NoPulse), "it has ended");
    }
}
