//! The newest events, serialized once for all streams.

use std::collections::VecDeque;

use super::frame::{Frame, gap};
use crate::clock::Timestamp;
use crate::state::{EventFilter, Missing};

/// How many events are held at most.
const FRAMES: usize = 512;

/// How many bytes of events are held at most; one event more, however large.
const BYTES: usize = 512 << 10;

/// How many bytes of text a stream is given at once; an event more, however large.
pub(super) const CHUNK_BYTES: usize = 16 << 10;

/// Everything from `from` (exclusive) to `head`, as far as it is in the journal.
#[derive(Debug, Default)]
pub(super) struct Ring {
    from: u64,
    head: u64,
    bytes: usize,
    frames: VecDeque<Frame>,
}

impl Ring {
    /// Empty, and up to here.
    pub(super) fn at(head: u64) -> Self {
        Self { from: head, head, ..Self::default() }
    }

    /// The number of the last event, whether it is held or not.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// Adds the next event.
    pub(super) fn push(&mut self, frame: Frame) {
        self.head = frame.seq;
        self.bytes += frame.text.len();
        self.frames.push_back(frame);
        while self.frames.len() > FRAMES || self.bytes > BYTES && self.frames.len() > 1 {
            let Some(old) = self.frames.pop_front() else { break };
            self.bytes -= old.text.len();
            self.from = old.seq;
        }
    }

    /// What comes after the cursor, as far as it fits; none: that is not held, and has to be read.
    pub(super) fn after(&self, cursor: &mut Cursor, filter: &EventFilter, now: Timestamp) -> Option<Vec<u8>> {
        if cursor.at < self.from {
            return None;
        }
        let first = self.frames.partition_point(|frame| frame.seq <= cursor.at);
        Some(cursor.pass(self.frames.range(first..), filter, now))
    }
}

/// A stream's place in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Everything up to this number was told, or was not wanted, or can't be told.
    pub(super) at: u64,
    /// The last number that the client was told.
    pub(super) told: u64,
}

impl Cursor {
    /// At this number, which the client knows.
    pub(super) fn new(at: u64) -> Self {
        Self { at, told: at }
    }

    /// Goes over these events in their order, and returns what to send, for as long as it fits.
    pub(super) fn pass<'a>(
        &mut self,
        frames: impl IntoIterator<Item = &'a Frame>,
        filter: &EventFilter,
        now: Timestamp,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for frame in frames {
            if out.len() >= CHUNK_BYTES {
                break;
            }
            // Numbers grow by one: what is missing was deleted, and may have been wanted.
            if frame.seq > self.at.saturating_add(1) {
                out.extend(self.skip(frame.seq - 1, Missing::Retention, now));
            }
            self.at = frame.seq;
            if filter.wants(&frame.kind, frame.chat.as_ref()) {
                out.extend_from_slice(&frame.text);
                self.told = frame.seq;
            }
        }
        out
    }

    /// Goes to this number, and returns the event that says that what is between can't be told.
    pub(super) fn skip(&mut self, upto: u64, why: Missing, now: Timestamp) -> Vec<u8> {
        let text = gap(self.at, upto, why, now);
        *self = Self::new(upto);
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::JournalRow;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn frame(seq: u64, bytes: usize) -> Frame {
        let (kind, payload) = ("message.received".to_owned(), format!("{{\"x\":\"{}\"}}", "x".repeat(bytes)));
        Frame::from(JournalRow { seq, at: NOW, kind, version: 1, chat: Some("a@g.us".into()), payload })
    }

    fn ids(text: &[u8]) -> Vec<(u64, bool)> {
        let text = std::str::from_utf8(text).unwrap();
        let events = text.split_terminator("\n\n");
        let of = |event: &str| event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap();
        events.map(|event| (of(event), event.contains("event: gap\n"))).collect()
    }

    #[test]
    fn a_cursor_within_the_ring_gets_what_comes_after_it_and_one_behind_has_to_read() {
        let mut ring = Ring::at(3);
        (4..=6).for_each(|seq| ring.push(frame(seq, 1)));
        let all = EventFilter::default();
        let mut cursor = Cursor::new(4);
        assert_eq!(ids(&ring.after(&mut cursor, &all, NOW).unwrap()), [(5, false), (6, false)]);
        assert_eq!(cursor, Cursor::new(6));
        assert_eq!(ring.after(&mut cursor, &all, NOW).map(|text| ids(&text)), Some(vec![]), "up to date");
        assert_eq!(ring.after(&mut Cursor::new(2), &all, NOW), None);
        assert_eq!(ring.after(&mut Cursor::new(9), &all, NOW).map(|text| ids(&text)), Some(vec![]), "ahead");
    }

    #[test]
    fn what_is_held_is_bounded_in_number_and_in_bytes() {
        for (bytes, most) in [(1, FRAMES), (100_000, 5), (1 << 20, 1)] {
            let mut ring = Ring::default();
            (1..=600).for_each(|seq| ring.push(frame(seq, bytes)));
            assert_eq!((ring.frames.len(), ring.head, ring.from), (most, 600, 600 - most as u64));
            assert_eq!(ring.bytes, ring.frames.iter().map(|frame| frame.text.len()).sum::<usize>());
        }
    }

    #[test]
    fn a_stream_is_given_a_bounded_piece_at_once() {
        let frames: Vec<_> = (1..=10).map(|seq| frame(seq, CHUNK_BYTES / 2)).collect();
        let mut cursor = Cursor::default();
        let piece = cursor.pass(&frames, &EventFilter::default(), NOW);
        assert_eq!((ids(&piece), cursor.at), (vec![(1, false), (2, false)], 2));
    }

    #[test]
    fn missing_numbers_are_a_gap_also_for_who_wants_little() {
        let frames = [frame(5, 1), frame(6, 1), frame(9, 1)];
        let mut cursor = Cursor::new(2);
        assert_eq!(
            ids(&cursor.pass(&frames, &EventFilter::default(), NOW)),
            [(4, true), (5, false), (6, false), (8, true), (9, false)]
        );
        let uri = "/events?type=link.qr".parse().unwrap();
        let little = super::super::filter::Wanted::of(&uri, &axum::http::HeaderMap::new()).unwrap().filter;
        let mut cursor = Cursor::new(2);
        assert_eq!(ids(&cursor.pass(&frames, &little, NOW)), [(4, true), (8, true)]);
        assert_eq!(cursor, Cursor { at: 9, told: 8 });
    }
}
