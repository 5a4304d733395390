//! Looking at one message closely, copying it, sending it again.

use std::sync::Arc;

use crossterm::event::KeyCode;

use super::super::clipboard;
use super::super::detail::{Detail, Then};
use super::super::feed::window::Row;
use super::super::keymap::Action;
use super::super::model::{Model, Overlay};
use super::super::panes::detail::{beyond, json};
use super::{Outcome, console, send};
use crate::state::{DeliveryState, Direction, Found, Message, RequestId, Secret};

/// Opens the chosen message, or the newest, and closes it again.
pub(super) fn toggle(model: &mut Model) {
    if model.ui.detail.take().is_some() {
        return;
    }
    if model.chosen().is_none() {
        model.ui.feed.scroll(&model.snapshot.feed, 1);
    }
    match model.ui.feed.chosen_row().cloned() {
        Some(row) => open(model, row, None),
        None => model.ui.notice = Some("there is no message yet".to_owned()),
    }
}

fn open(model: &mut Model, row: Row, then: Option<Then>) {
    model.ui.chats.looked_at(&row.message.chat.id);
    model.ui.detail = Some(Box::new(Detail::of(row, then)));
}

/// The message that is looked at is the chosen one.
pub(super) fn turn(model: &mut Model) {
    if let (Some(detail), Some(row)) = (&mut model.ui.detail, model.ui.feed.chosen_row()) {
        detail.turn_to(row);
    }
}

/// Moves on through the text by a screenful.
pub(super) fn page(model: &mut Model, up: bool) {
    let Some(detail) = &model.ui.detail else { return };
    let last = beyond(detail, model);
    if let Some(detail) = &mut model.ui.detail {
        let step = usize::from(detail.size.get().1).saturating_sub(1).max(1);
        let to = if up { detail.skipped.saturating_sub(step) } else { detail.skipped + step };
        detail.skipped = to.min(last);
    }
}

/// The message as it is kept, or as it is read.
pub(super) fn toggle_json(model: &mut Model) {
    let open = model.ui.detail.is_some();
    if !open {
        toggle(model);
    }
    if let Some(detail) = &mut model.ui.detail {
        detail.json = !open || !detail.json;
        detail.skipped = 0;
    }
}

/// The text of the message that is meant goes into the clipboard, once all of it is here.
pub(super) fn copy(model: &mut Model) -> Outcome {
    match &mut model.ui.detail {
        Some(detail) if detail.whole => {
            let text = if detail.json { json(detail) } else { detail.message.body.to_string() };
            copied(model, text)
        }
        Some(detail) => {
            detail.then = Some(Then::Copy);
            Outcome::redraw()
        }
        None => match model.ui.feed.chosen_row().cloned() {
            Some(row) if row.truncated => {
                open(model, row, Some(Then::Copy));
                Outcome::redraw()
            }
            Some(row) => copied(model, row.message.body.to_string()),
            None => {
                let [up, down, copy] = [Action::Up, Action::Down, Action::Copy].map(|key| model.ui.look.keys.key(key));
                model.ui.notice = Some(format!("choose a message with {up} and {down}, then {copy} copies its text"));
                Outcome::redraw()
            }
        },
    }
}

fn copied(model: &mut Model, text: String) -> Outcome {
    let (copy, notice) = match text.len() {
        0 => (None, "it has no text".to_owned()),
        n if n > clipboard::MAX_BYTES => (None, format!("{n} bytes are too long for a clipboard")),
        _ => {
            let notice = clipboard::said(model.ui.look.within);
            (Some(Secret::from(text)), notice.to_owned())
        }
    };
    model.ui.notice = Some(notice);
    Outcome { copy, ..Outcome::redraw() }
}

/// The message that is meant, when it is one of ours that was not sent.
pub fn to_resend(model: &Model) -> Option<&Arc<Message>> {
    let message = model.ui.detail.as_ref().map_or_else(|| model.chosen(), |detail| Some(&detail.message))?;
    let state = message.delivery.as_ref()?.state;
    let ended = matches!(state, DeliveryState::Failed | DeliveryState::Expired | DeliveryState::Cancelled);
    (ended && message.direction == Direction::Out && &*message.kind == "text").then_some(message)
}

/// Asks whether the message that is meant is to be sent again, once all of it is here.
pub(super) fn resend(model: &mut Model) {
    let Some(message) = to_resend(model).cloned() else {
        let again = model.ui.look.keys.key(Action::Resend);
        let text = format!("choose a message of ours that was not sent (✗ ⊖ ⊘), then {again} sends it again");
        model.ui.notice = Some(text);
        return;
    };
    let row = model.ui.feed.chosen_row().cloned();
    match (&mut model.ui.detail, row) {
        (Some(detail), _) if !detail.whole => detail.then = Some(Then::Resend),
        (None, Some(row)) if row.truncated => open(model, row, Some(Then::Resend)),
        (Some(_) | None, Some(_) | None) => model.ui.overlay = Some(Overlay::Resend(message)),
    }
}

/// It was asked whether it is to be sent again.
pub(super) fn confirmed(model: &mut Model, message: &Message, key: KeyCode) -> Outcome {
    if !matches!(key, KeyCode::Char('y' | 'Y')) {
        return Outcome::redraw();
    }
    // All of the text may have come only after the console had become read-only.
    if console::refused(model, Action::Resend) {
        return Outcome::redraw();
    }
    let (chat, text) = (message.chat.clone(), Arc::clone(&message.body));
    send(model, chat, text, None)
}

/// Takes an answer in, and does what was to be done then.
pub(super) fn found(model: &mut Model, id: RequestId, found: Found) -> Outcome {
    match model.ui.detail.as_mut().and_then(|detail| detail.found(id, found)) {
        Some(Then::Copy) => copy(model),
        Some(Then::Resend) => {
            resend(model);
            Outcome::redraw()
        }
        None => Outcome::redraw(),
    }
}
