//! The input box.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::model::{Focus, Model};
use super::super::sanitize;
use super::super::theme::Theme;
use super::super::update::{Line, passkey, read_line};
use super::{framed, put};
use crate::state::Chat;

/// Draws the box: framed with three rows, a bare line with one. Returns where the cursor is while it has the focus.
pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let focused = model.ui.focus == Focus::Compose;
    let inner = if area.height >= 3 {
        framed(&title(model), focused, theme, area, buffer)
    } else {
        put(buffer, area, (0, 0), "> ", 2, theme.border(focused));
        Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area }
    };
    let value = model.ui.input.value();
    if value.is_empty() {
        let hint = match (focused, &model.ui.recipient) {
            _ if passkey::awaited(model) => "paste the browser's answer here",
            (false, _) => "press i to write",
            (true, Some(_)) => "",
            (true, None) => "+584244370180 Hola",
        };
        put(buffer, inner, (0, 0), hint, inner.width, theme.dim());
    }
    let cursor = shown(value, model.ui.input.cursor(), inner, buffer);
    focused.then_some(cursor)
}

/// The part of the line around the cursor. Returns where the cursor is.
pub(super) fn shown(value: &str, cursor: usize, area: Rect, buffer: &mut Buffer) -> Position {
    let width = usize::from(area.width);
    let at = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
    let before = &value[..at];
    // Start late enough that the cursor is inside. Looked for from the cursor: a pasted line may have millions of columns.
    let (mut start, mut columns) = (at, 0);
    for (n, grapheme) in before.grapheme_indices(true).rev() {
        columns += grapheme.width();
        if columns >= width {
            break;
        }
        start = n;
    }
    let offset = value[start..at].width().min(width.saturating_sub(1));
    put(buffer, area, (0, 0), &value[start..], area.width, Style::new());
    Position { x: area.x + u16::try_from(offset).unwrap_or(0), y: area.y }
}

/// Whom the line is for, and what stands in the way.
fn title(model: &Model) -> String {
    if let Some(title) = passkey::title(model) {
        return title;
    }
    let name = |chat: &Chat| sanitize::line(chat.address(), 40);
    let to = match read_line(model.ui.input.value()) {
        Line::To(phone, _) => format!("To {phone}"),
        Line::Wrong(error) => return format!("✗ {error}"),
        Line::Text(_) => match &model.ui.recipient {
            Some(chat) => format!("To {}", name(chat)),
            None => "Message: +number text".to_owned(),
        },
    };
    if model.snapshot.connection.state.is_up() { to } else { format!("{to} (waits until connected)") }
}
