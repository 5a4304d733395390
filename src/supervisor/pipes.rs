//! Reads what a bridge says.

use std::sync::Arc;

use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::Notice;
use super::allowance::Allowance;
use super::paced::Paced;
use super::signs::Signs;
use crate::clock::Clock;
use crate::protocol::{BadLine, Event, Line, LineReader, MAX_LINE_BYTES};
use crate::state::{BridgeNotice, Incarnation};

/// The longest line of stderr that is logged whole.
const MAX_LOG_LINE_BYTES: usize = 4 << 10;

/// What can be left of a bridge that ended: a line that was begun, and what a pipe holds at most, unless its writer has
/// privileges. What is read beyond it comes from another process.
const MAX_LEFT_BYTES: usize = MAX_LINE_BYTES + (1 << 20);

/// A run of characters that looks like a key is at least so long.
const KEY_LENGTH: usize = 32;

/// What a reader of a pipe needs.
pub(super) struct Reading {
    pub(super) incarnation: Incarnation,
    pub(super) notices: mpsc::Sender<Notice>,
    pub(super) signs: Arc<Signs>,
    pub(super) clock: Clock,
}

impl Reading {
    /// Reads events until the pipe ends or is closed, waiting when the engine can't take them.
    pub(super) async fn events(self, pipe: impl AsyncRead + Unpin) {
        let mut lines = LineReader::new(BufReader::with_capacity(16 << 10, Paced::new(pipe)), MAX_LINE_BYTES);
        let (mut log, mut left) = (Allowance::default(), MAX_LEFT_BYTES);
        let closed = self.signs.closed();
        tokio::pin!(closed);
        loop {
            let line = tokio::select! {
                biased;
                () = &mut closed => return,
                line = lines.next() => line,
            };
            if !self.may_read_on(&line, &mut left) {
                return;
            }
            let event = match line {
                Ok(Some(Line::Complete(line))) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(Some(Line::Complete(line))) => Event::decode(line),
                Ok(Some(Line::TooLong(bytes))) => Err(BadLine::TooLong { bytes }),
                Ok(None) => return,
                Err(error) => return tracing::warn!(%error, "reading the bridge's stdout"),
            };
            let notice = match event {
                Ok(event) => {
                    self.signs.told(&event);
                    if let Event::Error(text) = &event
                        && self.may_log(&mut log, text.len())
                    {
                        tracing::warn!(incarnation = %self.incarnation, "the bridge says: {text}");
                    }
                    Notice::Event { incarnation: self.incarnation, event }
                }
                Err(error) => {
                    self.signs.heard();
                    if self.may_log(&mut log, 0) {
                        tracing::warn!(%error, "the bridge's stdout");
                    }
                    Notice::Bridge(BridgeNotice::BadLine { incarnation: self.incarnation, error })
                }
            };
            if !self.hand_over(notice).await {
                return;
            }
        }
    }

    /// Whether this line can be the bridge's. `left` is how much it can have left in the pipe.
    fn may_read_on(&self, line: &std::io::Result<Option<Line<'_>>>, left: &mut usize) -> bool {
        let bytes = match line {
            Ok(Some(Line::Complete(line))) => line.len(),
            // Most of it may have been read before the end.
            Ok(Some(Line::TooLong(_)) | None) | Err(_) => 0,
        };
        if self.signs.has_ended() {
            *left = left.saturating_sub(bytes + 1);
        }
        *left > 0
    }

    /// Hands a notice to the engine. Returns false when there is none any more.
    async fn hand_over(&self, notice: Notice) -> bool {
        match self.notices.try_send(notice) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(notice)) => {
                self.signs.reader_waits(true);
                let sent = self.notices.send(notice).await;
                self.signs.reader_waits(false);
                sent.is_ok()
            }
        }
    }

    /// Logs what the bridge writes to stderr, until the pipe ends or is closed. It is read on when nothing more may be logged.
    pub(super) async fn log(self, pipe: impl AsyncRead + Unpin) {
        let mut lines = LineReader::new(BufReader::with_capacity(4 << 10, pipe), MAX_LOG_LINE_BYTES);
        let (mut log, mut left) = (Allowance::default(), MAX_LEFT_BYTES);
        let closed = self.signs.closed();
        tokio::pin!(closed);
        loop {
            let line = tokio::select! {
                () = &mut closed => break,
                line = lines.next() => line,
            };
            if !self.may_read_on(&line, &mut left) {
                break;
            }
            let Ok(Some(line)) = line else { break };
            match line {
                Line::Complete(line) => {
                    let line = line.strip_prefix(b"[bridge] ").unwrap_or(line);
                    let detail = line.strip_prefix(b"debug: ");
                    // What is not logged uses up nothing of what may be.
                    if detail.is_some() && !tracing::enabled!(target: "bridge", tracing::Level::DEBUG) {
                        continue;
                    }
                    if self.may_log(&mut log, line.len()) {
                        match detail {
                            Some(detail) => tracing::debug!(target: "bridge", "{}", redacted(detail)),
                            None => tracing::info!(target: "bridge", "{}", redacted(line)),
                        }
                    }
                }
                Line::TooLong(bytes) => {
                    if self.may_log(&mut log, 0) {
                        tracing::info!(target: "bridge", bytes, "a line too long to be logged");
                    }
                }
            }
        }
        self.tell_left_out(log.left_out());
    }

    /// Whether a line of so many bytes may be logged. Says first how many could not before.
    fn may_log(&self, log: &mut Allowance, bytes: usize) -> bool {
        match log.take(self.clock.now().mono, bytes) {
            Some(left_out) => {
                self.tell_left_out(left_out);
                true
            }
            None => false,
        }
    }

    fn tell_left_out(&self, lines: u64) {
        if lines > 0 {
            tracing::warn!(lines, "the bridge writes too much to be logged; lines were left out");
            // Not waited for: stderr is read whether or not the engine takes anything.
            let _ = self.notices.try_send(Notice::Bridge(BridgeNotice::LogDropped { lines }));
        }
    }
}

