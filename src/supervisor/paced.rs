//! Reads a pipe no more often than is of use: what is written piece by piece is read together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The shortest time between two reads. A read, and the commit of what it brings, cost nearly the same for one line and
/// for five: 0.3 ms of a core. Longer pauses would be seen: what comes in is later on the screen by as much.
const PAUSE: Duration = Duration::from_millis(2);

/// A read of so many bytes is followed by the next one at once: more waits already, and whoever writes may wait as well.
const MANY_BYTES: usize = 4 << 10;

/// A pipe with pauses between reads that brought little. The first read after a pause of the writer is not held up.
pub(super) struct Paced<R> {
    pipe: R,
    pause: Pin<Box<Sleep>>,
    pausing: bool,
}

impl<R> Paced<R> {
    pub(super) fn new(pipe: R) -> Self {
        Self { pipe, pause: Box::pin(tokio::time::sleep(Duration::ZERO)), pausing: false }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Paced<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.pausing {
            ready!(self.pause.as_mut().poll(context));
            self.pausing = false;
        }
        let before = to.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(context, to))?;
        let bytes = to.filled().len() - before;
        // Nothing is the end.
        if (1..MANY_BYTES).contains(&bytes) {
            self.pause.as_mut().reset(Instant::now() + PAUSE);
            self.pausing = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_written_soon_after_is_read_together_and_what_comes_after_a_rest_at_once() {
        let (mut writer, pipe) = tokio::io::duplex(64 << 10);
        let mut pipe = Paced::new(pipe);
        let mut buffer = [0; 16 << 10];
        let start = Instant::now();
        writer.write_all(b"first").await.unwrap();
        assert_eq!(pipe.read(&mut buffer).await.unwrap(), 5);
        assert_eq!(start.elapsed(), Duration::ZERO);

        writer.write_all(b"second").await.unwrap();
        let (read, written) = tokio::join!(pipe.read(&mut buffer), async {
            tokio::time::sleep(PAUSE / 2).await;
            writer.write_all(b"third").await
        });
        written.unwrap();
        assert_eq!(read.unwrap(), 11);
        // To the millisecond, as timers are.
        assert!(start.elapsed() >= PAUSE && start.elapsed() < 2 * PAUSE);

        tokio::time::sleep(10 * PAUSE).await;
        let rested = Instant::now();
        writer.write_all(b"fourth").await.unwrap();
        assert_eq!(pipe.read(&mut buffer).await.unwrap(), 6);
        assert_eq!(rested.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_read_without_pauses() {
        let (mut writer, pipe) = tokio::io::duplex(64 << 10);
        let mut pipe = Paced::new(pipe);
        writer.write_all(&[b'x'; 3 * MANY_BYTES]).await.unwrap();
        drop(writer);
        let start = Instant::now();
        let mut buffer = [0; MANY_BYTES];
        for _ in 0..3 {
            assert_eq!(pipe.read(&mut buffer).await.unwrap(), MANY_BYTES);
        }
        assert_eq!(pipe.read(&mut buffer).await.unwrap(), 0);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
