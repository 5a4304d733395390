//! The chats to choose from, over the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::Style;

use super::super::model::Model;
use super::super::recipients::{Candidate, Picker};
use super::super::theme::Theme;
use super::feed::place;
use super::overlay::{window, within};
use super::{compose, put};

/// The columns and rows of the window.
const SIZE: (u16, u16) = (62, 16);

/// Where the list of those who fit is drawn, within the window.
fn list(inner: Rect) -> Rect {
    Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner }
}

/// The first that is drawn, so that the chosen one is in sight.
fn first(picker: &Picker, candidates: usize, list: Rect) -> usize {
    let selected = picker.selected.min(candidates.saturating_sub(1));
    (selected + 1).saturating_sub(usize::from(list.height).max(1))
}

/// Who is drawn at a place of the screen.
pub(in super::super) fn row_at(picker: &Picker, model: &Model, area: Rect, at: Position) -> Option<usize> {
    let list = list(within(SIZE, area).inner(Margin { horizontal: 1, vertical: 1 }));
    let candidates = picker.candidates(&model.ui.chats, &model.snapshot.groups).len();
    let row = usize::from(at.y.checked_sub(list.y)?);
    Some(first(picker, candidates, list) + row).filter(|n| list.contains(at) && *n < candidates)
}

pub(super) fn draw(picker: &Picker, model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) -> Position {
    let inner = window("To whom? (Enter chooses, Esc leaves, @ again writes an @)", SIZE, theme, area, buffer);
    let line = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), height: inner.height.min(1), ..inner };
    if picker.input.value().is_empty() {
        put(buffer, line, (0, 0), "part of a name or a number, or a new number", line.width, theme.dim());
    }
    let cursor = compose::shown(picker.input.value(), picker.input.cursor(), line, buffer);
    let list = list(inner);
    let candidates = picker.candidates(&model.ui.chats, &model.snapshot.groups);
    if candidates.is_empty() {
        put(buffer, list, (1, 0), "no chat is like that; a new number is +, country, number", list.width, theme.dim());
    }
    let room = usize::from(list.height).max(1);
    let selected = picker.selected.min(candidates.len().saturating_sub(1));
    let first = first(picker, candidates.len(), list);
    for (at, candidate) in candidates.into_iter().enumerate().skip(first).take(room) {
        let y = u16::try_from(at - first).unwrap_or(u16::MAX);
        let (name, more) = match candidate {
            Candidate::New if picker.input.value().contains('@') => (picker.input.value(), "a new chat".to_owned()),
            Candidate::New => (picker.input.value(), "a new number".to_owned()),
            Candidate::Group(id, subject) => (subject, format!("group {id}")),
            Candidate::Known(row) => {
                let kind = place(row.chat.kind).map(|kind| format!("{kind} ")).unwrap_or_default();
                let address = if row.own_name().is_some() { row.chat.address() } else { "" };
                (row.title(), format!("{kind}{address}"))
            }
        };
        let half = list.width / 2;
        put(buffer, list, (1, y), name, half.saturating_sub(2), Style::new());
        put(buffer, list, (half, y), &more, half.saturating_sub(1), theme.dim());
        if at == selected {
            buffer.set_style(Rect { y: list.y + y, height: 1, ..list }.intersection(list), theme.selected());
        }
    }
    cursor
}
