//! Keys in the list of chats.

use super::super::keymap::Action;
use super::super::model::Model;
use super::{Outcome, compose, feed};

/// What a key does while the chats are open; none: the same as elsewhere.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key means what it means elsewhere")]
pub(super) fn act(model: &mut Model, action: Action) -> Option<Outcome> {
    let chats = &mut model.ui.chats;
    let page = i64::from(model.ui.size.1 / 2);
    match action {
        Action::Up => chats.scroll(1),
        Action::Down => chats.scroll(-1),
        Action::PageUp => chats.scroll(page),
        Action::PageDown => chats.scroll(-page),
        Action::Top => chats.scroll(i64::MAX),
        Action::Bottom => chats.scroll(-i64::MAX),
        Action::Leave => chats.open = false,
        Action::Detail => open(model),
        Action::Answer => {
            open(model);
            return None;
        }
        _ => return None,
    }
    Some(Outcome::redraw())
}

/// Shows the messages of the chosen chat alone. What is written goes there.
pub(super) fn open(model: &mut Model) {
    let Some(chat) = model.ui.chats.chosen().map(|row| row.chat.clone()) else { return };
    model.ui.chats.open = false;
    model.ui.chats.looked_at(&chat.id);
    model.ui.detail = None;
    feed::filter(model, &format!("chat:{}", chat.address()));
    compose::address(model, chat);
}
