//! The chats, the one with the newest message first.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::super::model::{Focus, Model};
use super::super::theme::Theme;
use super::feed::place;
use super::{count, framed, marks, put};

/// The columns of the list beside the messages.
pub(super) const COLUMNS: u16 = 44;

/// The columns of the unread messages' number, and of the time.
const UNREAD: u16 = 5;
const TIME: u16 = 11;

/// The first chat that is drawn in so many rows, two for each, so that the chosen one is in sight; and how many are.
fn drawn(model: &Model, rows: u16) -> (usize, usize) {
    let room = usize::from(rows / 2).max(1);
    ((model.ui.chats.selected + 1).saturating_sub(room), room)
}

/// The chat that is drawn at a place in the frame.
pub(super) fn row_at(model: &Model, inner: Rect, at: Position) -> Option<usize> {
    let row = usize::from(at.y.checked_sub(inner.y)?) / 2;
    let (first, room) = drawn(model, inner.height);
    Some(first + row).filter(|at| row < room && *at < model.ui.chats.rows().len())
}

pub(super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let chats = &model.ui.chats;
    let unread = chats.rows().iter().filter(|row| row.unread > 0).count();
    let title = match unread {
        0 => "Chats".to_owned(),
        1 => "1 unread chat since opened here".to_owned(),
        n => format!("{n} unread chats since opened here"),
    };
    let inner = framed(&title, model.ui.focus == Focus::Feed && chats.has_keys(), theme, area, buffer);
    if let Some(fault) = &chats.fault {
        put(buffer, inner, (1, 0), &format!("✗ {fault}"), inner.width.saturating_sub(2), theme.bad());
    } else if chats.rows().is_empty() {
        put(buffer, inner, (1, 0), "no chats yet", inner.width, theme.dim());
    }
    let (first, room) = drawn(model, inner.height);
    for (at, row) in chats.rows().iter().enumerate().skip(first).take(room) {
        let y = u16::try_from((at - first) * 2).unwrap_or(u16::MAX);
        let zone = &model.ui.zone;
        let today = chats.rows().front().map(|newest| newest.at.calendar_date(zone));
        let date = row.at.calendar_date(zone);
        let time = if today.as_ref() == Some(&date) { row.at.clock_time(zone) } else { date };
        let right = inner.width.saturating_sub(TIME);
        let unread = if row.unread > 0 { count(row.unread.into()) } else { String::new() };
        put(buffer, inner, (0, y), &unread, UNREAD - 1, theme.busy());
        let kind = place(row.chat.kind).map(|kind| format!("{kind} ")).unwrap_or_default();
        let name = format!("{kind}{}", row.title());
        put(buffer, inner, (UNREAD, y), &name, right.saturating_sub(UNREAD + 1), theme.title());
        put(buffer, inner, (right, y), &format!("{time:>10}"), TIME, theme.dim());
        let who = if row.last_is_ours { "→ " } else { "" };
        let mark = row.delivery.as_ref().and_then(|(_, state)| *state).map(|state| marks::mark(state, theme).0);
        let last = match mark {
            Some(mark) => format!("{who}{mark} {}", row.last),
            None => format!("{who}{}", row.last),
        };
        put(buffer, inner, (UNREAD, y + 1), &last, inner.width.saturating_sub(UNREAD + 1), Style::new());
        if at == chats.selected {
            let height = 2.min(inner.height.saturating_sub(y));
            buffer.set_style(Rect { y: inner.y + y, height, ..inner }.intersection(inner), theme.selected());
        }
    }
}
