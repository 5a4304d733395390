//! Text into the input box: typed or pasted.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::super::model::{Focus, Model, Overlay};
use super::compose::insert;
use super::{feed, focus, passkey};

/// Pasted text goes into the box and never sends by itself, whatever line feeds are in it.
pub(super) fn paste(model: &mut Model, text: &str) {
    let input = match &mut model.ui.overlay {
        Some(Overlay::Number(input) | Overlay::Filter(input) | Overlay::Confirm(_, input)) => input,
        Some(Overlay::Palette(palette)) => &mut palette.input,
        Some(Overlay::Recipient(picker)) => &mut picker.input,
        Some(
            Overlay::Help { .. } | Overlay::Compare | Overlay::Resend(_) | Overlay::Restart | Overlay::Webhooks { .. },
        ) => return,
        None => {
            focus(model, Focus::Compose);
            passkey::make_room(model, text);
            &mut model.ui.input
        }
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    insert(input, &clean);
    match &mut model.ui.overlay {
        Some(Overlay::Palette(palette)) => palette.look(),
        Some(Overlay::Filter(input)) => {
            let text = input.value().to_owned();
            feed::filter(model, &text);
        }
        Some(
            Overlay::Number(_)
            | Overlay::Confirm(..)
            | Overlay::Recipient(_)
            | Overlay::Help { .. }
            | Overlay::Compare
            | Overlay::Resend(_)
            | Overlay::Restart
            | Overlay::Webhooks { .. },
        )
        | None => {}
    }
}

pub(in super::super) fn edit(input: &mut Input, key: &KeyEvent) {
    // A terminal that is slow makes Alt-x of Esc and x: that is no text.
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER) {
        return;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let request = match (key.code, control) {
        (KeyCode::Char('a'), true) | (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::End, _) => InputRequest::GoToEnd,
        (KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
        (KeyCode::Char('u'), true) => InputRequest::DeleteFromStart,
        (KeyCode::Char('k'), true) => InputRequest::DeleteTillEnd,
        (KeyCode::Left, true) => InputRequest::GoToPrevWord,
        (KeyCode::Right, true) => InputRequest::GoToNextWord,
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Backspace, _) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
        (KeyCode::Char(c), false) if !c.is_control() => InputRequest::InsertChar(c),
        _ => return,
    };
    input.handle(request);
}
