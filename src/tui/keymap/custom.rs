//! The table of keys with what the settings change of it.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::{Action, Binding, Context, KEYS, NAMES, name};

/// The keys in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    /// Rows of the table that have other keys, by their place there.
    own: BTreeMap<usize, Vec<String>>,
}

/// Keys in the settings that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no such action.
    #[error("[keys] has no action {name:?}; keybindings.md lists them. Is {nearest:?} meant?")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The one that is most like it.
        nearest: String,
    },
    /// There is no such key.
    #[error("[keys] {name}: there is no key {key:?}; a key is as in q, Ctrl-s, Alt-Enter, PgUp or F5")]
    Key {
        /// The action.
        name: String,
        /// What was given.
        key: String,
    },
    /// The key has another meaning that can't be taken from it.
    #[error("[keys] {name}: {key} can't be used, since {why}")]
    Taken {
        /// The action.
        name: String,
        /// The key.
        key: String,
        /// Why not.
        why: &'static str,
    },
    /// One key has two meanings.
    #[error("[keys] {key} means both {one} and {other}; give one of them another key")]
    Conflict {
        /// The key.
        key: String,
        /// The one action.
        one: String,
        /// The other.
        other: String,
    },
}

impl Keymap {
    /// The table with other keys for the actions with these names.
    ///
    /// # Errors
    /// A [`KeyError`] that names the action and says what would be right.
    pub fn new(settings: &BTreeMap<String, Vec<String>>) -> Result<Self, KeyError> {
        let mut keymap = Self::default();
        for (name, keys) in settings {
            let found = KEYS.iter().enumerate().find(|(_, binding)| binding.name() == *name);
            let Some((at, binding)) = found else {
                return Err(KeyError::Unknown { name: name.clone(), nearest: nearest(name) });
            };
            for key in keys {
                check(name, key, binding.context)?;
            }
            keymap.own.insert(at, keys.clone());
        }
        keymap.without_conflict()
    }

    /// No key at all, so that each action goes by its name.
    pub fn without_keys() -> Self {
        Self { own: (0..KEYS.len()).map(|at| (at, Vec::new())).collect() }
    }

    fn without_conflict(self) -> Result<Self, KeyError> {
        let mut meanings: BTreeMap<(&str, &str), &Binding> = BTreeMap::new();
        for binding in KEYS {
            for key in self.of(binding) {
                if let Some(other) = meanings.insert((binding.context.prefix(), key), binding) {
                    let (one, other) = (other.name(), binding.name());
                    return Err(KeyError::Conflict { key: key.to_owned(), one, other });
                }
            }
        }
        Ok(self)
    }

    /// The keys of a row of the table; none when they were taken away.
    pub fn of<'a>(&'a self, binding: &'a Binding) -> impl Iterator<Item = &'a str> {
        let at = KEYS.iter().position(|row| row.context == binding.context && row.action == binding.action);
        let own = at.and_then(|at| self.own.get(&at));
        let table = if own.is_none() { binding.keys } else { &[] };
        own.into_iter().flatten().map(String::as_str).chain(table.iter().copied())
    }

    /// The first key of an action, outside of the input box where it works there; its name where it has none.
    pub fn key(&self, action: Action) -> &str {
        let rows = || KEYS.iter().filter(|row| row.action == action);
        let row = rows().find(|row| row.context == Context::Browse).or_else(|| rows().next());
        row.and_then(|row| self.of(row).next()).unwrap_or_else(|| action.name())
    }

    /// What a key does in a context. None: nothing, or it is text for the input box.
    pub fn action(&self, context: Context, key: &KeyEvent) -> Option<Action> {
        let name = name(key)?;
        let mut rows = KEYS.iter().filter(|row| row.context == context);
        rows.find(|row| self.of(row).any(|key| key == name)).map(|row| row.action)
    }
}

