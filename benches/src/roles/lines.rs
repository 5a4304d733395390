//! The lines that the bridge tells messages by, and what is read from them again.
//!
//! They are made without a JSON library, since what makes them shares the processor with what is measured.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many words there are. The first ones are common, most are rare.
const WORDS: usize = 20_000;

/// How many of them a text has.
pub(super) const WORDS_A_TEXT: usize = 8;

/// How many people write.
const PEOPLE: u64 = 1_000;

/// How many choices of words are made in advance: more than the words, and a prime, so that texts differ.
const CHOICES: usize = 65_521;

/// The words of messages.
#[derive(Debug)]
pub struct Vocabulary {
    words: Vec<String>,
    choices: Vec<u16>,
}

impl Vocabulary {
    /// The same ones each time.
    pub fn new() -> Self {
        // A linear congruential generator: the texts are to be alike in every run, and nothing else matters.
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let choice = |at: f64| (WORDS as f64).powf(at) as u16;
        Self { words: (0..WORDS).map(word).collect(), choices: (0..CHOICES).map(|_| choice(random())).collect() }
    }

    /// The first words of the n-th message, each behind a space.
    fn push(&self, n: u64, words: usize, text: &mut String) {
        let from = n as usize * WORDS_A_TEXT;
        for at in from..from + words {
            let choice = self.choices.get(at % CHOICES).copied().unwrap_or_default();
            text.push(' ');
            text.push_str(self.words.get(usize::from(choice)).map_or("", String::as_str));
        }
    }
}

/// A word by its rank. The beginning of two syllables is that of many.
pub fn word(rank: usize) -> String {
    let syllables = ["ka", "lo", "mi", "ta", "re", "su", "no", "be", "di", "fu", "ga", "po"];
    format!("{}{}{rank}", syllables[rank % 12], syllables[rank / 12 % 12])
}

/// A message, when it is told, and what can be read from its text wherever it turns up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which one.
    pub n: u64,
    /// When it was told, in microseconds since 1970.
    pub at: u64,
}

/// The time, in microseconds since 1970: it goes from one process to another.
pub fn stamp() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(0))
}

impl Line {
    /// Adds the whole line to `out`. Each has a number for the host's acknowledgement.
    pub fn push(self, vocabulary: &Vocabulary, words: usize, out: &mut String) {
        let Self { n, at } = self;
        let (person, ms) = (n % PEOPLE, at / 1_000);
        let _ = write!(
            out,
            r#"{{"type":"message","seq":{n},"from":"+1555111{person:04}","messageId":"3A{n:016X}","kind":"text","fromMe":false,"timestampMs":{ms},"name":"Contact {person}","chat":{{"kind":"person","id":"1555111{person:04}@s.whatsapp.net","phone":"+1555111{person:04}"}},"body":"{}"#,
            self.mark()
        );
        vocabulary.push(n, words, out);
        out.push_str("\"}\n");
    }

    /// What its text begins with: enough to know it by, and to know that all of it is there.
    fn mark(self) -> String {
        format!("message {} {} {};", self.n, self.at, self.check())
    }

    /// A half-drawn screen has the digits of two messages in one place, which give no such number.
    const fn check(self) -> u64 {
        (self.n.wrapping_mul(31) ^ self.at.wrapping_mul(17)) % 9_973
    }

    /// The first message that is wholly in this text, and the text behind it.
    pub fn find(text: &str) -> Option<(Self, &str)> {
        let mut rest = text;
        loop {
            let (_, behind) = rest.split_once("message ")?;
            rest = behind;
            let Some((mark, after)) = behind.split_once(';') else { continue };
            let mut numbers = mark.split(' ').map(str::parse);
            if let (Some(Ok(n)), Some(Ok(at)), Some(Ok(check)), None) =
                (numbers.next(), numbers.next(), numbers.next(), numbers.next())
                && (Self { n, at }).check() == check
            {
                return Some((Self { n, at }, after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_and_its_message_is_found_in_it() {
        let (vocabulary, mut text) = (Vocabulary::new(), String::new());
        let line = Line { n: 70_001, at: 1_790_000_000_123_456 };
        line.push(&vocabulary, WORDS_A_TEXT, &mut text);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&json["messageId"], &json["timestampMs"]),
            (&"3A0000000000011171".into(), &1_790_000_000_123_u64.into())
        );
        assert_eq!(json["body"].as_str().unwrap().split(' ').count(), 4 + WORDS_A_TEXT);
        assert_eq!(Line::find(&text).unwrap().0, line);
    }

    #[test]
    fn half_drawn_messages_are_not_found_and_those_behind_them_are() {
        let whole = |n| Line { n, at: 1_790_000_000_000_000 + n };
        let text = format!("message 12 17900 {} {}", whole(7).mark(), whole(8).mark());
        let (first, rest) = Line::find(&text).unwrap();
        assert_eq!((first, Line::find(rest).unwrap().0), (whole(7), whole(8)));
        let mixed = whole(7).mark().replacen("message 7", "message 8", 1);
        assert_eq!(Line::find(&mixed), None);
    }

    #[test]
    fn texts_differ() {
        let vocabulary = Vocabulary::new();
        let text = |n| {
            let mut text = String::new();
            vocabulary.push(n, WORDS_A_TEXT, &mut text);
            text
        };
        assert_ne!(text(1), text(2));
        assert_eq!(text(1), text(1));
    }
}
