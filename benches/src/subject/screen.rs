//! What a terminal has been given, as it shows it.

use std::io::Read;
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use vt100::Parser;

use super::qr;
use crate::roles::{Line, stamp};

/// How each drawing of the console ends: the cursor is shown, or hidden.
const END_OF_FRAME: &[u8] = b"\x1b[?25";

/// A terminal that a thread of its own reads for.
pub struct Screen {
    seen: Mutex<Seen>,
    news: Condvar,
}

/// A message that the screen shows, and when it did first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Painted {
    /// The message.
    pub line: Line,
    /// When it was painted, in microseconds since 1970.
    pub at: u64,
}

/// What came so far.
pub struct Seen {
    parser: Parser,
    /// How many bytes.
    pub bytes: u64,
    /// How many drawings.
    pub frames: u64,
    /// Messages in the order in which they were painted. Those that no frame has shown are not in it.
    pub painted: Vec<Painted>,
    notes: bool,
    rest: Vec<u8>,
    ended: bool,
}

impl Screen {
    /// Reads what a program draws, until it ends.
    ///
    /// # Errors
    /// There is no terminal of that size.
    pub fn watch(mut output: Box<dyn Read + Send>, columns: u16, rows: u16) -> anyhow::Result<Arc<Self>> {
        let of = |n| NonZeroU16::new(n).context("a size is not zero");
        let seen = Mutex::new(Seen::new(Parser::new(of(rows)?, of(columns)?, 0)));
        let screen = Arc::new(Self { seen, news: Condvar::new() });
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            loop {
                let n = output.read(&mut buffer).unwrap_or(0);
                shared.lock().take(&buffer[..n]);
                shared.news.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Ok(screen)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what came so far.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.lock())
    }

    /// From now on messages are noted as they are painted.
    pub fn note_messages(&self) {
        self.lock().notes = true;
    }

    /// Waits until it is as wanted. None: it ended before, or patience did.
    pub fn until<T>(&self, patience: Duration, mut look: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        let mut seen = self.lock();
        loop {
            if let Some(found) = look(&seen) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if seen.ended || left.is_zero() {
                return None;
            }
            seen = self.news.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Seen {
    fn new(parser: Parser) -> Self {
        Self { parser, bytes: 0, frames: 0, painted: vec![], notes: false, rest: vec![], ended: false }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.bytes += bytes.len() as u64;
        self.ended = bytes.is_empty();
        self.rest.extend_from_slice(bytes);
        self.frames += self.rest.windows(END_OF_FRAME.len()).filter(|part| *part == END_OF_FRAME).count() as u64;
        self.rest.drain(..self.rest.len().saturating_sub(END_OF_FRAME.len() - 1));
        if self.notes {
            self.note(stamp());
        }
    }

    fn note(&mut self, at: u64) {
        let (screen, last) = (self.parser.screen(), self.painted.last().map_or(0, |painted| painted.line.n));
        let (_, columns) = screen.size();
        let mut new = Vec::new();
        for row in screen.rows(0, columns.get()) {
            let mut rest = row.as_str();
            while let Some((line, behind)) = Line::find(rest) {
                new.extend((line.n > last).then_some(Painted { line, at }));
                rest = behind;
            }
        }
        new.sort_by_key(|painted| painted.line.n);
        new.dedup_by_key(|painted| painted.line.n);
        self.painted.append(&mut new);
    }

    /// The text on the screen.
    pub fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    /// Whether there is what looks like a QR.
    pub fn has_qr(&self) -> bool {
        qr::is_drawn(self.parser.screen())
    }

    /// What the QR says.
    pub fn qr(&self) -> Option<String> {
        qr::read(self.parser.screen())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen { notes: true, ..Seen::new(Parser::new(NonZeroU16::new(40).unwrap(), NonZeroU16::new(120).unwrap(), 0)) }
    }

    #[test]
    fn frames_and_bytes_are_counted_across_reads() {
        let mut seen = seen();
        for part in ["a\x1b[?2", "5l", "b\x1b[?25hc\x1b[?25l"] {
            seen.take(part.as_bytes());
        }
        assert_eq!((seen.frames, seen.bytes), (3, 21));
    }

    #[test]
    fn messages_are_noted_once_when_they_are_painted() {
        let mut seen = seen();
        let mut text = String::new();
        for n in [1, 2] {
            Line { n, at: 1_000 * n }.push(&crate::roles::Vocabulary::new(), 1, &mut text);
        }
        let bodies: Vec<_> = text.lines().map(|line| line.split_once("body\":\"").unwrap().1).collect();
        seen.take(bodies[0].as_bytes());
        seen.take(format!("\r\n{}", bodies[1]).as_bytes());
        seen.take(b"x");
        let noted: Vec<_> = seen.painted.iter().map(|painted| painted.line).collect();
        assert_eq!(noted, [Line { n: 1, at: 1_000 }, Line { n: 2, at: 2_000 }]);
    }
}
