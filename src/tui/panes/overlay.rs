//! What lies over the screen: the keys, a question, a number to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::super::keymap::{Context, KEYS};
use super::super::model::{Model, Overlay};
use super::super::theme::Theme;
use super::{framed, put};

pub(in super::super) fn draw(
    model: &Model,
    overlay: &Overlay,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    match overlay {
        Overlay::Help => {
            help(theme, area, buffer);
            None
        }
        Overlay::Quit => {
            let inner = window("Quit?", (56, 4), theme, area, buffer);
            let waiting = format!("{} messages wait to be sent; they stay on disk.", model.snapshot.queue);
            put(buffer, inner, (1, 0), &waiting, inner.width, Style::new());
            put(buffer, inner, (1, 1), "y quits, any other key stays", inner.width, theme.key());
            None
        }
        Overlay::Number(input) => {
            let inner = window("Number of the phone to be linked", (56, 4), theme, area, buffer);
            put(buffer, inner, (1, 0), input.value(), inner.width.saturating_sub(1), Style::new());
            let line = model.ui.notice.as_deref().unwrap_or("as in +584244370180; Enter asks for a code, Esc leaves");
            put(buffer, inner, (1, 1), line, inner.width.saturating_sub(1), theme.dim());
            let x = u16::try_from(input.visual_cursor()).unwrap_or(0).min(inner.width.saturating_sub(2));
            Some(Position { x: inner.x + 1 + x, y: inner.y })
        }
    }
}

/// A framed area in the middle, cleared.
fn window(title: &str, size: (u16, u16), theme: Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let at = Rect { x, y, width, height };
    Clear.render(at, buffer);
    framed(title, true, theme, at, buffer)
}

fn help(theme: Theme, area: Rect, buffer: &mut Buffer) {
    let rows = u16::try_from(KEYS.len()).unwrap_or(u16::MAX).saturating_add(5);
    let inner = window("Keys (any key closes)", (64, rows), theme, area, buffer);
    let mut y = 0;
    for (context, title) in [(Context::Browse, "Everywhere"), (Context::Compose, "In the input box")] {
        put(buffer, inner, (1, y), title, inner.width, theme.title());
        y += 1;
        for binding in KEYS.iter().filter(|b| b.context == context) {
            put(buffer, inner, (3, y), &binding.keys.join(" "), 14, theme.key());
            put(buffer, inner, (18, y), binding.help, inner.width, Style::new());
            y += 1;
        }
    }
    put(buffer, inner, (1, y), "Ctrl-C twice quits from anywhere", inner.width, theme.dim());
}
