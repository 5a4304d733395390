//! All actions, found by some of their letters.

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

use super::keymap::{Action, Binding, Context, KEYS};
use super::update::edit;
use super::verbs::{self, Meaning, VERBS, Verb};

/// A search for an action.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What is typed.
    pub input: Input,
    /// What was found, the best first.
    pub found: Vec<Entry>,
    /// Which of them is chosen.
    pub chosen: usize,
    /// What is wrong with what was typed.
    pub wrong: Option<String>,
}

/// Something that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By a key as well.
    Key(&'static Binding),
    /// By words.
    Verb(&'static Verb),
}

impl Entry {
    /// What it is called, in words.
    pub fn name(self) -> String {
        match self {
            Self::Key(row) => row.action.name().replace('_', " "),
            Self::Verb(verb) => verb.name.to_owned(),
        }
    }

    /// What it does.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Key(row) => row.help,
            Self::Verb(verb) => verb.help,
        }
    }
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The search goes on.
    Stay,
    /// It ends.
    Close,
    /// It ends with this.
    Run(&'static Binding),
    /// It ends with this, which was said in words.
    Do(&'static Verb, Meaning),
}

impl Default for Palette {
    fn default() -> Self {
        Self { input: Input::default(), found: search(""), chosen: 0, wrong: None }
    }
}

impl Palette {
    /// Takes a key in.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits what is typed")]
    pub fn key(&mut self, key: &KeyEvent) -> Step {
        match key.code {
            KeyCode::Esc => return Step::Close,
            KeyCode::Enter => return self.choose(self.chosen),
            KeyCode::Down | KeyCode::Tab => self.turn(false, 1),
            KeyCode::Up | KeyCode::BackTab => self.turn(true, 1),
            _ => {
                edit(&mut self.input, key);
                self.look();
            }
        }
        Step::Stay
    }

    /// The entry with this number is meant. One that needs more words gets its name into the line first.
    pub fn choose(&mut self, at: usize) -> Step {
        match self.found.get(at) {
            None => Step::Stay,
            Some(Entry::Key(row)) => Step::Run(row),
            Some(Entry::Verb(verb)) => {
                let words = verbs::find(VERBS.iter(), self.input.value()).filter(|(found, _)| found == verb);
                match verbs::meaning(verb, words.map_or("", |(_, words)| words)) {
                    Ok(meaning) => return Step::Do(verb, meaning),
                    Err(wrong)
                        if self.input.value().ends_with(' ') || words.is_some_and(|(_, words)| !words.is_empty()) =>
                    {
                        self.wrong = Some(wrong);
                    }
                    Err(_) => {
                        self.input = Input::new(format!("{} ", verb.name));
                        self.look();
                    }
                }
                Step::Stay
            }
        }
    }

    /// Moves the choice by so many entries.
    pub fn turn(&mut self, up: bool, by: usize) {
        let to = if up { self.chosen.saturating_sub(by) } else { self.chosen.saturating_add(by) };
        self.chosen = to.min(self.found.len().saturating_sub(1));
    }

    /// Searches anew.
    pub fn look(&mut self) {
        self.found = search(self.input.value());
        self.chosen = 0;
        self.wrong = None;
    }
}

/// All entries: the actions of the keys, the verbs, and the actions of the input box as far as there are no others.
fn entries() -> impl Iterator<Item = Entry> {
    let browse = KEYS.iter().filter(|row| row.context == Context::Browse && row.action != Action::Palette);
    let of_the_box = KEYS.iter().filter(|row| {
        let elsewhere = || KEYS.iter().any(|other| other.context == Context::Browse && other.action == row.action);
        row.context == Context::Compose && !elsewhere()
    });
    browse.map(Entry::Key).chain(VERBS.iter().map(Entry::Verb)).chain(of_the_box.map(Entry::Key))
}

/// What has these letters in its name or in what is said of it, the best first; a verb with words behind it alone. The
/// matcher takes some 100 kB, and so lives no longer than the search.
fn search(typed: &str) -> Vec<Entry> {
    let letters = typed.trim().trim_start_matches(':').replace(['-', '_'], " ");
    if letters.trim().is_empty() {
        return entries().collect();
    }
    let with_words =
        verbs::find(VERBS.iter(), typed).filter(|(verb, _)| letters.len() > verb.name.len() || typed.ends_with(' '));
    if let Some((verb, _)) = with_words {
        return vec![Entry::Verb(verb)];
    }
    let pattern = Pattern::parse(&letters, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut found: Vec<_> = entries()
        .filter_map(|entry| {
            let name = entry.name();
            let text = format!("{name} {}", entry.help());
            let score = pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher)?;
            Some(((name.eq_ignore_ascii_case(&letters), score), entry))
        })
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(letters: &str) -> Option<Action> {
        match search(letters).first()? {
            Entry::Key(row) => Some(row.action),
            Entry::Verb(_) => None,
        }
    }

    #[test]
    fn some_letters_find_an_action() {
        for (letters, action) in [
            ("rest", Action::Restart),
            ("zm", Action::Zoom),
            ("READ ONLY", Action::ReadOnly),
            ("read-only", Action::ReadOnly),
            ("pcode", Action::PairingCode),
            ("quit", Action::Quit),
            ("log", Action::ShowLog),
            ("theme", Action::Theme),
            ("editor", Action::Editor),
        ] {
            assert_eq!(first(letters), Some(action), "{letters}");
        }
        assert!(search("\u{1b}[31m").is_empty());
        assert_eq!(
            search("log out"),
            VERBS.iter().filter(|v| v.name == "log out").map(Entry::Verb).collect::<Vec<_>>()
        );
        assert_eq!(search("send +1555").len(), 1);
    }
}