/// The text with control characters made visible and whatever looks like a key taken out.
///
/// A bridge must not write secrets there, but libraries have been seen to.
fn redacted(line: &[u8]) -> String {
    let text = &String::from_utf8_lossy(line);
    let of_a_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '@');
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
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
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::time::timeout;

    use super::*;
    use crate::state::ExitClass;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// No process, no pipe of the system: the clock may be paused.
    #[tokio::test(start_paused = true)]
    async fn a_bridge_whose_answer_we_do_not_take_is_not_blamed() {
        let (notices, mut told) = mpsc::channel(1);
        let signs = Arc::new(Signs::default());
        let reading =
            Reading { incarnation: Incarnation(1), notices, signs: Arc::clone(&signs), clock: Clock::start() };
        let (mut bridge, pipe) = tokio::io::duplex(1 << 10);
        let reader = tokio::spawn(reading.events(pipe));
        let mut lifeless = Box::pin(signs.unanswered(Duration::from_secs(60)));
        signs.asked(1);
        bridge.write_all(b"{\"type\":\"ready\"}\n{\"type\":\"ready\"}\n{\"type\":\"pong\",\"id\":1}\n").await.unwrap();
        assert!(timeout(HOUR, &mut lifeless).await.is_err(), "the second event finds no room, the answer is behind it");
        for _ in 0..3 {
            told.recv().await.unwrap();
        }
        signs.asked(2);
        assert_eq!(timeout(HOUR, &mut lifeless).await, Ok(ExitClass::Unresponsive), "now it is the bridge's turn");
        drop(bridge);
        reader.await.unwrap();
    }

    #[test]
    fn keys_are_taken_out_of_logged_lines_and_words_are_left() {
        let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
        assert_eq!(redacted(format!("Closing session: {key}, done").as_bytes()), "Closing session: [redacted], done");
        assert_eq!(
            redacted(b"connection to wss://web.whatsapp.com closed: 428"),
            "connection to wss://web.whatsapp.com closed: 428"
        );
        assert_eq!(redacted(b"a\x1b[31mb"), "a\u{fffd}[31mb");
        assert_eq!(redacted(b""), "");
    }

    /// Where lines of the log get to, each with its level.
    #[derive(Clone, Default)]
    struct Logged(Arc<std::sync::Mutex<Vec<(tracing::Level, String)>>>);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Logged {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            let mut text = String::new();
            event.record(&mut |_: &tracing::field::Field, value: &dyn std::fmt::Debug| text = format!("{value:?}"));
            self.0.lock().unwrap().push((*event.metadata().level(), text));
        }
    }

    #[tokio::test]
    async fn details_are_logged_as_such_and_take_no_room_where_they_are_not() {
        use tracing::Level;
        use tracing_subscriber::Layer as _;
        use tracing_subscriber::filter::LevelFilter;
        use tracing_subscriber::layer::SubscriberExt;
        // More details than may be logged at once.
        let details = "[bridge] debug: Closing session:\n".repeat(2_000);
        let said = format!("{details}[bridge] the connection was lost\nof another kind\n");
        for level in [LevelFilter::INFO, LevelFilter::DEBUG] {
            let logged = Logged::default();
            let subscriber = tracing_subscriber::registry().with(logged.clone().with_filter(level));
            let _guard = tracing::subscriber::set_default(subscriber);
            let (notices, _told) = mpsc::channel(1);
            let signs = Arc::new(Signs::default());
            let reading = Reading { incarnation: Incarnation(1), notices, signs, clock: Clock::start() };
            reading.log(said.as_bytes()).await;
            let lines = logged.0.lock().unwrap().clone();
            if level == LevelFilter::INFO {
                let told = ["the connection was lost", "of another kind"];
                assert_eq!(lines, told.map(|text| (Level::INFO, text.to_owned())));
            } else {
                assert_eq!(lines.first(), Some(&(Level::DEBUG, "Closing session:".to_owned())));
                assert!(lines.len() < 2_000, "they are bounded as all is");
            }
        }
    }
}
