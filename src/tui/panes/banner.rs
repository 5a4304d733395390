//! What lies over the last picture while the line to the gateway is broken.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::keymap::Action;
use super::super::model::Model;
use super::super::theme::Theme;
use super::put;
use super::status::in_time;
use crate::clock::Now;
use crate::link::Lost;

/// After how long a gateway that runs here is not thought to come back by itself.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// From so many columns on it is said at length.
const WIDE: u16 = 70;

/// Since when and when again in one line, why in another.
pub(in super::super) fn draw(model: &Model, lost: &Lost, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let since = match now.wall.since(lost.since).as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    };
    let again = in_time(lost.retry_at, now);
    let (first, indent) = if area.width >= WIDE {
        (format!("✗ connection to the gateway lost {since} ago; trying again {again}"), 2)
    } else {
        (format!("✗ gateway lost {since} ago; again {again}"), 2)
    };
    // Nothing but the operator starts a gateway of his own that has ended.
    let gone =
        now.wall.since(lost.since) >= GIVEN_UP && model.ui.attached.as_ref().is_some_and(|at| at.starts_with("unix:"));
    let second = match model.ui.sending.len() {
        0 if gone => {
            let quit = model.ui.look.keys.key(Action::Quit);
            format!("{quit} leaves, and pilothouse --keep starts one; {}", lost.why)
        }
        0 => lost.why.to_string(),
        // It may have it: the same request is made once more, under its key.
        _ => "what was sent last is not answered for; it is asked again, and goes out once".to_owned(),
    };
    let style = theme.bad().add_modifier(Modifier::REVERSED);
    let rows = [(first, 0, style), (second, indent, Style::new().add_modifier(Modifier::REVERSED))];
    for (y, (text, x, style)) in (0..area.height).zip(rows) {
        let row = Rect { x: area.x, y: area.y + y, width: area.width, height: 1 };
        for at in row.positions() {
            if let Some(cell) = buffer.cell_mut(at) {
                cell.reset();
                cell.set_style(style);
            }
        }
        put(buffer, row, (x, 0), &text, row.width, style);
    }
}
