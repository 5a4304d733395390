//! Choosing whom to write to.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::model::{Focus, Model, Overlay};
use super::super::recipients::Picker;
use super::editing::edit;
use super::{Outcome, compose, focus};

/// Offers the chats.
pub(super) fn open(model: &mut Model) {
    model.ui.chats.want();
    model.ui.overlay = Some(Overlay::Recipient(Box::default()));
}

/// A key while they are offered.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits what is looked for")]
pub(super) fn on_key(model: &mut Model, mut picker: Box<Picker>, key: &KeyEvent) -> Outcome {
    let last = picker.candidates(&model.ui.chats, &model.snapshot.groups).len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => return Outcome::redraw(),
        // Whoever wanted none of them, but a text that begins like this.
        KeyCode::Char('@') if picker.input.value().is_empty() => {
            focus(model, Focus::Compose);
            compose::insert(&mut model.ui.input, "@");
            return Outcome::redraw();
        }
        KeyCode::Enter | KeyCode::Tab => return choose(model, picker),
        KeyCode::Up => picker.selected = picker.selected.min(last).saturating_sub(1),
        KeyCode::Down => picker.selected = (picker.selected + 1).min(last),
        _ => {
            edit(&mut picker.input, key);
            picker.selected = 0;
        }
    }
    model.ui.overlay = Some(Overlay::Recipient(picker));
    Outcome::redraw()
}

/// What is written goes to the one that is chosen from now on.
pub(super) fn choose(model: &mut Model, picker: Box<Picker>) -> Outcome {
    match picker.chosen(&model.ui.chats, &model.snapshot.groups) {
        Some(chat) => {
            compose::address(model, chat);
            focus(model, Focus::Compose);
        }
        None => {
            model.ui.notice = Some(
                "no chat is like that; a new number is +, country, number; an id ends in @g.us or @lid".to_owned(),
            );
            model.ui.overlay = Some(Overlay::Recipient(picker));
        }
    }
    Outcome::redraw()
}
