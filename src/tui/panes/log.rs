//! The last lines of the log, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use tracing::Level;

use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::super::sanitize;
use super::super::theme::Theme;
use super::{framed, put};
use crate::telemetry::Line;

/// Columns: time, level.
const TIME: u16 = 9;
const LEVEL: u16 = 6;

/// The most rows of one line.
const ROWS: usize = 3;

pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let look = &model.ui.look;
    let (view, keys) = (&look.log_view, &look.keys);
    let title = format!("Log: {} ({} {})", view.name(), keys.key(Action::LogLevel), keys.key(Action::LogTarget));
    let scroll = &look.scroll[2];
    let inner = framed(&title, model.ui.focus == Focus::Log, theme, area, buffer);
    if inner.is_empty() {
        return;
    }
    if model.ui.focus == Focus::Log {
        model.ui.look.moving.set(inner);
    }
    let lines = view.look(|lines| {
        let mut drawn: Vec<Vec<(String, Style)>> = Vec::new();
        for line in lines {
            let mut rows = rows(line, model, theme, inner.width);
            rows.reverse();
            drawn.append(&mut rows);
        }
        drawn
    });
    let lines = lines.unwrap_or_default();
    if lines.is_empty() {
        put(buffer, inner, (1, 0), "nothing logged yet", inner.width, theme.dim());
    }
    let first = scroll.first(lines.len(), inner.height);
    let shown = u16::try_from(lines.len() - first).unwrap_or(u16::MAX).min(inner.height);
    for (up, pieces) in (1..=shown).zip(lines.iter().skip(first)) {
        let (mut x, y) = (0, shown - up);
        for (text, style) in pieces {
            x += put(buffer, inner, (x, y), text, inner.width, *style);
        }
    }
    if first > 0 {
        let text = format!(" ↓ {first} newer ");
        put(buffer, area, (2, area.height - 1), &text, area.width.saturating_sub(4), theme.border(true));
    }
}

/// A line of the log in at most three rows; those after the first are moved in.
fn rows(line: &Line, model: &Model, theme: Theme, columns: u16) -> Vec<Vec<(String, Style)>> {
    let style = match line.level {
        Level::ERROR => theme.bad(),
        Level::WARN => theme.busy(),
        _ => Style::new(),
    };
    let (wide, head) = if columns >= 60 { (true, TIME + LEVEL) } else { (false, TIME) };
    let text = match &*line.target {
        "bridge" => format!("bridge: {}", line.text),
        target => format!("{}: {}", target.strip_prefix("pilothouse::").unwrap_or(target), line.text),
    };
    let mut rows = Vec::new();
    for (n, text) in sanitize::wrap(&text, usize::from(columns.saturating_sub(head)), ROWS).into_iter().enumerate() {
        let first = n == 0;
        let time = if first { line.at.clock_time(&model.ui.zone) } else { String::new() };
        let mut pieces = vec![(format!("{time:0$}", usize::from(TIME)), theme.dim())];
        if wide {
            let level = if first { line.level.as_str() } else { "" };
            pieces.push((format!("{level:0$}", usize::from(LEVEL)), style));
        }
        pieces.push((text, style));
        rows.push(pieces);
    }
    rows
}
