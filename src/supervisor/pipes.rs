//! Reads what a bridge says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;

use super::Notice;
use crate::protocol::{BadLine, Event, Line, LineReader, MAX_LINE_BYTES};
use crate::state::{BridgeNotice, Incarnation};

/// The longest line of stderr that is logged whole.
const MAX_LOG_LINE_BYTES: usize = 4 << 10;

/// A run of characters that looks like a key is at least so long.
const KEY_LENGTH: usize = 32;

/// What can be seen of a reader from outside.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Lines read.
    lines: AtomicU64,
    /// It waits for the engine, not for the bridge.
    waiting: AtomicBool,
}

impl Progress {
    /// Whether the reader did something since it was last asked, or can't because of the engine.
    pub(super) fn moved(&self, last: &mut u64) -> bool {
        let lines = self.lines.load(Ordering::Relaxed);
        std::mem::replace(last, lines) != lines || self.waiting.load(Ordering::Relaxed)
    }
}

/// Reads events until the pipe ends, waiting when the engine can't take them.
pub(super) async fn read_events(
    pipe: impl AsyncRead + Unpin,
    incarnation: Incarnation,
    notices: mpsc::Sender<Notice>,
    progress: Arc<Progress>,
) {
    let mut lines = LineReader::new(BufReader::with_capacity(16 << 10, pipe), MAX_LINE_BYTES);
    loop {
        let event = match lines.next().await {
            Ok(Some(Line::Complete(line))) if line.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(Some(Line::Complete(line))) => Event::decode(line),
            Ok(Some(Line::TooLong(bytes))) => Err(BadLine::TooLong { bytes }),
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "reading the bridge's stdout"),
        };
        let notice = match event {
            Ok(event) => Notice::Event { incarnation, event },
            Err(error) => {
                tracing::warn!(%error, "the bridge's stdout");
                Notice::Bridge(BridgeNotice::BadLine { incarnation, error })
            }
        };
        progress.lines.fetch_add(1, Ordering::Relaxed);
        progress.waiting.store(true, Ordering::Relaxed);
        if notices.send(notice).await.is_err() {
            return;
        }
        progress.waiting.store(false, Ordering::Relaxed);
    }
}

/// Logs what the bridge writes to stderr, until the pipe ends.
pub(super) async fn log_stderr(pipe: impl AsyncRead + Unpin) {
    let mut lines = LineReader::new(BufReader::with_capacity(4 << 10, pipe), MAX_LOG_LINE_BYTES);
    while let Ok(Some(line)) = lines.next().await {
        match line {
            Line::Complete(line) => {
                let text = redacted(&String::from_utf8_lossy(line));
                tracing::info!(target: "bridge", "{}", text.strip_prefix("[bridge] ").unwrap_or(&text));
            }
            Line::TooLong(bytes) => tracing::info!(target: "bridge", bytes, "a line too long to be logged"),
        }
    }
}

/// The text with control characters made visible and whatever looks like a key taken out.
///
/// A bridge must not write secrets there, but libraries have been seen to.
fn redacted(text: &str) -> String {
    let of_a_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '@');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = rest.find(|c| of_a_key(c) != of_a_key(first)).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(run);
        let looks_like_a_key = of_a_key(first)
            && part.len() >= KEY_LENGTH
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic());
        if looks_like_a_key {
            out.push_str("[redacted]");
        } else {
            out.extend(part.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        }
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out_of_logged_lines_and_words_are_left() {
        let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
        assert_eq!(redacted(&format!("Closing session: {key}, done")), "Closing session: [redacted], done");
        assert_eq!(
            redacted("connection to wss://web.whatsapp.com closed: 428"),
            "connection to wss://web.whatsapp.com closed: 428"
        );
        assert_eq!(redacted("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(redacted(""), "");
    }
}
