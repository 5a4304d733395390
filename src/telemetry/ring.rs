//! The last lines of the log, for the console.
//!
//! * It holds at most 200 lines and 24 kB of text; older lines go.
//! * It holds nothing that is not in the log's file as well.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::{Clock, Timestamp};

/// How many lines it holds at most.
const LINES: usize = 200;

/// How many bytes of text it holds at most.
const BYTES: usize = 24 << 10;

/// How many bytes of one line it keeps.
const LINE_BYTES: usize = 480;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// How important it is.
    pub level: Level,
    /// Where it comes from: `bridge` is the bridge's stderr.
    pub target: &'static str,
    /// What, at most 480 bytes of it. It may hold anything: it is to be sanitized before it is drawn.
    pub text: String,
}

/// The last lines of the log.
#[derive(Debug)]
pub struct Ring {
    clock: Clock,
    lines: Mutex<Lines>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Ring {
    /// An empty one.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, lines: Mutex::default(), news: watch::Sender::new(0) })
    }

    /// Looks at the lines, the oldest first. `look` must be quick and log nothing.
    pub fn look<T>(&self, look: impl FnOnce(&VecDeque<Line>) -> T) -> T {
        look(&self.lock().lines)
    }

    /// Changes with each line, to the number of lines that there have been.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, line: Line) {
        let mut inner = self.lock();
        inner.bytes += line.text.len();
        inner.lines.push_back(line);
        while inner.lines.len() > LINES || inner.bytes > BYTES {
            let Some(gone) = inner.lines.pop_front() else { break };
            inner.bytes = inner.bytes.saturating_sub(gone.text.len());
        }
        drop(inner);
        self.news.send_modify(|n| *n += 1);
    }
}

/// Puts what is logged into a ring.
#[derive(Debug)]
pub(super) struct RingLayer(pub(super) Arc<Ring>);

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        self.0.push(Line {
            at: self.0.clock.now().wall,
            level: *metadata.level(),
            target: metadata.target(),
            text: text.finish(),
        });
    }
}

/// The message, then the fields, as in the file.
#[derive(Default)]
struct Text {
    message: Bounded,
    fields: Bounded,
}

impl Text {
    fn finish(self) -> String {
        let mut all = self.message;
        if !self.fields.0.is_empty() {
            let _ = write!(all, "{}{}", if all.0.is_empty() { "" } else { " " }, self.fields.0);
        }
        all.0
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let gap = if self.fields.0.is_empty() { "" } else { " " };
            let _ = write!(self.fields, "{gap}{}={value:?}", field.name());
        }
    }
}

/// A text that grows no longer than a line is kept.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LINE_BYTES.saturating_sub(self.0.len());
        let fits = text.chars().scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= room).then_some(c)
        });
        self.0.extend(fits);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn it_keeps_the_last_lines_and_no_more_than_its_bytes() {
        let ring = Ring::new(Clock::start());
        let subscriber = tracing_subscriber::registry().with(RingLayer(Arc::clone(&ring)));
        let news = ring.watch();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "bridge", code = 7, "it \u{1b}[31m ended");
            for n in 0..500 {
                tracing::info!("line {n}");
            }
        });
        assert_eq!(*news.borrow(), 501);
        assert_eq!(ring.look(|lines| (lines.len(), lines[199].text.clone())), (200, "line 499".to_owned()));
        let subscriber = tracing_subscriber::registry().with(RingLayer(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..100 {
                tracing::info!("{}", "é".repeat(5_000));
            }
            tracing::warn!(target: "bridge", code = 7, "it ended");
        });
        ring.look(|lines| {
            assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= BYTES);
            let last = lines.back().unwrap();
            assert_eq!((last.target, last.level, &*last.text), ("bridge", Level::WARN, "it ended code=7"));
        });
    }
}
