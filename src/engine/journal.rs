//! The numbered events that programs follow, read from the disk.
//!
//! * It has a connection of its own, opened at the first use: who reads here never holds up the engine.
//! * One page is read at a time, in the order in which they are asked for. However many follow, they take one thread.
//! * When there may be more is known by the feed: see [`Feed::watch`](super::Feed::watch).

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use crate::store::{JournalPage, Reader};

/// The journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(String);

/// For reading the journal. Share it: what comes from it takes turns.
#[derive(Debug)]
pub struct Journal {
    engines: Reader,
    own: OnceCell<Reader>,
    turn: Arc<Semaphore>,
}

impl Journal {
    pub(super) fn new(engines: Reader) -> Self {
        Self { engines, own: OnceCell::new(), turn: Arc::new(Semaphore::new(1)) }
    }

    /// The highest number that was ever given; 0: none yet.
    ///
    /// # Errors
    /// Why the journal can't be read.
    pub async fn head(&self) -> Result<u64, JournalError> {
        self.read(|reader| reader.journal_head().map_err(|error| JournalError(error.to_string()))).await
    }

    /// The rows after `seq`: at most `limit`, and none more once they have so many bytes of text.
    ///
    /// # Errors
    /// Why the journal can't be read.
    pub async fn after(&self, seq: u64, limit: usize, bytes: usize) -> Result<JournalPage, JournalError> {
        let look = move |reader: &Reader| reader.journal_after(seq, limit, bytes);
        self.read(move |reader| look(reader).map_err(|error| JournalError(error.to_string()))).await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let gone = |_| JournalError("the gateway is stopping".to_owned());
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| gone(()))?;
        let reader = self
            .own
            .get_or_try_init(async || {
                let engines = self.engines.clone();
                let opened = tokio::task::spawn_blocking(move || engines.another());
                opened.await.map_err(|_| gone(()))?.map_err(|error| JournalError(error.to_string()))
            })
            .await?
            .clone();
        let reading = tokio::task::spawn_blocking(move || {
            let found = look(&reader);
            // Also when nobody waits for it any more, it is at its end only now.
            drop(turn);
            found
        });
        reading.await.map_err(|_| gone(()))?
    }
}
