//! Choosing whom to write to: the chats by parts of a name, a subject or a number, or a number or an id that is new.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use tui_input::Input;

use super::chats::{Chats, Row};
use crate::state::{Chat, ChatId, Phone, PhoneError, Subjects};

/// How many are offered at most.
const OFFERED: usize = 50;

/// What is written to choose by, and which of those that fit is chosen.
#[derive(Clone, Debug, Default)]
pub struct Picker {
    /// What is looked for.
    pub input: Input,
    /// Which of the candidates is chosen.
    pub selected: usize,
}

/// Somebody to write to.
#[derive(Clone, Copy, Debug)]
pub enum Candidate<'a> {
    /// A chat that exists.
    Known(&'a Row),
    /// A group in which nothing was written yet, as far as is known here, and what it is called.
    Group(&'a ChatId, &'a str),
    /// A number or an id to which nothing was written yet, as far as is known here.
    New,
}

impl Candidate<'_> {
    /// What is looked at when somebody looks for it.
    fn text(&self) -> String {
        match self {
            Self::Known(row) => format!("{} {}", row.name.as_deref().unwrap_or_default(), row.chat.address()),
            Self::Group(id, subject) => format!("{subject} {id}"),
            Self::New => String::new(),
        }
    }
}

impl Picker {
    /// Those who fit what is written, the best first.
    pub fn candidates<'a>(&self, chats: &'a Chats, subjects: &'a Subjects) -> Vec<Candidate<'a>> {
        let written = self.input.value().trim();
        let silent = subjects.all().filter(|(id, _)| chats.row(id).is_none());
        let known = chats.rows().iter().map(Candidate::Known);
        let known = matching(written, known.chain(silent.map(|(id, subject)| Candidate::Group(id, subject))));
        let is_new = new(written)
            .is_some_and(|chat| chats.with_address(chat.address()).is_none() && subjects.of(&chat.id).is_none());
        is_new.then_some(Candidate::New).into_iter().chain(known).take(OFFERED).collect()
    }

    /// The chat that is chosen.
    pub fn chosen(&self, chats: &Chats, subjects: &Subjects) -> Option<Chat> {
        let candidates = self.candidates(chats, subjects);
        match candidates.get(self.selected.min(candidates.len().saturating_sub(1)))? {
            Candidate::Known(row) => Some(row.chat.clone()),
            Candidate::Group(id, _) => Some(Chat::group((*id).clone())),
            Candidate::New => new(self.input.value().trim()),
        }
    }
}

/// A number as people write it, with spaces, dots, dashes and brackets.
///
/// # Errors
/// What keeps it from being one.
pub fn as_people_write(written: &str) -> Result<Phone, PhoneError> {
    written.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect::<String>().parse()
}

/// Somebody to whom nothing needs to have been written: a number, with its `+` or without, or the id of a chat.
fn new(written: &str) -> Option<Chat> {
    if written.contains('@') {
        return written.parse().ok();
    }
    let is_number = written.bytes().filter(u8::is_ascii_digit).count() >= 8;
    let phone = || as_people_write(&format!("+{}", written.trim_start_matches('+'))).ok();
    is_number.then(phone).flatten().map(Chat::with_person)
}

fn matching<'a>(written: &str, known: impl Iterator<Item = Candidate<'a>>) -> Vec<Candidate<'a>> {
    if written.is_empty() {
        return known.take(OFFERED).collect();
    }
    struct Named<'a>(String, Candidate<'a>);
    impl AsRef<str> for Named<'_> {
        fn as_ref(&self) -> &str {
            &self.0
        }
    }
    // Made when it is used: it takes a tenth of a megabyte.
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(written, CaseMatching::Ignore, Normalization::Smart);
    let found = pattern.match_list(known.map(|candidate| Named(candidate.text(), candidate)), &mut matcher);
    found.into_iter().map(|(named, _)| named.1).collect()
}
