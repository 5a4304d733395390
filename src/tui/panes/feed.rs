//! The messages, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::model::{Focus, Model};
use super::super::theme::Theme;
use super::said::said;
use super::{framed, put};
use crate::protocol::ChatKind;
use crate::state::{Delivery, DeliveryState, Direction, Message};

/// Columns: time, who, mark.
const TIME: u16 = 9;
const MARK: u16 = 3;

pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 || area.width < 20 {
        return;
    }
    let title = match model.ui.selected {
        None => "Messages".to_owned(),
        Some(_) if model.ui.unseen > 0 => format!("Messages, {} new below (G)", model.ui.unseen),
        Some(_) => "Messages, not following (G)".to_owned(),
    };
    let focused = model.ui.focus == Focus::Feed;
    let inner = framed(&title, focused, theme, area, buffer);
    if model.snapshot.feed.is_empty() {
        put(buffer, inner, (1, 0), "no messages yet", inner.width, theme.dim());
        return;
    }
    for (y, line) in (0..inner.height).zip(visible(model, theme, inner)) {
        draw(&line, theme, Rect { y: inner.y + y, height: 1, ..inner }, buffer);
    }
}

/// One line of the pane.
struct Line {
    time: String,
    who: String,
    who_style: Style,
    mark: &'static str,
    mark_style: Style,
    text: String,
    text_style: Style,
    selected: bool,
}

fn who_columns(area: Rect) -> u16 {
    if area.width >= 70 { 20 } else { 14 }
}

/// The lines that fill the area: ending with the newest message, or around the chosen one.
fn visible(model: &Model, theme: Theme, area: Rect) -> Vec<Line> {
    let rows = usize::from(area.height);
    let last = model.ui.added.saturating_sub(1);
    let center = model.ui.selected.map_or(last, |at| at.max(model.first()));
    let mut above = Vec::new();
    let mut number = center;
    while above.len() < rows {
        let Some(message) = model.message(number) else { break };
        let mut lines = lines(message, model, number, theme, area);
        lines.reverse();
        above.append(&mut lines);
        let Some(before) = number.checked_sub(1) else { break };
        number = before;
    }
    let mut below = Vec::new();
    let mut number = center;
    while below.len() < rows && number < last {
        number += 1;
        let Some(message) = model.message(number) else { break };
        below.append(&mut lines(message, model, number, theme, area));
    }
    // The chosen message stands in the middle, except near the ends.
    let below_rows = (rows / 2).max(rows.saturating_sub(above.len())).min(below.len());
    above.truncate(rows - below_rows);
    above.reverse();
    below.truncate(below_rows);
    above.append(&mut below);
    above
}

fn lines(message: &Message, model: &Model, number: u64, theme: Theme, area: Rect) -> Vec<Line> {
    let width = area.width.saturating_sub(TIME + who_columns(area) + MARK + 1).max(8);
    let (mark, mark_style) = mark(message, theme);
    let (who, who_style) = who(message, theme);
    let selected = model.ui.selected == Some(number);
    let mut time = Some(message.at.clock_time(&model.ui.zone));
    said(message, model, number, theme, usize::from(width))
        .into_iter()
        .map(|(text, text_style)| {
            let first = time.is_some();
            Line {
                time: time.take().unwrap_or_default(),
                who: if first { who.clone() } else { String::new() },
                who_style,
                mark: if first { mark } else { "" },
                mark_style,
                text,
                text_style,
                selected,
            }
        })
        .collect()
}

fn draw(line: &Line, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let who = who_columns(area);
    put(buffer, area, (0, 0), &line.time, TIME, theme.dim());
    put(buffer, area, (TIME, 0), &line.who, who - 1, line.who_style);
    put(buffer, area, (TIME + who, 0), line.mark, MARK, line.mark_style);
    put(buffer, area, (TIME + who + MARK, 0), &line.text, area.width, line.text_style);
    if line.selected {
        buffer.set_style(area, theme.selected());
    }
}

/// Who wrote it, or whom it is for. What is not a person is named as such.
fn who(message: &Message, theme: Theme) -> (String, Style) {
    let place = match message.chat.kind {
        ChatKind::Person | ChatKind::Other => None,
        ChatKind::Group => Some("group"),
        ChatKind::Status => Some("status"),
        ChatKind::Broadcast => Some("list"),
        ChatKind::Newsletter => Some("channel"),
    };
    let name = message.name.as_deref().unwrap_or(&message.from);
    match message.direction {
        Direction::In => (place.map_or_else(|| name.to_owned(), |place| format!("{place} {name}")), theme.incoming()),
        Direction::Out | Direction::OutElsewhere => (
            format!("→ {}{}", place.map(|p| format!("{p} ")).unwrap_or_default(), message.chat.address()),
            theme.outgoing(),
        ),
    }
}

/// How far a message of ours has come. Each mark has a shape of its own.
fn mark(message: &Message, theme: Theme) -> (&'static str, Style) {
    match (message.direction, message.delivery.as_deref().map(|d: &Delivery| d.state)) {
        (Direction::OutElsewhere, _) => ("⇄", theme.dim()),
        (Direction::In, _) | (Direction::Out, None) => ("", Style::new()),
        (Direction::Out, Some(DeliveryState::Queued)) => ("…", theme.busy()),
        (Direction::Out, Some(DeliveryState::Dispatched)) => ("›", theme.busy()),
        (Direction::Out, Some(DeliveryState::Sent)) => ("✓", Style::new()),
        (Direction::Out, Some(DeliveryState::Delivered)) => ("✓✓", Style::new()),
        (Direction::Out, Some(DeliveryState::Read)) => ("◉", theme.good()),
        (Direction::Out, Some(DeliveryState::Failed)) => ("✗", theme.bad()),
        (Direction::Out, Some(DeliveryState::Expired)) => ("⊖", theme.bad()),
        (Direction::Out, Some(DeliveryState::Cancelled)) => ("⊘", theme.dim()),
    }
}