fn check(action: &str, key: &str, context: Context) -> Result<(), KeyError> {
    let taken = |why| Err(KeyError::Taken { name: action.to_owned(), key: key.to_owned(), why });
    let (control, rest) = key.strip_prefix("Ctrl-").map_or((false, key), |rest| (true, rest));
    let (alt, plain) = rest.strip_prefix("Alt-").map_or((false, rest), |rest| (true, rest));
    let mut chars = plain.chars();
    let character = chars.next().filter(|c| chars.next().is_none() && !c.is_control() && *c != ' ');
    let function = plain.strip_prefix('F').and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=12).contains(&n));
    let named = function || matches!(plain, "Space" | "Shift-Tab") || NAMES.iter().any(|(_, name)| *name == plain);
    match (character, control) {
        (None, _) if !named => Err(KeyError::Key { name: action.to_owned(), key: key.to_owned() }),
        (Some('c'), true) => taken("pressed twice it quits from anywhere"),
        (Some('i' | 'm' | 'h' | 'j'), true) => taken("terminals send Tab, Enter or Backspace for it"),
        (Some(c), true) if !c.is_ascii_lowercase() => taken("with Ctrl- only the letters a to z can be told apart"),
        (Some(_), false) if !alt && context == Context::Compose => taken("it is text in the input box"),
        _ => Ok(()),
    }
}

/// The action whose name has most in common with this one.
fn nearest(name: &str) -> String {
    let common = |other: &str| {
        let ahead = name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let behind = name.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
        ahead + behind
    };
    KEYS.iter().map(Binding::name).max_by_key(|other| common(other)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn with(settings: &[(&str, &[&str])]) -> Result<Keymap, KeyError> {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keymap::new(&settings.iter().map(|(name, keys)| ((*name).to_owned(), owned(keys))).collect())
    }

    fn pressed(keymap: &Keymap, context: Context, code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        keymap.action(context, &KeyEvent::new(code, modifiers))
    }

    #[test]
    fn the_settings_give_actions_other_keys_and_take_them_away() {
        let exchanged = [("input.send", &["Alt-Enter"][..]), ("input.new_line", &["Enter"])];
        let settings = [&[("quit", &["Q", "Ctrl-Alt-x"][..]), ("zoom", &[])][..], &exchanged].concat();
        let keymap = with(&settings).unwrap();
        let browse = |code, modifiers| pressed(&keymap, Context::Browse, code, modifiers);
        assert_eq!(browse(KeyCode::Char('Q'), KeyModifiers::SHIFT), Some(Action::Quit));
        assert_eq!(browse(KeyCode::Char('x'), KeyModifiers::CONTROL | KeyModifiers::ALT), Some(Action::Quit));
        assert_eq!(browse(KeyCode::Char('q'), KeyModifiers::NONE), None);
        assert_eq!(browse(KeyCode::Char('z'), KeyModifiers::NONE), None);
        let compose = |modifiers| pressed(&keymap, Context::Compose, KeyCode::Enter, modifiers);
        assert_eq!(
            (compose(KeyModifiers::ALT), compose(KeyModifiers::NONE)),
            (Some(Action::Send), Some(Action::NewLine))
        );
        assert_eq!((keymap.key(Action::Quit), keymap.key(Action::Zoom)), ("Q", "zoom"));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (settings, words) in [
            (&[("quitt", &["Q"][..])][..], ["quitt", "\"quit\""]),
            (&[("quit", &["Hyper-q"])], ["Hyper-q", "Ctrl-s"]),
            (&[("quit", &["F13"])], ["F13", "F5"]),
            (&[("quit", &["z"])], ["z means both", "zoom"]),
            (&[("quit", &["x"]), ("cancel", &["x"])], ["x means both", "quit"]),
            (&[("quit", &["Ctrl-c"])], ["Ctrl-c", "twice"]),
            (&[("quit", &["Ctrl-m"])], ["Ctrl-m", "Enter"]),
            (&[("quit", &["Ctrl-1"])], ["Ctrl-1", "a to z"]),
            (&[("input.send", &["s"])], ["input.send", "text in the input box"]),
        ] {
            let error = with(settings).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
        assert!(with(&[("quit", &["z"]), ("zoom", &["q"])]).is_ok(), "keys may be exchanged");
    }

    #[test]
    fn every_key_of_the_table_can_be_pressed_and_every_name_is_one() {
        let mut names = std::collections::BTreeSet::new();
        for binding in KEYS {
            assert!(names.insert(binding.name()), "{} is there twice", binding.name());
            for key in binding.keys {
                let known = check("it", key, Context::Browse);
                assert!(known.is_ok(), "{known:?}");
            }
        }
        assert_eq!(with(&[]), Ok(Keymap::default()));
    }
}
