//! Choosing whom to write to: the chats by parts of a name or number, or a number that is new.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use tui_input::Input;

use super::chats::{Chats, Row};
use crate::state::{Chat, Phone, PhoneError};

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
    /// A number to which nothing was written yet, as far as is known here.
    New,
}

impl Picker {
    /// Those who fit what is written, the best first.
    pub fn candidates<'a>(&self, chats: &'a Chats) -> Vec<Candidate<'a>> {
        let written = self.input.value().trim();
        let known = matching(written, chats).into_iter().map(Candidate::Known);
        let is_new = number(written).is_some_and(|phone| chats.with_address(phone.as_str()).is_none());
        is_new.then_some(Candidate::New).into_iter().chain(known).take(OFFERED).collect()
    }

    /// The chat that is chosen.
    pub fn chosen(&self, chats: &Chats) -> Option<Chat> {
        let candidates = self.candidates(chats);
        match candidates.get(self.selected.min(candidates.len().saturating_sub(1)))? {
            Candidate::Known(row) => Some(row.chat.clone()),
            Candidate::New => number(self.input.value().trim()).map(Chat::with_person),
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

/// The same, with its `+` or without.
fn number(written: &str) -> Option<Phone> {
    let is_number = written.bytes().filter(u8::is_ascii_digit).count() >= 8;
    is_number.then(|| as_people_write(&format!("+{}", written.trim_start_matches('+'))).ok()).flatten()
}

fn matching<'a>(written: &str, chats: &'a Chats) -> Vec<&'a Row> {
    if written.is_empty() {
        return chats.rows().iter().collect();
    }
    struct Named<'a>(String, &'a Row);
    impl AsRef<str> for Named<'_> {
        fn as_ref(&self) -> &str {
            &self.0
        }
    }
    let named =
        |row: &'a Row| Named(format!("{} {}", row.name.as_deref().unwrap_or_default(), row.chat.address()), row);
    // Made when it is used: it takes a tenth of a megabyte.
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(written, CaseMatching::Ignore, Normalization::Smart);
    let found = pattern.match_list(chats.rows().iter().map(named), &mut matcher);
    found.into_iter().map(|(named, _)| named.1).collect()
}
