//! Draws everything where [`layout`] has it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::layout::{self, SMALLEST};
use super::model::{Focus, Model};
use super::panes::{banner, compose, connection, feed, footer, log, metrics, overlay, pairing, status, welcome};
use super::theme::Theme;
use crate::clock::Now;

/// Draws everything. Returns where the cursor is, when it is shown. Never draws outside of `area`.
pub fn view(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) -> Option<Position> {
    let cursor = draw(model, theme.with(model.ui.look.theme), area, buffer, now);
    if let Some(lost) = &model.ui.lost {
        banner::draw(model, lost, theme.with(model.ui.look.theme), area, buffer, now);
    }
    if theme.is_ascii() {
        super::ascii::replace(buffer);
    }
    cursor
}

fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) -> Option<Position> {
    let Some(places) = layout::places(model, area, now) else {
        let text = format!("{}×{} needed, this is {}×{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
        let text = super::sanitize::line(&text, usize::from(area.width));
        if area.height > 0 {
            buffer.set_string(area.x, area.y, text, theme.bad());
        }
        return None;
    };
    let lies_over = |buffer: &mut Buffer| {
        model.ui.overlay.as_ref().and_then(|what| overlay::draw(model, what, theme, area, buffer, now))
    };
    if model.ui.whole_screen && model.qr.is_some() {
        pairing::whole_screen(model, theme, area, buffer, now);
        return lies_over(buffer);
    }
    if !places.head.is_empty() {
        status::header(model, theme, places.head, buffer, now);
    }
    for (pane, area) in &places.panes {
        match pane {
            Focus::Status => connection::pane(model, theme, *area, buffer, now),
            Focus::Metrics => metrics::pane(model, theme, *area, buffer, now),
            Focus::Log => log::pane(model, theme, *area, buffer),
            Focus::Feed | Focus::Compose => {
                feed::pane(model, theme, *area, buffer);
                welcome::third_step(model, theme, *area, buffer);
            }
        }
    }
    if !places.link.is_empty() {
        pairing::pane(model, theme, places.link, buffer, now, places.design);
    }
    footer::draw(model, theme, places.foot, buffer, now);
    let cursor = if places.input.is_empty() { None } else { compose::pane(model, theme, places.input, buffer) };
    if model.ui.overlay.is_some() { lies_over(buffer) } else { cursor }
}
