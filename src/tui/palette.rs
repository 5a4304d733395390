//! All actions, found by some of their letters.

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

use super::keymap::{Action, Binding, Context, KEYS};
use super::update::edit;

/// A search for an action.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What is typed.
    pub input: Input,
    /// What was found, the best first.
    pub found: Vec<&'static Binding>,
    /// Which of them is chosen.
    pub chosen: usize,
}

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The search goes on.
    Stay,
    /// It ends.
    Close,
    /// It ends with this.
    Run(Action),
}

impl Default for Palette {
    fn default() -> Self {
        Self { input: Input::default(), found: search(""), chosen: 0 }
    }
}

impl Palette {
    /// Takes a key in.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits what is typed")]
    pub fn key(&mut self, key: &KeyEvent) -> Step {
        match key.code {
            KeyCode::Esc => return Step::Close,
            KeyCode::Enter => return self.found.get(self.chosen).map_or(Step::Stay, |row| Step::Run(row.action)),
            KeyCode::Down | KeyCode::Tab => self.chosen = (self.chosen + 1).min(self.found.len().saturating_sub(1)),
            KeyCode::Up | KeyCode::BackTab => self.chosen = self.chosen.saturating_sub(1),
            _ => {
                edit(&mut self.input, key);
                self.look();
            }
        }
        Step::Stay
    }

    /// Searches anew.
    pub fn look(&mut self) {
        self.found = search(self.input.value());
        self.chosen = 0;
    }
}

/// The actions that hold these letters in their names or in what is said of them, the best first. The matcher takes some
/// 100 kB, and so lives no longer than the search.
fn search(letters: &str) -> Vec<&'static Binding> {
    let rows = KEYS.iter().filter(|row| row.context == Context::Browse && row.action != Action::Palette);
    if letters.trim().is_empty() {
        return rows.collect();
    }
    let pattern = Pattern::parse(letters, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut found: Vec<_> = rows
        .filter_map(|row| {
            let text = format!("{} {}", row.action.name().replace('_', " "), row.help);
            Some((pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher)?, row))
        })
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_letters_find_an_action() {
        for (letters, action) in [
            ("rest", Action::Restart),
            ("zm", Action::Zoom),
            ("READ ONLY", Action::ReadOnly),
            ("pcode", Action::PairingCode),
        ] {
            assert_eq!(search(letters).first().map(|row| row.action), Some(action), "{letters}");
        }
        assert!(search("\u{1b}[31m").is_empty());
    }
}
