//! The last lines of the log, for consoles.
//!
//! * It holds at most 200 lines and 24 kB of text; older lines go.
//! * It holds nothing that is not in the log's file as well, but where lines are missing that were not told in time.
//! * A console of another process has a ring of its own, into which it takes the [`Part`]s that it is told.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
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

/// The origin of what is said about lines that are missing.
const MISSING: &str = "log";

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// How important it is.
    #[serde(with = "level")]
    pub level: Level,
    /// Where it comes from: `bridge` is the bridge's stderr.
    pub target: Cow<'static, str>,
    /// What, at most 480 bytes of it. It may hold anything: it is to be sanitized before it is drawn.
    pub text: String,
}

impl Line {
    /// It is not of the log, and says that lines are missing in its place.
    pub fn is_gap(&self) -> bool {
        self.target == MISSING
    }
}

/// Lines of a log, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which log: when its process began it.
    pub of: Timestamp,
    /// How many lines there were in it before these.
    pub before: u64,
    /// The lines, the oldest first.
    pub lines: Vec<Line>,
}

/// The last lines of the log.
#[derive(Debug)]
pub struct Ring {
    clock: Clock,
    began: Timestamp,
    lines: Mutex<Lines>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<Line>,
    bytes: usize,
    /// How many lines there have been.
    count: u64,
    /// Of which log it has been told, and how many lines there were in that.
    told: Option<(Timestamp, u64)>,
}

impl Lines {
    fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        self.count += 1;
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(gone.text.len());
        }
    }
}

impl Ring {
    /// An empty one.
    pub fn new(clock: Clock) -> Arc<Self> {
        let began = clock.now().wall;
        Arc::new(Self { clock, began, lines: Mutex::default(), news: watch::Sender::new(0) })
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
        inner.push(line);
        let count = inner.count;
        drop(inner);
        self.news.send_replace(count);
    }

    /// The lines that came after the first so many, as far as they are still held.
    pub fn since(&self, count: u64) -> Part {
        let inner = self.lock();
        let first = inner.count.saturating_sub(inner.lines.len() as u64);
        let skip = usize::try_from(count.saturating_sub(first)).unwrap_or(usize::MAX);
        Part { of: self.began, before: first.max(count), lines: inner.lines.iter().skip(skip).cloned().collect() }
    }

    /// Takes in what came in another process's log. What is here already is not taken twice, and where lines are missing
    /// that came since the last part, it is said.
    pub fn take(&self, part: Part) {
        let mut inner = self.lock();
        let end = part.before.saturating_add(part.lines.len() as u64);
        let known = inner.told.filter(|(of, _)| *of == part.of).map(|(_, count)| count);
        let missing = known.map_or(0, |count| part.before.saturating_sub(count));
        let skip = known.map_or(0, |count| count.saturating_sub(part.before));
        if missing > 0
            && let Some(next) = part.lines.first()
        {
            let text = match missing {
                1 => "a line is missing here; the log's file has it".to_owned(),
                n => format!("{n} lines are missing here; the log's file has them"),
            };
            inner.push(Line { at: next.at, level: Level::WARN, target: MISSING.into(), text });
        }
        part.lines.into_iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).for_each(|line| inner.push(line));
        inner.told = Some((part.of, end.max(known.unwrap_or(0))));
        let count = inner.count;
        drop(inner);
        self.news.send_if_modified(|known| std::mem::replace(known, count) != count);
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
            target: Cow::Borrowed(metadata.target()),
            text: text.finish(),
        });
    }
}

/// A level by its name.
mod level {
    use serde::{Deserialize, Deserializer, Serializer};
    use tracing::Level;

    pub(super) fn serialize<S: Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(level.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| serde::de::Error::custom("it is no level"))
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
            assert_eq!((&*last.target, last.level, &*last.text), ("bridge", Level::WARN, "it ended code=7"));
        });
    }

    fn line(text: impl ToString) -> Line {
        Line { at: Timestamp::default(), level: Level::INFO, target: "bridge".into(), text: text.to_string() }
    }

    fn texts(ring: &Ring) -> Vec<String> {
        ring.look(|lines| lines.iter().map(|line| line.text.clone()).collect())
    }

    #[test]
    fn another_process_is_told_each_line_once_and_where_some_are_missing() {
        let [here, there] = [Ring::new(Clock::start()), Ring::new(Clock::start())];
        let news = there.watch();
        (0..3).for_each(|n| here.push(line(n)));
        there.take(here.since(0));
        assert_eq!((texts(&there), *news.borrow()), (texts(&here), 3));
        // As after a line that broke: all is told again, and some of it is new.
        here.push(line(3));
        there.take(here.since(0));
        assert_eq!((texts(&there), *news.borrow()), (texts(&here), 4));
        there.take(here.since(4));
        assert_eq!(*news.borrow(), 4);
        // More came than is held.
        (0..250).for_each(|n| here.push(line(n)));
        let part = here.since(4);
        assert_eq!((part.before, part.lines.len()), (54, 200));
        let over_the_line = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&over_the_line).unwrap(), part);
        there.take(Part { lines: part.lines[..2].to_vec(), ..part });
        let told = texts(&there);
        assert_eq!(told[4..], ["50 lines are missing here; the log's file has them", "50", "51"]);
        assert!(there.look(|lines| lines.iter().filter(|line| line.is_gap()).count()) == 1);
    }

    #[test]
    fn the_log_of_a_process_that_was_started_again_comes_after_that_of_the_one_before() {
        let there = Ring::new(Clock::start());
        let part = |of, text: &str| Part { of: Timestamp::from_millis(of), before: 7, lines: vec![line(text)] };
        there.take(part(1, "before"));
        there.take(part(2, "after"));
        there.take(Part { before: 6, lines: vec![line("older"), line("after")], ..part(2, "") });
        assert_eq!(texts(&there), ["before", "after"]);
    }
}
