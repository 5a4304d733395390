//! Moving through the messages and filtering them, and what is looked up for it.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use super::super::feed::sieve::Sieve;
use super::super::feed::window::Side;
use super::super::model::{Model, Overlay};
use super::super::panes::feed::height;
use super::editing::edit;
use super::{Outcome, detail};
use crate::state::{ChatId, Found, LookUp, RequestId};

/// Moves the choice so many messages up or, when negative, down.
pub(super) fn scroll(model: &mut Model, up: i64) {
    model.ui.feed.scroll(&model.snapshot.feed, up);
    detail::turn(model);
}

/// To the oldest message that is kept.
pub(super) fn top(model: &mut Model) {
    model.ui.feed.top(&model.snapshot.feed);
    detail::turn(model);
}

/// To the newest message, following it; who looks closely at one chooses the newest.
pub(super) fn bottom(model: &mut Model) {
    model.ui.feed.follow(&model.snapshot.feed);
    if model.ui.detail.is_some() {
        scroll(model, 1);
    }
}

/// Moves the choice by as many messages as fill the screen. Of the message that is looked at closely, it is the lines that
/// move.
pub(super) fn page(model: &mut Model, up: bool) {
    if model.ui.detail.is_some() {
        return detail::page(model, up);
    }
    let rows = model.rows().len();
    let mut at = model.ui.feed.chosen().unwrap_or(rows.saturating_sub(1));
    let (room, mut used, mut moved) = (usize::from(model.ui.feed.size.get().1), 0, 0);
    loop {
        used += height(model, at);
        if moved > 0 && used > room {
            break;
        }
        let next = if up { at.checked_sub(1) } else { Some(at + 1).filter(|at| *at < rows) };
        moved += 1;
        let Some(next) = next else { break };
        at = next;
    }
    scroll(model, if up { moved } else { -moved });
}

/// Back one step: to the newest message, then to all messages.
pub(super) fn leave(model: &mut Model) {
    if model.ui.detail.take().is_some() {
        return;
    }
    if model.ui.feed.is_frozen() {
        model.ui.feed.follow(&model.snapshot.feed);
    } else {
        model.ui.feed.set_filter(None, &model.snapshot.feed);
    }
}

/// The filter can be written, from what it is now.
pub(super) fn open_filter(model: &mut Model) {
    let text = model.ui.feed.filter().map(|sieve| sieve.text().to_owned()).unwrap_or_default();
    model.ui.overlay = Some(Overlay::Filter(Box::new(Input::new(text))));
}

/// The filter holds as it is written.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits the filter")]
pub(super) fn on_filter_key(model: &mut Model, mut input: Box<Input>, key: &KeyEvent) -> Outcome {
    match key.code {
        KeyCode::Enter => {}
        KeyCode::Esc => model.ui.feed.set_filter(None, &model.snapshot.feed),
        _ => {
            edit(&mut input, key);
            filter(model, input.value());
            model.ui.overlay = Some(Overlay::Filter(input));
        }
    }
    Outcome::redraw()
}

/// Filters by what was written.
pub(super) fn filter(model: &mut Model, text: &str) {
    let sieve = Sieve::parse(text, |address| chat(model, address), |part| model.ui.chats.named(part));
    if sieve.as_ref() != model.ui.feed.filter() {
        model.ui.feed.set_filter(sieve, &model.snapshot.feed);
    }
}

/// The chat with this address, as far as it is known here.
fn chat(model: &Model, address: &str) -> Option<ChatId> {
    model.ui.chats.with_address(address).map(|chat| chat.id.clone())
}

/// To the next message that the last filter lets through.
pub(super) fn search(model: &mut Model, side: Side) {
    model.ui.notice = model.ui.feed.search(side, &model.snapshot.feed);
}

/// Looks up what is wanted next.
pub(super) fn look_up(model: &mut Model, outcome: &mut Outcome) {
    let ui = &mut model.ui;
    let mut ask = |wanted: &mut dyn FnMut(RequestId) -> Option<LookUp>| {
        if let Some(what) = wanted(ui.next_request) {
            outcome.look_ups.push((ui.next_request, what));
            ui.next_request = ui.next_request.next();
        }
    };
    ask(&mut |id| ui.feed.look_up(id));
    ask(&mut |id| ui.chats.look_up(id));
    if let Some(detail) = &mut ui.detail {
        ask(&mut |id| detail.look_up(id));
    }
}

/// Takes an answer in.
pub(super) fn found(model: &mut Model, id: RequestId, found: Found) -> Outcome {
    if model.ui.chats.found(id, &found, &model.snapshot.groups) {
        return Outcome::redraw();
    }
    if !model.ui.feed.awaits(id) {
        return detail::found(model, id, found);
    }
    if let Some(notice) = model.ui.feed.found(found) {
        model.ui.notice = Some(notice);
    }
    detail::turn(model);
    Outcome::redraw()
}
