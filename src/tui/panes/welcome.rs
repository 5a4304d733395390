//! The three steps of who is here for the first time: set up, link, write.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::Action;
use super::super::model::Model;
use super::super::sanitize;
use super::super::theme::Theme;
use super::put;
use crate::state::BridgeState;

/// The title of what there is to link with: which step it is, for whom nothing has ever come or gone.
pub(super) fn title(model: &Model) -> &'static str {
    match (is_first_time(model), model.snapshot.bridge.state) {
        (false, _) => "Link an account",
        (true, BridgeState::Installing) => "Step 1 of 3: setting up",
        (true, _) => "Step 2 of 3: link your phone",
    }
}

/// Nothing has ever come or gone here.
pub(super) fn is_first_time(model: &Model) -> bool {
    model.snapshot.feed.is_empty()
}

/// In the place of messages, while there are none and an account is linked: how to write the first.
pub(in super::super) fn third_step(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if !is_first_time(model) || !model.snapshot.connection.state.is_up() || area.height < 6 || area.width < 30 {
        return;
    }
    if model.ui.chats.open {
        return;
    }
    let keys = &model.ui.look.keys;
    let inner = Rect { x: area.x + 2, y: area.y + 2, width: area.width - 4, height: area.height - 3 };
    let (write, find, help) = (keys.key(Action::Compose), keys.key(Action::Palette), keys.key(Action::Help));
    let texts = [
        ("Step 3 of 3: you are linked.".to_owned(), theme.title()),
        (format!("Write: {write}, a number and a text (+584244370180 Hola), Enter."), Style::new()),
        (format!("{help} shows the keys, {find} finds any action."), Style::new()),
        ("What comes in appears here, and what becomes of what you write.".to_owned(), Style::new()),
        (format!("For programs: {} (pilothouse token prints the token).", model.ui.api), theme.dim()),
    ];
    let mut y = 0;
    for (text, style) in texts {
        for line in sanitize::wrap(&text, usize::from(inner.width), 3) {
            put(buffer, inner, (0, y), &line, inner.width, style);
            y += 1;
        }
    }
}
