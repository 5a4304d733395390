//! What was begun to be written and not sent: one draft for each recipient.
//!
//! * At most fifty drafts are held, and a quarter of a megabyte of text besides the last; the one that was left first
//!   goes first.
//! * They are written to a file some time after the last key, so that a restart, or the end of the terminal, loses none.
//! * What is meant for no message, such as a passkey's answer, never comes here.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Mono;
use crate::state::Chat;

/// How many drafts are held at most.
const HELD: usize = 50;

/// How many bytes of text they have together, unless the last one alone has more.
const BYTES: usize = 256 << 10;

/// The most characters of a draft that are kept: as many as WhatsApp takes.
const CHARS: usize = 65_536;

/// How long after the last key they are written to the file.
const SETTLED: Duration = Duration::from_secs(1);

/// A text that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Draft {
    to: Option<Chat>,
    text: String,
}

/// The drafts, the one that is being written last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Drafts {
    drafts: VecDeque<Draft>,
    /// When they are to be written to the file; none: the file has them all.
    #[serde(skip)]
    due: Option<Mono>,
}

impl Drafts {
    /// Reads what [`file`](Self::file) gave. What can't be read is no reason not to start.
    pub fn read(file: &str) -> Self {
        let mut drafts: Self = serde_json::from_str(file).unwrap_or_default();
        drafts.drafts.truncate(HELD);
        drafts
    }

    /// What is to be kept of them in a file.
    pub fn file(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The last one: to whom, and what.
    pub fn last(&self) -> Option<(Option<Chat>, &str)> {
        self.drafts.back().map(|draft| (draft.to.clone(), &*draft.text))
    }

    /// This is being written; empty: nothing is.
    pub fn keep(&mut self, to: Option<&Chat>, text: &str, now: Mono) {
        let end = if text.len() > CHARS { text.char_indices().nth(CHARS) } else { None };
        let text = end.map_or(text, |(at, _)| &text[..at]);
        let known = self.position(to);
        if known.and_then(|at| self.drafts.get(at)).map_or("", |draft| &draft.text) == text {
            return;
        }
        if let Some(at) = known {
            self.drafts.remove(at);
        }
        if !text.is_empty() {
            self.drafts.push_back(Draft { to: to.cloned(), text: text.to_owned() });
        }
        while self.drafts.len() > HELD || (self.drafts.len() > 1 && self.bytes() > BYTES) {
            self.drafts.pop_front();
        }
        self.due = Some(now.plus(SETTLED));
    }

    /// What was begun for this recipient.
    pub fn of(&self, to: Option<&Chat>) -> Option<&str> {
        self.position(to).and_then(|at| self.drafts.get(at)).map(|draft| &*draft.text)
    }

    fn bytes(&self) -> usize {
        self.drafts.iter().map(|draft| draft.text.len()).sum()
    }

    fn position(&self, to: Option<&Chat>) -> Option<usize> {
        let id = to.map(|chat| &chat.id);
        self.drafts.iter().position(|draft| draft.to.as_ref().map(|chat| &chat.id) == id)
    }

    /// How long it is until they are to be written; none: the file has them all.
    pub fn due_in(&self, now: Mono) -> Option<Duration> {
        self.due.map(|due| due.since(now))
    }

    /// What is to be written to the file now.
    pub fn to_write(&mut self, now: Mono) -> Option<String> {
        self.due.take_if(|due| *due <= now)?;
        Some(self.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(n: usize) -> Chat {
        Chat::with_person(format!("+1555000{n:04}").parse().unwrap())
    }

    #[test]
    fn a_draft_is_kept_for_each_recipient_and_comes_back_from_the_file() {
        let mut drafts = Drafts::default();
        drafts.keep(None, "to whom?", Mono::default());
        drafts.keep(Some(&chat(1)), "one", Mono::default());
        drafts.keep(Some(&chat(2)), "two\nlines", Mono::default());
        drafts.keep(Some(&chat(1)), "one more", Mono::default());
        drafts.keep(Some(&chat(3)), "gone", Mono::default());
        drafts.keep(Some(&chat(3)), "", Mono::default());
        let again = Drafts::read(&drafts.file());
        assert_eq!(again.of(None), Some("to whom?"));
        assert_eq!((again.of(Some(&chat(1))), again.of(Some(&chat(2)))), (Some("one more"), Some("two\nlines")));
        assert_eq!(again.of(Some(&chat(3))), None);
        assert_eq!(again.last(), Some((Some(chat(1)), "one more")));
        assert!(Drafts::read("{\"drafts\": 7").last().is_none());
    }

    #[test]
    fn they_are_written_once_after_the_last_key() {
        let at = |ms| Mono::new(Duration::from_millis(ms));
        let mut drafts = Drafts::default();
        assert_eq!((drafts.due_in(at(0)), drafts.to_write(at(0))), (None, None));
        drafts.keep(None, "a", at(0));
        drafts.keep(None, "ab", at(700));
        assert_eq!((drafts.due_in(at(1_000)), drafts.to_write(at(1_000))), (Some(Duration::from_millis(700)), None));
        assert!(drafts.to_write(at(1_700)).is_some_and(|file| file.contains("ab")));
        drafts.keep(None, "ab", at(2_000));
        assert_eq!((drafts.due_in(at(2_000)), drafts.to_write(at(9_000))), (None, None), "nothing has changed");
    }

    #[test]
    fn there_is_a_bound() {
        let mut drafts = Drafts::default();
        for n in 0..60 {
            drafts.keep(Some(&chat(n)), "short", Mono::default());
        }
        assert_eq!((drafts.of(Some(&chat(9))), drafts.drafts.len()), (None, HELD));
        for n in 0..60 {
            drafts.keep(Some(&chat(n)), &"é".repeat(70_000), Mono::default());
            assert!(drafts.bytes() <= BYTES + 2 * CHARS);
        }
        assert_eq!(drafts.of(Some(&chat(59))).map(|text| text.chars().count()), Some(CHARS));
    }
}
