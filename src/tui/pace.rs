//! When the next picture may be drawn.
//!
//! What an operator does, and how things stand, is drawn at most 60 times a second. What streams by, which is the messages,
//! is drawn no more often than it fits a line of [`LINE`]: the more a picture takes, the later comes the next, so that no
//! rate of messages drowns a slow line, and what nobody could read is skipped.

use std::time::Duration;

use crate::clock::Mono;

/// The shortest time from one picture to the next.
const FRAME: Duration = Duration::from_millis(17);

/// The bytes a second that what streams by may take.
const LINE: u64 = 63_700;

/// What is to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing.
    #[default]
    Nothing,
    /// What streams by.
    Streaming,
    /// Something that is to be seen at once.
    Urgent,
}

/// For how long the line may have been idle before that is forgotten: what a late drawing missed is made up for.
const IDLE: Duration = Duration::from_millis(10);

/// When the next picture may be drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    next: Mono,
    /// The line has carried everything by then.
    free: Mono,
}

impl Pace {
    /// When to draw this. None: there is nothing.
    pub fn at(&self, news: News) -> Option<Mono> {
        match news {
            News::Nothing => None,
            News::Streaming => Some(self.next.max(self.free)),
            News::Urgent => Some(self.next),
        }
    }

    /// Whether a picture that is drawn now may have what streams by.
    pub fn has_room(&self, now: Mono) -> bool {
        self.free <= now
    }

    /// A picture of so many bytes was drawn.
    pub fn drawn(&mut self, bytes: usize, now: Mono) {
        self.next = now.plus(FRAME);
        let time = Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / LINE);
        let idle = Mono::new(now.elapsed().saturating_sub(IDLE));
        self.free = self.free.max(idle).plus(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pictures of so many bytes there are in ten seconds.
    fn pictures(news: News, bytes: usize) -> usize {
        let (mut pace, mut now, mut count) = (Pace::default(), Mono::default(), 0);
        while let Some(at) = pace.at(news).filter(|at| at.since(Mono::default()) < Duration::from_secs(10)) {
            now = now.max(at);
            pace.drawn(bytes, now);
            count += 1;
        }
        count
    }

    #[test]
    fn what_streams_by_never_takes_more_than_the_line_has() {
        assert_eq!(pictures(News::Streaming, 100), 589);
        for bytes in [1_200, 4_000, 30_000] {
            let all = pictures(News::Streaming, bytes) * bytes;
            let most = usize::try_from(LINE * 10).unwrap();
            assert!((most - bytes..=most + bytes + 1_000).contains(&all), "{bytes}: {all}");
        }
    }

    #[test]
    fn what_is_urgent_does_not_wait_for_what_streams_by() {
        assert_eq!(pictures(News::Urgent, 4_000), 589);
        let mut pace = Pace::default();
        pace.drawn(30_000, Mono::default());
        assert_eq!(pace.at(News::Nothing), None);
        let at = pace.at(News::Urgent).unwrap();
        assert_eq!(at, Mono::default().plus(FRAME));
        assert!(!pace.has_room(at) && pace.has_room(pace.at(News::Streaming).unwrap()));
    }
}
