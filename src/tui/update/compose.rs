//! Writing: the text, its recipient, what was begun before and what was sent.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::{Outcome, passkey};
use crate::clock::Mono;
use crate::state::{AddressError, Chat};

/// A line that can be sent.
const EXAMPLE: &str = "+584244370180 Hola";

/// A text: whom it is for, and what it says.
pub enum Line<'a> {
    /// It names a recipient itself.
    To(Chat, &'a str),
    /// It goes to the recipient of before.
    Text(&'a str),
    /// It starts like a number and is none; why not.
    Wrong(AddressError),
}

/// Reads what is in the input box.
pub fn read_line(line: &str) -> Line<'_> {
    let line = line.trim();
    let (to, text) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match to.parse() {
        Ok(chat) => Line::To(chat, text.trim_start()),
        Err(error) if line.starts_with('+') => Line::Wrong(error),
        // All other texts may begin as they like, also with a mail address.
        Err(_) => Line::Text(line),
    }
}

/// The message goes out, unless something is wrong with it.
pub(super) fn send(model: &mut Model) -> Outcome {
    let line = model.ui.input.value().to_owned();
    if passkey::is_for(model, &line) {
        return passkey::answer(model, line);
    }
    let text: Arc<str> = match read_line(&line) {
        Line::Wrong(error) => {
            model.ui.notice = Some(error.to_string());
            return Outcome::redraw();
        }
        Line::To(chat, text) => {
            model.ui.drafts.keep(model.ui.recipient.as_ref(), "", Mono::default());
            model.ui.recipient = Some(model.ui.chats.as_known(chat));
            text.into()
        }
        Line::Text(text) => text.into(),
    };
    let Some(chat) = model.ui.recipient.clone() else {
        // With a text in the box `@` is a letter of it.
        let key = model.ui.look.keys.key(Action::Recipient);
        model.ui.notice = Some(format!("to whom? {key} chooses a chat, or begin with a number: {EXAMPLE}"));
        return Outcome::redraw();
    };
    if text.is_empty() {
        // A number alone addresses the lines that follow.
        model.ui.input.reset();
        return Outcome::redraw();
    }
    let outcome = super::send(model, chat, text, Some(line));
    model.ui.input.reset();
    outcome
}

/// What is written from now on goes to this chat. What was begun for another is kept for that one.
pub(super) fn address(model: &mut Model, chat: Chat) {
    keep(model, Mono::default());
    let other = model.ui.recipient.as_ref().is_none_or(|old| old.id != chat.id);
    if other && !passkey::is_for(model, model.ui.input.value()) {
        let begun = model.ui.drafts.of(Some(&chat)).unwrap_or_default().to_owned();
        if model.ui.recipient.is_some() || model.ui.input.value().is_empty() {
            model.ui.input = Input::new(begun);
        } else {
            // What is addressed to nobody yet goes with the choice, after what was begun there.
            model.ui.drafts.keep(None, "", Mono::default());
            let text = model.ui.input.value();
            model.ui.input = Input::new(if begun.is_empty() { text.to_owned() } else { format!("{begun}\n{text}") });
        }
    }
    model.ui.recipient = Some(chat);
}

/// What is being written is kept as a draft.
pub(super) fn keep(model: &mut Model, now: Mono) {
    let text = model.ui.input.value();
    if !passkey::is_for(model, text) && !passkey::is_like_an_answer(text) {
        model.ui.drafts.keep(model.ui.recipient.as_ref(), text, now);
    }
}

/// A line feed where the cursor is.
pub(super) fn new_line(model: &mut Model) {
    insert(&mut model.ui.input, "\n");
}

/// Text where the cursor is.
pub(super) fn insert(input: &mut Input, text: &str) {
    let mut chars: Vec<char> = input.value().chars().collect();
    let cursor = input.cursor().min(chars.len());
    let inserted: Vec<char> = text.chars().collect();
    let after = cursor + inserted.len();
    chars.splice(cursor..cursor, inserted);
    *input = Input::new(chars.into_iter().collect()).with_cursor(after);
}

/// Up or down: within a text of several lines; in an empty box, and from there on, through what was sent.
pub(super) fn vertical(model: &mut Model, up: bool) {
    let input = &model.ui.input;
    if model.ui.history_at.is_none() && !input.value().is_empty() {
        let cursor = other_line(input.value(), input.cursor(), up);
        match cursor {
            Some(cursor) => model.ui.input = Input::new(input.value().to_owned()).with_cursor(cursor),
            None if up => model.ui.notice = Some("Up in an empty box shows what was sent before".to_owned()),
            None => {}
        }
        return;
    }
    history(model, up);
}

/// Where the cursor gets to in the line above or below; none: there is none.
fn other_line(text: &str, cursor: usize, up: bool) -> Option<usize> {
    let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    let (mut at, mut start) = (0, 0);
    while cursor > start + lines.get(at)? {
        start += lines.get(at)? + 1;
        at += 1;
    }
    let column = cursor - start;
    if up {
        let above = lines.get(at.checked_sub(1)?)?;
        Some(start - above - 1 + column.min(*above))
    } else {
        let below = lines.get(at + 1)?;
        Some(start + lines.get(at)? + 1 + column.min(*below))
    }
}

fn history(model: &mut Model, back: bool) {
    let newest = model.ui.history.len();
    let at = match (model.ui.history_at, back) {
        (None, true) => Some(0),
        (Some(at), true) => Some((at + 1).min(newest.saturating_sub(1))),
        (Some(at), false) => at.checked_sub(1),
        (None, false) => return,
    };
    let line = at.and_then(|at| model.ui.history.iter().rev().nth(at)).cloned();
    if line.is_some() || at.is_none() {
        model.ui.history_at = at;
        model.ui.input = Input::new(line.unwrap_or_default());
    }
}

/// A key that is no action: it edits. What comes of the history is then a text of its own.
pub(super) fn edit(model: &mut Model, key: &KeyEvent) {
    let at_rest = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    if at_rest && key.code == KeyCode::Char('@') && model.ui.input.value().is_empty() {
        super::recipient::open(model);
        return;
    }
    let before = model.ui.input.value().len();
    super::editing::edit(&mut model.ui.input, key);
    if model.ui.input.value().len() != before {
        model.ui.history_at = None;
    }
}

/// The text as it came from the editor.
pub(super) fn edited(model: &mut Model, text: &str) {
    let text = text.trim_end_matches('\n');
    let clean: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    model.ui.focus = Focus::Compose;
    model.ui.history_at = None;
    model.ui.input = Input::new(clean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_goes_from_line_to_line() {
        let text = "one\n\nthree é";
        for (cursor, up, down) in
            [(0, None, Some(4)), (3, None, Some(4)), (4, Some(0), Some(5)), (5, Some(4), None), (12, Some(4), None)]
        {
            assert_eq!((other_line(text, cursor, true), other_line(text, cursor, false)), (up, down), "{cursor}");
        }
        assert_eq!(other_line("abc\nde", 6, true), Some(2));
        assert_eq!(other_line("", 0, true), None);
        assert_eq!(other_line("x", 99, true), None);
    }
}
